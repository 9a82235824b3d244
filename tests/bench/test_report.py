"""The page and its pictures, from documents made up here."""

from __future__ import annotations

import json
import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from capmix.bench import report
from capmix.bench.pictures import HEIGHT, WIDTH, Axis, Point, Series, axis, chart, number

SVG = "{http://www.w3.org/2000/svg}"


def record(subject: str, scenarios: int, seconds: float | None, outcome: str = "answered", **changes) -> dict:
    found = {
        "family": "factor",
        "scenarios": scenarios,
        "columns": 100,
        "subject": subject,
        "title": subject.title(),
        "version": "1.0",
        "outcome": outcome,
        "status": "",
        "seconds": seconds,
        "copies": seconds,
        "phases": {"build": 0.1, "solve": 0.2},
        "time_limit": 60.0,
        "gap": 1e-7 if outcome == "answered" else None,
        "violation": 0.0 if outcome == "answered" else None,
        "bound_by": "judge",
        "right": outcome == "answered",
        "claim_contradicted": False,
        "counts": {"passes": 6.0},
        "peak_bytes": 1e8,
        "load": 1.5,
    }
    return found | changes


def run_of(date: str, records: list[dict]) -> dict:
    return {
        "date": date,
        "machine": "a machine",
        "copy_bytes_per_s": 2e10,
        "time_limit": 60.0,
        "tolerance": 1e-5,
        "records": records,
    }


@pytest.fixture
def document() -> dict:
    rows = [record("capmix", s, s / 1e5) for s in (1_000, 10_000, 100_000)]
    rows += [record("clarabel", 1_000, 0.5), record("clarabel", 10_000, None, "did not finish")]
    rows += [record("cvqp", 10_000, 0.2, gap=-0.02, right=False)]
    rows += [record("cuopt", 1_000, None, "not available", status="needs a CUDA device")]
    return run_of("2026-01-02", rows)


def test_only_the_part_between_the_marks_changes(tmp_path, document):
    page, data = tmp_path / "RESULTS.md", tmp_path / "run.json"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    data.write_text(json.dumps(document))
    arguments = [str(data), "--page", str(page), "--pictures", str(tmp_path / "pictures")]
    assert report.main(arguments) == 0
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith(f"{report.END}\nafter\n")
    assert "old" not in text
    assert report.main(arguments) == 0
    assert page.read_text() == text


@pytest.mark.parametrize(
    "page", ["no marks", f"{report.END} {report.BEGIN}", f"{report.BEGIN}{report.BEGIN}{report.END}"]
)
def test_a_page_without_its_marks_is_refused(page):
    with pytest.raises(ValueError, match="marks"):
        report.replaced(page, "text")


def test_losing_and_missing_rows_are_shown(tmp_path, document):
    text = report.body([document], tmp_path)
    rows = [line for line in text.splitlines() if line.startswith("| factor")]
    assert len(rows) == 6
    assert sum("DNF" in row for row in rows) == 1
    assert any("| off |" in row and "-2.0e-02" in row for row in rows)
    assert "needs a CUDA device" in text
    assert "Cvqp (off) 2×" in text
    assert "Clarabel 50×" in text
    assert "Clarabel: DNF" in text


def test_the_newest_run_comes_first_and_its_figures_are_drawn(tmp_path, document):
    newer = run_of("2026-02-02", [record("capmix", 1_000, 7.0)])
    text = report.body([document, newer], tmp_path)
    assert text.index("2026-02-02") < text.index("2026-01-02")
    drawn = (tmp_path / "time.svg").read_text()
    replaced = [record("capmix", 1_000, 7.0), *document["records"][1:]]
    report.body([run_of("2026-02-02", replaced)], tmp_path)
    assert (tmp_path / "time.svg").read_text() == drawn


def test_pictures_are_well_formed_and_everything_lies_inside(tmp_path, document):
    report.body([document], tmp_path)
    names = sorted(p.name for p in tmp_path.glob("*.svg"))
    assert names == ["gap.svg", "passes.svg", "time.svg"]
    for name in names:
        root = ElementTree.fromstring((tmp_path / name).read_text())
        for circle in root.iter(f"{SVG}circle"):
            assert 0.0 < float(circle.get("cx")) < WIDTH
            assert 0.0 < float(circle.get("cy")) < HEIGHT
        for text in root.iter(f"{SVG}text"):
            assert 0.0 < float(text.get("y")) < HEIGHT
        assert "nan" not in (tmp_path / name).read_text()


def test_names_at_the_lines_ends_do_not_lie_on_each_other():
    series = [Series(f"name {i}", (Point(1.0, 1.0), Point(10.0, 2.0 + 1e-3 * i))) for i in range(12)]
    text = chart("t", "n", Axis("x", 1.0, 10.0), Axis("y", 1.0, 10.0), series)
    heights = sorted(float(y) for y in re.findall(r'y="([\d.]+)"[^>]*>name', text))
    assert len(heights) == 12
    assert min(b - a for a, b in pairwise(heights)) >= 15.9
    assert 0 < heights[0] < heights[-1] < HEIGHT


def test_a_point_stands_where_its_value_says():
    """Equal ratios are equal distances."""
    scale = Axis("x", 1.0, 1e4)
    assert scale.at(1.0) == 0.0
    assert scale.at(1e4) == 1.0
    assert scale.at(100.0) == pytest.approx(0.5)
    assert scale.at(1e9) == 1.0


@pytest.mark.parametrize("values", [[3.0], [1e3, 1e6], [0.02, 45.0], [7.0, 8.0], [1e-9, 1e-2]])
def test_an_axis_holds_its_values_and_has_ticks(values):
    found = axis("x", values)
    assert found.low <= min(values)
    assert max(values) <= found.high
    assert all(found.low * 0.99 <= t <= found.high * 1.01 for t in found.ticks())
    assert len(found.ticks()) >= 1
    assert math.isfinite(found.at(values[0]))


def test_ticks_read_well():
    assert [number(v) for v in (0.01, 0.5, 20.0, 1e3, 1e4, 1e-5, 2e5)] == [
        "0.01",
        "0.5",
        "20",
        "1000",
        "10⁴",
        "10⁻⁵",
        "2·10⁵",
    ]


def test_a_bound_that_only_a_subject_claims_is_drawn_like_any_other(tmp_path):
    assert report.gaps([record("capmix", 1_000, 0.1, gap=None)]) == ""
    assert "<circle" in report.gaps([record("capmix", 1_000, 0.1, gap=-1e-12)])
