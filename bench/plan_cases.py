"""Cases of any size in months and decisions, for measuring how plans grow; every figure in them is invented.

A GPU cloud that grows out of its own cash and a row of notes and loans. A larger case has more months and more
instruments, each sold to two classes of investors in two steps; budget and limits grow with the months.
"""

from __future__ import annotations

SYSTEMS, SITES = 4, 2


def generated(months: int, decisions: int) -> str:
    """TOML of a case with `months` periods and about `decisions` decisions.

    Raises ValueError where so few decisions leave no room for an instrument, or the months are fewer than 12.
    """
    if not 12 <= months <= 480:
        raise ValueError(f"{months} months; between 12 and 480")
    fixed = (SYSTEMS * SITES * 0.5 + 5 * SITES * 0.8) * months  # orders and layers that still come into service
    instruments = round((decisions - fixed) / (4 * months))
    if instruments < 1:
        raise ValueError(
            f"{decisions:,} decisions over {months} months leave no instrument; at least {fixed + 4 * months:.0f}"
        )
    scale = months / 36.0
    parts = [
        _head(months, scale),
        *(_system(k, months) for k in range(SYSTEMS)),
        *(_site(k, months) for k in range(SITES)),
    ]
    parts += [_money(scale), *(_instrument(k, instruments) for k in range(instruments))]
    return "\n".join(parts)


def _month(t: int) -> str:
    return f"{2027 + t // 12}-{1 + t % 12:02d}"


def _head(months: int, scale: float) -> str:
    return f"""
[case]
name = "generated"
title = "Generated: {months} months"
currency = "USD"
source = "generated for measurements; all figures invented"
confidence = "unverified"

[horizon]
start = "2027-01"
periods = {months}
step = "month"

[objective]
kind = "compute"
metric = "bf16"
compute_discount = 0.08
money_discount = 0.08

[cash]
opening = 0.8
minimum = 0.1
rate_driver = "sofr"
deposit_margin = -0.003
deficit_margin = 0.06

[tax]
rate = 0.21
loss_use = 0.8

[budget]
total = {4.0 * scale:.3f}

[[risk]]
id = "liquidity"
loss = "liquidity"
level = 0.95
limit = {0.25 * scale:.3f}

[[risk]]
id = "net_loss"
loss = "net_loss"
level = 0.95
limit = {0.50 * scale:.3f}

[[driver]]
id = "sofr"
process = "vasicek"
start = 0.037
mean = 0.035
reversion = 0.4
volatility = 0.009
floor = 0.0

[[driver]]
id = "spread"
process = "cir"
start = 0.033
mean = 0.040
reversion = 0.8
volatility = 0.06

[[driver]]
id = "rental"
process = "geometric_jumps"
start = 1.0
drift = -0.05
volatility = 0.22
jump_rate = 0.25
jump_mean = -0.25
jump_volatility = 0.10

[[driver]]
id = "utilisation"
process = "logistic_share"
low = 0.30
high = 0.98
start = 0.85
mean = 0.82
reversion = 1.0
volatility = 0.5

[correlation]
drivers = ["sofr", "spread", "rental"]
matrix = [[1.0, -0.2, 0.0], [-0.2, 1.0, -0.3], [0.0, -0.3, 1.0]]

[[column]]
id = "rental_let"
drivers = ["rental", "utilisation"]

[[party]]
id = "maker"
role = "supplier"

[merchant]
column = "rental_let"
discount = 0.10
volume = {60_000 * scale:.0f}
"""


def _system(k: int, months: int) -> str:
    first = k * months // SYSTEMS
    last = min(months - 1, first + months // 2)
    growth = 1.6**k
    return f"""
[[accelerator]]
id = "system_{k}"
vendor = "maker"
accelerators = 72
bf16_tflops = {2500 * growth:.0f}
fp8_tflops = {5000 * growth:.0f}
it_kw = {140 + 40 * k}
price = {4.0 + 1.6 * k:.2f}
attach_cost = 0.5
available_from = "{_month(first)}"
available_to = "{_month(last)}"
supply = 20
lead = 3
deposit = 0.2
life = 5
failure_rate = 0.02
support_rate = 0.03
residual = [0.85, 0.62, 0.44, 0.30, 0.18, 0.10]
resale_column = "rental"
rental = {5.0 * growth**0.9:.2f}
rental_decline = 0.10
"""


def _site(k: int, months: int) -> str:
    cost = {"shell": 3.0, "power": 2.5, "cooling": 2.0, "security": 0.1, "fibre": 0.2}
    layers = [
        f"""
[[site.layer]]
kind = "{kind}"
cost_per_mw = {value * (1.0 + 0.1 * k):.2f}
lead = {9 if kind == "power" else 6}
opening_mw = 12
max_mw = {12 + 2 * months}
"""
        for kind, value in cost.items()
    ]
    return f"""
[[site]]
id = "site_{k}"
pue = {1.2 + 0.05 * k:.2f}
load_factor = 0.8
power_price = {62 - 8 * k}
opex = 0.35
life = 20
residual_share = 0.8
""" + "".join(layers)


def _money(scale: float) -> str:
    classes = ("banks", "bank"), ("managers", "asset_manager"), ("insurers", "insurer")
    return "".join(
        f"""
[[investor]]
id = "{name}"
kind = "{kind}"
issuance_capacity = {0.1 * (1.0 + scale / 3.0):.3f}
"""
        for name, kind in classes
    )


def _instrument(k: int, count: int) -> str:
    """Notes and loans in turn, each a little dearer and longer than the one before; depth shared between them all."""
    size = 0.12 / count
    holders = (("banks", "managers"), ("managers", "insurers"), ("insurers", "banks"))[k % 3]
    if k % 2:
        kind = f"""
kind = "term_loan"
rate = "floating"
benchmark = "sofr"
margin = {0.030 + 0.0005 * k:.4f}
fee = 0.0125
tenor = {3 + k % 5}
amortisation = "linear"
"""
    else:
        kind = f"""
kind = "high_yield_note"
rate = "fixed"
benchmark = "sofr"
spread_driver = "spread"
margin = {0.010 + 0.0005 * k:.4f}
fee = 0.0175
tenor = {3 + k % 6}
amortisation = "bullet"
"""
    depth = "".join(
        f"""
[[instrument.depth]]
investor = "{holder}"
steps = [{{ size = {size:.5f}, spread = 0.0 }}, {{ size = {size:.5f}, spread = 0.0075 }}]
"""
        for holder in holders
    )
    return f"""
[[instrument]]
id = "paper_{k}"
{kind}{depth}"""
