"""Whole runs of the starter case: repeatable, monotone, certified, and the same on both backends."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace

import capmix
import numpy as np
import pytest
from capmix import CaseError, DeviceError, Plan, Status, optimize
from capmix.models.schema.case import Case

from .cases import every_loss, starter, with_risk

COUNT = 2_000


@pytest.fixture(scope="module")
def plan() -> Plan:
    return optimize(starter(), scenarios=COUNT, seed=7)


def amounts(plan: Plan) -> dict[str, float]:
    return {str(row[0]): float(row[3]) for row in plan.decisions.rows}  # type: ignore[arg-type]


def test_a_plan_is_certified(plan: Plan) -> None:
    assert plan.status is Status.CERTIFIED
    assert plan.certificate is not None
    assert plan.certificate.gap <= 1e-5
    assert plan.certificate.lower_bound <= plan.certificate.upper_bound
    assert plan.objective_value == pytest.approx(plan.certificate.lower_bound)
    assert [r.name for r in plan.risk] == ["liquidity", "net_loss"]
    for risk in plan.risk:
        assert risk.value <= risk.limit + 1e-6 * max(1.0, abs(risk.limit))
        assert risk.out_of_sample is not None
        assert risk.out_of_sample.ci_low < risk.out_of_sample.value < risk.out_of_sample.ci_high
    assert plan.scenarios.count == COUNT
    assert plan.scenarios.seed == 7
    assert plan.timings.total_s > 0.0
    assert {"capmix", "highspy", "numpy", "pyomo"} <= set(plan.versions)


def test_the_same_seed_gives_the_same_plan(plan: Plan) -> None:
    again = optimize(starter(), scenarios=COUNT, seed=7)
    assert amounts(again) == amounts(plan)
    assert again.objective_value == plan.objective_value
    assert again.risk == plan.risk
    assert again.tables == plan.tables
    other = optimize(starter(), scenarios=COUNT, seed=8, out_of_sample=False)
    assert other.objective_value != plan.objective_value


def test_both_backends_reach_the_same_objective() -> None:
    fast = optimize(every_loss(), scenarios=COUNT, gap=1e-10, out_of_sample=False)
    slow = optimize(every_loss(), scenarios=COUNT, gap=1e-10, out_of_sample=False, device="numpy")
    assert (fast.device.backend, slow.device.backend) == ("numba", "numpy")
    assert fast.status is slow.status is Status.CERTIFIED
    assert fast.objective_value == pytest.approx(slow.objective_value, rel=1e-9)


def deeper(case: Case, factor: float) -> Case:
    """Every investor takes `factor` times as much of everything."""

    def wide(depth: capmix.models.schema.financing.Depth) -> capmix.models.schema.financing.Depth:
        return replace(depth, steps=tuple(replace(s, size=s.size * factor) for s in depth.steps))

    return replace(
        case,
        investor=tuple(
            replace(i, issuance_capacity=tuple(a * factor for a in i.issuance_capacity)) for i in case.investor
        ),
        instrument=tuple(replace(i, depth=tuple(wide(d) for d in i.depth)) for i in case.instrument),
    )


def test_more_depth_never_lowers_compute() -> None:
    # A poor company, so that funding is what binds.
    poor = replace(starter(), cash=replace(starter().cash, opening=0.3))
    poor = with_risk(with_risk(poor, "liquidity", limit=0.6), "net_loss", limit=0.8)
    values = [
        optimize(deeper(poor, factor), scenarios=COUNT, gap=1e-7, out_of_sample=False).objective_value
        for factor in (0.25, 0.5, 1.0, 2.0)
    ]
    assert np.isfinite(values).all()
    assert all(b >= a * (1.0 - 1e-6) for a, b in itertools.pairwise(values))
    assert values[-1] > values[0] * 1.001


def test_a_tighter_limit_never_raises_compute() -> None:
    values = [
        optimize(with_risk(starter(), "net_loss", limit=limit), scenarios=COUNT, gap=1e-7, out_of_sample=False)
        for limit in (0.4, 0.6, 0.8)
    ]
    compute = [p.objective_value for p in values]
    assert compute[0] < compute[1] < compute[2]


def test_a_case_without_risk_limits_is_the_plain_linear_program() -> None:
    plan = optimize(replace(starter(), risk=()), scenarios=COUNT)
    bound = optimize(starter(), scenarios=COUNT, out_of_sample=False)
    assert plan.status is Status.CERTIFIED
    assert plan.risk == ()
    assert plan.objective_value >= bound.objective_value


def test_minimum_cost_keeps_its_signs() -> None:
    at, target = 9, 60_000.0
    case = replace(starter(), objective=replace(starter().objective, kind="cost", at=at, target=target))

    def cost(wanted: float) -> Plan:
        changed = replace(case, objective=replace(case.objective, target=wanted))
        return optimize(changed, scenarios=COUNT, gap=1e-8, out_of_sample=False)

    plan = cost(target)
    assert plan.status is Status.CERTIFIED
    assert plan.certificate is not None
    assert plan.objective_unit == "billion"
    assert plan.certificate.lower_bound <= plan.objective_value <= plan.certificate.upper_bound + 1e-12
    served = next(row for row in plan.tables["compute"].rows if row[0] == "compute in service")
    assert float(served[2 + at]) >= target * (1.0 - 1e-9)  # type: ignore[arg-type]
    price = next(p for p in plan.prices if p.rule == "compute_target")
    more, less = cost(target + 500.0).objective_value, cost(target - 500.0).objective_value
    steps = ((plan.objective_value - less) / 500.0, (more - plan.objective_value) / 500.0)
    tolerance = 1e-6 * abs(price.price / price.per) + 1e-8
    assert steps[0] - tolerance <= price.price / price.per <= steps[1] + tolerance
    assert price.price > 0.0  # a higher target costs more
    assert all(p.price <= 0.0 for p in plan.prices if p.rule in ("supply", "site_power", "contract_volume", "risk"))


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ({"scenarios": 0}, "scenarios"),
        ({"scenarios": -5}, "scenarios"),
        ({"scenarios": 10**9 + 1}, "scenarios"),
        ({"scenarios": 1.5}, "scenarios"),
        ({"scenarios": True}, "scenarios"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"gap": 0.0}, "gap"),
        ({"gap": float("nan")}, "gap"),
        ({"time_limit": 0.0}, "time_limit"),
        ({"time_limit": float("inf")}, "time_limit"),
        ({"scenarios": 19}, "level"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, float], key: str) -> None:
    with pytest.raises(CaseError) as caught:
        optimize(starter(), **arguments)  # type: ignore[arg-type]
    assert caught.value.faults
    assert all(key in fault.key and fault.allowed and fault.cure for fault in caught.value.faults)


def test_a_tail_of_exactly_one_scenario_is_allowed() -> None:
    # The mean of one worst scenario is the worst case.
    plan = optimize(with_risk(starter(), "liquidity", limit=1.0), scenarios=20, out_of_sample=False)
    assert plan.status is Status.CERTIFIED


def test_devices() -> None:
    with pytest.raises(DeviceError, match="cuda"):
        optimize(starter(), scenarios=COUNT, device="cuda")
    with pytest.raises(DeviceError, match="gpu"):
        optimize(starter(), scenarios=COUNT, device="gpu")


def test_the_largest_seed_works() -> None:
    assert optimize(starter(), scenarios=200, seed=2**64 - 1, out_of_sample=False).scenarios.seed == 2**64 - 1


def test_a_driver_that_overflows_is_a_fault_of_the_case() -> None:
    drivers = tuple(
        replace(d, drift=(900.0,) * 12) if d.id == "rental" else d  # type: ignore[call-arg]
        for d in starter().driver
    )
    with pytest.raises(CaseError, match="driver"):
        optimize(replace(starter(), driver=drivers), scenarios=COUNT)


def test_importing_capmix_imports_nothing_heavy() -> None:
    code = (
        "import sys, capmix; "
        "print([m for m in ('numpy', 'scipy', 'pyomo', 'highspy', 'numba') if m in sys.modules]); "
        "print(all(hasattr(capmix, name) for name in capmix.__all__))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert out.stdout.split() == ["[]", "True"]
    with pytest.raises(AttributeError, match="nothing"):
        _ = capmix.nothing


def test_out_of_time_before_there_is_a_plan() -> None:
    plan = optimize(starter(), scenarios=COUNT, time_limit=1e-6)
    assert plan.status is Status.STOPPED
    assert plan.certificate is None
    assert plan.infeasibility is None
    assert plan.decisions.rows == ()
    assert any("time limit" in message for message in plan.messages)
