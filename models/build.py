"""From a case to its ledger, and from both to the linear program as plain arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .arrays import FloatArray
from .blocks import (
    budget,
    cash,
    circularity,
    covenants,
    entities,
    financing,
    funding_limits,
    hardware,
    objective,
    opening,
    revenue,
    revolver,
    rules,
    serving,
    sites,
    tax,
)
from .blocks.assembly import Assembly
from .blocks.floors import with_floors
from .ledger import Ledger, LedgerBuilder
from .own_limits import OwnLimit, add_own
from .program import LinearProgram
from .schema.case import Case
from .stacking import stacked


def _go_on() -> None:
    """What happens between the blocks where nobody asks to stop."""


def build_ledger(case: Case, between: Callable[[], None] = _go_on) -> Ledger:
    """All decisions of a case with their postings.

    `between` is called between the blocks; what it raises passes through.

    Price columns are the case's drivers, its products of drivers, and `one`; factors count the drivers in the order of
    `with_floors(case)`: the case's, then those that floored coupons need. Raises ValueError if an instrument's terms do
    not make a schedule.
    """
    case = with_floors(case)
    columns = {d.id: (d.id,) for d in case.driver} | {c.id: c.drivers for c in case.column}
    builder = LedgerBuilder(columns, [d.id for d in case.driver], case.horizon.periods)
    for block in (opening, hardware, sites, revenue, financing, revolver, tax, entities):
        between()
        block.declare(case, builder)
    between()
    return builder.freeze()


@dataclass(frozen=True, eq=False)
class Declared:
    """What the blocks say of a case: columns and rows, the objective, and the expected value that decides ties."""

    assembly: Assembly
    goal: objective.Goal
    value: objective.Goal


def declare(
    case: Case,
    ledger: Ledger,
    means: FloatArray,
    deposit_rates: FloatArray,
    closed: entities.Calendar = (),
    nothing_due: entities.Calendar = (),
    between: Callable[[], None] = _go_on,
    own: Sequence[OwnLimit] = (),
) -> Declared:
    """Every column and row of a case on its expected path. Arrays (`build_program`) and the Pyomo model
    (`pyomo_model.modelled`) are made from it.

    Args:
        case: the case.
        ledger: `build_ledger(case)`.
        means: (A,) sample means of the ledger's atoms.
        deposit_rates: (T,) expected interest on a surplus, per period (not per year).
        closed: (entity, period) in which an entity's tests of distributions are not met, so that it pays none.
        nothing_due: (name of a covenant's tests or of a lock-up, period) in which nothing is due, so that it is not
            tested.
        between: called between the blocks; what it raises passes through.
        own: limits that the user adds.

    Raises ValueError if shapes do not match or a number is not finite.
    """
    means = np.asarray(means, dtype=np.float64)
    rates = np.asarray(deposit_rates, dtype=np.float64)
    if means.shape != (ledger.factors.shape[0],) or rates.shape != (case.horizon.periods,):
        raise ValueError(f"{means.shape} means and {rates.shape} rates do not fit the ledger and the horizon")
    if not (np.isfinite(means).all() and np.isfinite(rates).all()):
        raise ValueError("the means of the price columns or the deposit rates are not all finite")
    a = Assembly(case, ledger, means, rates)
    serving.leave_out(a)
    for layer in rules.PACE.values():
        a.use_rule(layer)
    a.block = "cash"
    cash.constrain(a)
    a.block = "entities"
    entities.constrain(a, closed, nothing_due)
    for block in (hardware, sites, revenue, funding_limits, revolver, circularity, budget, tax):
        between()
        a.block = block.__name__.rpartition(".")[2]
        block.constrain(a)
    between()
    a.block = "covenants"
    covenants.constrain(a, nothing_due)
    between()
    a.block = "target"
    goal, value = objective.primary(a), objective.value(a)
    a.block = "own_limits"
    add_own(a, own)
    return Declared(a, goal, value)


def build_program(
    case: Case,
    ledger: Ledger,
    means: FloatArray,
    deposit_rates: FloatArray,
    closed: entities.Calendar = (),
    nothing_due: entities.Calendar = (),
    between: Callable[[], None] = _go_on,
    own: Sequence[OwnLimit] = (),
) -> LinearProgram:
    """The linear program of a case on its expected path, as arrays. Arguments and errors: as `declare`."""
    said = declare(case, ledger, means, deposit_rates, closed, nothing_due, between, own)
    return stacked(said.assembly, said.goal, said.value)
