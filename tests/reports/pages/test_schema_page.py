"""docs/plan-json.md is the page of the schema."""

from __future__ import annotations

from pathlib import Path

from capmix.reports.pages.schema_page import page

ROOT = Path(__file__).parents[3]


def test_page_is_the_one_generated_from_the_schema():
    assert (ROOT / "docs" / "plan-json.md").read_text(encoding="utf-8") == page(), "run make docs"
