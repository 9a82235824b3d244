"""Hardware: orders of accelerator systems, what they cost and when, what they consume and deliver, and their supply."""

from __future__ import annotations

import numpy as np

from ..arrays import FloatArray
from ..ledger import Account, Decision, LedgerBuilder
from ..schema.case import Case
from ..schema.hardware import Accelerator
from ..schema.sites import Site
from . import rules
from .assembly import Assembly
from .quantities import DOLLAR, MILLION, WIDER, PeriodArray, hours, resale_share, surviving, system_compute, window
from .working_capital import parts, post_cost, system_days
from .write_off import Service, write_off


def order_window(case: Case, accelerator: Accelerator) -> list[int]:
    """Periods in which a system can be ordered, is supplied, and would still serve within the horizon."""
    last = case.horizon.periods - accelerator.lead
    periods = window(accelerator.available_from, accelerator.available_to, last)
    return [t for t in periods if accelerator.supply[t] > 0]


def declare(case: Case, builder: LedgerBuilder) -> None:
    """Decisions order[accelerator,site,t], systems."""
    for accelerator in case.accelerator:
        for site in case.site:
            for v in order_window(case, accelerator):
                label = case.horizon.label(v)
                order = builder.decide(
                    Decision(
                        key=f"order[{accelerator.id},{site.id},{label}]",
                        block="order",
                        period=v,
                        unit="systems",
                        lower=0.0,
                        upper=WIDER * accelerator.supply[v],
                        tags={
                            "accelerator": accelerator.id,
                            "site": site.id,
                            "vendor": accelerator.vendor,
                            "period": label,
                        },
                    )
                )
                _post_order(case, builder, accelerator, site, order, v)
                if system_days(case, accelerator) > 0.0 and accelerator.deposit < 1.0:
                    _declare_defer(case, builder, accelerator, site, v)


def _post_order(case: Case, builder: LedgerBuilder, accelerator: Accelerator, site: Site, order: int, v: int) -> None:
    start = v + accelerator.lead
    price = accelerator.price * MILLION
    attach = accelerator.attach_cost * MILLION
    column = accelerator.price_column
    builder.post(order, Account.HARDWARE, v, -accelerator.deposit * price, column, v)
    builder.post(order, Account.HARDWARE, start, -(1.0 - accelerator.deposit) * price, column, v)
    builder.post(order, Account.HARDWARE, start, -attach)
    how = None if case.tax is None else case.tax.systems
    service = Service(start, accelerator.life, sold=True)
    write_off(case, builder, order, how, service, price, column, v)
    write_off(case, builder, order, how, service, attach)
    run_systems(case, builder, accelerator, site, order, 1.0, start, 0, column, v)


def _declare_defer(case: Case, builder: LedgerBuilder, accelerator: Accelerator, site: Site, v: int) -> None:
    """Decision defer[accelerator,site,t], systems of an order whose balance is paid when the supplier's terms say.

    Terms are a right, so it is a choice: where what has been paid matters (collateral, purpose loans, vendor loans), a
    plan may pay at delivery.
    """
    label, start = case.horizon.label(v), v + accelerator.lead
    last, column = case.horizon.periods - 1, accelerator.price_column
    tags = {"accelerator": accelerator.id, "site": site.id, "vendor": accelerator.vendor, "period": label}
    defer = builder.decide(
        Decision(
            key=f"defer[{accelerator.id},{site.id},{label}]", block="defer", period=v, unit="systems", lower=0.0,
            upper=WIDER * accelerator.supply[v], tags=tags,
        )
    )  # fmt: skip
    balance = (1.0 - accelerator.deposit) * accelerator.price * MILLION
    for wait, share in parts(system_days(case, accelerator), case.horizon.dt):
        builder.post(defer, Account.HARDWARE, start, share * balance, column, v)
        owed: PeriodArray = np.arange(start, min(start + wait, last + 1))
        builder.post(defer, Account.PAYABLE, owed, share * balance, column, v)
        if start + wait <= last:
            builder.post(defer, Account.HARDWARE, start + wait, -share * balance, column, v)
        else:
            builder.post(defer, Account.PAYABLES_AT_END, last, -share * balance, column, v)


def run_systems(
    case: Case,
    builder: LedgerBuilder,
    accelerator: Accelerator,
    site: Site,
    decision: int,
    systems: float,
    start: int,
    age: int,
    column: str,
    bought: int,
) -> None:
    """Post what `systems` in service from `start` at `age` (periods) deliver and cost until they are sold.

    Support is a share of the price agreed in period `bought`, which moved with `column`.
    """
    periods, dt = case.horizon.periods, case.horizon.dt
    end = start + max(accelerator.life - age, 0)
    t: PeriodArray = np.arange(start, min(end, periods))
    alive = systems * surviving(accelerator, t - start, dt)
    price = accelerator.price * MILLION
    megawatts = accelerator.it_kw * 1e-3 * alive
    power = -megawatts * site.load_factor * site.pue * site.power_price * hours(case.horizon) * DOLLAR
    fixed = site.power_fixed_share
    compute = system_compute(accelerator, case.objective.metric) * alive
    builder.post(decision, Account.COMPUTE, t, compute, accelerator.availability_column)
    builder.post(decision, Account.SYSTEMS, t, alive)
    builder.post(decision, Account.IT_POWER, t, megawatts)
    support = -accelerator.support_rate * dt * price * alive
    post_cost(case, builder, decision, Account.SUPPORT, t, support, column, bought, served=age)
    post_cost(case, builder, decision, Account.POWER, t, power * (1.0 - fixed), site.power_column, served=age)
    post_cost(case, builder, decision, Account.POWER, t, power * fixed, served=age)
    worth = price * alive * _closing(accelerator, t - start, age, dt)
    builder.post(decision, Account.HARDWARE_VALUE, t, worth, accelerator.resale_column)
    if end >= periods:
        builder.post(decision, Account.TERMINAL_ASSETS, t[-1:], worth[-1:], accelerator.resale_column)
        return
    left = systems * surviving(accelerator, np.array([end - start]), dt)
    sale = price * left * resale_share(accelerator, np.array([end - start + age]), dt)
    builder.post(decision, Account.SALVAGE, [end], sale, accelerator.resale_column)
    # The book value is then zero, so the whole sale is a gain, taxed through the depreciation account.
    builder.post(decision, Account.DEPRECIATION, [end], sale, accelerator.resale_column)


def _closing(accelerator: Accelerator, served: PeriodArray, age: int, dt: float) -> FloatArray:
    """Value over the price at the end of a period, after `served` full periods before it, failures of it included."""
    failures = surviving(accelerator, np.ones(1, dtype=np.int64), dt)
    return resale_share(accelerator, served + age + 1, dt) * failures


def constrain(a: Assembly) -> None:
    """Supply per accelerator and period, over all sites; what is paid for later is at most what is ordered."""
    for accelerator in a.case.accelerator:
        orders = a.mask(block="order", accelerator=accelerator.id)
        a.rows(
            rules.SUPPLY,
            [f"{accelerator.id},{a.labels[t]}" for t in order_window(a.case, accelerator)],
            a.selector(orders, order_window(a.case, accelerator)),
            upper=[accelerator.supply[t] for t in order_window(a.case, accelerator)],
        )
        deferred = a.mask(block="defer", accelerator=accelerator.id)
        if deferred.any():
            rows: dict[tuple[str, int], int] = {}
            entries = []
            for j in np.flatnonzero(deferred | orders).tolist():
                place = a.ledger.decisions[j].tags["site"], int(a.period[j])
                row = rows.setdefault(place, len(rows))
                entries.append((row, j, 1.0 if deferred[j] else -1.0))
            names = [f"{accelerator.id},{site},{a.labels[t]}" for site, t in rows]
            a.rows(rules.DEFERRED, names, None, upper=0.0, terms=entries)
