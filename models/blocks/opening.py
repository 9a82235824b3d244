"""Opening balance sheet and exogenous flows: decisions fixed at 1, so that they post to the same ledger."""

from __future__ import annotations

import numpy as np

from ..arrays import FloatArray
from ..ledger import Account, Decision, LedgerBuilder
from ..schema.case import Case
from ..schema.financing import OpeningDebt, OpeningFleet
from . import sites
from .floors import opening_leg
from .hardware import run_systems
from .quantities import accelerators_by_id
from .reference import reference, start_level
from .working_capital import post_opening_payables


def declare(case: Case, builder: LedgerBuilder) -> None:
    """fixed[organic], [dividends], [payables], [sites], [fleet,accelerator,site,i] and [debt,id]."""
    t = np.arange(case.horizon.periods)
    if case.organic is not None:
        organic = _fixed(builder, "organic", {"kind": "organic"})
        builder.post(organic, Account.ORGANIC, t, case.organic.amount, case.organic.column)
        builder.post(organic, Account.ORGANIC_EBITDA, t, case.organic.ebitda)
    if any(case.cash.dividends):
        dividends = _fixed(builder, "dividends", {"kind": "dividends"})
        builder.post(dividends, Account.DIVIDENDS, t, -np.asarray(case.cash.dividends))
    if case.working_capital.opening_payables:
        post_opening_payables(case, builder, _fixed(builder, "payables", {"kind": "payables"}))
    sites.declare_opening(case, builder)
    for number, fleet in enumerate(case.opening.fleet):
        _fleet(case, builder, fleet, number)
    for debt in case.opening.debt:
        _debt(case, builder, debt)


def _fixed(builder: LedgerBuilder, key: str, tags: dict[str, str]) -> int:
    return builder.decide(
        Decision(key=f"fixed[{key}]", block="fixed", period=0, unit="", lower=1.0, upper=1.0, tags=tags)
    )


def _fleet(case: Case, builder: LedgerBuilder, fleet: OpeningFleet, number: int) -> None:
    accelerator = accelerators_by_id(case)[fleet.accelerator]
    site = next(s for s in case.site if s.id == fleet.site)
    tags = {"kind": "fleet", "accelerator": fleet.accelerator, "site": fleet.site, "vendor": accelerator.vendor}
    tags["number"] = str(number)
    fixed = _fixed(builder, f"fleet,{fleet.accelerator},{fleet.site},{number}", tags)
    years = max(accelerator.life - fleet.age, 1)
    t = np.arange(min(years, case.horizon.periods))
    builder.post(fixed, Account.DEPRECIATION, t, -fleet.book_value / years)
    run_systems(case, builder, accelerator, site, fixed, fleet.systems, 0, fleet.age, "one", 0)


def _debt(case: Case, builder: LedgerBuilder, debt: OpeningDebt) -> None:
    """Service of a debt that stands at `amount` at the start of period 0 and is paid off in period `maturity`."""
    periods, dt = case.horizon.periods, case.horizon.dt
    tags = {
        "kind": "debt", "debt": debt.id, "holder": debt.holder or "", "secured_by": debt.secured_by, "rate": debt.rate,
    }  # fmt: skip
    fixed = _fixed(builder, f"debt,{debt.id}", tags)
    closing = opening_debt_balance(debt)
    before = np.concatenate([[debt.amount], closing[:-1]])
    t = np.arange(min(debt.maturity + 1, periods))
    builder.post(fixed, Account.INTEREST, t, -debt.coupon * dt * before[t])
    if debt.rate == "floating" and debt.benchmark is not None:
        leg = opening_leg(case, debt.benchmark, debt.coupon)
        builder.post(fixed, Account.INTEREST, t, -dt * before[t] * leg.constant)
        builder.post(fixed, Account.INTEREST, t, -dt * before[t] * leg.slope, leg.column, np.maximum(t - 1, 0))
    builder.post(fixed, Account.PRINCIPAL, t, closing[t] - before[t])
    builder.post(fixed, Account.DEBT, t, closing[t])
    if debt.maturity >= periods:
        builder.post(fixed, Account.TERMINAL_DEBT, t[-1:], -closing[t[-1:]])
        _revalue(case, builder, debt, fixed, closing)


def _revalue(case: Case, builder: LedgerBuilder, debt: OpeningDebt, fixed: int, closing: FloatArray) -> None:
    """What its payments beyond the horizon are worth at market, above its balance there: REVALUED (beyond.py).

    Its market asks benchmark + market_margin. Without a benchmark nothing says what it asks: it
    stays at its balance.
    """
    end, dt = case.horizon.periods - 1, case.horizon.dt
    floats = debt.rate == "floating" and debt.market_margin is None
    if case.objective.valuation == "face" or debt.benchmark is None or floats:
        return
    margin = debt.coupon
    if debt.rate == "fixed":
        margin -= start_level(case, debt.benchmark)
    asked = margin if debt.market_margin is None else debt.market_margin
    before = closing[end:-1]
    ahead = np.arange(1, before.size + 1)
    rate = reference(case, debt.benchmark) + asked
    worth = float(dt * np.exp(-ahead * np.log1p(rate * dt)) @ before)
    builder.post(fixed, Account.REVALUED, end, -worth * (debt.coupon - asked))
    if debt.rate == "fixed":
        builder.post(fixed, Account.REVALUED, end, worth, debt.benchmark, end)


def opening_debt_balance(debt: OpeningDebt) -> FloatArray:
    """(maturity + 1,) outstanding at the end of each period from 0 to maturity, billion."""
    count = debt.maturity + 1
    if debt.amortisation == "linear":
        return np.asarray(debt.amount * (1.0 - np.arange(1, count + 1) / count))
    return np.asarray(np.where(np.arange(count) < debt.maturity, debt.amount, 0.0))
