"""Accelerator systems: what can be ordered, at what price, how fast it comes and how long it serves."""

from __future__ import annotations

from dataclasses import dataclass

from . import fields as f
from . import usual as u
from .fields import Sourced


@dataclass(frozen=True, kw_only=True)
class Accelerator(Sourced):
    """One purchasable system (a rack or a server). Orders are counted in systems."""

    id: str = f.ident("name of the system in the case and in tables")
    title: str = f.text("name in reports", default="")
    vendor: str = f.ref("party that is paid for it", "party")
    accelerators: int = f.count("accelerators per system", "accelerators", ge=1, usual=u.ACCELERATORS)
    bf16_tflops: float = f.number("dense BF16 performance of one accelerator", "TFLOP/s", gt=0, usual=u.TFLOPS)
    fp8_tflops: float = f.number("dense FP8 performance of one accelerator", "TFLOP/s", gt=0, usual=u.TFLOPS)
    it_kw: float = f.number("IT power of one system", "kW", gt=0, usual=u.IT_KW)
    price: float = f.number("price of one system in period 0", "million per system", gt=0, usual=u.SYSTEM_PRICE)
    price_column: str = f.ref("price column the price moves with, 1 in period 0", "column", default="one")
    attach_cost: float = f.number(
        "network, storage and installation per system, paid at delivery",
        "million per system",
        ge=0,
        usual=u.ATTACH,
        default=0.0,
    )
    available_from: int = f.period("first period in which it can be ordered", edge="first")
    available_to: int | None = f.period("last period in which it can be ordered", edge="last", default=None)
    supply: tuple[float, ...] = f.series("maximum that can be ordered", "systems per period", ge=0, usual=u.SUPPLY)
    lead: int = f.count("periods from order to service", "periods", ge=0)
    deposit: float = f.share("share of the price paid with the order; the rest on delivery", default=0.0)
    payment_days: float | None = f.number(
        "days after delivery within which the balance of the price must be paid; the plan may pay earlier; those of "
        "[working_capital] if left out", "days", ge=0, le=366, usual=u.PAYMENT_DAYS, default=None,
    )  # fmt: skip
    life: int = f.years("useful life from the start of service; also the depreciation time", usual=u.LIFE)
    failure_rate: float = f.rate("share of the systems lost each year", le=0.5, usual=u.FAILURE, default=0.0)
    support_rate: float = f.rate(
        "support, spares and staff as a share of the price", le=0.5, usual=u.SUPPORT, default=0.0
    )
    residual: tuple[float, ...] = f.numbers(
        "resale value as a share of the price at age 0, 1, 2 … years, last value kept", "fraction", ge=0, le=1
    )
    resale_column: str = f.ref("price column the resale value moves with, 1 in period 0", "column", default="one")
    availability_column: str = f.ref(
        "price column of the share that is up and energised, e.g. late deliveries or grid delays",
        "column",
        default="one",
    )
    rental: float = f.number(
        "merchant rental of one accelerator in period 0", "USD per accelerator-hour", ge=0, usual=u.RENTAL, default=0.0
    )
    rental_decline: float = f.rate(
        "yearly fall of its rental against the market as newer generations arrive", usual=u.DECLINE, default=0.0
    )
