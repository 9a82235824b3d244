"""Revenue: take-or-pay contracts and merchant rental, and the compute that both may sell."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from ..ledger import Account, Decision, LedgerBuilder
from ..schema.case import Case
from ..schema.drivers import Survival
from ..schema.hardware import Accelerator
from ..schema.revenue import Contract
from . import owners, rules
from .assembly import Assembly
from .hardware import order_window
from .quantities import DOLLAR, WIDER, FloatArray, PeriodArray, hours, system_compute, window


def rental(case: Case, accelerator: Accelerator) -> FloatArray:
    """(T,) merchant revenue of one system per period at the market's start level, billion."""
    if case.merchant is None:
        return np.zeros(case.horizon.periods)
    years = np.arange(case.horizon.periods) * case.horizon.dt
    fall = (1.0 - accelerator.rental_decline) ** years
    listed = accelerator.accelerators * accelerator.rental * hours(case.horizon) * DOLLAR
    return np.asarray(listed * fall * (1.0 - case.merchant.discount))


def relet_price(case: Case) -> FloatArray:
    """(T,) merchant revenue of one PFLOP/s per period, billion, on the accelerator that earns least per PFLOP/s."""
    prices = [rental(case, a) / system_compute(a, case.objective.metric) for a in case.accelerator]
    return np.min(prices, axis=0) if prices else np.zeros(case.horizon.periods)


def most_systems(case: Case, accelerator: Accelerator) -> FloatArray:
    """(T,) upper bound of the systems in service: the opening fleet and everything that could have been ordered."""
    supplied = np.zeros(case.horizon.periods)
    supplied[order_window(case, accelerator)] = [accelerator.supply[t] for t in order_window(case, accelerator)]
    ready = np.concatenate([np.zeros(accelerator.lead), np.cumsum(supplied)])[: case.horizon.periods]
    fleet = sum(f.systems for f in case.opening.fleet if f.accelerator == accelerator.id)
    return np.asarray(fleet + ready)


def declare(case: Case, builder: LedgerBuilder) -> None:
    """Decisions sign[contract,t] (PFLOP/s), merchant[accelerator,t] (systems) and fixed[contract,id]."""
    for contract in case.contract:
        tags = {"contract": contract.id, "customer": contract.customer}
        if contract.opening_volume > 0.0:
            fixed = builder.decide(
                Decision(
                    key=f"fixed[contract,{contract.id}]", block="fixed", period=0, unit="", lower=1.0, upper=1.0,
                    tags={"kind": "contract", **tags},
                )
            )  # fmt: skip
            term = _opening_term(case, contract)
            _deliver(case, builder, contract, fixed, 0, term, contract.opening_volume, contract.price, 0.0)
        for v in window(contract.sign_from, contract.sign_to, case.horizon.periods - contract.ramp):
            label = case.horizon.label(v)
            sign = builder.decide(
                Decision(
                    key=f"sign[{contract.id},{label}]", block="sign", period=v, unit="PFLOP/s", lower=0.0,
                    upper=WIDER * contract.volume, tags={**tags, "period": label},
                )
            )  # fmt: skip
            price = _price(case, contract, v)
            prepaid = contract.prepayment
            if prepaid > 0.0:
                value = price * hours(case.horizon) * DOLLAR * contract.term
                builder.post(sign, Account.PREPAYMENT, v, prepaid * value)
                _owe_service(case, builder, contract, sign, v, prepaid * price * hours(case.horizon) * DOLLAR)
            _deliver(case, builder, contract, sign, v + contract.ramp, contract.term, 1.0, price, prepaid)
    if case.merchant is not None:
        for accelerator in case.accelerator:
            for entity in owners.with_sites(case):
                _declare_merchant(case, builder, accelerator, case.merchant.column, entity)


def _price(case: Case, contract: Contract, signed: int) -> float:
    """Price of a contract signed in a period, USD per PFLOP/s-hour."""
    return float(contract.price * (1.0 - contract.price_fall) ** (signed * case.horizon.dt))


def _opening_term(case: Case, contract: Contract) -> int:
    return case.horizon.periods if contract.opening_term is None else contract.opening_term


def to_be_billed(case: Case, contract: Contract, decision: Decision) -> FloatArray:
    """(T,) what one unit of a contract still brings after each period, also past the horizon, if the customer pays.

    Billion at the contract's price, not discounted; nothing before it is signed.
    """
    t = np.arange(case.horizon.periods)
    if decision.block == "fixed":
        start, term, hourly = 0, _opening_term(case, contract), contract.opening_volume * contract.price
    else:
        start, term, hourly = decision.period + contract.ramp, contract.term, _price(case, contract, decision.period)
    left = np.clip(start + term - 1 - t, 0, term) * (t >= decision.period)
    return np.asarray(left * hourly * hours(case.horizon) * DOLLAR)


def bills_ahead(case: Case, contract: Contract, start: int, term: int) -> float:
    """Deliveries behind the horizon, discounted at money_discount, while a customer alive at its end lives."""
    ahead = np.arange(1, max(min(start + term - case.horizon.periods, term), 0) + 1)
    driver = next((d for d in case.driver if d.id == contract.survival), None)
    alive = np.ones(ahead.size)
    if isinstance(driver, Survival):
        lost = -np.expm1(-driver.hazard[-1] * case.horizon.dt * ahead)
        alive = 1.0 - (1.0 - driver.recovery) * lost
    return float((1.0 + case.objective.money_discount) ** (-ahead * case.horizon.dt) @ alive)


def billed_ahead(case: Case, contract: Contract, decision: Decision) -> float:
    """What one unit of a contract still brings behind the horizon, as `bills_ahead`, billion: a takeover_share of 1."""
    if decision.block == "fixed":
        start, term, hourly = 0, _opening_term(case, contract), contract.opening_volume * contract.price
    else:
        start, term, hourly = decision.period + contract.ramp, contract.term, _price(case, contract, decision.period)
    return bills_ahead(case, contract, start, term) * hourly * hours(case.horizon) * DOLLAR


def _deliver(
    case: Case,
    builder: LedgerBuilder,
    contract: Contract,
    decision: int,
    start: int,
    term: int,
    volume: float,
    price: float,
    prepaid: float,
) -> None:
    """Post `term` periods of delivery of `volume` PFLOP/s from `start` at `price` per PFLOP/s-hour."""
    periods = case.horizon.periods
    t: PeriodArray = np.arange(start, min(start + term, periods))
    alive = contract.survival or "one"
    bill = volume * price * hours(case.horizon) * DOLLAR
    builder.post(decision, Account.CONTRACTED, t, volume)
    builder.post(decision, Account.CONTRACT_REVENUE, t, bill, alive)
    if case.objective.valuation == "market" and contract.takeover_share > 0.0:
        worth = contract.takeover_share * bill * bills_ahead(case, contract, start, term)
        builder.post(decision, Account.CONTRACTS_AHEAD, periods - 1, worth, alive)
    if prepaid > 0.0:
        builder.post(decision, Account.PREPAYMENT, t, -prepaid * bill, alive)
        unearned = start + term - periods
        if unearned > 0:
            builder.post(decision, Account.TERMINAL_DEBT, periods - 1, -prepaid * bill * unearned, alive)
    _relet(case, builder, contract, decision, t, volume, bill)


def _owe_service(
    case: Case, builder: LedgerBuilder, contract: Contract, decision: int, signed: int, credit: float
) -> None:
    """Post what is prepaid and not yet earned, while the customer lives: what is left after his default is kept."""
    t: PeriodArray = np.arange(signed, min(signed + contract.ramp + contract.term, case.horizon.periods))
    left = contract.term - np.clip(t - signed - contract.ramp + 1, 0, contract.term)
    builder.post(decision, Account.UNEARNED, t, credit * left, contract.survival or "one")


def _relet(
    case: Case,
    builder: LedgerBuilder,
    contract: Contract,
    decision: int,
    t: PeriodArray,
    volume: float,
    bill: float,
) -> None:
    """After the customer's default, shown by its survival driver S as (1 - S) / (1 - recovery) = 1, re-let a share."""
    driver = next((d for d in case.driver if d.id == contract.survival), None)
    recovery = driver.recovery if isinstance(driver, Survival) else 0.0
    if case.merchant is None or driver is None or contract.relet_share == 0.0 or recovery >= 1.0:
        return
    price = np.minimum(relet_price(case)[t] * volume, bill)
    amount = contract.relet_share * price / (1.0 - recovery)
    column = case.merchant.column
    builder.post(decision, Account.CONTRACT_REVENUE, t, amount, column)
    builder.post(decision, Account.CONTRACT_REVENUE, t, -amount, column, t, driver.id, t)


def _declare_merchant(case: Case, builder: LedgerBuilder, accelerator: Accelerator, column: str, entity: str) -> None:
    if accelerator.rental <= 0.0:
        return
    revenue, most = rental(case, accelerator), most_systems(case, accelerator)
    compute = system_compute(accelerator, case.objective.metric)
    for t in range(case.horizon.periods):
        if most[t] <= 0.0 or case.merchant is None or case.merchant.volume[t] <= 0.0:
            continue
        label = case.horizon.label(t)
        tags = {"accelerator": accelerator.id, **({"entity": entity} if entity else {}), "period": label}
        rented = builder.decide(
            Decision(
                key=f"merchant[{','.join(tags.values())}]", block="merchant", period=t, unit="systems", lower=0.0,
                upper=WIDER * most[t], tags=tags,
            )
        )  # fmt: skip
        builder.post(rented, Account.MERCHANT_REVENUE, t, revenue[t], column)
        builder.post(rented, Account.MERCHANT, t, compute)


def constrain(a: Assembly) -> None:
    """Each PFLOP/s is sold once, each system rented out once, and no more than customers take.

    An entity sells the compute of its own sites only.
    """
    for entity, own in owners.rings(a.case, a.ledger):
        sold = a.expected([Account.CONTRACTED, Account.MERCHANT], own)
        if sold.nnz:
            served = a.expected([Account.COMPUTE], own)
            a.rows(rules.COMPUTE_BALANCE, owners.index(entity, a.labels), sold - served, upper=0.0)
    for contract in a.case.contract:
        signed = a.mask(block="sign", contract=contract.id)
        a.rows(rules.CONTRACT, [contract.id], csr_array(signed[None, :].astype(np.float64)), upper=contract.volume)
    if a.case.merchant is None:
        return
    for accelerator in a.case.accelerator:
        for entity, own in owners.rings(a.case, a.ledger):
            rented = owners.within(a.mask(block="merchant", accelerator=accelerator.id), own)
            systems = owners.within(a.mask(accelerator=accelerator.id), own)
            times = sorted(int(t) for t in a.period[rented])
            if times:
                there = a.expected([Account.SYSTEMS], systems)[times]
                index = [f"{accelerator.id},{name}" for name in owners.index(entity, [a.labels[t] for t in times])]
                a.rows(rules.RENTED, index, a.selector(rented, times) - there, upper=0.0)
    a.rows(rules.MERCHANT, a.labels, a.expected([Account.MERCHANT]), upper=a.case.merchant.volume)
