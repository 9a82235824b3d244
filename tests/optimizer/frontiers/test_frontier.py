"""A frontier: monotone, concave, each point what it is alone, its ends true, and nothing kept silent."""

from __future__ import annotations

from dataclasses import replace

import capmix
import numba
import numpy as np
import pytest
from capmix import Frontier, Status, optimize
from capmix.kernels.backend import get_backend
from capmix.models.reading.faults import CaseError
from capmix.models.schema.case import Case
from capmix.optimizer import stops
from capmix.optimizer.cutting_planes.least_risk import least_kept
from capmix.optimizer.cutting_planes.progress import ProgressEvent
from capmix.optimizer.cutting_planes.search import maximise
from capmix.optimizer.cutting_planes.settings import Settings
from capmix.optimizer.frontiers.search import FrontierSearch, _bisection
from capmix.optimizer.setup.assemble import risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import Clock, prepare

from ..cases import every_loss, starter, with_risk
from ..cutting_planes.toy import Toy, toy
from ..extensive import cvar, extensive, solve_highs

COUNT, GAP = 2_000, 1e-5


@pytest.fixture(scope="module")
def case() -> Case:
    return every_loss()


@pytest.fixture(scope="module")
def whole(case: Case) -> Frontier:
    return capmix.frontier(case, "liquidity", points=9, scenarios=COUNT, device="cpu")


def test_every_point_is_certified_in_equal_steps(whole: Frontier) -> None:
    assert [p.status for p in whole.points] == [Status.CERTIFIED] * 9
    assert max(p.gap for p in whole.points) <= GAP
    limits = np.array([p.limit for p in whole.points])
    assert whole.minimum is not None
    assert np.allclose(np.diff(limits), limits[0] - whole.minimum)
    assert all(p.lower == pytest.approx(p.objective) and p.upper >= p.lower for p in whole.points)


def test_a_looser_limit_is_never_worse_and_buys_less_and_less(whole: Frontier) -> None:
    values = np.array([p.objective for p in whole.points])
    uppers = np.array([p.upper for p in whole.points])
    assert (np.diff(values) >= -GAP * np.abs(values[1:])).all()
    assert (0.5 * (values[:-2] + values[2:]) <= uppers[1:-1] * (1.0 + 1e-12)).all()  # concave
    prices = np.array([p.price for p in whole.points])
    assert (prices >= 0.0).all()
    assert prices[0] > prices[-1] == 0.0
    for p, after in zip(whole.points, whole.points[1:], strict=False):  # a price bounds what more of the limit buys
        assert after.objective <= p.upper + p.price * (after.limit - p.limit) + 1e-6 * abs(p.upper)


def test_the_limit_holds_and_so_do_all_others(case: Case, whole: Frontier) -> None:
    ready = prepare(case, choose("numpy"), COUNT, 1)
    values = ready.backend.values(ready.store, np.arange(COUNT))
    for p in whole.points[::4]:
        assert p.decisions is not None
        for risk, found in zip(risk_limits(case, ready.losses), p.risks, strict=True):
            own = cvar(risk, p.decisions, values)
            limit = p.limit if risk.name == "liquidity" else risk.limit
            assert own == pytest.approx(found.value, rel=1e-7, abs=1e-7)
            assert own <= limit + 1e-7 * max(1.0, abs(limit))


@pytest.mark.parametrize("number", [0, 3, 6])
def test_each_point_is_what_it_is_alone(case: Case, whole: Frontier, number: int) -> None:
    point = whole.points[number]
    alone = optimize(
        with_risk(case, "liquidity", limit=point.limit), scenarios=COUNT, device="cpu", out_of_sample=False
    )
    assert alone.certificate is not None
    assert alone.certificate.lower_bound <= point.upper * (1.0 + 1e-9)
    assert point.lower <= alone.certificate.upper_bound * (1.0 + 1e-9)


def test_the_free_end_is_the_plan_without_the_limit(case: Case, whole: Frontier) -> None:
    without = replace(case, risk=tuple(r for r in case.risk if r.id != "liquidity"))
    free = optimize(without, scenarios=COUNT, device="cpu", out_of_sample=False)
    last = whole.points[-1]
    assert whole.free_from == last.limit == pytest.approx(last.value)
    assert last.objective == pytest.approx(free.objective_value, rel=2 * GAP)


def test_below_the_least_possible_there_is_no_plan_and_it_is_said(case: Case, whole: Frontier) -> None:
    assert whole.minimum is not None
    assert whole.minimum_bound is not None
    low = whole.minimum - 3.0
    found = capmix.frontier(
        case, points=4, low=low, high=whole.minimum + 1.0, scenarios=COUNT, device="cpu", out_of_sample=False
    )
    states = [p.status for p in found.points]
    assert states == [Status.INFEASIBLE] * 3 + [Status.CERTIFIED]
    assert found.minimum == pytest.approx(whole.minimum, rel=2e-4, abs=2e-4)
    for p in found.points[:3]:
        assert "minimum" in p.why
        assert f"{found.minimum:.6g}" in p.why
        assert not p.planned
        assert np.isnan(p.objective)
    rows = found.tables["frontier"].rows
    assert [row[1] for row in rows] == [s.value for s in states]
    assert rows[0][2] is None
    alone = optimize(with_risk(case, "liquidity", limit=found.points[2].limit), scenarios=COUNT, out_of_sample=False)
    assert alone.status is Status.INFEASIBLE
    assert alone.infeasibility is not None
    limits = [limit for conflict in alone.infeasibility.conflicts for limit in conflict.limits]
    assert len({limit.key for limit in limits}) < len(limits)  # one belongs to two conflicts
    assert all(limit.move is None or limit.move > 0.0 for limit in limits)
    liquidity = [limit.alone for limit in limits if limit.key == "risk.liquidity.limit"]
    without_cash = whole.minimum - min(case.cash.minimum)  # where the other conflict's minimum cash is set aside
    assert liquidity == pytest.approx([whole.minimum, without_cash], rel=1e-3)


def test_no_amount_has_a_plan() -> None:
    case = with_risk(every_loss(), "late", limit=15_000.0)
    case = with_risk(case, "net_loss", limit=0.2)
    found = capmix.frontier(case, "liquidity", points=3, scenarios=COUNT, device="cpu")
    assert [p.status for p in found.points] == [Status.INFEASIBLE]
    assert found.points[0].why
    assert found.minimum is None


def test_points_do_not_depend_on_how_many_run_at_a_time(
    case: Case, whole: Frontier, monkeypatch: pytest.MonkeyPatch
) -> None:
    for threads in (1, 3):
        monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", threads)
        again = capmix.frontier(case, "liquidity", points=9, scenarios=COUNT, device="cpu")
        assert again.tables == whole.tables
        assert again.passes == whole.passes
        assert again.minimum == whole.minimum
        for one, before in zip(again.points, whole.points, strict=True):
            assert one.decisions is not None
            assert (one.decisions == before.decisions).all()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 19, 64])
def test_neighbours_come_before_those_between_them(count: int) -> None:
    before: list[int] = []
    for i, neighbours in _bisection(count):
        assert set(neighbours) <= set(before)
        assert len(neighbours) <= 2
        if len(before) >= 2:  # the first two wait for nobody
            nearest = {max((j for j in before if j < i), default=-1), min((j for j in before if j > i), default=-1)}
            assert set(neighbours) == nearest - {-1}
        before.append(i)
    assert sorted(before) == list(range(count))


def test_ctrl_c_among_points_beside_each_other(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 2)
    heard: list[str] = []

    def press(event: ProgressEvent) -> None:
        heard.append(event.phase)
        if len({phase.partition(",")[0] for phase in heard if "," in phase}) > 3:  # ends, a point, and others beside it
            raise KeyboardInterrupt

    found = capmix.frontier(case, "liquidity", points=9, scenarios=COUNT, device="cpu", progress=press)
    assert heard[-1].startswith(("frontier: ", "checking"))
    assert found.interrupted
    assert found.points[-1].status is Status.CERTIFIED  # the loose end, which came first
    assert [p.limit for p in found.points] == sorted(p.limit for p in found.points)
    assert len(found.points) == 9
    assert any(p.why == "interrupted before it began" for p in found.points)
    assert any("interrupted: " in message for message in found.messages)
    assert len(found.tables["frontier"].rows) == 9


def test_a_request_to_stop_while_the_plans_are_checked_keeps_the_frontier() -> None:
    def press(event: capmix.ProgressEvent) -> None:
        if event.phase.startswith("checking"):
            stops.request("interrupted")

    try:
        found = capmix.frontier(starter(), points=3, scenarios=COUNT, device="cpu", progress=press)
    finally:
        stops.clear()
    assert not found.interrupted
    assert [p.status for p in found.points] == [Status.CERTIFIED] * 3
    assert all(p.out_of_sample is None for p in found.points)
    assert found.messages[-1] == "interrupted before the plans were checked out of sample"


def test_the_same_pool_serves_another_limit_and_a_minimised_cost(case: Case) -> None:
    date = case.horizon.periods - 1
    cheap = replace(case, objective=replace(case.objective, kind="cost", at=date, target=60_000.0))
    found = capmix.frontier(cheap, "net_loss", points=5, scenarios=COUNT, device="cpu", out_of_sample=False)
    costs = np.array([p.objective for p in found.points])
    assert all(p.status is Status.CERTIFIED for p in found.points)
    assert (np.diff(costs) <= GAP * np.abs(costs[1:])).all()
    assert costs[0] > costs[-1]
    assert all(p.price <= 0.0 for p in found.points)


def test_cuts_of_all_points_hold_for_every_plan(case: Case) -> None:
    ready = prepare(case, choose("cpu"), COUNT, 1)
    risks = risk_limits(case, ready.losses)
    search = FrontierSearch(ready, risks, 0, Settings(), Clock(None), None)
    points = search.run(5, None, None)
    assert len({p.limit for p in points}) == 5
    rng = np.random.default_rng(3)
    values = ready.backend.values(ready.store, np.arange(COUNT))
    assert len(search.cuts) > 20
    for p in points:
        assert p.decisions is not None
        x = p.decisions * rng.uniform(0.5, 1.5, p.decisions.size)
        worst = [cvar(risk, x, values) for risk in risks]
        for cut in search.cuts:
            assert cut.constant + cut.gradient @ x <= worst[cut.limit] + 1e-7 * max(1.0, abs(worst[cut.limit]))


def test_most_points_between_others_cost_two_programs() -> None:
    """Fine steps: the mixture of two neighbours is as good as proven by the cuts of both."""
    found = capmix.frontier(
        starter(), points=21, low=-0.7, high=-0.5, scenarios=COUNT, device="cpu", out_of_sample=False
    )
    assert all(p.status is Status.CERTIFIED for p in found.points)
    assert sum(p.passes.solves <= 2 for p in found.points) >= 10


def test_fresh_draws_and_money(whole: Frontier) -> None:
    for p in whole.points:
        assert p.out_of_sample is not None
        assert p.out_of_sample.ci_low < p.out_of_sample.value < p.out_of_sample.ci_high
        assert p.raised == pytest.approx(sum(p.funding.values()))
    faces = [row for row in whole.tables["frontier_funding"].rows if row[0] == whole.points[0].limit]
    assert sum(float(row[2]) for row in faces) == pytest.approx(whole.points[0].raised, rel=1e-6)  # type: ignore[arg-type]


def with_extra(plan: Toy, limit: float) -> Toy:
    return replace(plan, risks=(replace(plan.risks[0], limit=limit), *plan.risks[1:]))


@pytest.mark.parametrize("peak", [2.0, 50.0])
def test_the_least_possible_equals_the_extensive_form(peak: float) -> None:
    """Minimise the CVaR of one loss while the other's limit is kept: HiGHS on one block of rows per scenario."""
    plan = toy(count=400, peak=peak, loss=3.0, budget=30.0)
    backend = get_backend("numpy")
    start = maximise(plan.program, with_extra(plan, 1e3).risks, backend, plan.store, Settings(depth=0.2))
    inside = min(start.learnt.known, key=lambda k: k.values[1])
    found = least_kept(plan.program, plan.risks, 0, backend, plan.store, inside.x, Settings(least_gap=1e-6))
    form = extensive(plan.program, [plan.risks[1], plan.risks[0]], plan.values)
    row = form.matrix[[-1]].toarray().ravel()
    oracle = -solve_highs(replace(form, cost=-row, offset=0.0, upper=np.append(form.upper[:-1], np.inf)))[0]
    size = max(1.0, abs(oracle))
    assert found.bound <= oracle + 1e-6 * size
    assert oracle - 1e-6 * size <= found.value <= oracle + 1e-5 * size
    decisions = found.plan.x[plan.program.decisions]
    assert cvar(plan.risks[0], decisions, plan.values) == pytest.approx(found.value, rel=1e-8, abs=1e-8)
    assert cvar(plan.risks[1], decisions, plan.values) <= plan.risks[1].limit + 1e-7


def test_the_least_must_begin_inside_the_other_limits() -> None:
    plan = toy(count=200, peak=2.0, loss=3.0)
    free = maximise(plan.program, (), get_backend("numpy"), plan.store, Settings(polish=False))
    tight = (plan.risks[0], replace(plan.risks[1], limit=-100.0))
    assert free.columns is not None
    with pytest.raises(ValueError, match="inside every other"):
        least_kept(plan.program, tight, 0, get_backend("numpy"), plan.store, free.columns, Settings())


def test_time_limit_keeps_what_was_found() -> None:
    found = capmix.frontier(starter(), points=5, low=0.0, high=3.0, scenarios=COUNT, time_limit=1e-3, device="cpu")
    assert [p.status for p in found.points] == [Status.STOPPED] * 5
    assert all("time limit" in p.why for p in found.points)


@pytest.mark.parametrize("phase", ["drawing 2,000 scenarios", "relaxed"])
def test_interrupt_before_there_is_a_plan_ends_it(phase: str) -> None:
    def stop(event: capmix.ProgressEvent) -> None:
        if event.phase.endswith(phase):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        capmix.frontier(starter(), points=3, scenarios=COUNT, device="cpu", progress=stop)


def test_interrupt_keeps_a_plan_that_is_not_certified() -> None:
    def stop(event: capmix.ProgressEvent) -> None:
        if event.phase.endswith("cutting planes"):
            raise KeyboardInterrupt

    found = capmix.frontier(starter(), points=3, scenarios=COUNT, device="cpu", progress=stop)
    assert found.interrupted
    assert [p.status for p in found.points] == [Status.STOPPED]
    assert found.points[0].planned
    assert "interrupted" in found.points[0].why


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"limit": "liquidty"}, 'did you mean "liquidity"'),
        ({"limit": 3}, "a risk limit of the case"),
        ({"points": 1}, "from 2 to 1,000"),
        ({"points": 2.5}, "whole number"),
        ({"low": float("nan")}, "a number"),
        ({"high": "8"}, "a number"),
        ({"low": 8.0, "high": 8.0}, "below high"),
        ({"scenarios": 0}, "whole number"),
        ({"gap": 2.0}, "below 1"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(CaseError) as caught:
        capmix.frontier(starter(), **arguments)  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_all_faults_at_once() -> None:
    with pytest.raises(CaseError) as caught:
        capmix.frontier(starter(), "nothing", points=0, low="x")  # type: ignore[arg-type]
    assert len(caught.value.faults) == 3


def test_a_first_amount_above_the_free_end(case: Case) -> None:
    with pytest.raises(CaseError, match="costs nothing"):
        capmix.frontier(case, points=3, low=1e4, scenarios=COUNT, device="cpu")
