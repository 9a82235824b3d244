"""Revenue: take-or-pay contracts, what is left of them after a default, merchant rental, and the compute they sell."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from ..arrays import FloatArray
from ..ledger import ONE, Account, Decision, LedgerBuilder, Scale
from ..schema.case import Case
from ..schema.drivers import Survival
from ..schema.hardware import Accelerator
from ..schema.revenue import Contract
from . import owners, rules, serving
from .assembly import Assembly
from .availability import bounds, factors, varies
from .hardware import order_window
from .quantities import DOLLAR, WIDER, PeriodArray, hours, system_compute
from .serving import hourly_price, opening_term, signing
from .survival import Life, life
from .working_capital import Bills, contract_days, post_sale

MOST_FACTORS = 4
"""Drivers that a price may be the product of, as the kernels take it."""


def rental(case: Case, accelerator: Accelerator) -> FloatArray:
    """(T,) merchant revenue of one system per period at the market's start level, billion."""
    if case.merchant is None:
        return np.zeros(case.horizon.periods)
    years = np.arange(case.horizon.periods) * case.horizon.dt
    fall = (1.0 - accelerator.rental_decline) ** years
    listed = accelerator.accelerators * accelerator.rental * hours(case.horizon) * DOLLAR
    return np.asarray(listed * fall * (1.0 - case.merchant.discount))


def relet_price(case: Case, accelerator: Accelerator) -> FloatArray:
    """(T,) merchant revenue per period of one PFLOP/s on this accelerator, billion."""
    return rental(case, accelerator) / system_compute(accelerator, case.objective.metric)


def most_systems(case: Case, accelerator: Accelerator) -> FloatArray:
    """(T,) upper bound of the systems in service: the opening fleet and everything that could have been ordered."""
    supplied = np.zeros(case.horizon.periods)
    supplied[order_window(case, accelerator)] = [accelerator.supply[t] for t in order_window(case, accelerator)]
    ready = np.concatenate([np.zeros(accelerator.lead), np.cumsum(supplied)])[: case.horizon.periods]
    fleet = sum(f.systems for f in case.opening.fleet if f.accelerator == accelerator.id)
    return np.asarray(fleet + ready)


def declare(case: Case, builder: LedgerBuilder) -> None:
    """Decisions contract[contract,t], relet[contract,accelerator,t], merchant[accelerator,t] and fixed[contract,id].

    The first two in PFLOP/s, the third in systems.
    """
    for contract in case.contract:
        tags = {"contract": contract.id, "customer": contract.customer}
        if contract.opening_volume > 0.0:
            fixed = builder.decide(
                Decision(
                    key=f"fixed[contract,{contract.id}]", block="fixed", period=0, unit="", lower=1.0, upper=1.0,
                    tags={"kind": "contract", **tags},
                )
            )  # fmt: skip
            term = opening_term(case, contract)
            _deliver(case, builder, contract, fixed, None, 0, term, contract.opening_volume, contract.price, 0.0)
        for v in signing(case, contract):
            label = case.horizon.label(v)
            sign = builder.decide(
                Decision(
                    key=f"contract[{contract.id},{label}]", block="contract", period=v, unit="PFLOP/s", lower=0.0,
                    upper=WIDER * contract.volume, tags={**tags, "period": label},
                )
            )  # fmt: skip
            if contract.prepayment > 0.0:
                _prepay(case, builder, contract, sign, v)
            price, credit = hourly_price(case, contract, v), contract.prepayment
            _deliver(case, builder, contract, sign, v, v + contract.ramp, contract.term, 1.0, price, credit)
        bills = Bills(case, life(case, contract), contract_days(case, contract), 0)
        serving.declare(case, builder, contract, bills)
        _declare_relet(case, builder, contract)
    if case.merchant is not None:
        for accelerator in case.accelerator:
            for entity in owners.with_sites(case):
                _declare_merchant(case, builder, accelerator, case.merchant.column, entity)


def to_be_billed(case: Case, contract: Contract, decision: Decision) -> FloatArray:
    """(T,) what one unit of a contract still brings after each period, also past the horizon, if the customer pays.

    Billion at the contract's price, not discounted; nothing before it is signed.
    """
    t = np.arange(case.horizon.periods)
    if decision.block == "fixed":
        start, term, hourly = 0, opening_term(case, contract), contract.opening_volume * contract.price
    else:
        start, term, hourly = (
            decision.period + contract.ramp,
            contract.term,
            hourly_price(case, contract, decision.period),
        )
    left = np.clip(start + term - 1 - t, 0, term) * (t >= decision.period)
    return np.asarray(left * hourly * hours(case.horizon) * DOLLAR)


def bills_ahead(case: Case, contract: Contract, start: int, term: int) -> float:
    """Deliveries beyond the horizon, discounted at money_discount, while a customer alive at its end lives."""
    ahead = np.arange(1, max(min(start + term - case.horizon.periods, term), 0) + 1)
    driver = next((d for d in case.driver if d.id == contract.survival), None)
    alive = np.ones(ahead.size)
    if isinstance(driver, Survival):
        alive = np.exp(-driver.hazard[-1] * case.horizon.dt * ahead)  # a default ends the bills
    return float((1.0 + case.objective.money_discount) ** (-ahead * case.horizon.dt) @ alive)


def billed_ahead(case: Case, contract: Contract, decision: Decision) -> float:
    """What one unit of a contract still brings beyond the horizon, as `bills_ahead`, billion: a takeover_share of 1."""
    if decision.block == "fixed":
        start, term, hourly = 0, opening_term(case, contract), contract.opening_volume * contract.price
    else:
        start, term, hourly = (
            decision.period + contract.ramp,
            contract.term,
            hourly_price(case, contract, decision.period),
        )
    return bills_ahead(case, contract, start, term) * hourly * hours(case.horizon) * DOLLAR


def unearned(case: Case, contract: Contract, signed: int) -> FloatArray:
    """(T,) what is prepaid and not yet credited after each period, billion per unit signed in `signed`."""
    t = np.arange(case.horizon.periods)
    left = contract.term - np.clip(t - signed - contract.ramp + 1, 0, contract.term)
    return np.asarray(_credit(case, contract, signed) * left * (t >= signed))


def _credit(case: Case, contract: Contract, signed: int) -> float:
    """What is credited against each bill of one unit, billion."""
    return contract.prepayment * hourly_price(case, contract, signed) * hours(case.horizon) * DOLLAR


def _prepay(case: Case, builder: LedgerBuilder, contract: Contract, sign: int, signed: int) -> None:
    """The prepayment of a customer who lives at signature, its credit, and what of it is owed while it is not earned.

    At his default it is returned; where the contract says that it is kept, it is earned as if he lived on.
    """
    periods, customer = case.horizon.periods, life(case, contract)
    start, each = signed + contract.ramp, _credit(case, contract, signed)
    customer.while_alive(builder, sign, Account.PREPAYMENT, np.array([signed]), each * contract.term)
    left = unearned(case, contract, signed)
    owed = np.flatnonzero(left)
    delivered: PeriodArray = np.arange(start, min(start + contract.term, periods))
    end: PeriodArray = np.array([periods - 1])
    if contract.prepayment_kept:
        seen = np.full(periods, signed)
        customer.while_alive(builder, sign, Account.PREPAYMENT, delivered, -each, seen[delivered])
        customer.while_alive(builder, sign, Account.UNEARNED, owed, left[owed], seen[owed])
        customer.while_alive(builder, sign, Account.TERMINAL_DEBT, end, -left[-1], seen[:1])
        customer.died(builder, sign, Account.CONTRACT_REVENUE, delivered, each, seen[delivered])
        customer.died(builder, sign, Account.OPEN_BILLS, delivered, -each, seen[delivered])
        return
    customer.while_alive(builder, sign, Account.PREPAYMENT, delivered, -each)
    customer.while_alive(builder, sign, Account.UNEARNED, owed, left[owed])
    customer.while_alive(builder, sign, Account.TERMINAL_DEBT, end, -left[-1])
    after: PeriodArray = np.arange(signed + 1, min(start + contract.term, periods))
    customer.died(builder, sign, Account.PREPAYMENT, after, -left[after - 1], after - 1)


def _deliver(
    case: Case,
    builder: LedgerBuilder,
    contract: Contract,
    decision: int,
    signed: int | None,
    start: int,
    term: int,
    volume: float,
    price: float,
    prepaid: float,
) -> None:
    """Post `term` periods of delivery of `volume` PFLOP/s from `start` at `price` per PFLOP/s-hour.

    Bills are paid while the customer lives. At his default the bills of `claim_periods` are claimed, and his recovery
    of the claim is paid at once; what is not recovered stays open. `signed` is None where it runs at the start.
    """
    t: PeriodArray = np.arange(start, min(start + term, case.horizon.periods))
    bill = volume * price * hours(case.horizon) * DOLLAR
    customer = life(case, contract)
    builder.post(decision, Account.CONTRACTED, t, volume)
    customer.while_alive(builder, decision, Account.CONTRACT_REVENUE, t, bill)
    paid = Bills(case, customer, contract_days(case, contract), signed or 0, signed is None)
    paid.post(builder, decision, np.arange(start, start + term), bill * (1.0 - prepaid))
    serving.post_short(case, builder, contract, decision, t, bill, paid)
    if signed is None and contract.opening_receivable > 0.0:
        paid.post_opening(builder, decision, contract.opening_receivable)
    signed = signed or 0
    if case.objective.valuation == "market" and contract.takeover_share > 0.0:
        value = contract.takeover_share * bill * bills_ahead(case, contract, start, term)
        end = np.array([case.horizon.periods - 1])
        customer.while_alive(builder, decision, Account.CONTRACTS_AHEAD, end, value)
    if customer.driver is None:
        return
    customer.while_dead(builder, decision, Account.OPEN_BILLS, t, bill)
    unpaid = customer.recovery * bill * (1.0 - prepaid * contract.prepayment_kept)
    if unpaid > 0.0 and contract.claim_periods > 0:
        after: PeriodArray = np.arange(signed + 1, int(t[-1]) + 1)
        ahead = np.arange(contract.claim_periods)
        due = np.isin(after[:, None] + ahead[None, :], t)
        worth = due @ (1.0 + case.objective.money_discount) ** (-ahead * case.horizon.dt)
        customer.died(builder, decision, Account.CONTRACT_REVENUE, after, unpaid * worth, after - 1)
        first = np.maximum(t - contract.claim_periods, signed)
        customer.died(builder, decision, Account.OPEN_BILLS, t, -unpaid, first)


def _declare_relet(case: Case, builder: LedgerBuilder, contract: Contract) -> None:
    """Room kept in the merchant market for the compute of a contract: it is let, and paid for, after the default.

    On each accelerator at its own rental, so that one which is offered and not in service changes nothing.
    """
    customer = life(case, contract)
    if case.merchant is None or customer.driver is None or contract.relet_share == 0.0:
        return
    served = np.zeros(case.horizon.periods, dtype=np.bool_)
    if contract.opening_volume > 0.0:
        served[: opening_term(case, contract)] = True
    for v in signing(case, contract):
        served[v + contract.ramp : v + contract.ramp + contract.term] = True
    served[0] = False  # drivers are certain in period 0
    served &= np.array(case.merchant.volume) > 0.0
    for accelerator in case.accelerator:
        price = relet_price(case, accelerator)
        for t in np.flatnonzero(served & (price > 0.0) & (most_systems(case, accelerator) > 0.0)).tolist():
            label = case.horizon.label(t)
            relet = builder.decide(
                Decision(
                    key=f"relet[{contract.id},{accelerator.id},{label}]", block="relet", period=t, unit="PFLOP/s",
                    lower=0.0, upper=WIDER * contract.relet_share * (contract.volume + contract.opening_volume),
                    tags={"contract": contract.id, "accelerator": accelerator.id, "period": label},
                )
            )  # fmt: skip
            _let_again(case, builder, customer, relet, t, float(price[t]), accelerator)


def _let_again(
    case: Case, builder: LedgerBuilder, customer: Life, relet: int, t: int, price: float, accelerator: Accelerator
) -> None:
    """What one PFLOP/s brings once the customer is dead, of what is up of it.

    Where the price would be the product of too many drivers, the least share counts.
    """
    assert case.merchant is not None
    column, up = case.merchant.column, accelerator.availability_column
    share = 1.0
    scaled: Scale = ((up, t),)
    if not varies(case, up):
        scaled = ()
    elif len(factors(case, column)) + 1 + len(factors(case, up)) > MOST_FACTORS:
        share, scaled = (bounds(case, up) or (0.0, 0.0))[0], ()
    at, value = np.array([t]), share * price / (1.0 - customer.recovery)
    builder.post(relet, Account.RELET, t, share, scaled=scaled)
    for amount, driver in ((value, ONE), (-value, customer.driver or ONE)):
        builder.post(relet, Account.RELET_REVENUE, at, amount, column, None, driver, scaled=scaled)
        post_sale(case, builder, relet, at, amount, column, driver, scaled)


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
        up = accelerator.availability_column if varies(case, accelerator.availability_column) else ONE
        builder.post(rented, Account.MERCHANT_REVENUE, t, revenue[t], column, None, up)
        builder.post(rented, Account.MERCHANT, t, compute, up)
        post_sale(case, builder, rented, np.array([t]), revenue[t], column, up)


def constrain(a: Assembly) -> None:
    """Each PFLOP/s is sold once, each system rented out once, and no more than customers take.

    An entity sells the compute of its own sites only.
    """
    for entity, own in () if serving.constrain(a) else owners.rings(a.case, a.ledger):
        sold = a.expected([Account.CONTRACTED, Account.MERCHANT], own)
        if sold.nnz:
            served = a.expected([Account.COMPUTE], own)
            a.rows(rules.COMPUTE_BALANCE, owners.index(entity, a.labels), sold - served, upper=0.0)
    for contract in a.case.contract:
        signed = a.mask(block="contract", contract=contract.id)
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
    a.rows(rules.MERCHANT, a.labels, a.expected([Account.MERCHANT, Account.RELET]), upper=a.case.merchant.volume)
    for contract in a.case.contract:
        _constrain_relet(a, contract)
    _constrain_relet_systems(a)


def _constrain_relet(a: Assembly, contract: Contract) -> None:
    """Room is kept for a share of what is delivered, and is expected to bring at most what the default leaves open.

    The second row is divided by what a PFLOP/s brings where it brings most, so rare defaults leave no tiny numbers.
    """
    mine, room = a.mask(contract=contract.id), a.mask(block="relet", contract=contract.id)
    if not room.any():
        return
    times = sorted({int(t) for t in a.period[room]})
    index = [f"{contract.id},{a.labels[t]}" for t in times]
    kept = a.selector(room, times)
    delivered = a.expected([Account.CONTRACTED], mine)[times]
    a.rows(rules.RELET, index, kept - contract.relet_share * delivered, upper=0.0)
    brings = csr_array(a.expected([Account.RELET_REVENUE], room)[times])
    most = np.asarray(brings.max(axis=1).toarray()).ravel()
    some = np.flatnonzero(most > 0.0)
    if some.size:
        lost = a.expected([Account.OPEN_BILLS], mine)[[times[i] for i in some]].maximum(0.0)
        scaled = csr_array((brings[some] - lost).multiply(1.0 / most[some][:, None]))
        a.rows(rules.RELET_BILLS, [index[i] for i in some], scaled, upper=0.0)


def _constrain_relet_systems(a: Assembly) -> None:
    """What is let, and kept for reletting, on a kind of systems is at most the compute of those in service."""
    for accelerator in a.case.accelerator:
        where = a.mask(accelerator=accelerator.id)
        room = a.mask(block="relet", accelerator=accelerator.id)
        for entity, own in owners.rings(a.case, a.ledger):
            times = sorted({int(t) for t in a.period[owners.within(room, own)]})
            if times:
                let = a.expected([Account.MERCHANT, Account.RELET], owners.within(where, own))[times]
                served = a.expected([Account.COMPUTE], owners.within(where, own))[times]
                index = [f"{accelerator.id},{name}" for name in owners.index(entity, [a.labels[t] for t in times])]
                a.rows(rules.RELET_SYSTEMS, index, csr_array(let - served), upper=0.0)
