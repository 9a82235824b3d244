"""One deal through the whole engine: its terms as a case, the ledger's postings as cash flows, and their yield."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...models.build import build_ledger
from ...models.ledger import ACCOUNT_NUMBER, CASH_ACCOUNTS, Account
from ...models.reading.load import load_case
from ...optimizer.analysis.funding_cost import rate_of_return
from ...optimizer.arrays import FloatArray

_CASE = """
[case]
name = "deal"
[horizon]
start = "2026Q1"
periods = {periods}
[cash]
opening = 1.0
[[party]]
id = "vendor"
role = "supplier"
[[investor]]
id = "holder"
kind = "asset_manager"
issuance_capacity = 100.0
[[driver]]
id = "benchmark"
process = "deterministic"
path = {benchmark!r}
[[accelerator]]
id = "system"
vendor = "vendor"
accelerators = 1
bf16_tflops = 1.0
fp8_tflops = 1.0
it_kw = 1.0
price = 1.0
available_from = "2026Q1"
supply = 1.0
lead = 0
life = 5
residual = [0.5]
[[site]]
id = "site"
power_price = 1.0
pue = 1.2
life = 10
{layers}
[[instrument]]
id = "deal"
kind = "bond"
rate = {rate!r}
{terms}
amortisation = {amortisation!r}
{balloon}
tenor = {tenor!r}
fee = {fee!r}
discount = {discount!r}
depth = [{{ investor = "holder", steps = [{{ size = 100.0, spread = 0.0 }}] }}]
issue_to = "2026Q1"
"""
_LAYER = '[[site.layer]]\nkind = "{kind}"\nlead = 0\nmax_mw = 1.0\nopening_mw = 1.0\n'
_LAYERS = ("shell", "power", "cooling", "security", "fibre")

PER_YEAR = 4


@dataclass(frozen=True)
class Deal:
    """Terms of one deal; rates as fractions per year, paid quarterly.

    Attributes:
        coupon: of a fixed deal; the margin of a floating one.
        benchmark: level of the reference rate of a floating deal, held for its life; None for a fixed one.
        fee, discount: shares of the face. tenor: years. amortisation: "bullet" or "linear".
        balloon: of a linear one, the share of the face due with the last payment.
    """

    coupon: float
    tenor: float
    fee: float = 0.0
    discount: float = 0.0
    benchmark: float | None = None
    amortisation: str = "bullet"
    balloon: float = 0.0


def cash_flows(deal: Deal, accounts: Sequence[Account] = CASH_ACCOUNTS) -> FloatArray:
    """(periods,) what one unit of face brings in and costs per quarter on the accounts, as the ledger posts it."""
    periods = round(deal.tenor * PER_YEAR) + 2
    terms = f"margin = {deal.coupon!r}" + ('\nbenchmark = "benchmark"' if deal.benchmark is not None else "")
    text = _CASE.format(
        periods=periods,
        benchmark=deal.benchmark or 0.0,
        layers="".join(_LAYER.format(kind=kind) for kind in _LAYERS),
        rate="fixed" if deal.benchmark is None else "floating",
        terms=terms,
        amortisation=deal.amortisation,
        balloon=f"balloon = {deal.balloon!r}" if deal.balloon else "",
        tenor=deal.tenor,
        fee=deal.fee,
        discount=deal.discount,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deal.toml"
        path.write_text(text, encoding="utf-8")
        case = load_case(path)
    ledger = build_ledger(case)
    level = np.full((len(case.driver), periods), deal.benchmark or 0.0).ravel()
    means = np.where(ledger.factors < 0, 1.0, level[np.maximum(ledger.factors, 0)]).prod(axis=1)
    number = next(j for j, d in enumerate(ledger.decisions) if d.block == "issue")
    cash = np.isin(ledger.account, [ACCOUNT_NUMBER[a] for a in accounts])
    keep = (ledger.decision == number) & cash
    posted = ledger.coefficient[keep] * means[ledger.atom[keep]]
    return np.bincount(ledger.period[keep], weights=posted, minlength=periods).astype(np.float64)


def quarterly(rate: float, per_year: int) -> float:
    """A nominal rate paid `per_year` times a year as the nominal rate of the same worth paid quarterly."""
    return float(PER_YEAR * ((1.0 + rate / per_year) ** (per_year / PER_YEAR) - 1.0))


def yield_of(deal: Deal, per_year: int) -> float:
    """All-in yield of a deal, nominal with `per_year` compounding. ValueError where its flows have none."""
    rate = rate_of_return(cash_flows(deal))
    if rate is None:
        raise ValueError(f"the flows of {deal} have no rate of return")
    return float(per_year * ((1.0 + rate) ** (PER_YEAR / per_year) - 1.0))
