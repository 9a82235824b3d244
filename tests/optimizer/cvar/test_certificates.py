"""Random programs: no certificate is false, and all are reached; a part of `python -m bench certificates`."""

from __future__ import annotations

import pytest
from capmix.bench.certificate_families import FAMILIES, draw
from capmix.bench.certificates import exact, one, table
from capmix.optimizer.cvar.solve import solve_cvar

EACH = 7
CELLS = 6_000  # scenarios × columns of a program at most


@pytest.mark.parametrize("family", list(FAMILIES))
def test_random_programs_in_random_units_are_certified_and_right(family: str) -> None:
    verdicts = [one(seed, family, most=CELLS) for seed in range(EACH)]
    wrong = [f"seed {k}: {v.status} {v.false} {v.note}" for k, v in enumerate(verdicts) if not v.right]
    assert not wrong
    assert table(verdicts)[2].startswith(f"| {family} | {EACH} |")


def test_the_judge_sees_what_is_wrong() -> None:
    """A judge that finds nothing proves nothing: an answer moved off its row, and a bound above a point."""
    import dataclasses

    from capmix.bench.certificate_oracle import highs
    from capmix.bench.certificates import judge

    drawn = draw(0, "long-only", CELLS)
    found, answer = solve_cvar(drawn.program), highs(drawn.plain)
    assert judge(drawn, found, answer).right
    assert exact(drawn, found.x)[2] <= 1.0
    off = dataclasses.replace(found, x=found.x * 1.001)
    assert "exceeded" in judge(drawn, off, answer).false
    boast = dataclasses.replace(found, objective=found.objective - 1e-6 * abs(found.objective))
    assert "in truth" in judge(drawn, boast, answer).false
    above = found.upper + 1e-4 * abs(found.upper)
    assert judge(drawn, dataclasses.replace(found, lower=above), answer).false == "bounds cross"
    worse = dataclasses.replace(found, lower=above, upper=above, objective=exact(drawn, found.x)[0])
    assert "there is a point" in judge(drawn, worse, answer).false
