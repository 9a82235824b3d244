"""A row says by its index which rule it is of, and the rule which covenant it tests: no name is taken apart."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import capmix
from capmix.models.blocks import rules
from capmix.models.reading.load import load_case

ROOT = Path(capmix.__file__).parent


def test_a_covenant_s_rules_say_whose_they_are() -> None:
    covenant = load_case("neocloud").covenant[0]
    odd = replace(covenant, id="nothing_due_covenant_x")  # an id that a prefix would be taken off wrongly
    assert (rules.covenant(odd).covenant, rules.covenant(odd).untested) == ("nothing_due_covenant_x", "")
    assert (rules.nothing_due(odd).covenant, rules.nothing_due(odd).untested) == ("", "nothing_due_covenant_x")
    assert not rules.SUPPLY.covenant


def test_no_name_of_a_row_is_taken_apart() -> None:
    """Names are made of indices (`Index.name`) and read back in one place, for programs made by hand."""
    for floor in ("optimizer", "models"):
        for path in (ROOT / floor).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            found = re.findall(
                r"""name\w*\.partition\(["']\[|(?:rule|prefix|name)\.(?:startswith|removeprefix)\(["'\w]*(?:covenant|nothing|COVENANT)""",
                text,
            )
            assert not found, f"{path.name}: {found}"
