"""Usual ranges: where figures of a case lie in practice. Outside them a case is warned about, not refused.

They are wide on purpose: two to five times beyond what the shipped cases and the public deals in docs/instruments.md show,
so that a warning means a slip of the unit far more often than a daring assumption. Money is in US dollars; another
currency's range follows from its rough worth in `PER_DOLLAR`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .fields import MILLIONS, Usual

_HOURS = ((1 / 730.5, "per month"), (1 / 8766, "per year"), (1 / 24, "per day"), (0.01, "in cents"))

LOG_VOLATILITY: Final = Usual(0.01, 2.0, "shares move 0.15 to 1 a year, power prices up to 1.2")
LOG_DRIFT: Final = Usual(-1.0, 1.0, "rentals fell 0.34 and rose 0.36 a year, 2024 to 2026")
JUMP_RATE: Final = Usual(0.01, 4.0, "more than one jump a quarter is volatility")
JUMP_MEAN: Final = Usual(-1.5, 1.0, "a jump by -1.5 leaves a fifth, one by 1 is nearly threefold")
JUMP_VOLATILITY: Final = Usual(0.005, 1.0, "in the logarithm")
SWITCH: Final = Usual(0.02, 12.0, "regimes last from a month to decades")
REVERSION: Final = Usual(0.01, 20.0, "half-lives from two weeks to 70 years")
LOGIT_VOLATILITY: Final = Usual(0.02, 5.0, "a share between 0.3 and 0.98 that swings by a few points moves 0.5")
HAZARD: Final = Usual(1e-5, 0.5, "AAA hardly ever, B about 0.04, CCC about 0.3 a year")
SENSITIVITY: Final = Usual(0.05, 5.0, "5 means 32 times the hazard when the level halves")
CLOSING: Final = Usual(0.01, 6.0, "bond markets shut once in a few years")
REOPENING: Final = Usual(0.1, 60.0, "and stay shut for weeks to years")

RATE: Final = Usual(-0.02, 0.25, "policy rates of large currencies since 1980 are -0.01 to 0.20")
RATE_VOLATILITY: Final = Usual(0.0005, 0.04, "money-market and government yields move 0.005 to 0.02 a year")
CIR_VOLATILITY: Final = Usual(0.005, 0.6, "at a spread of 0.04, 0.06 moves it by 0.012 a year")

MARGIN: Final = Usual(-0.02, 0.2, "public deals pay -0.001 to 0.13 over the benchmark")
COUPON_FLOOR: Final = Usual(0.0, 0.1, "floors of public loans are 0 to 0.02")
LINE_MARGIN: Final = Usual(0.001, 0.15, "lines pay 0.01 to 0.06 over the benchmark")
FEE: Final = Usual(0.0001, 0.07, "public deals pay 0.002 to 0.05")
DISCOUNT: Final = Usual(0.0001, 0.12, "issues are sold at 88 or more")
RETURN: Final = Usual(0.001, 0.4, "preferred equity asks 0.12 to 0.18, common equity 0.18 to 0.25")
SPREAD: Final = Usual(0.0001, 0.08, "the most expensive step of the shipped cases pays 0.03 more")
COMMITMENT_FEE: Final = Usual(0.0001, 0.03, "lines and delayed draws pay 0.0025 to 0.01")
COUPON: Final = Usual(0.0001, 0.3, "public debt of GPU clouds pays up to 0.15")
SCHEDULE_RATE: Final = Usual(0.001, 0.3, "an annuity is drawn up at about its coupon")
TENOR: Final = Usual(0.2, 50.0, "from a quarter to half a century", slips=((1 / 12, "in months"),))
LINE_TENOR: Final = Usual(0.2, 12.0, "lines run 1 to 5 years", slips=((1 / 12, "in months"),))
BETA: Final = Usual(0.1, 3.0, "a class of debt moves with its market")
ADVANCE: Final = Usual(0.1, 1.0, "public deals lend 0.6 to 0.92 of the value")

DISCOUNT_RATE: Final = Usual(0.001, 0.4, "from riskless to venture capital")
DEPOSIT: Final = Usual(-0.05, 0.0, "deposits pay a little under the money market")
DEFICIT: Final = Usual(0.001, 0.3, "private credit asks 0.05 to 0.15 over the benchmark")
TAX: Final = Usual(0.01, 0.5, "corporate tax is 0.09 to 0.40")
INTEREST_LIMIT: Final = Usual(0.1, 0.5, "30 % of EBITDA in the United States and the European Union")
BONUS: Final = Usual(0.2, 1.0, "bonus depreciation was 0.2 to 1 of the cost, 2017 to 2026")
WRITE_OFF: Final = Usual(1.0, 50.0, "systems 3 to 7 years, buildings 15 to 40", slips=((1 / 12, "in months"),))
LEVEL: Final = Usual(0.5, 0.9999, "0.95 and 0.99 are customary")

ACCELERATORS: Final = Usual(1, 2000, "servers hold 8, racks 72 to 576", slips=())
SUPPLY: Final = Usual(0.01, 100_000, "the largest buyers order some thousand racks a quarter", slips=())
SYSTEMS: Final = Usual(0.01, 1_000_000, "the largest fleets are some ten thousand racks", slips=())
TFLOPS: Final = Usual(
    20, 100_000, "dense, one accelerator: H100 989, VR200 4,000", slips=((1e3, "in PFLOP/s"), (1e-3, "in GFLOP/s"))
)
IT_KW: Final = Usual(0.3, 2000, "servers take 10 kW, racks 40 to 600", slips=((1e3, "in MW"), (1e-3, "in watts")))
SYSTEM_PRICE: Final = Usual(0.005, 100, "servers cost 0.25, racks 3 to 25 million", slips=MILLIONS, money=True)
ATTACH: Final = Usual(0.0005, 50, "a tenth to a quarter of the price", slips=MILLIONS, money=True)
FAILURE: Final = Usual(0.0005, 0.15, "1 to 9 % of accelerators fail in a year")
SUPPORT: Final = Usual(0.001, 0.2, "support, spares and staff are 0.03 to 0.08 of the price")
LIFE: Final = Usual(1.0, 15.0, "servers are written off over 3 to 8 years", slips=((1 / 12, "in months"),))
RENTAL: Final = Usual(0.05, 150, "an hour of an accelerator cost 1 to 25 in 2026", slips=_HOURS, money=True)
DECLINE: Final = Usual(0.001, 0.6, "rentals of a generation fall 0.05 to 0.4 a year")

PUE: Final = Usual(1.0, 2.2, "new halls reach 1.1 to 1.4", slips=())
LOAD: Final = Usual(0.2, 1.0, "training runs at 0.7 to 0.9 of the rated power")
POWER_PRICE: Final = Usual(
    8, 600, "wholesale 40 to 100, retail up to 300", slips=((1e3, "per kWh"), (10.0, "in cents per kWh")), money=True
)
SITE_OPEX: Final = Usual(
    0.005, 12, "own halls 0.2 to 0.5, leased ones 1.4 to 2.6",
    slips=((0.012, "per kW and month"), (1e-3, "in thousands"), (1e-6, "in single units of money")), money=True,
)  # fmt: skip
COST_PER_MW: Final = Usual(
    0.002, 60, "a hall costs 10 to 15 in all, its shell 0.5 to 7",
    slips=((1e-3, "per kW, or in thousands"), (1e-6, "in single units of money"), (1e3, "in billions")), money=True,
)  # fmt: skip
COST_PER_SITE: Final = Usual(0.005, 5000, "a substation or a fibre route costs 1 to 500", slips=MILLIONS, money=True)
MEGAWATTS: Final = Usual(
    0.02, 20_000, "halls take 1 to 100, the largest campuses 5,000", slips=((1e-3, "in kW"), (1e3, "in GW"))
)
SITE_LIFE: Final = Usual(3.0, 60.0, "shells are written off over 15 to 40 years", slips=((1 / 12, "in months"),))

COMPUTE_PRICE: Final = Usual(
    0.02, 60, "1 to 2 in 2026; an accelerator's rental over its PFLOP/s", slips=_HOURS, money=True
)
PRICE_FALL: Final = Usual(0.001, 0.6, "compute got 0.1 to 0.4 a year cheaper")
TERM: Final = Usual(0.2, 20.0, "take-or-pay contracts run 2 to 15 years", slips=((1 / 12, "in months"),))
PAYMENT_DAYS: Final = Usual(
    1, 180, "invoices are due in 0 to 90 days, the largest buyers take up to 120",
    slips=((365 / 12, "in months"), (365.0, "in years")),
)  # fmt: skip
BILL_DAYS: Final = Usual(
    -92, 180, "paid a quarter ahead at the earliest, at the latest after 120 days", slips=((365 / 12, "in months"),)
)
DAMAGES: Final = Usual(0.02, 3.0, "0.1 to 1.5 times the price of what is short")
DAMAGES_CAP: Final = Usual(0.02, 1.0, "service credits end at 0.1 to 1 of a period's bill")
MERCHANT_DISCOUNT: Final = Usual(0.001, 0.85, "reserved is 0.2 to 0.5 below on demand")

PER_DOLLAR: Mapping[str, float] = {
    "USD": 1, "EUR": 0.9, "GBP": 0.8, "CHF": 0.85, "CAD": 1.4, "AUD": 1.5, "NZD": 1.7, "SGD": 1.3, "HKD": 7.8, "CNY": 7.2,
    "TWD": 31, "JPY": 150, "KRW": 1400, "INR": 87, "IDR": 16_500, "MYR": 4.3, "THB": 33, "PHP": 57, "VND": 25_500,
    "AED": 3.7, "SAR": 3.75, "QAR": 3.6, "ILS": 3.5, "TRY": 42, "SEK": 9.6, "NOK": 10, "DKK": 6.5, "PLN": 3.7, "CZK": 21,
    "HUF": 340, "RON": 4.4, "ISK": 125, "BRL": 5.4, "MXN": 18.5, "CLP": 950, "COP": 3900, "ZAR": 17.5, "KZT": 520,
    "KWD": 0.31, "BHD": 0.38, "OMR": 0.38, "EGP": 48, "NGN": 1500, "KES": 129,
}  # fmt: skip
"""Units of a currency for one US dollar, rounded, of 2026: to tell thousands from millions, never to convert money."""
