"""What is told twice is the same figure: the totals of each output of a run, read from its text."""

from __future__ import annotations

import re
from pathlib import Path

import capmix
import pytest
from capmix.reports.pages.read_outputs import Shown, in_text, shown
from capmix.reports.pages.reconciliation import CASE, SCENARIOS, page
from capmix.reports.pages.totals import reconciled

from ..stored import RUNS, stored

DOC = Path(__file__).parents[3] / "docs" / "reconciliation.md"


@pytest.fixture(scope="module", params=[*RUNS, "neocloud"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folders of plans as they are saved; neocloud's holds equity beside debt."""
    place = tmp_path_factory.mktemp("run") / request.param
    if request.param != "neocloud":
        return stored(request.param).save(place)
    return capmix.optimize("neocloud", scenarios=300, seed=1, device="cpu").save(place)


def test_every_total_is_the_same_in_all_outputs(folder: Path) -> None:
    found = reconciled(folder)
    assert [one.total.title for one in found if not one.agrees] == []
    told = [sum(other is not None for other in one.others) for one in found]
    assert min(told) >= 2
    assert len(found) >= 17
    assert {"capital raised", "capital spent", "closing cash", "closing equity", "interest paid", "revenue"} <= {
        one.total.title for one in found
    }
    assert sum(one.total.title.startswith("CVaR of ") for one in found) >= 2


@pytest.mark.parametrize(
    ("file", "old", "new", "total"),
    [
        ("summary.txt", r"(capital raised +)[\d.,]+", r"\g<1>9.99", "capital raised"),
        ("summary.txt", r"(net_loss, CVaR \S+ +\S+ +)\S+", r"\g<1>9.99", "CVaR of net loss"),
        ("report.html", r"(<dt>closing cash</dt><dd>)[\d.,]+", r"\g<1>9.99", "closing cash"),
        ("plan.json", r'("total": )[\d.]+', r"\g<1>9.99", "capital raised"),
        ("tables/balance_sheet.csv", r"(\nclosing equity,.*,)[-\d.e]+", r"\g<1>9.99", "closing equity"),
    ],
)
def test_a_figure_that_differs_is_found(tmp_path: Path, file: str, old: str, new: str, total: str) -> None:
    folder = stored("starter").save(tmp_path / "run")
    path = folder / file
    text, times = re.subn(old, new, path.read_text(encoding="utf-8"), count=1)
    assert times == 1
    path.write_text(text, encoding="utf-8", newline="")
    assert [one.total.title for one in reconciled(folder) if not one.agrees] == [total]


def test_a_total_that_an_output_no_longer_tells_is_an_error(tmp_path: Path) -> None:
    folder = stored("starter").save(tmp_path / "run")
    text = (folder / "summary.txt").read_text(encoding="utf-8")
    (folder / "summary.txt").write_text(text.replace("capital raised", "money raised"), encoding="utf-8")
    with pytest.raises(LookupError, match="capital"):
        reconciled(folder)


def test_figures_as_they_are_shown() -> None:
    assert shown("1,234.5").value == 1234.5
    assert shown("1,234.5").agrees(1234.549)
    assert not shown("1,234.5").agrees(1234.56)
    assert shown("12.3%").agrees(0.12345)
    assert not shown("12.3%").agrees(0.1236)
    assert shown("7.4e-06").agrees(7.44e-6)
    assert not shown("7.4e-06").agrees(7.46e-6)
    assert shown("-") == Shown(0.0, 0.005)
    assert in_text("  closing cash   -0.50 bn", "closing cash +NUMBER").value == -0.5
    with pytest.raises(ValueError, match="none"):
        shown("none")


def test_the_page_lists_every_total_and_all_agree(tmp_path: Path) -> None:
    text = DOC.read_text(encoding="utf-8")
    assert f"`{CASE}` over {SCENARIOS:,} scenarios" in text
    found = reconciled(stored("starter").save(tmp_path / "run"))
    common = [one.total.title for one in found if not one.total.title.startswith("CVaR of ")]
    rows = re.findall(r"^\| ([^|]+) \|.*\| (yes|NO) \|$", text, re.MULTILINE)
    assert [agrees for _, agrees in rows] == ["yes"] * len(rows)
    assert [name.partition(",")[0] for name, _ in rows][: len(common)] == [name.partition(",")[0] for name in common]
    written = page(found, "starter", 500)
    assert written.count("| yes |") == len(found)
