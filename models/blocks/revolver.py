"""The revolver: a committed line behind the cash of each scenario, its fees, and the most that is committed."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from ..ledger import Account, Decision, Ledger, LedgerBuilder
from ..schema.case import Case
from . import rules
from .assembly import Assembly
from .quantities import WIDER, window
from .write_off import spread_fee

BLOCK = "line"


def declare(case: Case, builder: LedgerBuilder) -> None:
    """Decisions line[holder,t], billion committed from the end of t for `tenor` periods."""
    revolver = case.revolver
    if revolver is None:
        return
    periods = case.horizon.periods
    for v in window(revolver.issue_from, revolver.issue_to, periods):
        label = case.horizon.label(v)
        line = builder.decide(
            Decision(
                key=f"{BLOCK}[{revolver.holder},{label}]", block=BLOCK, period=v, unit="billion", lower=0.0,
                upper=WIDER * revolver.max_commitment, tags={"investor": revolver.holder, "period": label},
            )
        )  # fmt: skip
        builder.post(line, Account.FEES, v, -revolver.fee)
        spread_fee(case, builder, line, v, revolver.fee, np.ones(revolver.tenor))
        waiting = np.arange(v + 1, min(v + revolver.tenor + 1, periods))
        builder.post(line, Account.FEES, waiting, -revolver.commitment_fee * case.horizon.dt)


def lines(case: Case, ledger: Ledger) -> csr_array:
    """(T, N) committed at the end of each period per unit of each decision."""
    tenor = 0 if case.revolver is None else case.revolver.tenor
    rows: list[int] = []
    columns: list[int] = []
    for j, decision in enumerate(ledger.decisions):
        if decision.block == BLOCK:
            times = range(decision.period, min(decision.period + tenor, ledger.periods))
            rows += times
            columns += [j] * len(times)
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(ledger.periods, len(ledger.decisions)))


def constrain(a: Assembly) -> None:
    """Most committed at one time."""
    if a.case.revolver is not None:
        a.rows(rules.REVOLVER, a.labels, lines(a.case, a.ledger), upper=a.case.revolver.max_commitment)
