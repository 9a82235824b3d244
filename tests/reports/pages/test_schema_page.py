"""docs/plan-json.md is the page of the schema."""

from __future__ import annotations

import re
from pathlib import Path

from capmix.optimizer.analysis.declared import DECLARED
from capmix.optimizer.comparison.names import COMPARISON, LIMITS, Limits, Variants
from capmix.optimizer.frontiers.names import FRONTIER, Points
from capmix.reports.pages.renamed import RENAMED
from capmix.reports.pages.schema_page import page

ROOT = Path(__file__).parents[3]


def test_page_is_the_one_generated_from_the_schema():
    assert (ROOT / "docs" / "plan-json.md").read_text(encoding="utf-8") == page(), "run make docs"


def test_what_moved_is_gone_and_its_new_name_is_there():
    tables = {name for shape in DECLARED.values() for name in (shape.name, *shape.columns, *shape.labels)}
    tables |= {*Variants, *Limits, *Points, COMPARISON, LIMITS, FRONTIER}
    for old, new in RENAMED:
        former, present = ({name for name in re.findall(r"`([^`]+)`", text) if "…" not in name} for text in (old, new))
        assert not former & present - WORDS
        assert {name for name in former & tables if name not in DECLARED} <= ELSEWHERE, old
        if former & {*DECLARED, COMPARISON, FRONTIER} - {"issuance"}:
            assert present <= tables | WORDS, new


ELSEWHERE = {COMPARISON, LIMITS, FRONTIER, "how", "debt at the end"}
"""Named to say where, or still the name of a row in another table."""
WORDS = {"maintained", "cvar", "monitored"}
