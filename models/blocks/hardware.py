"""Hardware: orders of accelerator systems, what they cost, consume and deliver, and their supply."""

from __future__ import annotations

import numpy as np

from ..ledger import Account, Decision, LedgerBuilder
from ..schema.case import Case
from ..schema.hardware import Accelerator
from ..schema.sites import Site
from . import rules
from .assembly import Assembly
from .quantities import (
    DOLLAR,
    MILLION,
    WIDER,
    FloatArray,
    PeriodArray,
    hours,
    resale_share,
    surviving,
    system_compute,
    window,
)
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
    builder.post(decision, Account.SUPPORT, t, -accelerator.support_rate * dt * price * alive, column, bought)
    builder.post(decision, Account.POWER, t, power * (1.0 - fixed), site.power_column)
    builder.post(decision, Account.POWER, t, power * fixed)
    worth = price * alive * _closing(accelerator, t - start, age, dt)
    builder.post(decision, Account.HARDWARE_VALUE, t, worth, accelerator.resale_column)
    if end >= periods:
        builder.post(decision, Account.TERMINAL_ASSETS, t[-1:], worth[-1:], accelerator.resale_column)
        return
    left = systems * surviving(accelerator, np.array([end - start]), dt)
    sale = price * left * resale_share(accelerator, np.array([end - start + age]), dt)
    builder.post(decision, Account.SALVAGE, [end], sale, accelerator.resale_column)
    # The book value is then nil, so the whole sale is a gain, taxed through the depreciation account.
    builder.post(decision, Account.DEPRECIATION, [end], sale, accelerator.resale_column)


def _closing(accelerator: Accelerator, served: PeriodArray, age: int, dt: float) -> FloatArray:
    """Value over the price at the end of a period, after `served` full periods before it, failures of it included."""
    failures = surviving(accelerator, np.ones(1, dtype=np.int64), dt)
    return resale_share(accelerator, served + age + 1, dt) * failures


def constrain(a: Assembly) -> None:
    """Supply per accelerator and period, over all sites."""
    for accelerator in a.case.accelerator:
        orders = a.mask(block="order", accelerator=accelerator.id)
        a.rows(
            rules.SUPPLY,
            [f"{accelerator.id},{a.labels[t]}" for t in order_window(a.case, accelerator)],
            a.selector(orders, order_window(a.case, accelerator)),
            upper=[accelerator.supply[t] for t in order_window(a.case, accelerator)],
        )
