"""From the loop's solution to the plan: decisions, statements, risk figures, prices and the certificate."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from ...kernels.backend import Backend
from ...kernels.memory.leaves import parted_store
from ...kernels.vectors import LossVector
from ...models.blocks.floors import without_floors
from ...models.blocks.objective import UNITS
from ...models.ledger import Account
from ...models.schema.case import Case
from ..arrays import FloatArray
from ..cutting_planes.endings import Ending
from ..cutting_planes.scaling import ScalingReport
from ..cutting_planes.solution import Passes, Solution, Status
from ..plan import (
    Bounded,
    Certificate,
    Device,
    Funding,
    Plan,
    RiskFigure,
    ScenarioInfo,
    ShadowPrice,
    Timings,
    Wealth,
)
from ..setup.assemble import liquidity
from ..setup.device import describe, processor
from ..setup.out_of_sample import OutOfSample
from ..setup.prepare import PlanningProblem
from ..setup.risk_losses import all_risks
from ..table import Cell, Column, Table
from . import circular_financing as circular
from . import shadow_prices as explain
from . import tax_by_scenario
from .adaptive_amounts import AdaptiveAmounts, node_amounts
from .compute_by_system import compute_by_system
from .covenants import Prices, StepPrice, covenants, over_scenarios, untested
from .driver_figures import driver_table
from .entities import entity_tables, remarks
from .entity_risk import entity_risk_tables
from .evidence import evidence
from .expected import Amounts
from .funding_tables import decision_table, funding, holdings
from .infeasible import in_words
from .loss_allocation import bear
from .loss_tables import allocated, loss_tables
from .names import BOTTLENECKS, COMPUTE_BY_SYSTEM, COVENANTS, DECISIONS, DRIVERS, LIQUIDITY_FAN, SCALING, Scaling
from .own_table import own_table
from .review_names import REVIEW_WORTH
from .review_tables import node_decisions, review_tables
from .review_worth import with_plan, worth_table
from .risk_figures import liquidity_fan, risk_figures
from .sampling_error import objective_error
from .scenario_names import TAX_BY_SCENARIO
from .statements import check_closing, statements
from .tabulate import long
from .tidy import amounts_of
from .treasury.tables import treasury_tables

PACKAGES = ("capmix", "numpy", "scipy", "pyomo", "highspy", "numba")
MISSED = 5e-3  # of the value: what polishing may leave without a remark
OBJECTIVES = {
    "compute": "discounted compute delivered",
    "capacity": "compute in service at the date",
    "cost": "lowest cost of the compute target",
    "npv": "owners' NPV",
}


@dataclass(frozen=True)
class Circumstances:
    """What the tables of a plan need beside the solution: seed, tolerance, the plan out of sample, remarks.

    steps: what a tightening step of each covenant costs, where plans were made again. without: of a plan that adapts,
    the case planned without its reviews.
    """

    seed: int
    tolerance: float
    fresh: OutOfSample | None
    messages: tuple[str, ...]
    steps: Mapping[str, StepPrice] | None = None
    without: tuple[Bounded, ...] = ()


def compose(ready: PlanningProblem, solution: Solution, about: Circumstances) -> Plan:
    """The plan with all its tables; without timings. StatementError if the statements do not close."""
    plan = _bare(ready, solution, about)
    if solution.decisions is None or solution.columns is None:
        return plan
    case, program = ready.case, ready.program
    _check_closing(ready, solution.decisions, solution.columns)
    amounts = amounts_of(ready, solution.decisions)
    sense = 1.0 if program.maximise else -1.0
    losses = _losses(ready, solution)
    risk = _risk(ready, solution, losses, about, sense)
    found = explain.limits_of(program, solution)
    prices = explain.shadow_prices(found, risk, case.horizon.labels)
    found_loops = circular.circulation(circular.money_flows(amounts))
    raised = replace(funding(amounts), circulating=found_loops.funding, circulating_share=found_loops.share)
    cash = ready.liquidity if ready.adaptive is None else liquidity(case, ready.ledger)
    bearing = bear(amounts, ready.backend, ready.store, cash, all_risks(case), losses)
    tables = {
        **holdings(amounts, raised),
        **statements(amounts),
        COMPUTE_BY_SYSTEM: compute_by_system(amounts),
        **treasury_tables(amounts),
        COVENANTS: covenants(amounts),
        **over_scenarios(
            amounts, ready.backend, ready.store, _prices(ready, solution, risk), program.unit, about.steps
        ),
        **entity_tables(amounts, ready.closed),
        **entity_risk_tables(amounts, bearing, ready.backend, ready.store),
        BOTTLENECKS: explain.chain(found, risk, _power(amounts), case.horizon.labels, program.maximise),
        **explain.price_tables(prices, found, program.unit),
        **own_table(program, ready.own, solution.columns, explain.row_worth(program, solution)),
        LIQUIDITY_FAN: liquidity_fan(
            ready.backend,
            ready.store,
            ready.liquidity,
            solution.decisions,
            case.horizon.labels,
            (1.0,) if ready.adaptive is None else ready.adaptive.tree.shares.tolist(),
        ),
        DRIVERS: driver_table(case, ready.backend, ready.store),
        SCALING: _scaling(solution.scaling),
        **circular.tables(found_loops),
        **loss_tables(case, bearing),
    }
    own_tax = None
    if tax_by_scenario.applies(amounts):
        found_tax = tax_by_scenario.found(amounts, ready.backend, ready.store)
        own_tax = tax_by_scenario.summary(amounts, found_tax, all_risks(case), losses, ready.backend)
        tables[TAX_BY_SCENARIO] = tax_by_scenario.table(amounts, found_tax)
    decided = decision_table(amounts)
    if isinstance(amounts, AdaptiveAmounts):
        tables |= review_tables(amounts, ready.backend, parted_store(ready.store), all_risks(case), losses)
        tables[REVIEW_WORTH] = worth_table(with_plan(solution), about.without, program.unit)
        decided = node_decisions(amounts)
    plan = replace(
        plan,
        tax=own_tax,
        loss_allocation=allocated(case, bearing),
        certificate=_with_error(plan.certificate, ready, risk, about),
        evidence=evidence(program, solution, about.steps, ready.own, about.without),
    )
    return _with(
        plan,
        risk,
        raised,
        decided,
        tables,
        prices,
        (*_warnings(risk), *_missed(solution), *remarks(amounts, ready.closed), *untested(amounts)),
    )


def unplanned(case: Case, backend: Backend, count: int, seed: int, *messages: str) -> Plan:
    """The plan of a run that was stopped before there were scenarios to plan on."""
    return Plan(
        case=case,
        status=Status.STOPPED,
        objective_name=OBJECTIVES[case.objective.kind],
        objective_value=float("nan"),
        objective_unit=UNITS[case.objective.kind],
        certificate=None,
        risk=(),
        scenarios=ScenarioInfo(count, seed, 0),
        device=Device(backend.name, backend.device_name or processor(), backend.threads, "resident"),
        timings=Timings(0.0, 0.0, 0.0, 0.0),
        passes=Passes(0, 0.0, 0, 0),
        funding=Funding({}, {}, 0.0, 0.0),
        decisions=Table(DECISIONS, "Decisions", (), ()),
        tables={},
        prices=(),
        messages=messages,
        ending=Ending.OUT_OF_TIME,
        versions=versions(),
    )


def _wealth(solution: Solution) -> Wealth | None:
    if solution.decisions is None:
        return None
    return Wealth(solution.value, max(solution.value, solution.value_bound))  # which may differ by rounding


def timings(ready: PlanningProblem, solution: Solution, total: float) -> Timings:
    """Seconds by kind of work, of `total` in all."""
    return Timings(
        simulate_s=ready.simulate_s,
        evaluate_s=ready.evaluate_s + solution.evaluate_s,
        master_s=solution.master_s,
        total_s=total,
        build_s=ready.build_s,
    )


def _bare(ready: PlanningProblem, solution: Solution, about: Circumstances) -> Plan:
    """The plan without decisions: all that is known when there is none."""
    nothing = Table(DECISIONS, "Decisions", (), ())
    certificate = None
    if solution.decisions is not None:
        certificate = Certificate(solution.upper, solution.lower, solution.gap, about.tolerance)
    conflict = None
    if solution.status is Status.INFEASIBLE:
        conflict = in_words(solution.conflict, ready.program, all_risks(ready.case))
    return Plan(
        case=without_floors(ready.case),
        status=solution.status,
        objective_name=OBJECTIVES[ready.case.objective.kind],
        objective_value=solution.objective if solution.decisions is not None else float("nan"),
        objective_unit=ready.program.unit,
        wealth=_wealth(solution),
        certificate=certificate,
        risk=(),
        scenarios=ScenarioInfo(ready.store.count, about.seed, ready.store.nbytes),
        device=describe(ready.backend, ready.store),
        timings=Timings(0.0, 0.0, 0.0, 0.0),
        passes=solution.passes,
        funding=Funding({}, {}, 0.0, 0.0),
        decisions=nothing,
        tables={SCALING: _scaling(solution.scaling)},
        prices=(),
        infeasibility=conflict,
        messages=(*ready.messages, *solution.messages, *about.messages),
        ending=solution.ending,
        versions=versions(),
    )


def _with(
    plan: Plan,
    risk: tuple[RiskFigure, ...],
    raised: Funding,
    decisions: Table,
    tables: dict[str, Table],
    prices: tuple[ShadowPrice, ...],
    warnings: tuple[str, ...],
) -> Plan:
    return replace(
        plan,
        risk=risk,
        funding=raised,
        decisions=decisions,
        tables=tables,
        prices=prices,
        messages=(*plan.messages, *warnings),
    )


def _losses(ready: PlanningProblem, solution: Solution) -> list[LossVector]:
    """(S,) losses of each risk limit."""
    tables = [loss.table for loss in ready.losses]
    return ready.backend.losses(ready.store, tables, [loss.matrix @ solution.decisions for loss in ready.losses])


def _risk(
    ready: PlanningProblem, solution: Solution, losses: Sequence[LossVector], about: Circumstances, sense: float
) -> tuple[RiskFigure, ...]:
    prices = [sense * value.price for value in solution.risks]
    fresh = None if about.fresh is None else about.fresh.losses
    return risk_figures(ready.backend, all_risks(ready.case), losses, prices, fresh)


def _with_error(
    certificate: Certificate | None, ready: PlanningProblem, risk: Sequence[RiskFigure], about: Circumstances
) -> Certificate | None:
    """The certificate with what the choice of scenarios may do to the optimum, where out-of-sample ones were drawn."""
    if certificate is None or about.fresh is None:
        return certificate
    levels, prices = [f.level for f in risk], [f.price for f in risk]
    found = objective_error(about.fresh.objective, about.fresh.losses, levels, prices, ready.store.count)
    return replace(certificate, sampling_error=found)


def _warnings(risk: Sequence[RiskFigure]) -> tuple[str, ...]:
    return tuple(
        f"risk limit {f.name}: out of sample CVaR is {f.out_of_sample.value:.4g} {f.unit}, above the limit of "
        f"{f.limit:.4g} by more than its 95 % interval; more scenarios bring the two together"
        for f in risk
        if f.out_of_sample is not None and f.out_of_sample.ci_low > f.limit
    )


def _missed(solution: Solution) -> tuple[str, ...]:
    """A remark where a plan of the same objective may be worth clearly more."""
    most, value = solution.value_bound, solution.value
    if not np.isfinite(most) or most - value <= MISSED * abs(value):
        return ()
    return (
        f"expected wealth at the end, discounted, is {value:.5g} billion; at the same objective it may be up to "
        f"{most:.5g}: the search for it ended early",
    )


def _prices(ready: PlanningProblem, solution: Solution, risk: Sequence[RiskFigure]) -> Prices:
    """Objective gained per unit by which a row, or a risk limit, is relaxed; a cost counts as a loss."""
    program = ready.program
    free = {index.name: 0.0 for index in program.held}
    rows = dict(zip(program.row_names, solution.row_prices.tolist(), strict=True))
    return Prices({**free, **rows}, {figure.name: abs(figure.price) for figure in risk})


def _check_closing(ready: PlanningProblem, decisions: FloatArray, columns: FloatArray) -> None:
    """StatementError unless cash by the postings is the linear program's, at each node of a plan that adapts."""
    labels = ready.case.horizon.labels
    if ready.adaptive is None:
        at = ready.program.columns
        whole = Amounts(ready.case, ready.ledger, ready.means, decisions, ready.deposit_rates)
        check_closing(whole, columns[[at[f"cash[{label}]"] for label in labels]])
        return
    stitched = ready.adaptive.stitched
    place = {name: j for j, name in enumerate(stitched.state_names)}
    cash = [place[f"cash[{label}]"] for label in labels]
    for node, amounts in zip(ready.adaptive.tree.nodes, node_amounts(ready, ready.adaptive, decisions), strict=True):
        check_closing(amounts, columns[stitched.states[node.number, cash]], range(node.start, node.end))


def _power(amounts: Amounts) -> dict[str, FloatArray]:
    return {
        site.id: amounts.part(Account.IT_POWER, lambda d, name=site.id: d.tags.get("site") == name)  # type: ignore[misc]
        for site in amounts.case.site
    }


def _scaling(report: ScalingReport) -> Table:
    columns = (
        Column(Scaling.KIND),
        Column(Scaling.SMALLEST_BEFORE, "", "number"),
        Column(Scaling.LARGEST_BEFORE, "", "number"),
        Column(Scaling.SMALLEST_AFTER, "", "number"),
        Column(Scaling.LARGEST_AFTER, "", "number"),
    )
    rows: list[tuple[Cell, ...]] = []
    for kind, before in report.before.items():
        after = report.after[kind]
        rows.append((kind, before.smallest, before.largest, after.smallest, after.largest))
    return long(SCALING, "Range of the coefficients before and after scaling", columns, rows)


def versions() -> dict[str, str]:
    """Versions of the packages that took part."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
