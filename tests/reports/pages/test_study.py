"""The financing study: verdicts follow from the figures, every change says what it changes, the page names them all."""

from __future__ import annotations

import math
from dataclasses import replace

import capmix
import pytest
from capmix.reports.pages import study as page
from capmix.reports.pages.changes import CHANGES
from capmix.reports.pages.study import CLAIMS, VARIANTS, study


@pytest.fixture(scope="module")
def text():
    kept = tuple(c for c in CHANGES if c.title in ("half the depth", "no covenants"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "CHANGES", kept)
        return study({"ai_lab": capmix.load_case("ai_lab")}, 400)


def test_every_claim_has_a_verdict(text):
    for claim in CLAIMS:
        row = next(line for line in text.splitlines() if line.startswith(f"| {claim.title} |"))
        assert "holds" in row or "does not hold" in row


def test_every_change_is_a_row(text):
    rows = [line for line in text.splitlines() if line.startswith("| half the depth |")]
    assert len(rows) == 1
    assert "| none |" in text


def test_verdicts_follow_from_the_figures():
    found = capmix.compare(capmix.load_case("ai_lab"), VARIANTS, scenarios=400, out_of_sample=False)
    for claim in CLAIMS:
        a, b = claim.value(found, claim.one), claim.value(found, claim.other)
        assert a is not None
        assert b is not None
        assert claim.holds(found) == (a > b * (1 + 1e-5) + 1e-9), claim.title


def test_who_reaches_the_middle_milestone_first_is_faster():
    """Fewer periods win; never loses to any date, and two that never get there are not told apart."""
    claim = next(c for c in CLAIMS if c.name == "faster")
    mark = 960_000.0
    found = capmix.compare(
        capmix.load_case("ai_lab"),
        ("own_cash", "debt"),
        scenarios=400,
        out_of_sample=False,
        milestones=(1.0, mark, 1e9),
    )
    capacity = {name: found.outcomes[name].capacity for name in ("debt", "own_cash")}
    first = {name: next(t for t, c in enumerate(path) if c >= mark * (1 - 1e-9)) for name, path in capacity.items()}
    assert first["debt"] < first["own_cash"]
    assert [claim.value(found, name) for name in first] == [-float(t) for t in first.values()]
    assert claim.holds(found)

    def low(*names: str):
        return replace(
            found,
            outcomes={k: replace(o, capacity=0.0 * o.capacity) if k in names else o for k, o in found.outcomes.items()},
        )

    assert claim.holds(low("own_cash"))
    assert claim.holds(low("debt")) is False
    assert claim.holds(low("debt", "own_cash")) is False
    assert claim.shown(-math.inf) == "never"


@pytest.mark.parametrize("name", ["hyperscaler", "neocloud", "ai_lab"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda c: c.title)
def test_a_change_changes_the_case(name, change):
    case = capmix.load_case(name)
    made = change.make(case)
    assert made is not None
    assert made != case
    assert made.horizon == case.horizon
