"""More cash, more supply, more depth, one more offer: none of them ever lowers the optimum. Random small cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capmix.models.build import build_ledger, build_program
from capmix.models.schema.case import Case
from capmix.models.schema.financing import (
    Depth,
    Instrument,
    Investor,
    Opening,
    OpeningDebt,
    OpeningFleet,
    Party,
    Step,
)
from capmix.models.schema.revenue import Organic
from capmix.models.schema.rules import Cash, Covenant, Risk, Tax
from capmix.optimizer.setup.assemble import measured
from capmix.optimizer.setup.lockup_calendar import calendar
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from .solving import RATE
from .tiny import PERIODS, bond, contract, known_means, series, site, system, tiny

RATES = np.full(PERIODS, 4 * RATE)  # 8 % a year: what interest does is seen
SLACK = 1e-6
SAME = 2e-7  # a calendar is chosen within 1e-7 of the best

COVENANTS = {
    "net_debt_to_ebitda": (2.0, 8.0), "interest_cover": (1.0, 6.0), "fixed_charge_cover": (1.0, 4.0),
    "dscr": (0.8, 2.0), "llcr": (0.8, 3.0), "ltv": (0.3, 0.9), "minimum_liquidity": (0.0, 0.05),
    "maturity_wall": (0.02, 0.2), "terminal_equity": (-0.05, 0.05), "floating_share": (0.0, 1.0),
    "supplier_concentration": (0.5, 1.0), "offtaker_concentration": (0.3, 1.0), "holder_concentration": (0.4, 1.0),
    "weighted_average_life": (0.1, 0.6), "net_worth": (-0.05, 0.05),
}  # fmt: skip


def optimum(case: Case) -> float:
    """Best compute on the known path, each risk limit on net loss a row; -inf where there is no plan."""
    ledger = build_ledger(case)
    means = known_means(case, ledger)
    chosen = calendar(case, ledger, means, RATES)
    lp = build_program(case, ledger, means, RATES, chosen.closed, chosen.nothing_due)
    high, low = np.isfinite(lp.row_upper), np.isfinite(lp.row_lower)
    rows, limits = [lp.matrix[high], -lp.matrix[low]], [lp.row_upper[high], -lp.row_lower[low]]
    for risk, loss in zip(case.risk, measured(case, ledger, means, RATES, chosen.nothing_due), strict=False):
        terms = loss.table.terms
        price = known_means(case, replace(ledger, factors=terms.factors))[terms.atom]
        row = np.zeros(lp.matrix.shape[1])
        row[: len(ledger.decisions)] = -(loss.matrix.T @ price)
        rows.append(csr_array(row[None, :]))
        limits.append(np.array([risk.limit - loss.table.floor[0]]))
    bounds = np.column_stack([lp.col_lower, lp.col_upper])
    found = linprog(-lp.cost, A_ub=vstack(rows), b_ub=np.concatenate(limits), bounds=bounds, method="highs")
    assert found.status in (0, 2), found.message
    return -float(found.fun) if found.status == 0 else -np.inf


def secured(random: np.random.Generator, name: str, **changes: object) -> Instrument:
    """A debt on random terms."""
    depth = Depth(investor=str(random.choice(["fund", "bank"])), steps=(Step(size=0.02, spread=0.0),))
    base = bond(
        name, tenor=int(random.integers(2, 10)), amortisation=str(random.choice(["bullet", "linear"])),
        secured_by=str(random.choice(["none", "accelerators", "sites", "all"])),
        advance_rate=float(random.uniform(0.3, 0.9)), seasoning=int(random.integers(0, 3)),
        margin=float(random.uniform(0.01, 0.08)), fee=0.005, depth=(depth,),
    )  # fmt: skip
    if base.secured_by == "none":
        base = replace(base, advance_rate=None, seasoning=0)
    return replace(base, **changes)


def random_case(seed: int) -> tuple[np.random.Generator, Case]:
    random = np.random.default_rng(seed)
    kinds = random.choice(list(COVENANTS), size=2, replace=False)
    covenants = tuple(
        Covenant(
            id=str(k), kind=str(k), limit=float(random.uniform(*COVENANTS[k])), from_period=int(random.integers(0, 4))
        )
        for k in kinds
    )
    debt = OpeningDebt(
        id="old", holder="fund", amount=0.01, rate="fixed", coupon=0.06, maturity=int(random.integers(3, 20)),
        amortisation="linear", secured_by=str(random.choice(["none", "accelerators", "sites", "all"])),
    )  # fmt: skip
    fleet = OpeningFleet(
        accelerator="gpu", site="north", systems=float(random.uniform(0, 8)), age=int(random.integers(0, 3))
    )
    case = tiny(
        cash=Cash(opening=float(random.uniform(0.02, 0.1)), minimum=series(0.005), dividends=series(0.0005)),
        tax=Tax(
            rate=float(random.choice([0.0, 0.3, 0.6])), loss_use=float(random.choice([0.0, 0.5, 1.0])),
            opening_losses=float(random.choice([0.0, 0.02])),
        ),
        organic=Organic(amount=series(0.001), ebitda=series(float(random.choice([0.0, 0.002])))),
        party=(
            Party(id="maker", role="supplier"), Party(id="rival", role="supplier"), Party(id="buyer", role="customer"),
            Party(id="other", role="customer"),
        ),
        site=(site(opex=float(random.choice([0.1, 1.0])), residual_share=0.8),),
        accelerator=(system(rental=float(random.uniform(2.0, 9.0))),),
        contract=(contract(price=float(random.uniform(2.0, 6.0))),),
        investor=(
            Investor(id="fund", kind="asset_manager", issuance_capacity=series(0.05)),
            Investor(id="bank", kind="bank", issuance_capacity=series(0.05)),
        ),
        instrument=tuple(secured(random, f"loan{i}") for i in range(int(random.integers(1, 4)))),
        opening=Opening(
            fleet=(fleet,), debt=(debt,) if random.random() < 0.6 else (),
            site_book_value=0.01, site_life=40,
        ),
        covenant=covenants,
    )  # fmt: skip
    return random, case


def never_less(more: float, less: float) -> None:
    assert more >= less - max(SLACK, SAME * abs(less))


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_more_money_never_lowers_the_optimum(seed: int) -> None:
    """Opening cash, organic flow, dividends that are not paid: with a limit on net loss and tax on interest."""
    random, case = random_case(seed)
    long = OpeningDebt(id="old", holder="fund", amount=0.01, rate="fixed", coupon=0.06, maturity=40)
    # The covenants' calendar is chosen without risk limits, so here every test always applies.
    case = replace(case, opening=replace(case.opening, debt=(long,)))
    free = optimum(case)
    if free == -np.inf:
        case = replace(case, covenant=())
    limit = float(random.uniform(-0.01, 0.02))
    case = replace(case, risk=(Risk(id="net_loss", loss="net_loss", level=0.9, limit=limit),))
    least = optimum(case)
    for opening in (0.15, 2.0, 50.0):
        richer = optimum(replace(case, cash=replace(case.cash, opening=opening)))
        never_less(richer, least)
        least = richer
    assert case.organic is not None
    never_less(optimum(replace(case, organic=replace(case.organic, amount=series(0.01)))), optimum(case))
    never_less(optimum(replace(case, cash=replace(case.cash, dividends=series(0.0)))), optimum(case))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_one_more_offer_never_lowers_the_optimum(seed: int) -> None:
    """Debt too dear to take, with any collateral and seasoning; a system, a customer and a site that nobody wants."""
    random, case = random_case(seed)
    base = optimum(case)
    dear = secured(random, "dear", margin=0.9, fee=0.4)
    never_less(optimum(replace(case, instrument=(*case.instrument, dear))), base)
    worse = system("worse", vendor="rival", price=900.0)
    poor = contract("poor", customer="other", price=0.001, prepayment=0.0)
    far = site("far", opex=90.0, life=60)
    far = replace(far, layer=tuple(replace(x, opening_mw=0.0) for x in far.layer))
    wider = replace(case, accelerator=(*case.accelerator, worse), contract=(*case.contract, poor))
    never_less(optimum(replace(wider, site=(*case.site, far))), base)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_more_depth_and_supply_never_lower_the_optimum(seed: int) -> None:
    _, case = random_case(seed)
    base = optimum(case)
    steps = (Step(size=0.04, spread=0.0),)
    deeper = tuple(replace(i, depth=tuple(replace(d, steps=steps) for d in i.depth)) for i in case.instrument)
    never_less(optimum(replace(case, instrument=deeper)), base)
    supplied = tuple(replace(a, supply=series(90.0)) for a in case.accelerator)
    never_less(optimum(replace(case, accelerator=supplied)), base)


@pytest.mark.parametrize("old", ["none", "accelerators", "sites", "all"])
def test_an_offer_with_seasoning_asks_nothing_of_the_others(old: str) -> None:
    """A loan on sites under construction, beside opening debt; then a dear loan on all that has served a quarter."""
    cheap = bond("cheap", secured_by="sites", advance_rate=0.9, margin=0.001, fee=0.0, tenor=30)
    case = tiny(
        cash=Cash(opening=0.03, minimum=series(0.0), dividends=series(0.0)),
        site=(site(layer=tuple(replace(x, opening_mw=0.5, lead=3, stages=(0.5, 0.5)) for x in site().layer)),),
        instrument=(cheap,),
        opening=Opening(
            fleet=(OpeningFleet(accelerator="gpu", site="north", systems=3.0, age=0),),
            site_book_value=0.004, site_life=40,
            debt=(OpeningDebt(id="old", amount=0.004, rate="fixed", coupon=0.0, maturity=30, secured_by=old),),
        ),
    )  # fmt: skip
    base = optimum(case)
    assert base > optimum(replace(case, instrument=())) + 1e-3  # the loan on sites under construction matters
    dear = bond("dear", secured_by="all", advance_rate=0.1, margin=0.9, fee=1.0, seasoning=1)
    assert optimum(replace(case, instrument=(cheap, dear))) == pytest.approx(base, rel=1e-9)
