"""What the tax of the expected income hides: the tax that each scenario would owe on the income that it meets.

A plan pays the tax of its expected income in every scenario. With losses carried forward what is owed up to a date is a
convex function of the income so far, so the mean of it is never less (J. L. W. V. Jensen, Acta Mathematica 30, 1906,
doi:10.1007/BF02418571). Here it is reckoned: each scenario's postings at its own prices, interest on its own cash,
which has paid the plan's tax, so that the mean of the incomes is the plan's; then the law, period by period, on each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...kernels.backend import Backend, ScenarioStore
from ...kernels.memory.leaves import LeafStore
from ...kernels.tables import LossKind, LossTable
from ...kernels.tail import tail
from ...kernels.vectors import LossVector
from ...models.blocks.idle import wealth_weights
from ...models.blocks.tax import BORROWING, TAX_EBITDA, TAXABLE, Assessor, Base
from ...models.flows import Flow, exposure
from ...models.ledger import CASH_ACCOUNTS, Account
from ...models.schema.drivers import Deterministic
from ...models.schema.rules import Risk
from ..arrays import FloatArray
from ..plan import OwnTax, TaxByScenario
from ..setup.exposures import MeasuredLoss, terms
from ..table import BILLION, Cell, Column, Table
from .expected import Amounts
from .scenario_names import TAX_BY_SCENARIO, TaxOfScenarios
from .tabulate import long

CELLS = 1 << 22  # doubles of one kind held at one time


@dataclass(frozen=True)
class Found:
    """mean: (T,) tax that is owed on average. extra: (S,) a scenario's own tax less the plan's, at the horizon's end in
    discounted wealth, billion.
    """

    mean: FloatArray
    extra: FloatArray


def applies(amounts: Amounts) -> bool:
    """Whether there is a tax, and anything random that it could depend on."""
    tax, drivers = amounts.case.tax, amounts.case.driver
    return tax is not None and tax.rate > 0.0 and not all(isinstance(d, Deterministic) for d in drivers)


def found(amounts: Amounts, backend: Backend, store: ScenarioStore) -> Found:
    """The tax of all scenarios, in blocks of them, in their order."""
    case, ledger, count = amounts.case, amounts.ledger, amounts.periods
    tax = case.tax
    assert tax is not None
    parts: list[tuple[Account, ...]] = [TAXABLE, CASH_ACCOUNTS]
    if tax.interest_limit is not None:
        parts += [BORROWING, TAX_EBITDA]
    spread = exposure(ledger, [((Flow(accounts),), range(count)) for accounts in parts])
    table = LossTable(LossKind.WORST, terms(spread), np.zeros(count * len(parts)))
    amount = amounts.exposure(MeasuredLoss("", table, spread.matrix))
    weights = wealth_weights(case, amounts.deposit_rates)
    paid = -np.array([path.of(Account.TAX) for path in amounts.paths])
    step = max(1, CELLS // (count * len(parts)))
    total, extra = np.zeros(count), np.empty(store.count)
    for low in range(0, store.count, step):
        rows = np.arange(low, min(low + step, store.count))
        flows = np.asarray(backend.balances(store, table, amount, rows=rows)).T.reshape(len(parts), count, rows.size)
        own = _owed(amounts, flows)
        total += own.sum(axis=1)
        leaf = store.leaf_of(rows) if isinstance(store, LeafStore) else np.zeros(rows.size, dtype=np.int64)
        extra[rows] = weights @ (own - paid[leaf].T)
    return Found(total / store.count, extra)


def _owed(amounts: Amounts, flows: FloatArray) -> FloatArray:
    """(T, n) tax of n scenarios. flows: (parts, T, n) of each kind of account."""
    tax, rates = amounts.case.tax, amounts.deposit_rates
    assert tax is not None
    taxable, cash = flows[0], flows[1]
    limited = len(flows) > 2
    base = Base(taxable, -flows[2], flows[3]) if limited else Base.plain(taxable)
    held, due = np.full(taxable.shape[1], amounts.case.cash.opening), np.empty(taxable.shape)
    law = Assessor(tax, held.shape)
    for t in range(taxable.shape[0]):
        interest = rates[t] * held
        due[t] = law.period(base, t, interest)[2]
        held = held + interest + cash[t]
    return due


def summary(
    amounts: Amounts, one: Found, risks: Sequence[Risk], losses: Sequence[LossVector], backend: Backend
) -> TaxByScenario:
    """The figures of a plan. losses: (S,) of each risk limit, in its order."""
    paid, closing = -amounts.of(Account.TAX), float(amounts.cash[-1])
    growth = np.cumprod(np.append(1.0, 1.0 + amounts.deposit_rates[:0:-1]))[::-1]
    hidden = one.mean - paid
    at_end = float(growth @ hidden)
    limits = []
    for risk, loss in zip(risks, losses, strict=True):
        if risk.loss == "net_loss":
            whole = np.asarray(backend.host(loss)) + one.extra
            limits.append(
                OwnTax(risk.id, tail(np.asarray(backend.host(loss)), risk.level).cvar, tail(whole, risk.level).cvar)
            )
    return TaxByScenario(
        expected=float(paid.sum()),
        mean=float(one.mean.sum()),
        at_end=at_end,
        share_of_cash=at_end / closing if closing > 0.0 else None,
        net_loss=tuple(limits),
    )


def table(amounts: Amounts, one: Found) -> Table:
    """The table tax_by_scenario: by period the tax of the expected income, and the mean of the scenarios' own."""
    paid = -amounts.of(Account.TAX)
    columns = (
        Column(TaxOfScenarios.PERIOD),
        Column(TaxOfScenarios.EXPECTED, BILLION, "money"),
        Column(TaxOfScenarios.MEAN, BILLION, "money"),
        Column(TaxOfScenarios.HIDDEN, BILLION, "money"),
        Column(TaxOfScenarios.CUMULATIVE, BILLION, "money"),
    )
    so_far = np.cumsum(one.mean - paid)
    rows: list[tuple[Cell, ...]] = [
        (label, float(p), float(m), float(m - p), float(s))
        for label, p, m, s in zip(amounts.labels, paid, one.mean, so_far, strict=True)
    ]
    title = "Tax of the expected income, which the plan pays, and the mean of what each scenario would owe on its own"
    return long(TAX_BY_SCENARIO, title, columns, rows)
