"""Legal inputs next to nothing, or far beyond the rest: the answer of zero, or one in words. No false certificate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from capmix import Plan, SolverError, Status, load_case, optimize
from capmix.models.schema.case import Case
from capmix.optimizer.setup.assemble import risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import prepare

from .cases import flat, starter
from .extensive import extensive, solve_highs
from .test_extensive import lifted

Change = Callable[[Case, float], Case]
COUNT = 1_000


def instruments(case: Case, **changes: float) -> Case:
    return replace(
        case,
        instrument=tuple(
            replace(i, **{k: v for k, v in changes.items() if getattr(i, k)}) for i in case.instrument
        ),
    )  # fmt: skip


def commitment_fee(case: Case, value: float) -> Case:
    return instruments(case, commitment_fee=value)


def advance_rate(case: Case, value: float) -> Case:
    return instruments(case, advance_rate=value)


def shell_cost(case: Case, value: float) -> Case:
    sites = tuple(
        replace(s, layer=tuple(replace(x, cost_per_mw=value) if x.kind == "shell" else x for x in s.layer))
        for s in case.site
    )
    return replace(case, site=sites)


def price(case: Case, value: float) -> Case:
    return replace(case, accelerator=(replace(case.accelerator[0], price=value), *case.accelerator[1:]))


def rental(case: Case, value: float) -> Case:
    return replace(case, accelerator=(replace(case.accelerator[0], rental=value), *case.accelerator[1:]))


def spread(case: Case, value: float) -> Case:
    return replace(
        case,
        instrument=tuple(
            replace(
                i,
                depth=tuple(
                    replace(d, steps=tuple(replace(s, spread=value) if s.spread else s for s in d.steps))
                    for d in i.depth
                ),
            )
            for i in case.instrument
        ),
    )


@cache
def planned(change: Change, value: float) -> Plan:
    return optimize(change(starter(), value), scenarios=COUNT, seed=1, out_of_sample=False)


@pytest.mark.parametrize(
    ("change", "tiny", "nothing"),
    [
        (commitment_fee, 1e-12, 0.0),
        (commitment_fee, 1e-7, 0.0),
        (shell_cost, 1e-10, 0.0),
        (shell_cost, 1e-6, 0.0),
        (price, 1e-12, 1e-6),
        (price, 1e-9, 1e-6),
        (spread, 1e-12, 0.0),
        (rental, 1e-12, 0.0),
        (rental, 1e-6, 0.0),
    ],
)
def test_next_to_nothing_is_as_nothing(change: Change, tiny: float, nothing: float) -> None:
    one, other = planned(change, tiny), planned(change, nothing)
    assert one.status is other.status is Status.CERTIFIED
    assert one.certificate is not None
    assert one.certificate.lower_bound <= one.certificate.upper_bound
    assert one.objective_value == pytest.approx(other.objective_value, rel=2e-5)


def test_a_rate_that_lends_nothing_is_as_no_loan() -> None:
    secured = {i.id for i in starter().instrument if i.advance_rate}
    without = replace(starter(), instrument=tuple(i for i in starter().instrument if i.id not in secured))
    found = optimize(without, scenarios=COUNT, seed=1, out_of_sample=False)
    assert planned(advance_rate, 1e-12).objective_value == pytest.approx(found.objective_value, rel=2e-5)


def test_a_price_of_next_to_nothing_has_the_bound_of_the_extensive_form() -> None:
    """The bound was false by 4e-4 where the price was 1e-9."""
    case, count = price(starter(), 1e-9), 200
    plan = optimize(case, scenarios=count, seed=1, gap=1e-6, out_of_sample=False)
    ready = prepare(case, choose("numpy"), count, 1)
    limits = risk_limits(case, ready.losses)
    values = ready.backend.values(ready.store, np.arange(count))
    oracle, _ = solve_highs(extensive(*lifted(ready.program, limits), values))
    assert plan.certificate is not None
    assert plan.certificate.lower_bound <= oracle * (1.0 + 1e-7) <= plan.certificate.upper_bound * (1.0 + 3e-7)


@pytest.mark.parametrize("least", [100.0, 1e6, 1e12])
def test_cash_beyond_reach_is_infeasible_and_says_so(least: float) -> None:
    case = starter()
    found = optimize(
        replace(case, cash=replace(case.cash, minimum=flat(least, case))), scenarios=COUNT, out_of_sample=False
    )
    assert found.status is Status.INFEASIBLE
    assert found.infeasibility is not None
    assert "cash" in found.infeasibility.reason


def test_losses_beyond_reach_are_as_many_losses() -> None:
    case = starter()

    def carried(amount: float) -> float:
        tax = replace(case.tax, opening_losses=amount)
        return optimize(replace(case, tax=tax), scenarios=COUNT, out_of_sample=False).objective_value

    assert carried(1e9) == pytest.approx(carried(1e3), rel=2e-5)


@pytest.mark.parametrize("volatility", [1e4, 1e12])
def test_losses_that_dwarf_the_case_are_an_error_in_words(volatility: float) -> None:
    case = starter()
    wild = tuple(replace(d, volatility=flat(volatility, case)) if d.id == "sofr" else d for d in case.driver)
    with pytest.raises(SolverError, match="check the volatilities, drifts and jumps"):
        optimize(replace(case, driver=wild), scenarios=COUNT, out_of_sample=False)


@pytest.mark.parametrize(
    ("name", "instrument", "changes"),
    [("ai_lab", "platform_preferred", {"margin": 1e-12}), ("neocloud", "gpu_loan_hy", {"commitment_fee": 1e-12})],
)
def test_shipped_cases_with_terms_of_next_to_nothing(name: str, instrument: str, changes: dict[str, float]) -> None:
    case = load_case(name)
    assert any(i.id == instrument for i in case.instrument)

    def best(factor: float) -> float:
        new = {k: factor * v for k, v in changes.items()}
        some = tuple(replace(i, **new) if i.id == instrument else i for i in case.instrument)
        plan = optimize(replace(case, instrument=some), scenarios=COUNT, seed=1, out_of_sample=False)
        assert plan.status is Status.CERTIFIED
        return plan.objective_value

    assert best(1.0) == pytest.approx(best(0.0), rel=2e-5)
