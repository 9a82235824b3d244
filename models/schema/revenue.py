"""Revenue: take-or-pay contracts that may be signed, the merchant market, and organic cash flow."""

from __future__ import annotations

from dataclasses import dataclass

from . import fields as f
from . import usual as u
from .fields import Sourced


@dataclass(frozen=True, kw_only=True)
class Contract(Sourced):
    """A take-or-pay offer. Volume is compute in PFLOP/s (the case's metric); the customer pays idle or not."""

    id: str = f.ident("name of the contract in the case and in tables")
    title: str = f.text("name in reports", default="")
    customer: str = f.ref("party that pays", "party")
    entity: str | None = f.ref("entity that signs and delivers; the parent if left out", "entity", default=None)
    volume: float = f.number("maximum that can be signed in all", "PFLOP/s", gt=0)
    price: float = f.number("price of one PFLOP/s for one hour", "USD per PFLOP/s-hour", gt=0, usual=u.COMPUTE_PRICE)
    price_decline: float = f.rate(
        "yearly fall of the price for contracts signed later", usual=u.PRICE_FALL, default=0.0
    )
    sign_from: int = f.period("first period in which it can be signed", edge="first")
    sign_to: int = f.period("last period in which it can be signed", edge="last")
    ramp: int = f.count("periods from signature to delivery", "periods", ge=0)
    term: int = f.years("time of delivery and payment", usual=u.TERM)
    survival: str | None = f.ref("driver that says whether the customer still pays", "driver", default=None)
    relet_share: float = f.share(
        "after the customer's default, maximum share of the volume relet, at the merchant price and within the merchant "
        "market's volume", default=0.0,
    )  # fmt: skip
    claim_periods: int = f.count(
        "bills from the default on that are claimed of the customer; of the claim his `recovery` is paid once, at the "
        "default; 1: the bill then due", "periods", ge=0, le=1200, default=1,
    )  # fmt: skip
    prepayment: float = f.share(
        "share of the contract value paid at signature and credited evenly over the term", le=0.5, default=0.0
    )
    prepayment_kept: bool = f.flag(
        "whether the seller keeps, at the customer's default, what of the prepayment is not yet credited; false: it is "
        "returned at once", default=False,
    )  # fmt: skip
    payment_days: float | None = f.number(
        "days after delivery in which a period's bill is paid; below 0: so many days ahead of it; those of "
        "[working_capital] if left out", "days", ge=-92, le=366, usual=u.BILL_DAYS, default=None,
    )  # fmt: skip
    opening_receivable: float = f.number(
        "bills of the volume already signed that are open at the start; paid over `payment_days`, while the customer "
        "lives", "billion", ge=0, default=0.0,
    )  # fmt: skip
    shortfall: str = f.choice(
        "remedy for volume that is not available in a scenario. credit: it is not paid; damages: nor that, and `damages` "
        "are owed", ("credit", "damages"), default="credit",
    )  # fmt: skip
    damages: float = f.number(
        "damages for one PFLOP/s that is not available for one hour, over the contract's price", "times the price", ge=0,
        le=100, usual=u.DAMAGES, default=0.0,
    )  # fmt: skip
    damages_cap: float = f.share("cap on the damages of a period over its full bill", usual=u.DAMAGES_CAP, default=1.0)
    takeover_share: float = f.share(
        "of what is still to be billed, what the contract is worth to whoever takes over at a default or the end, "
        "beyond the systems' resale value; 0: the parts are sold and the contract ends", default=0.0,
    )  # fmt: skip
    opening_volume: float = f.number("already signed and delivered from period 0", "PFLOP/s", ge=0, default=0.0)
    opening_term: int | None = f.years("remaining time of the volume already signed", usual=u.TERM, default=None)


@dataclass(frozen=True, kw_only=True)
class Merchant(Sourced):
    """Capacity rented out without a contract at each accelerator's own `rental`."""

    column: str = f.ref(
        "price column: rental index, or rental index × utilisation; 1 = today's list price fully let", "column"
    )
    discount: float = f.share("achieved price below list price", usual=u.MERCHANT_DISCOUNT, default=0.0)
    volume: tuple[float, ...] = f.series("maximum compute that the merchant market takes", "PFLOP/s", ge=0)
    payment_days: float | None = f.number(
        "days after the period's use in which a rental is paid; those of [working_capital] if left out", "days", ge=0,
        le=366, usual=u.PAYMENT_DAYS, default=None,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Organic(Sourced):
    """Free cash flow of the rest of the company that is put at the plan's disposal."""

    amount: tuple[float, ...] = f.series("cash flow at today's prices, after tax and dividends", "billion per period")
    column: str = f.ref("price column it moves with, 1 in period 0", "column", default="one")
    ebitda: tuple[float, ...] = f.series(
        "EBITDA of the rest of the company, for covenants only", "billion per period", ge=0, default=0.0
    )


@dataclass(frozen=True, kw_only=True)
class WorkingCapital(Sourced):
    """Days from a delivery to its payment: days sales and days payables outstanding, where an entry has none of its own.

    What is billed and bought in a period falls evenly into it, so that at its end the bills of the last `days` are open.
    Income counts on accrual, cash moves with the payment.
    """

    receivable_days: float = f.number(
        "contracts and merchant revenue: days sales outstanding (DSO)", "days", ge=0, le=366, usual=u.PAYMENT_DAYS,
        default=0.0,
    )  # fmt: skip
    payable_days: float = f.number(
        "power, support and site operation: days payables outstanding (DPO)", "days", ge=0, le=366,
        usual=u.PAYMENT_DAYS, default=0.0,
    )  # fmt: skip
    system_days: float = f.number(
        "systems: days from delivery to the payment of the balance", "days", ge=0, le=366, usual=u.PAYMENT_DAYS,
        default=0.0,
    )  # fmt: skip
    opening_payables: float | None = f.number(
        "owed at the start for power, support and site operation; what `payable_days` of the opening fleet and sites "
        "cost if left out", "billion", ge=0, default=None,
    )  # fmt: skip
