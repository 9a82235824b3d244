"""The report as a page: complete, safe with any name, and standing on its own."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from capmix import load_case
from capmix.optimizer.cutting_planes.solution import Status
from capmix.optimizer.plan import Plan
from capmix.reports.charts.chart import drawings
from capmix.reports.charts.registry import CHARTS
from capmix.reports.html.assumptions import assumptions, sourced
from capmix.reports.html.glossary import terms
from capmix.reports.html.page import html
from capmix.reports.html.plan_page import plan_page

from .plans import infeasible_plan, make_plan
from .stored import RUNS, stored

ROOT = Path(__file__).parents[2]
HOSTILE = '</title></style><script>alert("1")</script><img src=x onerror=alert(1)> & {{ 7 * 7 }}'
MOST = 2_000_000  # bytes


class Seen(HTMLParser):
    """Elements with their attributes, and ids; every element that is opened is closed."""

    VOID = ("meta", "link", "img", "br", "hr", "input", "path", "line")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img", "br", "hr", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.mark.parametrize("name", RUNS)
def test_the_page_of_a_real_plan(name: str) -> None:
    plan = stored(name)
    page = html(plan_page(plan))
    seen = Seen(page)
    assert seen.open == []
    assert len(page.encode()) < MOST
    charts = [chart.name for chart, _ in drawings(CHARTS, plan)]
    assert sorted(str(attrs["id"]) for attrs in seen.all("figure")) == sorted(charts)
    ids = [attrs["id"] for _, attrs in seen.tags if attrs.get("id")]
    assert len(ids) == len(set(ids))
    for attrs in seen.all("a"):
        assert str(attrs["href"]).removeprefix("#") in ids
    for attrs in seen.all("svg"):
        assert attrs["role"] == "img"
        assert attrs["aria-label"]
    assert len(seen.all("th")) > 100


def test_the_page_asks_nobody_for_anything() -> None:
    page = html(plan_page(stored()))
    seen = Seen(page)
    assert not seen.all("script") + seen.all("link") + seen.all("img") + seen.all("iframe")
    for tag, attrs in seen.tags:
        assert "src" not in attrs, tag
        assert not any(name.startswith("on") for name in attrs), tag
    assert "url(" not in page
    assert "@import" not in page
    policy = next(a["content"] for a in seen.all("meta") if a.get("http-equiv"))
    assert str(policy).startswith("default-src 'none'")


def test_names_of_a_case_are_text() -> None:
    plan = stored()
    case = dataclasses.replace(
        plan.case,
        case=dataclasses.replace(plan.case.case, title=HOSTILE, source=HOSTILE),
        site=tuple(dataclasses.replace(site, title=HOSTILE) for site in plan.case.site),
        accelerator=tuple(dataclasses.replace(a, title=HOSTILE) for a in plan.case.accelerator),
    )
    seen = Seen(html(plan_page(dataclasses.replace(plan, case=case, messages=(HOSTILE,)))))
    assert not seen.all("script") + seen.all("img")
    assert HOSTILE in "".join(seen.text)


def test_figures_of_the_page_are_those_of_the_plan() -> None:
    plan = stored()
    page = plan_page(plan)
    facts = {what: value for what, value, _ in page.facts}
    assert facts["capital raised"] == f"{plan.funding.total:,.2f} bn"
    assert plan.certificate is not None
    bounds = next(part for part in page.parts if part.anchor == "certificate").grids[0]
    shown = {row[0]: float(row[1].replace(",", "")) for row in bounds.rows if "bound" in row[0]}
    assert shown["upper bound"] == pytest.approx(plan.certificate.upper_bound, rel=1e-8)
    assert shown["lower bound"] == pytest.approx(plan.certificate.lower_bound, rel=1e-8)


def test_a_covenant_often_breached_is_told_first() -> None:
    plan = stored()
    table = plan.tables["covenant_risk"]
    at = table.place("breached")
    for share, told in ((0.11, True), (0.09, False)):
        rows = tuple((*row[:at], share, *row[at + 1 :]) for row in table.rows)
        tables = {**plan.tables, "covenant_risk": dataclasses.replace(table, rows=rows)}
        lead = " ".join(plan_page(dataclasses.replace(plan, tables=tables)).lead)
        assert ("breached in" in lead) is told


@pytest.mark.parametrize(
    "plan", [infeasible_plan(), make_plan(status=Status.STOPPED, objective_value=float("nan"), certificate=None)]
)
def test_a_run_without_a_plan_has_a_page_that_says_why(plan: Plan) -> None:
    seen = Seen(html(plan_page(plan)))
    assert not seen.all("figure")
    assert seen.all("section")


def test_a_page_without_pictures_has_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/no/such/program")
    seen = Seen(html(plan_page(stored())))
    assert not seen.all("svg")
    assert len(seen.all("figure")) > 10
    assert "This page has no pictures: the charts cannot be drawn" in " ".join(seen.text)


def test_the_glossary_is_that_of_the_documentation() -> None:
    known = dict(
        re.findall(r"^\| ([^|]+?) \| ([^|]+?) \| ", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.M)
    )
    for term, meaning in terms():
        assert known[term].replace("`", "") == meaning


def test_assumptions_are_all_entries_that_name_a_source() -> None:
    entries = sourced(load_case("neocloud"))
    text = (ROOT / "cases" / "neocloud.toml").read_text(encoding="utf-8").partition("[[variant]]")[0]
    written = re.findall(r'^source *= *"(.*)"', text, re.M)
    assert len(written) > 20
    assert {source for *_, source, _ in entries} >= set(written)
    assert assumptions(stored().case)[1] is None


def test_a_plan_that_adapts_tells_each_node_and_leaf() -> None:
    plan = stored("adaptive")
    part = next(part for part in plan_page(plan).parts if part.anchor == "reviews")
    risk = next(grid for grid in part.grids if "node" in [head for head, _ in grid.heads])
    assert risk.rows[0][0] == "all scenarios"
    tree = plan.tables["review_tree"].records()
    leaves = [row for row in tree if row.text("leaf") == "yes"]
    flows = [grid for grid in part.folded if grid.title.startswith("Expected cash flow where ")]
    assert len(flows) == len(leaves) == 3
    assert any("rental < " in grid.title and " and sofr < " in grid.title for grid in flows)
    rows = plan.tables["cash_flow_by_leaf"].rows
    assert sum(len(grid.rows) for grid in flows) == len(rows)
    assert all("leaf" not in [head for head, _ in grid.heads] for grid in flows)
    decided = [grid for grid in part.folded if grid.title.startswith("Decided otherwise where ")]
    assert decided
    assert all(1 <= len(grid.rows) <= 25 for grid in decided)
    assert plan_page(stored("starter")).parts[1].empty


def test_a_line_of_headroom_has_one_figure_a_period() -> None:
    """Of the nodes of a plan that adapts, the tightest."""
    plan = stored("adaptive")
    table = plan.tables["covenants"]
    drawing = next(found for chart, found in drawings(CHARTS, plan) if chart.name == "covenant_headroom")
    points = drawing.chart("").to_dict()["layer"][0]["data"]["values"]
    keys = [(row["covenant"], row["period"]) for row in points]
    assert len(keys) == len(set(keys)) < sum(row["headroom"] is not None for row in table.records())
    for row in table.records():
        if row["headroom"] is not None:
            share = 100 * min(2.0, row.number("headroom") / abs(row.number("limit")))
            at = keys.index((row.text("covenant").replace("_", " "), row.text("period")))
            assert points[at]["share"] <= share + 1e-9
