"""Covenants beyond the first seven: kept on the solved program, by formulas of their own, and never for free."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capmix.models.blocks.figures import spelled_out
from capmix.models.blocks.headroom import headrooms
from capmix.models.flows import (
    Flow,
    carried_window,
    cumulative_window,
    expected,
    exposure,
    interest_window,
    trailing_window,
)
from capmix.models.ledger import Account
from capmix.models.schema.case import Case
from capmix.models.schema.financing import Depth, Investor, Opening, OpeningDebt, OpeningFleet, Party, Step
from capmix.models.schema.rules import COVENANTS, Cash, Covenant, Tax
from hypothesis import given, settings
from hypothesis import strategies as st

from .solving import PERIODS, RATE, Solved, assemble, solve
from .tiny import bond, contract, known_means, series, system, tiny

ADVANCE = (0.8, 0.6, 0.2)


def case(**changes: object) -> Case:
    """Two suppliers, two customers, two holders; money binds."""
    two = (
        Depth(investor="fund", steps=(Step(size=0.5, spread=0.0),)),
        Depth(investor="bank", steps=(Step(size=0.5, spread=0.02),)),
    )
    base = tiny(
        cash=Cash(opening=0.05, minimum=series(0.0), dividends=series(0.0)),
        tax=Tax(rate=0.2),
        merchant=None,
        party=(
            Party(id="maker", role="supplier"), Party(id="rival", role="supplier"), Party(id="buyer", role="customer"),
            Party(id="other", role="customer"),
        ),
        accelerator=(system(), system("alt", vendor="rival", price=3.0)),
        contract=(
            contract(price=6.0, prepayment=0.0), contract("second", customer="other", price=5.0, prepayment=0.0),
        ),
        investor=(
            Investor(id="fund", kind="asset_manager", issuance_capacity=series(0.8)),
            Investor(id="bank", kind="bank", issuance_capacity=series(0.8)),
        ),
        instrument=(
            bond("loan", tenor=6, amortisation="linear", secured_by="accelerators", advance_rate=0.9, depth=two),
            bond("lease", kind="lease", tenor=5, amortisation="linear", margin=0.08, max_outstanding=0.02),
            bond("short", tenor=3, margin=0.03, max_outstanding=0.03),
        ),
        opening=Opening(
            fleet=(OpeningFleet(accelerator="gpu", site="north", systems=8.0, age=2),),
            debt=(OpeningDebt(id="old", holder="fund", amount=0.004, rate="fixed", coupon=0.05, maturity=6),),
        ),
    )  # fmt: skip
    return replace(base, **changes)


def covenant(kind: str, limit: float, **changes: object) -> Covenant:
    base = Covenant(
        id="test", kind=kind, limit=limit, from_period=3, advance=ADVANCE if kind == "borrowing_base" else ()
    )
    return replace(base, **changes)


def amounts(solved: Solved, *accounts: Account, **tags: str) -> np.ndarray:
    """(T,) expected, of the decisions with these tags."""
    n = len(solved.ledger.decisions)
    wanted = [
        all((d.block if k == "block" else d.tags.get(k)) == v for k, v in tags.items()) for d in solved.ledger.decisions
    ]
    return np.asarray(solved.ledger.expected(accounts, solved.means) @ np.where(wanted, solved.x[:n], 0.0))


def last_year(flow: np.ndarray, t: int) -> float:
    part = flow[max(0, t - 3) : t + 1]
    return float(part.sum() * 4 / part.size)


@pytest.mark.parametrize(
    "kind, limit",
    [
        ("fixed_charge_cover", 4.0), ("llcr", 2.0), ("borrowing_base", 0.5), ("minimum_liquidity", 0.03),
        ("weighted_average_life", 0.5), ("supplier_concentration", 0.6), ("offtaker_concentration", 0.7),
        ("holder_concentration", 0.6), ("net_worth", 0.04),
    ],
)  # fmt: skip
def test_covenants_hold_and_cost_compute(kind: str, limit: float) -> None:
    free, solved = solve(case()), solve(case(covenant=(covenant(kind, limit),)))
    assert (free.status, solved.status) == (0, 0)
    assert solved.objective < free.objective - 1e-6
    slack = 1e-8
    ebitda = amounts(solved, *(a for a in Account if a.ebitda))
    tax, debt, cash = amounts(solved, Account.TAX), amounts(solved, Account.DEBT), solved.state("cash")
    interest = -amounts(solved, Account.INTEREST)
    for t in range(3, PERIODS):
        if kind == "fixed_charge_cover":
            leases = -amounts(solved, Account.PRINCIPAL, instrument="lease")
            assert last_year(ebitda, t) >= limit * (last_year(interest, t) + last_year(leases, t)) - slack
        elif kind == "llcr":
            later = sum((ebitda[u] + tax[u]) / 1.08 ** ((u - t) / 4) for u in range(t + 1, PERIODS))
            later += amounts(solved, Account.TERMINAL_ASSETS)[-1] / 1.08 ** ((PERIODS - 1 - t) / 4)
            assert later >= limit * debt[t] - slack
        elif kind == "borrowing_base":
            base = 0.0
            for d, x in zip(solved.ledger.decisions, solved.x, strict=False):
                if d.block == "order" or d.tags.get("kind") == "fleet":
                    age = (t + 1 + 2 if d.block == "fixed" else t + 1 - d.period - 1) / 4
                    if t >= d.period + (d.block == "order"):
                        one = np.zeros(len(solved.ledger.decisions))
                        one[solved.ledger.decisions.index(d)] = x
                        value = solved.ledger.expected([Account.HARDWARE_VALUE], solved.means) @ one
                        base += np.interp(age, [0, 1, 2], ADVANCE) * value[t]
            secured = amounts(solved, Account.DEBT, instrument="loan")
            assert secured[t] <= limit * base + slack
        elif kind == "minimum_liquidity":
            assert cash[t] >= limit - slack
        elif kind == "net_worth":
            assert cash[t] + amounts(solved, Account.HARDWARE_VALUE, Account.SITE_VALUE)[t] - debt[t] >= limit - slack
        elif kind == "weighted_average_life":
            years = 0.0
            for name, tenor in (("loan", 6), ("lease", 5), ("short", 3)):
                for d, x in zip(solved.ledger.decisions, solved.x, strict=False):
                    if d.tags.get("instrument") == name:
                        due = (
                            {d.period + tenor: 1.0}
                            if name == "short"
                            else {d.period + k: 1 / tenor for k in range(1, tenor + 1)}
                        )
                        years += x * sum(share * (u - t) / 4 for u, share in due.items() if u > t >= d.period)
            years += 0.004 * (6 - t) / 4 if t < 6 else 0.0
            assert years >= limit * debt[t] - slack
        elif kind == "supplier_concentration":
            paid = {"maker": 0.0, "rival": 0.0}
            for d, x in zip(solved.ledger.decisions, solved.x, strict=False):
                if d.block == "order":  # a quarter with the order, the rest a period later
                    due = 0.25 * (d.period <= t) + 0.75 * (d.period + 1 <= t)
                    paid[d.tags["vendor"]] += x * due * (0.002 if d.tags["vendor"] == "maker" else 0.003)
            assert max(paid.values()) <= limit * sum(paid.values()) + slack
        elif kind == "offtaker_concentration":
            revenue = amounts(solved, Account.CONTRACT_REVENUE, Account.MERCHANT_REVENUE)
            for party in ("buyer", "other"):
                own = amounts(solved, Account.CONTRACT_REVENUE, customer=party)
                assert last_year(own, t) <= limit * last_year(revenue, t) + slack
        else:
            for investor in ("fund", "bank"):
                own = amounts(solved, Account.DEBT, investor=investor)[t]
                own += amounts(solved, Account.DEBT, holder=investor)[t]
                assert own <= limit * debt[t] + slack


@pytest.mark.parametrize("as_", ["cvar", "monitored"])
def test_only_hard_covenants_make_rows(as_: str) -> None:
    level = 0.9 if as_ == "cvar" else None
    _, _, lp = assemble(case(covenant=(covenant("ltv", 0.1, as_=as_, level=level),)))
    assert not any(name.startswith("covenant_") for name in lp.row_names)


def test_a_concentration_of_one_party_is_one_test() -> None:
    named = case(covenant=(covenant("offtaker_concentration", 0.5, party="other"),))
    _, _, lp = assemble(named)
    rows = [n for n in lp.row_names if n.startswith("covenant_test[")]
    assert len(rows) == PERIODS - 3
    assert all(n.startswith("covenant_test[other,") for n in rows)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(COVENANTS), st.integers(0, 2**32 - 1))
def test_the_scenarios_see_the_same_headroom_as_the_program(kind: str, seed: int) -> None:
    """On a known path, the exposures of any plan give the headroom of its rows."""
    limit = 0.6 if kind not in ("terminal_equity", "net_worth") else 0.02
    one = covenant(kind, limit, from_period=0)
    made = case(covenant=(one,))
    ledger, means, lp = assemble(made)
    random = np.random.default_rng(seed)
    n = len(ledger.decisions)
    decided = np.where([d.block == "fixed" for d in ledger.decisions], 1.0, random.random(n) * (random.random(n) < 0.3))
    columns = np.zeros(len(lp.column_names))
    columns[:n] = decided
    at = {name: j for j, name in enumerate(lp.column_names)}
    balances = ledger.expected([Account.DEBT, Account.EQUITY, Account.LEASES], means)
    flow = ledger.expected([a for a in Account if a.cash], means) @ decided
    cash = made.cash.opening
    for t, label in enumerate(made.horizon.labels):
        cash = cash * (1.0 + RATE) + flow[t]
        columns[at[f"cash[{label}]"]] = cash
        for i in made.instrument:
            own = np.where([d.tags.get("instrument") == i.id for d in ledger.decisions], decided, 0.0)
            columns[at[f"outstanding_balance[{i.id},{label}]"]] = (balances @ own)[t]
    rows = [i for i, name in enumerate(lp.row_names) if name.startswith("covenant_")]
    in_program = (lp.row_upper - lp.matrix @ columns)[rows]
    rates = np.full(PERIODS, RATE)
    seen, names = [], []
    for test in headrooms(made, ledger, one):
        figure = spelled_out(made, ledger, None, test.at(limit), rates)
        found = exposure(ledger, [(figure.flows, test.tested)])
        priced = known_means(made, replace(ledger, factors=found.factors))
        entry = (found.matrix @ decided) * priced[found.atom]
        for i, t in enumerate(test.tested):
            seen.append(entry[found.start[i] : found.start[i + 1]].sum() + figure.constant[t])
            names.append(f"covenant_test[{f'{test.of},' if test.of else ''}{made.horizon.labels[t]}]")
    known = dict(zip(names, seen, strict=True))
    assert rows
    np.testing.assert_allclose([known[lp.row_names[i]] for i in rows], in_program, rtol=1e-9, atol=1e-9)


def test_windows() -> None:
    assert trailing_window(4, 2).tolist() == [[2, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]
    assert cumulative_window(2).tolist() == [[1, 0], [1, 1]]
    np.testing.assert_allclose(carried_window(np.array([0.5, 0.1, 0.2])), [[1, 0, 0], [1.1, 1, 0], [1.32, 1.2, 1]])
    earned = [[0, 0, 0], [0.1, 0, 0], [0.2 * 1.1, 0.2, 0]]
    np.testing.assert_allclose(interest_window(np.array([0.5, 0.1, 0.2])), earned)


def test_flows_of_several_blocks_stand_one_below_the_other() -> None:
    made = case()
    ledger, means, _ = assemble(made)
    flow = Flow((Account.INTEREST, Account.PRINCIPAL), 2.0, window=trailing_window(PERIODS, 4))
    both = exposure(ledger, [((flow,), (1, 5)), ((flow, flow.scaled(-1.0)), (5,))])
    assert both.periods == 3
    x = np.ones(len(ledger.decisions))
    entries = (both.matrix @ x) * known_means(made, replace(ledger, factors=both.factors))[both.atom]
    sums = [entries[both.start[i] : both.start[i + 1]].sum() for i in range(3)]
    plain = expected(ledger, [flow], means, (1, 5)) @ x
    np.testing.assert_allclose(sums, [*plain, 0.0], atol=1e-12)
