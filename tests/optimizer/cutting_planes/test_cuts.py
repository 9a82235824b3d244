"""Cuts are valid, crossings are inside, scaling changes no answer."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp
from capmix.kernels.backend import get_backend
from capmix.optimizer.cutting_planes.in_out import crossings
from capmix.optimizer.cutting_planes.master import Master, _without
from capmix.optimizer.cutting_planes.oracle import Cut, Sample
from capmix.optimizer.cutting_planes.progress import Monitor
from capmix.optimizer.cutting_planes.scaling import scale
from capmix.optimizer.cutting_planes.search import Settings, maximise
from capmix.optimizer.cutting_planes.solution import Status
from hypothesis import given
from hypothesis import strategies as st

from ..extensive import cvar
from .toy import Toy, toy

BACKEND = get_backend("numpy")


def sample_of(plan: Toy) -> Sample:
    return Sample(BACKEND, plan.store, plan.risks, Monitor(None, None, 1e-5, 1.0))


def some_plan(plan: Toy, rng: np.random.Generator) -> np.ndarray:
    count = plan.program.decisions.size
    x = rng.uniform(0.0, 1.0, count) * plan.program.col_upper[:count] * (rng.uniform(size=count) < 0.5)
    x[0] = 1.0
    return x


def test_cuts_of_subsets_are_valid_for_all_scenarios_and_tight_where_taken() -> None:
    plan = toy(count=400, short=0.2)
    sample, rng = sample_of(plan), np.random.default_rng(1)
    x = some_plan(plan, rng)
    everything = sample.all.losses(x)
    for rows in (sample.all, sample.worst(everything, 1.0), sample.worst(sample.all.losses(some_plan(plan, rng)), 1.2)):
        tails = rows.tails(rows.losses(x))
        for m, risk in enumerate(plan.risks):
            cut = rows.cut(m, x, tails[m])
            here = cut.constant + cut.gradient @ x
            assert here == pytest.approx(tails[m].cvar, rel=1e-10, abs=1e-10)
            assert here <= cvar(risk, x, plan.values) + 1e-10
            for _ in range(20):
                y = some_plan(plan, rng)
                assert cut.constant + cut.gradient @ y <= cvar(risk, y, plan.values) + 1e-9
    exact = sample.worst(everything, 1.0)
    for m, risk in enumerate(plan.risks):
        value = exact.tail(m, exact.losses(x)[m]).cvar
        assert value == pytest.approx(cvar(risk, x, plan.values), rel=1e-10)


def test_passes_are_counted() -> None:
    plan = toy(count=400)
    sample = sample_of(plan)
    monitor = sample.all._monitor
    x = some_plan(plan, np.random.default_rng(0))
    losses = sample.all.losses(x)
    assert (monitor.full, monitor.rows) == (1, 1.0)
    part = sample.worst(losses, 1.0)
    part.losses(x)
    sizes = [index.size for index in part.index if index is not None]
    assert len(sizes) == 2
    assert monitor.full == 1
    assert monitor.rows == pytest.approx(1.0 + sum(sizes) / 800)


def test_crossings_are_feasible_and_on_the_limit() -> None:
    """Checked with true losses: the straight line between the ends lies above them."""
    plan = toy(count=300, peak=1.0, loss=2.0)
    sample = sample_of(plan)
    master = Master(plan.program, [r.limit for r in plan.risks], Monitor(None, None, 1e-5, 1.0))
    rng = np.random.default_rng(3)
    inner = np.zeros(plan.program.decisions.size)
    inner[0] = 1.0
    start = sample.all.losses(inner)
    for _ in range(20):
        outer = some_plan(plan, rng)
        end = sample.all.losses(outer)
        tails = sample.all.tails(end)
        found = {c.limit: c for c in crossings(sample.all, master, start, end, tails)}
        for m, risk in enumerate(plan.risks):
            if tails[m].cvar <= risk.limit:
                assert m not in found
                continue
            share = found[m].share
            line = start[m] + share * (end[m] - start[m])
            assert sample.all.tail(m, line).cvar == pytest.approx(risk.limit, rel=1e-9)
            assert cvar(risk, inner + share * (outer - inner), plan.values) <= risk.limit + 1e-9


@given(
    value=st.lists(st.floats(-1e-11, 1e-11).filter(lambda v: v != 0.0), min_size=1, max_size=6),
    low=st.floats(-5.0, 0.0),
    high=st.floats(0.5, 100.0),
    open_above=st.booleans(),
    open_below=st.booleans(),
    seed=st.integers(0, 100),
)
def test_tiny_coefficients_are_replaced_by_weaker_ones(
    value: list[float], low: float, high: float, open_above: bool, open_below: bool, seed: int
) -> None:
    v = np.array(value)
    lower = np.full(v.size, -np.inf if open_below else low)
    upper = np.full(v.size, np.inf if open_above else high)
    new, shift = _without(v, lower, upper)
    rng = np.random.default_rng(seed)
    for _ in range(20):
        x = rng.uniform(-1e3 if open_below else low, 1e3 if open_above else high, v.size)
        assert new @ x + shift <= v @ x + 1e-20 + 1e-12 * float(np.abs(v) @ np.abs(x))


def test_cut_with_tiny_coefficients_keeps_every_allowed_point() -> None:
    """HiGHS would drop them, which could cut off the optimum."""
    plan = toy(count=50)
    master = Master(plan.program, [0.0], Monitor(None, None, 1e-5, 1.0))
    free = master.solve()
    gradient = np.full(plan.program.decisions.size, -1e-13)
    gradient[0] = 1.0
    master.add(Cut(0, gradient, -1.0, np.zeros(0)))  # x0 - tiny sum <= 1, true at every plan as x0 = 1
    assert master.solve().bound == pytest.approx(free.bound, rel=1e-9)


def badly_scaled(plan: Toy) -> Toy:
    """The same problem in odd units: rows and columns multiplied by factors over twelve decades."""
    rng = np.random.default_rng(0)
    p = plan.program
    rows, columns = 10.0 ** rng.uniform(-6, 6, p.matrix.shape[0]), 10.0 ** rng.uniform(-6, 6, p.matrix.shape[1])
    program = dataclasses.replace(
        p,
        matrix=sp.csr_array(sp.diags_array(rows) @ p.matrix @ sp.diags_array(columns)),
        cost=p.cost * columns,
        value=p.value * columns,
        row_lower=p.row_lower * rows,
        row_upper=p.row_upper * rows,
        col_lower=p.col_lower / columns,
        col_upper=p.col_upper / columns,
    )
    risks = tuple(
        dataclasses.replace(r, matrix=sp.csr_array(r.matrix @ sp.diags_array(columns[p.decisions]))) for r in plan.risks
    )
    return dataclasses.replace(plan, program=program, risks=risks)


def test_scaling_is_exact_and_undoes_odd_units() -> None:
    plan = toy(count=300, peak=1.0)
    odd = badly_scaled(plan)
    scaling = scale(odd.program)
    for factors in (scaling.rows, scaling.columns, np.array([scaling.cost])):
        mantissa, _ = np.frexp(factors)
        assert (mantissa == 0.5).all()
    before, after = scaling.report.before["matrix"], scaling.report.after["matrix"]
    assert before.decades > 10.0
    assert after.decades < 4.0
    settings = Settings(gap=1e-8, polish=False)
    straight = maximise(plan.program, plan.risks, BACKEND, plan.store, settings)
    found = maximise(odd.program, odd.risks, BACKEND, odd.store, settings)
    assert found.status is Status.CERTIFIED
    assert found.objective == pytest.approx(straight.objective, rel=1e-7)
    assert [r.price for r in found.risks] == pytest.approx([r.price for r in straight.risks], rel=1e-4)
