"""Where there is no plan, the reason is said in the user's words, and it is true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capmix import Plan, Status, optimize
from capmix.models.program import LinearProgram
from capmix.models.schema.case import Case
from capmix.models.schema.rules import Covenant
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import prepare
from capmix.reports.files.document import document
from capmix.reports.summary.terminal import render
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from ..cases import every_loss, starter, with_risk

FloatArray = NDArray[np.float64]

COUNT = 2_000


def least_of(plan: Plan, name: str) -> float:
    assert plan.infeasibility is not None
    return next(item[2] for item in plan.infeasibility.minimum_risk if item[0] == name)


def test_a_risk_limit_below_the_least_possible_says_that_least() -> None:
    plan = optimize(with_risk(starter(), "liquidity", limit=-5.0), scenarios=COUNT)
    assert plan.status is Status.INFEASIBLE
    assert plan.certificate is None
    assert plan.decisions.rows == ()
    assert plan.infeasibility is not None
    name, asked, least, unit = next(x for x in plan.infeasibility.minimum_risk if x[0] == "liquidity")
    assert (name, asked, unit) == ("liquidity", -5.0, "billion")
    assert least > -5.0
    assert "liquidity" in plan.infeasibility.reason
    assert "-5" in plan.infeasibility.reason
    told = plan.infeasibility.conflicts[0].limits[0]
    assert told.key == "risk.liquidity.limit"
    assert told.alone == pytest.approx(least, rel=3e-3)
    assert f"{told.alone:.4g}" in plan.infeasibility.reason


def test_the_least_possible_is_the_border_of_what_can_be_planned() -> None:
    alone = replace(starter(), risk=tuple(r for r in starter().risk if r.id == "net_loss"))
    least = least_of(optimize(with_risk(alone, "net_loss", limit=-9.0), scenarios=COUNT), "net_loss")
    width = 1e-3 * max(1.0, abs(least))
    above = optimize(with_risk(alone, "net_loss", limit=least + width), scenarios=COUNT, out_of_sample=False)
    below = optimize(with_risk(alone, "net_loss", limit=least - width), scenarios=COUNT, out_of_sample=False)
    assert above.status is Status.CERTIFIED
    assert below.status is Status.INFEASIBLE


def test_limits_that_only_conflict_together() -> None:
    case = every_loss()
    plan = optimize(with_risk(with_risk(case, "late", limit=15_000.0), "net_loss", limit=0.2), scenarios=COUNT)
    assert plan.status is Status.INFEASIBLE
    assert plan.infeasibility is not None
    assert {item[0] for item in plan.infeasibility.minimum_risk} == {"liquidity", "net_loss", "late"}
    assert plan.infeasibility.reason


@pytest.mark.parametrize("periods", [12])
def test_rules_that_contradict_each_other_are_named(periods: int) -> None:
    case = replace(starter(), cash=replace(starter().cash, minimum=(50.0,) * periods))
    plan = optimize(case, scenarios=COUNT)
    assert plan.status is Status.INFEASIBLE
    assert plan.infeasibility is not None
    assert plan.infeasibility.relaxations
    assert any(fault.rule == "minimum_cash" for fault in plan.infeasibility.relaxations)
    assert all(fault.amount > 0.0 and fault.title for fault in plan.infeasibility.relaxations)
    assert plan.infeasibility.conflicts[0].limits[0].key == "cash.minimum"
    assert plan.infeasibility.reason.startswith("Minimum cash of at least 50 billion cannot be kept")


def test_a_target_beyond_all_supply_is_named() -> None:
    objective = replace(starter().objective, kind="cost", at=3, target=1e6)
    plan = optimize(replace(starter(), objective=objective), scenarios=COUNT)
    assert plan.status is Status.INFEASIBLE
    assert plan.infeasibility is not None
    assert plan.infeasibility.relaxations


def linear(plan: Plan) -> LinearProgram:
    """The linear program of the plan's case on the same scenarios."""
    return prepare(plan.case, choose("cpu"), COUNT, plan.scenarios.seed).program


def has_point(program: LinearProgram, row_lower: FloatArray, row_upper: FloatArray, col_upper: FloatArray) -> bool:
    """By SciPy, on its own."""
    found = milp(
        np.zeros(program.matrix.shape[1]),
        constraints=LinearConstraint(program.matrix, row_lower, row_upper),
        bounds=Bounds(program.col_lower, col_upper),
    )
    return bool(found.status == 0)


def relaxed_has_point(plan: Plan) -> tuple[bool, bool]:
    """Whether the rules can be met as they are, and with exactly the faults given way."""
    assert plan.infeasibility is not None
    program = linear(plan)
    lower, upper, high = program.row_lower.copy(), program.row_upper.copy(), program.col_upper.copy()
    for fault in plan.infeasibility.relaxations:
        name = f"{fault.rule}[{fault.index.replace(', ', ',')}]"
        more = fault.amount * (1.0 + 1e-6) + 1e-9
        if name in program.row_names:
            i = program.row_names.index(name)
            lower[i], upper[i] = lower[i] - more, upper[i] + more
        else:
            where = fault.index.replace(", ", ",")
            j = next(
                j for j, c in enumerate(program.column_names)
                if program.bound_rules[j] == fault.rule and c.endswith(f"[{where}]")
            )  # fmt: skip
            high[j] += more
    as_it_is = has_point(program, program.row_lower, program.row_upper, program.col_upper)
    return as_it_is, has_point(program, lower, upper, high)


def cover(limit: float) -> Covenant:
    return Covenant(id="dscr", kind="dscr", limit=limit, from_period=1)


def indebted(case: Case, amount: float) -> Case:
    debt = replace(case.opening.debt[0], amount=amount)
    return replace(case, opening=replace(case.opening, debt=(debt, *case.opening.debt[1:])))


CONFLICTS: dict[str, tuple[Case, str]] = {
    "cover": (replace(starter(), covenant=(cover(30.0),)), "covenant_dscr"),
    "leverage": (
        indebted(
            replace(
                starter(), covenant=(Covenant(id="leverage", kind="net_debt_to_ebitda", limit=0.0), *starter().covenant)
            ),
            1.6,
        ),
        "covenant_leverage",
    ),
    "equity": (
        replace(starter(), covenant=(Covenant(id="equity", kind="terminal_equity", limit=90.0),)), "covenant_equity"
    ),
    "cash": (replace(starter(), cash=replace(starter().cash, minimum=(50.0,) * 12)), "minimum_cash"),
    "target": (
        replace(starter(), objective=replace(starter().objective, kind="cost", at=3, target=1e6)), "compute_target"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFLICTS)
def test_the_users_own_limit_is_named_and_giving_way_is_enough(name: str) -> None:
    case, rule = CONFLICTS[name]
    plan = optimize(case, scenarios=COUNT)
    assert plan.status is Status.INFEASIBLE
    assert plan.infeasibility is not None
    faults = plan.infeasibility.relaxations
    assert faults[0].rule == rule
    first = plan.infeasibility.conflicts[0].limits[0]
    assert first.title[1:] in plan.infeasibility.reason[: len(first.title) + 60]
    assert {"target": "compute target", "cash": "minimum cash"}.get(name, "covenant") == first.kind
    program = linear(plan)
    own = {r for r in program.rules if program.rules[r].link in ("covenant", "cash", "budget", "circularity")}
    assert {f.rule for f in faults} <= own | {"compute_target"}
    assert plan.infeasibility.proven
    assert relaxed_has_point(plan) == (False, True)


def test_every_fault_is_told_or_counted() -> None:
    """Where no limit of the user's own is to blame."""
    plan = optimize(CONFLICTS["leverage"][0], scenarios=COUNT)
    assert plan.infeasibility is not None
    plan = replace(plan, infeasibility=replace(plan.infeasibility, conflicts=()))
    assert plan.infeasibility is not None
    faults = plan.infeasibility.relaxations
    assert len(faults) > 12 or len(faults) == len(document(plan)["infeasibility"]["relaxations"])
    text = render(plan, 100)
    listed = sum(fault.title in row and fault.index in row for row in text.splitlines() for fault in faults[:12])
    assert listed >= min(12, len(faults))
    if len(faults) > 12:
        assert f"and {len(faults) - 12} more, which plan.json lists" in text
        assert f"if all {len(faults)} of these limits are relaxed together" in text


def test_what_would_do_instead_would_do() -> None:
    """Cash that has to be held, and a covenant that forbids to borrow it: either may give way."""
    case = replace(
        starter(),
        cash=replace(starter().cash, minimum=(0.15, 0.95, *(0.15,) * 10)),
        covenant=(Covenant(id="equity", kind="ltv", limit=0.3, from_period=1, to_period=1),),
    )
    plan = optimize(case, scenarios=COUNT)
    assert plan.status is Status.INFEASIBLE
    assert plan.infeasibility is not None
    assert relaxed_has_point(plan) == (False, True)
    assert plan.infeasibility.relaxations[0].rule == "minimum_cash"
    (conflict,) = plan.infeasibility.conflicts
    assert {limit.key for limit in conflict.limits} >= {"cash.minimum", "covenant.equity.limit"}
    assert conflict.limits[0].alone is not None
    assert all(limit.title[1:] in plan.infeasibility.reason for limit in conflict.limits)


def test_definitions_are_never_named_where_a_limit_will_do() -> None:
    """An opening contract for more than the fleet serves: only the balance of what is sold can give way."""
    contract = replace(starter().contract[0], opening_volume=1e5, opening_term=4)
    plan = optimize(replace(starter(), contract=(contract,)), scenarios=COUNT)
    assert plan.status is Status.INFEASIBLE
    assert plan.infeasibility is not None
    program = linear(plan)
    equal = {name for i, name in enumerate(program.row_names) if program.row_lower[i] == program.row_upper[i]}
    for fault in plan.infeasibility.relaxations:
        assert f"{fault.rule}[{fault.index.replace(', ', ',')}]" not in equal
    assert "compute_balance" in {f.rule for f in plan.infeasibility.relaxations}
    assert relaxed_has_point(plan) == (False, True)
