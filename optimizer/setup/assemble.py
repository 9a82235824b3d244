"""From a case and its ledger to the tables of the kernels: processes, losses, risk limits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...kernels.drivers import DEFINITIONS, SLOTS, Process
from ...kernels.tables import LossKind, LossTable, ProcessTable
from ...models.blocks.headroom import NothingDue
from ...models.blocks.idle import wealth_weights
from ...models.blocks.objective import OF_MONEY, compute_weights
from ...models.blocks.reference import start_level
from ...models.ledger import Account, Ledger
from ...models.schema.case import Case
from ...models.schema.drivers import PROCESS_SPECS, Driver
from ..arrays import FloatArray
from ..cutting_planes.solution import RiskLimit
from .driver_order import correlation_factor, counter_words, driver_order
from .exposures import MeasuredLoss as MeasuredLoss
from .exposures import terms
from .liquidity import liquidity as liquidity
from .losses import LOSSES, Ground, given_up
from .risk_losses import all_risks, shortfalls

IntArray = NDArray[np.int32]


def process_table(case: Case) -> ProcessTable:
    """The case's drivers for the kernels, in the order of `driver_order`."""
    order = driver_order(case)
    by_id = {d.id: d for d in case.driver}
    drivers = [by_id[name] for name in order]
    dt, periods = case.horizon.dt, case.horizon.periods
    kinds: list[int] = []
    params: list[FloatArray] = []
    start: list[float] = []
    for driver in drivers:
        kind, row = _process(driver, dt)
        kinds.append(int(kind))
        params.append(np.broadcast_to(row, (periods, SLOTS)))
        start.append(start_level(case, driver.id))
    others = [getattr(d, "depends_on", None) for d in drivers]
    depends = [-1 if other is None else order.index(other) for other in others]
    return ProcessTable(
        kind=np.array(kinds, dtype=np.int32),
        params=np.ascontiguousarray(np.stack(params)),
        start=np.array(start, dtype=np.float64),
        depends_on=np.array(depends, dtype=np.int32),
        cholesky=correlation_factor(order, case.correlation),
        word=counter_words(order),
        dt=dt,
    )


def _process(driver: Driver, dt: float) -> tuple[Process, FloatArray]:
    """Kind, and parameter rows (T, slots) or (slots,)."""
    kind = Process[driver.process.upper()]
    definition, fields = DEFINITIONS[kind], PROCESS_SPECS[driver.process].parameters
    length = (dt,) if definition.timed else ()
    return kind, definition.row(*(getattr(driver, name) for name in fields), *length)


def objective_flow(case: Case, ledger: Ledger, rates: FloatArray) -> MeasuredLoss | None:
    """Minus the objective of a scenario as a loss, up to a constant; None where every scenario has the same.

    The objective's mean over the scenarios is what a plan is chosen by.
    """
    if case.objective.kind in OF_MONEY:
        exposure = given_up(ledger, -wealth_weights(case, rates))
    else:
        exposure = ledger.exposure((Account.COMPUTE,), compute_weights(case))
    if (exposure.factors < 0).all():
        return None
    return MeasuredLoss("objective", LossTable(LossKind.WORST, terms(exposure), np.zeros(1)), exposure.matrix)


def measured(
    case: Case,
    ledger: Ledger,
    means: FloatArray,
    rates: FloatArray,
    nothing_due: NothingDue = (),
    idle_tax: FloatArray | None = None,
) -> tuple[MeasuredLoss, ...]:
    """The loss of each of `all_risks`, in its order.

    means: (A,) sample means of the ledger's atoms. rates: (T,) mean deposit rates. nothing_due: tests that do not
    apply. idle_tax: (T,) of doing nothing, where it is not that of these means.
    """
    ground = Ground(case, ledger, means, rates, idle_tax)
    losses = [LOSSES[risk.loss](ground, risk) for risk in case.risk]
    return (*losses, *shortfalls(case, ledger, rates, nothing_due))


def risk_limits(case: Case, losses: Sequence[MeasuredLoss]) -> tuple[RiskLimit, ...]:
    """The limits of `all_risks` as the loop takes them; `losses` as `measured` gives them."""
    return tuple(
        RiskLimit(risk.id, loss.table, loss.matrix, risk.level, risk.limit)
        for risk, loss in zip(all_risks(case), losses, strict=True)
    )
