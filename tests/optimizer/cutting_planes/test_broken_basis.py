"""A basis that has gone bad: HiGHS calls a point optimal that breaks rows, and the master solves again from scratch."""

from __future__ import annotations

from dataclasses import replace

import pytest
from capmix.optimizer.cutting_planes.highs import LpResult, Model
from capmix.optimizer.cutting_planes.master import Master
from capmix.optimizer.cutting_planes.progress import Monitor

from .toy import toy


def test_a_point_that_breaks_rows_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    program = toy().program
    right = Master(program, (), Monitor(None, None, 1e-5, 1.0)).solve()
    honest, calls = Model.solve, []

    def broken_once(self: Model, time_left: float = float("inf"), heard: int = 0) -> LpResult:
        result = honest(self, time_left, heard)
        calls.append(result)
        return replace(result, x=result.x * 1.5) if len(calls) == 1 else result

    monkeypatch.setattr(Model, "solve", broken_once)
    master = Master(program, (), Monitor(None, None, 1e-5, 1.0))
    found = master.solve()
    assert len(calls) == 2
    assert master.worst_row(found.x)[0] < 1e-6
    assert found.bound == pytest.approx(right.bound, rel=1e-9)
