"""CVaR programs by both engines against an independent solver, and what the result promises."""

from __future__ import annotations

import dataclasses

import capmix
import numpy as np
import pytest
import scipy.sparse as sp
from capmix import CvarProgram, CvarTerm, Status, solve_cvar
from numpy.typing import NDArray

from .programs import clarabel, cvar, dense, heavy_tailed, objective

BUDGET = np.ones((1, 30))


def limited(seed: int = 0) -> CvarProgram:
    losses, mean = heavy_tailed(900, 30, seed)
    most = 0.9 * cvar(losses @ np.full(30, 1 / 30), 0.95)
    return CvarProgram(
        -mean, tails=[CvarTerm(losses, 0.95, limit=most)], matrix=BUDGET, row_lower=1, row_upper=1, lower=0
    )


def priced(seed: int = 0) -> CvarProgram:
    losses, mean = dense(900, 30, seed)
    rows = np.vstack([BUDGET, mean])
    return CvarProgram(
        np.zeros(30),
        tails=[CvarTerm(losses, 0.9, price=1.0)],
        matrix=sp.csr_array(rows),
        row_lower=[1.0, float(np.quantile(mean, 0.7))],
        row_upper=[1.0, np.inf],
        lower=0.0,
        upper=0.3,
    )


def weighted() -> CvarProgram:
    weights = np.random.default_rng(3).uniform(0.0, 2.0, 900)
    weights[::7] = 0.0
    return dataclasses.replace(priced(2), weights=weights)


def several() -> CvarProgram:
    one, mean = heavy_tailed(700, 30, 5)
    two, _ = dense(700, 30, 6)
    offset = np.random.default_rng(7).normal(0.0, 0.01, 700)
    even = np.full(30, 1 / 30)
    return CvarProgram(
        -mean,
        tails=[
            CvarTerm(one, 0.95, limit=0.95 * cvar(one @ even, 0.95), name="daily"),
            CvarTerm(two, 0.8, price=0.01, offset=offset, name="stress"),
            CvarTerm(two, 0.9, limit=1.1 * cvar(two @ even, 0.9), price=0.02),
        ],
        matrix=BUDGET,
        row_lower=0.9,
        row_upper=1.0,
        lower=0.0,
    )


ENGINES = ["newton", "newton from pilots", "cuts"]


def engine_of(kind: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The engine's name; from pilots: on so few rows that these programs have one, as large ones do."""
    if kind.endswith("from pilots"):
        monkeypatch.setattr("capmix.optimizer.cvar.newton.PILOT_ROWS", 60)
        monkeypatch.setattr("capmix.optimizer.cvar.newton.PILOT_TAIL", 3.0)
    return kind.split()[0]


PROGRAMS = {"limited": limited, "priced": priced, "weighted": weighted, "several": several}


def least_cvar(losses: NDArray[np.float64]) -> CvarProgram:
    """The portfolio, fully invested and without short sales, whose CVaR is least."""
    count = losses.shape[1]
    tails = [CvarTerm(losses, 0.95, price=1.0)]
    return CvarProgram(np.zeros(count), tails=tails, matrix=np.ones((1, count)), row_lower=1, row_upper=1, lower=0)


@pytest.mark.parametrize("kind", ["auto", *ENGINES])
@pytest.mark.parametrize("name", list(PROGRAMS))
def test_both_engines_reach_the_optimum_of_an_independent_solver(
    name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = PROGRAMS[name]()
    best, _, _ = clarabel(program)
    found = solve_cvar(program, gap=1e-7, engine=engine_of(kind, monkeypatch))
    assert (found.passes.full == 1) == (kind in ("auto", "newton"))
    assert found.status is Status.CERTIFIED
    assert found.gap <= 1e-7
    size = abs(best)
    assert found.lower <= best + 1e-7 * size
    assert found.upper >= best - 1e-7 * size
    assert found.objective == pytest.approx(best, abs=3e-7 * size)
    assert found.objective == pytest.approx(objective(program, found.x), abs=1e-12)
    for m, term in enumerate(program.tails):
        loss = term.losses @ found.x + (0.0 if term.offset is None else term.offset)
        assert found.cvar[m] == pytest.approx(cvar(loss, term.level, program.weights), rel=1e-10)
        if term.limit is not None:
            assert found.cvar[m] <= term.limit * (1.0 + 2e-9)
    assert (found.x >= 0.0).all()


@pytest.mark.parametrize("kind", ENGINES)
def test_duals_are_the_change_of_the_optimum(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = limited()
    found = solve_cvar(program, gap=1e-9, engine=engine_of(kind, monkeypatch))
    step = 1e-4
    (term,) = program.tails
    more = dataclasses.replace(program, tails=[dataclasses.replace(term, limit=term.limit + step * 0.01)])
    saved = found.objective - solve_cvar(more, gap=1e-9).objective
    assert found.limit_duals[0] == pytest.approx(saved / (step * 0.01), rel=1e-2)
    wider = dataclasses.replace(program, row_lower=1.0 + step, row_upper=1.0 + step)
    assert found.row_duals[0] == pytest.approx(
        (solve_cvar(wider, gap=1e-9).objective - found.objective) / step, rel=1e-2
    )
    held = np.flatnonzero(found.x > 1e-3)
    assert np.abs(found.bound_duals[held]).max() <= 1e-5 * np.abs(found.bound_duals).max()
    assert found.bound_duals.min() >= -1e-7


def test_quadratic_programs() -> None:
    losses, mean = dense(600, 30, 1)
    factor = np.random.default_rng(2).standard_normal((30, 4)) * 0.1
    q = factor @ factor.T + np.diag(np.linspace(0.01, 0.05, 30))
    even = np.full(30, 1 / 30)
    program = CvarProgram(
        -mean,
        quadratic=q,
        tails=[CvarTerm(losses, 0.95, limit=1.02 * cvar(losses @ even, 0.95)), CvarTerm(losses, 0.8, price=0.1)],
        matrix=BUDGET,
        row_lower=1,
        row_upper=1,
        lower=0,
        upper=0.2,
    )
    best, _, _ = clarabel(program)
    found = solve_cvar(program, gap=1e-7)
    assert found.status is Status.CERTIFIED
    assert found.objective == pytest.approx(best, rel=1e-6)
    assert found.objective == pytest.approx(objective(program, found.x), abs=1e-12)
    sparse = solve_cvar(dataclasses.replace(program, quadratic=sp.csr_array(q)), gap=1e-7)
    assert sparse.objective == found.objective


def test_quantile_regression_has_no_bounds() -> None:
    """E rho_tau(y - X b) over the intercept too is (1 - tau) (CVaR_tau(y - X b) - mean(y - X b)): Rockafellar,
    Uryasev & Zabarankin 2008, https://doi.org/10.1287/moor.1080.0309.
    """
    rng = np.random.default_rng(4)
    x = rng.standard_normal((800, 12))
    y = x @ rng.standard_normal(12) + rng.standard_t(4, 800) * 0.3 * (1.0 + np.abs(x[:, 0]))
    tau = 0.9
    program = CvarProgram((1 - tau) * x.mean(axis=0), tails=[CvarTerm(-x, tau, price=1 - tau, offset=y)])
    best, point, _ = clarabel(program)
    found = solve_cvar(program, gap=1e-6)
    assert found.status is Status.CERTIFIED
    assert found.objective == pytest.approx(best, rel=2e-6)
    assert found.x == pytest.approx(point, abs=2e-2)


def test_many_columns_are_found_by_their_reduced_costs() -> None:
    losses, _ = dense(1500, 200, 8)
    program = least_cvar(losses)
    best, _, _ = clarabel(program)
    found = solve_cvar(program, gap=1e-6, engine="newton")
    assert found.status is Status.CERTIFIED
    assert found.objective == pytest.approx(best, rel=1e-6)
    assert 10 < np.count_nonzero(found.x > 1e-4) < 150
    assert found.passes.full <= 10


@pytest.mark.parametrize("engine", ["newton", "cuts"])
def test_the_bits_do_not_depend_on_the_threads(engine: str) -> None:
    losses, mean = heavy_tailed(30_000, 40, 9)
    most = 0.9 * cvar(losses @ np.full(40, 1 / 40), 0.95)
    program = CvarProgram(
        -mean, tails=[CvarTerm(losses, 0.95, limit=most)], matrix=np.ones((1, 40)), row_lower=1, row_upper=1, lower=0
    )
    one, two = (solve_cvar(program, engine=engine, threads=t) for t in (1, 3))
    assert one.status is Status.CERTIFIED
    assert one.x.tobytes() == two.x.tobytes()
    assert one.passes == two.passes


def test_single_precision_is_used_as_it_is() -> None:
    losses, mean = heavy_tailed(2_000, 30, 10)
    single = losses.astype(np.float32)
    program = dataclasses.replace(limited(), cost=-mean, tails=[CvarTerm(single, 0.95, price=1.0)])
    exact = dataclasses.replace(program, tails=[CvarTerm(single.astype(np.float64), 0.95, price=1.0)])
    assert solve_cvar(program, gap=1e-7).objective == pytest.approx(solve_cvar(exact, gap=1e-7).objective, rel=2e-7)


def test_limits_of_the_level() -> None:
    """A tail of one scenario is the worst case; all scenarios but for one part in a million are the mean."""
    losses, _ = heavy_tailed(200, 10, 11)
    base = CvarProgram(np.zeros(10), matrix=np.ones((1, 10)), row_lower=1, row_upper=1, lower=0)
    worst = solve_cvar(dataclasses.replace(base, tails=[CvarTerm(losses, 1.0 - 1.0 / 200, price=1.0)]), gap=1e-8)
    assert worst.cvar[0] == pytest.approx((losses @ worst.x).max(), rel=1e-9)
    mean = solve_cvar(dataclasses.replace(base, tails=[CvarTerm(losses, 1e-6, price=1.0)]), gap=1e-8)
    assert mean.objective == pytest.approx(losses.mean(axis=0).min(), rel=1e-4)


@pytest.mark.parametrize("engine", ["auto", "newton", "cuts"])
def test_a_limit_that_cannot_be_met_is_answered_with_the_least_possible(engine: str) -> None:
    program = limited()
    (term,) = program.tails
    least, _, _ = clarabel(
        dataclasses.replace(program, cost=np.zeros(30), tails=[dataclasses.replace(term, limit=None, price=1.0)])
    )
    found = solve_cvar(
        dataclasses.replace(program, tails=[dataclasses.replace(term, limit=0.8 * least)]), engine=engine
    )
    assert found.status is Status.INFEASIBLE
    assert found.x is None
    assert f"minimum CVaR is {least:.4g}"[:-1] in " ".join(found.messages)


def test_rows_that_contradict_each_other_are_named() -> None:
    program = dataclasses.replace(priced(), upper=0.01)
    for engine in ("newton", "cuts"):
        found = solve_cvar(program, engine=engine)
        assert found.status is Status.INFEASIBLE
        assert "row[0]" in " ".join(found.messages)


def test_rows_may_repeat_each_other() -> None:
    once = limited()
    twice = dataclasses.replace(once, matrix=np.ones((2, 30)))
    assert solve_cvar(twice, gap=1e-7).objective == pytest.approx(solve_cvar(once, gap=1e-7).objective, rel=2e-7)


def test_a_plan_wholly_at_its_bounds() -> None:
    losses, _ = heavy_tailed(300, 5, 14)
    program = CvarProgram(np.full(5, 10.0), tails=[CvarTerm(losses, 0.9, price=1.0)], lower=0.5, upper=2.0)
    for engine in ("newton", "cuts"):
        found = solve_cvar(program, engine=engine, gap=1e-6)
        assert found.status is Status.CERTIFIED
        assert found.x == pytest.approx(np.full(5, 0.5), abs=1e-4)
        assert (found.bound_duals > 9.0).all()


def test_an_objective_without_limit_is_told_with_the_ray_along_which_it_falls() -> None:
    losses, mean = heavy_tailed(300, 5, 14)
    program = CvarProgram(-mean, tails=[CvarTerm(losses * 0.0 + 1.0, 0.9, price=0.0, limit=2.0)])
    for engine in ("auto", "direct", "newton"):
        found = solve_cvar(program, engine=engine)
        assert found.status is Status.UNBOUNDED
        assert found.lower == -np.inf
        assert -mean @ found.ray < 0.0
        assert cvar(program.tails[0].losses @ found.ray, 0.9) <= 1e-12 * np.abs(found.ray).max()
        assert cvar(program.tails[0].losses @ found.x, 0.9) <= 2.0


def test_time_limit_and_callbacks_keep_what_was_found() -> None:
    losses, _ = dense(5_000, 200, 12)
    program = least_cvar(losses)
    stopped = solve_cvar(program, time_limit=0.0)
    assert stopped.status is Status.STOPPED
    assert "time limit" in " ".join(stopped.messages)

    seen: list[capmix.ProgressEvent] = []

    def enough(event: capmix.ProgressEvent) -> None:
        seen.append(event)
        if np.isfinite(event.gap):
            raise KeyboardInterrupt

    cut_off = solve_cvar(program, gap=1e-12, progress=enough, engine="newton")
    assert cut_off.status is Status.STOPPED
    assert cut_off.objective == pytest.approx(objective(program, cut_off.x), abs=1e-12)
    assert cut_off.lower <= cut_off.upper < np.inf
    assert seen


def test_cutting_planes_that_stall_hand_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capmix.optimizer.cvar.search.NEWTON_COLUMNS", 10)
    losses, _ = dense(4_000, 150, 13)
    program = least_cvar(losses)
    found = solve_cvar(program, gap=1e-7)
    assert found.status is Status.CERTIFIED
    assert found.engine == "newton"
    assert "stall" in " ".join(found.messages)


def test_every_fault_is_named_at_once() -> None:
    losses, mean = heavy_tailed(50, 4)
    bad = CvarProgram(
        np.array([1.0, np.nan, 0.0, 0.0]),
        quadratic=-np.eye(4),
        tails=[
            CvarTerm(losses, 1.5, price=1.0),
            CvarTerm(losses[:10], 0.9, name="short"),
            CvarTerm(losses[:, :3], 0.9, price=-1.0),
        ],
        matrix=np.ones((1, 5)),
        lower=2.0,
        upper=1.0,
        weights=-np.ones(50),
    )
    with pytest.raises(ValueError, match="the CVaR program has faults") as raised:
        solve_cvar(bad)
    for part in (
        "cost[1] is nan", "quadratic has the eigenvalue -1", "tails[0].level is 1.5", "tails[1] 'short': 10 scenarios",
        "neither a limit nor a price", "tails[2].losses has the shape (50, 3)", "tails[2].price is -1.0",
        "matrix has the shape (1, 5)", "lower[0] is 2.0 and upper[0] is 1.0", "weights",
    ):  # fmt: skip
        assert part in str(raised.value)
    with pytest.raises(ValueError, match="engine is 'simplex'; allowed: auto, direct, newton, cuts"):
        solve_cvar(limited(), engine="simplex")
    holed = losses.copy()
    holed[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"losses\[3, 1\] is nan"):
        solve_cvar(CvarProgram(-mean, tails=[CvarTerm(holed, 0.9, price=1.0)], lower=0, upper=1))
