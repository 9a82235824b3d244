"""Every preset against a cash-flow oracle: a balance carried from period to period in plain Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import capmix
import numpy as np
import pytest
from capmix.models.build import build_ledger
from capmix.models.ledger import Account, Ledger
from capmix.models.reading import load_case, starter_case
from capmix.models.schema.case import Case
from capmix.models.schema.financing import INVESTOR_KINDS, Depth, Grid, Instrument, Investor, Party, Step
from capmix.models.schema.horizon import Horizon
from capmix.models.schema.presets import ELSEWHERE, PRESETS, filled
from capmix.models.schema.rules import Cash
from capmix.reports.pages.instruments import in_shipped_cases, page
from scipy.optimize import brentq

from .tiny import driver, known_means, series, site, system, tiny

T, DT = 30, 0.25
RNG = np.random.default_rng(4)
PATHS = {
    "market": np.ones(T),
    "money": 0.03 + 0.02 * RNG.random(T),
    "open": 0.2 + 0.8 * RNG.random(T),
    "fund_open": 0.2 + 0.8 * RNG.random(T),
    "stop": 0.2 + 0.8 * RNG.random(T),
    "ig": np.where(np.arange(T) < 9, 1.0, 0.0),
    "shares": RNG.random(T),
}
OWN: dict[str, dict[str, Any]] = {
    "convertible": {"dilution": "shares"},
    "delayed_draw_gpu_loan": {
        "draw_stop": "stop", "offtaker": "lab", "downgrade": "ig", "downgraded_to": "B",
        "grid": (Grid(rating="BBB-", margin=0.0), Grid(rating="BB-", margin=0.02), Grid(rating="CCC", margin=0.04)),
    },
    "construction_loan": {"draw_stop": "stop"},
    "spv_bond": {"guarantor": "lab"},
    "vendor_finance": {"tied_to": "maker"},
    "vendor_equity": {"tied_to": "maker"},
}  # fmt: skip


def made(name: str, **changes: Any) -> Instrument:
    """The instrument as the reader would make it on quarters."""
    own = {"preset": name, "benchmark": "money"} if "benchmark" in PRESETS[name].needs else {"preset": name}
    terms = {**filled({**own, **OWN.get(name, {})}, 4), "window": "open"} | changes
    if "tenor" in terms:
        terms["tenor"] = round(4 * terms["tenor"])
    return Instrument(id="it", depth=(Depth(investor="fund", steps=(Step(size=1.0, spread=0.0025),)),), **terms)


def case_of(instrument: Instrument) -> Case:
    return tiny(
        horizon=Horizon(start="2026Q4", periods=T),
        cash=Cash(opening=1.0, minimum=series(0.0, T), dividends=series(0.0, T)),
        driver=tuple(driver(k, *v, periods=T) for k, v in PATHS.items()),
        party=(Party(id="maker", role="supplier"), Party(id="lab", role="customer", rating="A")),
        accelerator=(system(supply=series(0.0, T)),),
        site=(site(),),
        merchant=None,
        investor=(Investor(id="fund", kind="asset_manager", issuance_capacity=series(1.0, T), window="fund_open"),),
        instrument=(instrument,),
    )


def oracle(name: str, instrument: Instrument, agreed: int, issued: int) -> dict[Account, np.ndarray]:
    """Expected amounts of one billion of face: a walk through the periods, without schedules or arrays of shares."""
    scale = PATHS["open"][agreed] * PATHS["fund_open"][agreed]
    if instrument.draw_stop is not None:
        scale *= PATHS["stop"][issued]
    out = {a: np.zeros(T) for a in Account}
    out[Account.PROCEEDS][issued] = 1.0
    out[Account.FEES][issued] = -instrument.discount - (0.0 if instrument.draw_window else instrument.fee)
    repaid = instrument.amortisation != "none"
    stock = Account.LEASES if instrument.rent else Account.DEBT if repaid else Account.EQUITY
    paid_as = Account.RENT if instrument.rent else Account.INTEREST if repaid else Account.DIVIDENDS
    start = agreed if instrument.term_from == "commitment" else issued
    end = start + instrument.tenor if repaid else 10**6
    instalments = end - max(start + instrument.grace, issued)
    rate = (instrument.annuity_rate or 0.0) * DT
    level = 1.0 - instrument.balloon  # what is repaid in instalments and still owed
    payment = level * rate / (1.0 - (1.0 + rate) ** -instalments) if instrument.amortisation == "annuity" else 0.0
    out[stock][issued] = balance = 1.0
    for u in range(issued + 1, min(end, T - 1) + 1):
        margin = instrument.margin
        if name == "construction_loan" and u > agreed + 8:
            margin = 0.02
        if name == "delayed_draw_gpu_loan" and PATHS["ig"][u - 1] == 0.0:
            margin += 0.04  # B has fallen through the line of BB-
        benchmark = PATHS["money"][issued if instrument.rate == "fixed" else u - 1] if instrument.benchmark else 0.0
        out[paid_as][u] -= balance * DT * (benchmark + margin + 0.0025)
        accreted = balance * instrument.accretion * DT
        due = 0.0
        if u > start + instrument.grace and instrument.amortisation == "linear":
            due = (1.0 - instrument.balloon) / instalments
        elif u > start + instrument.grace and instrument.amortisation == "annuity":
            due = payment - rate * level
            level -= due
        if u == end:
            due = balance + accreted
        balance += accreted - due
        out[Account.RENT if instrument.rent else Account.PRINCIPAL][u] -= due
        out[Account.ACCRETION][u] -= accreted if repaid else 0.0
        out[Account.DEPRECIATION][u] += due if instrument.rent else 0.0
        out[stock][u] = balance
        if instrument.dilution is not None:
            out[Account.DILUTION][T - 1] -= due * PATHS["shares"][u]
    if end > T - 1:
        out[Account.TERMINAL_DEBT][T - 1] = -balance
        out[Account.DILUTION][T - 1] -= balance * PATHS["shares"][T - 1] if instrument.dilution is not None else 0.0
    if end > T - 1 and repaid:
        out[Account.REVALUED][T - 1] = -worth_behind(instrument, agreed, issued, end, level, balance)
    return {a: v * scale for a, v in out.items()}


def worth_behind(instrument: Instrument, agreed: int, issued: int, end: int, level: float, balance: float) -> float:
    """What is due beyond the horizon, discounted at the level yield there, beyond the balance.

    A convertible's holders ask money_discount, 8 %, since the case has no other debt: interest given up so far is owed.
    """
    market = PATHS["money"][T - 1] if instrument.benchmark else 0.0
    stepped = instrument.conversion is not None
    level_yield = market + instrument.margin + instrument.accretion + 0.0025
    if stepped:  # interest only, then level parts: the yield of all its payments at the last benchmark
        repayments, owed, flows = end - agreed - instrument.grace, 1.0, []
        for u in range(issued + 1, end + 1):
            margin = 0.02 if u > agreed + 8 else instrument.margin
            due = (1.0 - instrument.balloon) / repayments if u > agreed + instrument.grace else 0.0
            due = owed if u == end else due
            flows.append(owed * DT * (market + margin + 0.0025) + due)
            owed -= due
        periods = np.arange(1, len(flows) + 1)
        level_yield = brentq(lambda y: (1.0 + y * DT) ** -periods @ np.array(flows) - 1.0, 0.0, 1.0, xtol=1e-15)
    if instrument.kind == "convertible":
        assert instrument.benchmark is None
        assert level_yield < 0.08
        return sum(DT * (0.08 - level_yield) * (1.0 + 0.08 * DT) ** k for k in range(T - 1 - issued))
    rate, total = (instrument.annuity_rate or 0.0) * DT, 0.0
    left = balance
    payment = 0.0
    if instrument.amortisation == "annuity":
        payment = level * rate / (1.0 - (1.0 + rate) ** -(end - max(agreed + instrument.grace, T - 1)))
    for u in range(T, end + 1):
        margin = 0.02 if stepped and u > agreed + 8 else instrument.margin
        benchmark = market if instrument.rate == "floating" or not instrument.benchmark else PATHS["money"][issued]
        due, accreted = 0.0, left * instrument.accretion * DT
        if u > agreed + instrument.grace and instrument.amortisation == "linear":
            due = (1.0 - instrument.balloon) / (end - max(agreed + instrument.grace, issued))
        elif u > agreed + instrument.grace and instrument.amortisation == "annuity":
            due = payment - rate * level
            level -= due
        if u == end:
            due = left + accreted
        total += (left * DT * (benchmark + margin + 0.0025) + due) * (1.0 + level_yield * DT) ** (T - 1 - u)
        left += accreted - due
    return total - balance


def postings(case: Case, ledger: Ledger, block: str, period: int, committed: str) -> dict[Account, np.ndarray]:
    number = next(
        j
        for j, d in enumerate(ledger.decisions)
        if d.block == block and d.period == period and d.tags.get("committed", "") == committed
    )
    means = known_means(case, ledger)
    return {a: ledger.expected([a], means).toarray()[:, number] for a in Account}


@pytest.mark.parametrize("agreed", [0, 2, 26])
@pytest.mark.parametrize("name", PRESETS)
def test_cash_flows_of_every_preset(name: str, agreed: int) -> None:
    instrument = made(name)
    case = case_of(instrument)
    ledger = build_ledger(case)
    drawn = instrument.draw_window > 0
    issued = agreed + 3 if drawn else agreed
    label = case.horizon.label(agreed) if drawn else ""
    found = postings(case, ledger, "draw" if drawn else "issue", issued, label)
    wanted = oracle(name, instrument, agreed, issued)
    if drawn:  # what is drawn no longer pays the fee on the undrawn
        waiting = np.arange(T)
        back = (waiting > issued) & (waiting <= agreed + instrument.draw_window)
        scale = PATHS["open"][agreed] * PATHS["fund_open"][agreed] * PATHS["stop"][issued]
        wanted[Account.FEES] = wanted[Account.FEES] + np.where(back, 0.005 * DT, 0.0) * scale
    found[Account.REVALUED] = found[Account.REVALUED] + found.pop(Account.DEFERRED)
    for account in found:
        np.testing.assert_allclose(found[account], wanted[account], rtol=0, atol=1e-12, err_msg=f"{name} {account}")


def test_balloon_of_a_linear_and_of_an_annuity_equals_quantlib() -> None:
    ql = pytest.importorskip("QuantLib")
    count, rate, balloon = 16, 0.08, 0.35
    sinking = list(ql.sinkingNotionals(ql.Period(3 * count, ql.Months), ql.Quarterly, rate, 1.0 - balloon))
    instrument = made("operating_lease", tenor=count / 4, balloon=balloon, annuity_rate=rate, grace=0)
    case = case_of(instrument)
    found = postings(case, build_ledger(case), "issue", 3, "")[Account.LEASES][3 : 3 + count]
    scale = PATHS["open"][3] * PATHS["fund_open"][3]
    np.testing.assert_allclose(found, scale * (balloon + np.array(sinking[:-1])), rtol=0, atol=1e-9)


def test_one_final_date_for_all_draws_of_a_construction_loan() -> None:
    case = case_of(made("construction_loan"))
    ledger = build_ledger(case)
    debts = [postings(case, ledger, "draw", u, case.horizon.label(0))[Account.DEBT] for u in (1, 5, 8)]
    for debt in debts:
        assert debt[23] > 0.0
        assert not debt[24:].any()
        assert debt[8] == pytest.approx(debt.max())  # interest only while building


def test_rent_is_tax_neutral_to_debt_and_counts_in_ebitda() -> None:
    lease, loan = (case_of(made("operating_lease", rent=r)) for r in (True, False))
    found, plain = (postings(c, build_ledger(c), "issue", 2, "") for c in (lease, loan))
    taxable = [sum(v for a, v in p.items() if a.taxable) for p in (found, plain)]
    np.testing.assert_allclose(taxable[0], taxable[1], rtol=0, atol=1e-14)
    assert sum(v for a, v in found.items() if a.ebitda)[3] < 0.0
    assert not sum(v for a, v in plain.items() if a.ebitda).any()
    assert not found[Account.DEBT].any()
    np.testing.assert_allclose(found[Account.LEASES], plain[Account.DEBT], rtol=0, atol=1e-14)


DRIVERS = """
[[driver]]
id = "share_price"
process = "geometric_jumps"
start = 1.0
drift = 0.08
volatility = 0.5

[[driver]]
id = "shares"
process = "excess"
depends_on = "share_price"
strike = 1.25

[[driver]]
id = "open"
process = "window"
closing = 0.3
reopening = 2.0
shut_share = 0.2
"""


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_loads_from_a_case(name: str, tmp_path: Path) -> None:
    own = {"benchmark": "sofr", "dilution": "shares", "guarantor": "lab", "tied_to": "chipmaker"}
    keys = [f'{key} = "{own[key]}"' for key in PRESETS[name].needs]
    entry = ["[[instrument]]", 'id = "it"', f'preset = "{name}"', 'window = "open"', *keys]
    entry += ["[[instrument.depth]]", 'investor = "banks"', "steps = [{ size = 0.1, spread = 0.001 }]"]
    path = tmp_path / "case.toml"
    path.write_text("\n".join([starter_case(), DRIVERS, *entry]), encoding="utf-8")
    case = load_case(path)
    loaded = case.instrument[-1]
    terms = PRESETS[name].terms
    for key, value in terms.items():
        assert getattr(loaded, key) == (round(value * 4) if key == "tenor" else value), key
    for key, years in PRESETS[name].spans.items():
        assert getattr(loaded, key) == years * 4
    build_ledger(case)


def test_page_is_current_and_every_preset_has_its_deal() -> None:
    path = Path(capmix.__file__).parent / "docs" / "instruments.md"
    assert path.read_text(encoding="utf-8") == page(), "run python -m capmix.reports.pages.instruments"
    for preset in (*PRESETS.values(), *ELSEWHERE.values()):
        assert all((preset.title, preset.program, preset.scenario, preset.deal, preset.source))
        assert preset.confidence in ("verified", "secondary", "derived", "unverified")
    assert len(INVESTOR_KINDS) >= 8


def test_every_instrument_is_used_by_a_shipped_case() -> None:
    used = in_shipped_cases()
    assert set(used) == {*PRESETS, *ELSEWHERE}
    assert not [name for name, cases in used.items() if not cases]
    for name, cases in used.items():
        for case, instrument in cases if name in PRESETS else []:
            text = (Path(capmix.__file__).parent / "cases" / f"{case}.toml").read_text(encoding="utf-8")
            entry = text.split(f'id = "{instrument}"')[-1].split("[[")[0]
            assert f'preset = "{name}"' in entry, "by its name in the file, not by its terms alone"


def test_a_preset_gives_way_to_what_hangs_on_other_terms() -> None:
    assert "margin" not in filled({"preset": "high_yield_note", "spread_driver": "hy"}, 4)
    bullet = filled({"preset": "spv_bond", "amortisation": "bullet"}, 4)
    assert not {"annuity_rate", "grace", "balloon"} & set(bullet)
    assert not {"advance_rate", "seasoning"} & set(filled({"preset": "abs", "secured_by": "none"}, 4))
    assert filled({"preset": "construction_loan"}, 12)["draw_window"] == 24
