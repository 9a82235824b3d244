"""The case reference on disk is what the schema says, and names every key."""

from __future__ import annotations

from pathlib import Path

import capmix
from capmix.models.reading.walk import specs
from capmix.models.schema.case import Case
from capmix.models.schema.drivers import PROCESSES
from capmix.reports.pages.case_reference import reference

PAGE = Path(capmix.__file__).parent / "docs" / "case-reference.md"


def test_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == reference(), (
        "run python -m capmix.reports.pages.case_reference > docs/case-reference.md"
    )


def test_every_table_and_process_has_its_section():
    page = reference()
    for name, (spec, _) in specs(Case).items():
        assert any(f"`{head}`" in page for head in (f"[{name}]", f"[[{name}]]", f"[{name}.NAME]"))
        for key in specs(spec.cls) if spec.cls else ():
            assert f"`{key}`" in page or f".{key}]" in page
    for tag in PROCESSES:
        assert f'`process = "{tag}"`' in page


def test_ranges_and_units_are_stated():
    page = reference()
    assert "| `fee` | Upfront fee on the face value. | from 0 to 0.2, fraction" in page
    assert "| `tenor` | Time to final repayment; none for equity. | above 0 and at most 100, years" in page


def test_usual_ranges_are_stated_with_their_reason():
    page = reference()
    assert "| key | meaning | allowed | usual | default |" in page
    assert "| 0.05 to 150 USD: an hour of an accelerator cost 1 to 25 in 2026 | `0` |" in page
    assert "usually from -0.02 to 0.25" in page
