"""The summary of one screen: it fits, adds up, keeps names apart, and says what a board must not miss."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path

import pytest
from capmix.models.blocks import rules
from capmix.models.blocks.rules import Rule
from capmix.optimizer.analysis.names import CASH_FLOW, COVENANT_RISK
from capmix.optimizer.analysis.treasury.names import DEBT
from capmix.reports.scale import BILLIONS, MILLIONS, THOUSANDS, scale_for
from capmix.reports.summary.bottlenecks import LETTERS
from capmix.reports.summary.layout import distinct
from capmix.reports.summary.sources_uses import OutOfBalance, sources_and_uses
from capmix.reports.summary.terminal import render
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from .plans import make_plan
from .stored import RUNS, stored

ROWS = 85  # at 80 columns
ASKED = {"group": 15}  # more rows where limits of one's own and replications were asked for


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("name", RUNS)
def test_it_fits(name: str, width: int) -> None:
    rows = render(stored(name), width).splitlines()
    assert max(map(cell_len, rows)) <= width
    assert len(rows) <= ROWS + ASKED.get(name, 0)
    assert len(rows) < 0.6 * len(render(stored(name), width, full=True).splitlines())


@pytest.mark.parametrize("name", RUNS)
def test_sources_are_uses(name: str) -> None:
    plan = stored(name)
    sources, uses = sources_and_uses(plan)
    assert math.fsum(v for _, v in sources) == pytest.approx(math.fsum(v for _, v in uses), rel=1e-9)
    assert dict(sources)["opening cash"] == plan.case.cash.opening


def test_what_does_not_add_up_is_said_and_not_shown() -> None:
    plan = stored()
    table = plan.tables[CASH_FLOW]
    rows = tuple((*row[:2], *(2.0 * v for v in row[2:])) if row[0] == "hardware" else row for row in table.rows)
    wrong = dataclasses.replace(plan, tables={**plan.tables, CASH_FLOW: dataclasses.replace(table, rows=rows)})
    with pytest.raises(OutOfBalance, match="sources are"):
        sources_and_uses(wrong)
    assert "not shown: sources are" in render(wrong, 120)
    assert "operating cash flow" not in render(wrong, 120)


def figures(row: str) -> list[float]:
    return [float(word.replace(",", "")) for word in re.findall(r"(?<![\w.])-?[\d,]+\.\d+(?![\w%])", row)]


@pytest.mark.parametrize("name", RUNS)
def test_the_tables_add_up_as_they_are_written(name: str) -> None:
    rows = render(stored(name), 120).splitlines()
    first = next(i for i, row in enumerate(rows) if row.startswith("CAPITAL STACK"))
    last = next(i for i in range(first, len(rows)) if rows[i].strip().startswith("total"))
    amounts = [figures(row)[0] for row in rows[first + 2 : last]]
    assert math.fsum(amounts) == pytest.approx(figures(rows[last])[0], abs=1e-9)
    first = next(i for i, row in enumerate(rows) if row.startswith("SOURCES AND USES"))
    last = next(i for i in range(first, len(rows)) if rows[i].strip().startswith("total"))
    shown = [value for row in rows[first + 2 : last] for value in figures(row)]
    assert math.fsum(shown) == pytest.approx(math.fsum(figures(rows[last])), abs=1e-9)


@given(st.lists(st.floats(0.0, 1e4), max_size=12))
def test_rounded_amounts_add_up(amounts: list[float]) -> None:
    for scale in (BILLIONS, MILLIONS, THOUSANDS):
        step = 10.0**-scale.decimals
        shown = [0.0 if text == "·" else float(text.replace(",", "")) for text in scale.adding(amounts)]
        whole = math.fsum(amounts) * scale.factor
        assert math.fsum(shown) == pytest.approx(whole, abs=0.51 * step + 1e-9 * whole)
        for value, text in zip(amounts, shown, strict=True):
            assert abs(value * scale.factor - text) <= step * (1.0 + 1e-6) + 1e-9 * whole


def test_what_is_told_elsewhere_is_rounded_to_the_nearest() -> None:
    assert BILLIONS.adding([0.004, 0.004, 1.004]) == ["0.01", "·", "1.00"]
    assert BILLIONS.adding([0.004, 0.003, 1.0041], kept=[2]) == ["0.01", "·", "1.00"]
    assert BILLIONS.adding([0.004, 0.003, 1.0041]) == ["·", "·", "1.01"]
    assert BILLIONS.adding([1.006, 1.006, 1.006, 1.008]) == ["1.00", "1.01", "1.01", "1.01"]


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("word", ["opening cash", "closing cash", "hardware", "sites"])
def test_one_figure_for_one_thing(name: str, word: str) -> None:
    text = render(stored(name), 120)
    head, body = text.split("CAPITAL STACK")[0], text.split("SOURCES AND USES")[1]
    beside = {"opening cash": r"opening ([\d.,]+)"}.get(word, rf"{word} +([\d.,]+)(?:,| |$)")
    first, second = re.search(beside, head, re.MULTILINE), re.search(rf"{word} +([\d.,]+)", body)
    assert first is not None
    assert second is not None
    assert first[1].rstrip(",") == second[1]


@pytest.mark.parametrize(
    ("amounts", "scale"),
    [((79.7, 8.0), BILLIONS), ((0.6, 0.9), MILLIONS), ((0.004,), THOUSANDS), ((), BILLIONS), ((math.nan,), BILLIONS)],
)
def test_the_unit_is_that_of_the_size(amounts: tuple[float, ...], scale: object) -> None:
    assert scale_for(amounts) is scale


@given(st.lists(st.text("abc de", min_size=1, max_size=40), unique=True, max_size=8), st.integers(12, 30))
def test_names_that_are_cut_stay_apart(names: list[str], width: int) -> None:
    cut = distinct(names, width)
    assert max(map(cell_len, cut), default=0) <= width
    assert len(set(cut)) == len(names)
    assert all(short == name for short, name in zip(cut, names, strict=True) if cell_len(name) <= width)


def test_the_part_that_repeats_is_what_is_cut() -> None:
    names = ["senior unsecured bond of the holding, 7 years", "senior unsecured bond of the holding, 30 years"]
    assert distinct(names, 24) == ["senior unsecured…7 years", "senior unsecure…30 years"]


def rules_in(found: object) -> list[Rule]:
    if isinstance(found, Rule):
        return [found]
    values = found.values() if isinstance(found, dict) else found if isinstance(found, tuple | list) else ()
    return [rule for value in values for rule in rules_in(value)]


def test_every_link_has_a_letter_of_its_own() -> None:
    links = {rule.link for name in dir(rules) for rule in rules_in(getattr(rules, name)) if rule.link}
    assert links <= set(LETTERS)
    assert len(set(LETTERS.values())) == len(LETTERS)


def test_a_covenant_that_many_scenarios_breach_is_noted() -> None:
    plan = make_plan()
    table = plan.tables[COVENANT_RISK]
    at = table.place("breached")

    def with_share(share: float) -> str:
        rows = tuple((*row[:at], share, *row[at + 1 :]) for row in table.rows)
        tables = {**plan.tables, COVENANT_RISK: dataclasses.replace(table, rows=rows)}
        return " ".join(render(dataclasses.replace(plan, tables=tables), 100).split())

    assert "Note: scenarios breach leverage in 11% (median first 2028Q3)" in with_share(0.11)
    assert "scenarios breach" not in with_share(0.10)


def test_equity_has_no_rate() -> None:
    plan = stored()
    table = plan.tables[DEBT]
    at, name = table.place("claim"), table.place("instrument")

    def with_claim(claim: str) -> str:
        rows = tuple((*row[:at], claim, *row[at + 1 :]) if row[name] == "vendor_credit" else row for row in table.rows)
        tables = {**plan.tables, DEBT: dataclasses.replace(table, rows=rows)}
        return render(dataclasses.replace(plan, tables=tables), 100)

    def row(text: str, word: str) -> list[str]:
        return next(line.split() for line in text.splitlines() if line.strip().startswith(word))

    assert "fixed" in row(with_claim("debt"), "Supplier credit")
    assert row(with_claim("debt"), "total")[3:5] == ["12%", "fixed"]
    assert "fixed" not in row(with_claim("equity"), "Supplier credit")
    assert row(with_claim("equity"), "total")[3:5] == ["2%", "fixed"]


def test_a_plan_without_funding_says_so() -> None:
    plan = stored()
    empty = dataclasses.replace(plan.funding, by_instrument={}, by_holder={}, total=0.0)
    assert "lives on its own cash" in render(dataclasses.replace(plan, funding=empty), 100)


def test_prices_and_amounts_are_in_the_unit_of_the_head() -> None:
    text = render(stored(), 120, full=True)
    assert "m = million USD" in text
    assert " for 1,000 m more of risk limit net_loss" in text
    assert not re.search(r"\bbn\b", text)


def test_what_follows_a_review_is_said_to_be_a_mean() -> None:
    plan = stored("adaptive")
    first = min(review.at for review in plan.case.review)
    assert "on average over the bands" not in render(plan, 120)
    early = tuple(dataclasses.replace(review, at=0) for review in plan.case.review)
    other = dataclasses.replace(plan, case=dataclasses.replace(plan.case, review=early))
    assert first > 1
    assert f"{plan.case.horizon.labels[0]}, on average over the bands of its reviews: order" in render(other, 120)


def test_only_files_that_are_there_are_named(tmp_path: Path) -> None:
    plan = stored()
    assert "report" not in render(plan, 120, tmp_path).splitlines()[-2]
    (tmp_path / "report.html").touch()
    assert render(plan, 120, tmp_path).splitlines()[-2].endswith(", with report.html")


def test_what_cannot_be_asked_is_not_proposed() -> None:
    plan = stored()
    assert "capmix frontier CASE --limit liquidity" in " ".join(render(plan, 120).split())
    bare = dataclasses.replace(plan, risk=(), case=dataclasses.replace(plan.case, variant=()))
    text = " ".join(render(bare, 120).split())
    assert "capmix frontier" not in text
    assert "capmix compare" not in text
