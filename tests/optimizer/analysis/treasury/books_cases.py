"""Cases with everything in them that the books know, and any plan of a case: feasible or not, its books must close."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from capmix.models.blocks.floors import with_floors
from capmix.models.build import build_ledger
from capmix.models.schema.case import Case
from capmix.models.schema.drivers import Window
from capmix.models.schema.entities import Entity
from capmix.models.schema.financing import Depth, Instrument, OpeningDebt, Step
from capmix.models.schema.revenue import Organic, WorkingCapital
from capmix.models.schema.revolver import Revolver
from capmix.models.schema.rules import Tax, WriteOff
from capmix.optimizer.analysis.expected import Amounts
from capmix.optimizer.setup.assemble import process_table
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.driver_order import reordered
from capmix.optimizer.setup.liquidity import liquidity

from ...cases import flat, starter

COUNT = 200


def any_plan(case: Case, seed: int) -> Amounts:
    """Random amounts of every kind of decision, at the means of a few scenarios: no plan that anybody would make."""
    case = with_floors(case)
    ledger, backend = reordered(build_ledger(case), case), choose("cpu")
    store = backend.simulate(process_table(case), COUNT, 7)
    means = backend.means(store, ledger.factors)
    rates = backend.rates(store, liquidity(case, ledger).table)
    ledger = ledger.without_negligible(means)
    random = np.random.default_rng(seed)
    decided = np.where(random.random(len(ledger.decisions)) < 0.4, random.random(len(ledger.decisions)), 0.0)
    decided *= [d.upper if np.isfinite(d.upper) else 1.0 for d in ledger.decisions]
    decided[ledger.mask(block="fixed")] = 1.0
    return Amounts(case, ledger, means, decided, rates)


def instrument(case: Case, name: str, **changes: Any) -> Instrument:
    """An offer on the terms of the starter case's notes, changed."""
    notes = next(i for i in case.instrument if i.id == "notes")
    depth = (Depth(investor="managers", steps=(Step(size=0.1, spread=0.0), Step(size=0.1, spread=0.01))),)
    return replace(notes, id=name, depth=depth, **changes)


@cache
def rich(seed: int) -> Case:
    """The starter case with what the seed picks of all that the books tell apart."""
    random = np.random.default_rng(seed)

    def one(*choices: Any) -> Any:
        return choices[int(random.integers(len(choices)))]

    case = starter()
    shut = Window(id="shut", process="window", closing=flat(0.6, case), reopening=flat(2.0, case), shut_share=0.3)
    contract = replace(
        case.contract[0], payment_days=one(None, -40.0, 30.0, 140.0), prepayment_kept=bool(one(True, False)),
        prepayment=one(0.0, 0.3), opening_volume=one(0.0, 4_000.0), opening_term=one(None, 5),
        claim_periods=one(0, 1, 4), relet_share=0.5,
    )  # fmt: skip
    if contract.opening_volume and (contract.payment_days or 0.0) >= 0.0:
        contract = replace(contract, opening_receivable=one(0.0, 0.02))
    more = (
        instrument(case, "lease", kind="lease", rent=True, amortisation="annuity", annuity_rate=0.09, tenor=one(6, 40)),
        instrument(case, "stake", kind="equity", tenor=None, amortisation="none", accretion=one(0.0, 0.1)),
        instrument(case, "pik", accretion=0.08, window="shut", tenor=9),
        instrument(
            case, "facility", draw_window=4, commitment_fee=0.01, amortisation="linear", tenor=one(6, 24),
            term_from=one("draw", "commitment"),
        ),
        instrument(case, "round", kind="equity", tenor=None, amortisation="none", draw_window=2, commitment_fee=0.01),
    )  # fmt: skip
    write_off = WriteOff(method=one("straight", "macrs5"), bonus=one(0.0, 0.4))
    tax = Tax(
        rate=0.25, loss_use=one(0.0, 0.8, 1.0), opening_losses=one(0.0, 0.1), interest_limit=one(None, 0.3),
        opening_interest=0.02, fees=one("paid", "straight", "balance"), systems=one(None, write_off),
        sites=one(None, WriteOff(method="macrs15")),
    )  # fmt: skip
    line = Revolver(holder="banks", max_commitment=0.2, margin=0.03, commitment_fee=0.005, fee=0.01, tenor=6)
    return replace(
        case,
        driver=(*case.driver, shut),
        contract=(contract,),
        accelerator=tuple(replace(a, life=one(a.life, 5)) for a in case.accelerator),
        instrument=(*case.instrument, *more),
        tax=one(None, tax, tax, tax),
        organic=one(None, Organic(amount=flat(0.02, case), ebitda=flat(0.05, case))),
        working_capital=WorkingCapital(
            receivable_days=one(0.0, 45.0), payable_days=one(0.0, 60.0, 120.0), system_days=one(0.0, 30.0, 100.0),
            opening_payables=one(None, 0.01),
        ),
        revolver=one(None, line),
        cash=replace(case.cash, dividends=flat(one(0.0, 0.01), case)),
        site=tuple(replace(s, lease=one(None, 40), opening_lease=9) for s in case.site),
        opening=replace(case.opening, site_book_value=one(0.0, 0.2), site_life=one(None, 7)),
        case=replace(case.case, name=f"rich{seed}"),
    )  # fmt: skip


def in_entities(case: Case) -> Case:
    """The case in three companies, one owned by another, with debt and instruments in each."""
    zero = flat(0.0, case)
    part = {"minimum_cash": zero, "reserve": zero}
    second = replace(case.site[0], id="second", entity="south")
    debt = OpeningDebt(id="own", entity="south", amount=0.03, rate="fixed", coupon=0.07, maturity=9, holder="banks")
    issuers = ("campus", "south", None)
    return replace(
        case,
        entity=(
            Entity(id="holding", kind="parent", **part),
            Entity(id="campus", kind="spv", opening_cash=0.3, **part),
            Entity(id="south", kind="spv", parent="campus", opening_cash=0.1, **part),
        ),
        site=(*(replace(s, entity="campus") for s in case.site), second),
        contract=tuple(replace(c, entity="campus") for c in case.contract),
        instrument=tuple(replace(i, issuer=issuers[n % 3]) for n, i in enumerate(case.instrument)),
        opening=replace(case.opening, debt=(*case.opening.debt, debt)),
    )
