"""Nothing in the ledger makes money out of nothing."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.models.blocks.idle import wealth_weights
from capmix.models.blocks.objective import wealth
from capmix.models.blocks.schedule import schedule
from capmix.models.build import build_ledger
from capmix.models.ledger import CASH_ACCOUNTS, TERMINAL_ACCOUNTS, Account
from capmix.models.schema.rules import Cash
from hypothesis import given
from hypothesis import strategies as st

from .solving import PERIODS, RATE, solve
from .tiny import bond, contract, driver, known_means, series, site, system, tiny

RATES = np.full(PERIODS, RATE)

terms = st.fixed_dictionaries(
    {
        "rate": st.sampled_from(["fixed", "floating"]),
        "amortisation": st.sampled_from(["bullet", "linear", "annuity", "none"]),
        "tenor": st.integers(2, 30),
        "grace": st.integers(0, 1),
        "margin": st.floats(0.0, 0.2),
        "accretion": st.floats(0.0, 0.2),
        "fee": st.floats(0.0, 0.05),
        "discount": st.floats(0.0, 0.05),
        "draw_window": st.integers(0, 3),
        "commitment_fee": st.floats(0.0, 0.02),
    }
)


def made(changes: dict[str, object]) -> object:
    if changes["amortisation"] == "none":
        changes = {**changes, "tenor": None, "grace": 0}
    return bond(annuity_rate=0.07, benchmark="money", **changes)


@given(terms)
def test_principal_sums_to_one_and_the_balance_is_never_negative(changes: dict[str, object]) -> None:
    plan = schedule(made({**changes, "accretion": 0.0}), 0.25)  # type: ignore[arg-type]
    if changes["amortisation"] == "none":
        assert not plan.principal.any()
        assert (plan.balance == 1.0).all()
    else:
        assert plan.principal.sum() == pytest.approx(1.0, abs=1e-12)
        np.testing.assert_allclose(plan.balance, 1.0 - np.cumsum(plan.principal), atol=1e-12)
        assert plan.balance[-1] == 0.0
    assert (plan.balance >= 0.0).all()
    assert (plan.principal >= 0.0).all()


@given(terms)
def test_what_is_added_to_the_balance_is_repaid(changes: dict[str, object]) -> None:
    if changes["amortisation"] == "none":
        return
    plan = schedule(made(changes), 0.25)  # type: ignore[arg-type]
    assert plan.principal.sum() == pytest.approx(1.0 + plan.accreted.sum(), rel=1e-12)


@given(terms, st.floats(0.0, 0.0099))
def test_borrowing_alone_never_raises_wealth(changes: dict[str, object], deposit: float) -> None:
    """The benchmark is 4 % a year; cash earns less than a quarter of that in a quarter."""
    case = tiny(driver=(driver("market", 1.0), driver("money", 0.04)), instrument=(made(changes),))
    ledger = build_ledger(case)
    gain = wealth(case, ledger, known_means(case, ledger), np.full(PERIODS, deposit))
    for decision, worth in zip(ledger.decisions, gain, strict=True):
        if decision.block in ("issue", "commit"):
            assert worth <= 1e-12
        if decision.block == "draw":  # it saves the fee on the undrawn, which its commitment has been charged
            saved = 1.5 * case.instrument[0].commitment_fee * 0.25 * case.instrument[0].draw_window
            assert worth <= saved + 1e-12


@given(terms)
def test_what_is_borrowed_is_paid_back_or_owed(changes: dict[str, object]) -> None:
    """At a rate of zero, proceeds, repayments and what is owed at the end cancel for every placement and draw."""
    changes = {**changes, "accretion": 0.0}
    case = tiny(driver=(driver("market", 1.0), driver("money", 0.0)), instrument=(made(changes),))
    ledger = build_ledger(case)
    means = known_means(case, ledger)
    accounts = [Account.PROCEEDS, Account.PRINCIPAL, Account.TERMINAL_DEBT]
    total = np.asarray(ledger.expected(accounts, means).sum(axis=0)).ravel()
    np.testing.assert_allclose(total, 0.0, atol=1e-12)


def test_borrowing_to_hold_cash_is_not_chosen_for_value() -> None:
    """Cash earns 2 % and the bond costs 2.1 %. One of the last period is a wash, since its interest lies outside."""
    case = tiny(instrument=(bond(margin=0.021, fee=0.0),), accelerator=(system(supply=series(0.0)),))
    solved = solve(case, value=True)
    last = sum(solved.of(f"issue[bond,fund,{step},{case.horizon.labels[-1]}]") for step in (1, 2))
    assert solved.of("issue[") == pytest.approx(last, abs=1e-9)
    assert solved.objective == pytest.approx(solve(tiny(accelerator=case.accelerator), value=True).objective, abs=1e-12)


def test_debt_is_not_dumped_behind_the_horizon() -> None:
    """A bond of the last period brings its face value and owes it: nothing but the fee is left."""
    case = tiny(instrument=(bond(),))
    ledger = build_ledger(case)
    j = next(i for i, d in enumerate(ledger.decisions) if d.block == "issue" and d.period == PERIODS - 1)
    means = known_means(case, ledger)
    flow = ledger.expected([*CASH_ACCOUNTS, *TERMINAL_ACCOUNTS], means).toarray()[:, j]
    assert flow.sum() == pytest.approx(-0.01, abs=1e-12)


@given(st.integers(1, 12), st.integers(0, 3), st.floats(0.0, 1.0))
def test_a_system_is_sold_or_valued_but_not_both(life: int, lead: int, residual: float) -> None:
    case = tiny(accelerator=(system(life=life, lead=lead, residual=(1.0, residual)),))
    ledger = build_ledger(case)
    means = known_means(case, ledger)
    sold, left = (ledger.expected([a], means).toarray() for a in (Account.SALVAGE, Account.TERMINAL_ASSETS))
    for j, decision in enumerate(ledger.decisions):
        if decision.block == "order":
            assert (sold[:, j] > 0.0).sum() + (left[:, j] > 0.0).sum() <= 1
            assert sold[:, j].sum() + left[:, j].sum() <= 0.002 + 1e-15


@given(st.floats(0.0, 1.0), st.integers(1, 60), st.integers(0, 6))
def test_sites_are_never_worth_more_than_they_cost(share: float, life: int, lead: int) -> None:
    made_of = tuple(type(x)(kind=x.kind, cost_per_mw=3.0, lead=lead, max_mw=9.0) for x in site().layer)
    case = tiny(site=(site(layer=made_of, residual_share=share, life=life),))
    ledger = build_ledger(case)
    means = known_means(case, ledger)
    both = ledger.expected([Account.SITES, Account.TERMINAL_ASSETS], means).toarray()
    builds = [j for j, d in enumerate(ledger.decisions) if d.block == "build"]
    assert (both[:, builds].sum(axis=0) <= 1e-15).all()


def test_a_prepayment_without_delivery_is_no_gift() -> None:
    """Contracts need compute to deliver: without systems none can be signed for its prepayment."""
    case = tiny(
        contract=(contract(prepayment=0.5, price=100.0),), accelerator=(system(supply=series(0.0)),),
        cash=Cash(opening=1.0, minimum=series(0.0), dividends=series(0.0)),
    )  # fmt: skip
    assert solve(case, value=True).of("contract[") == pytest.approx(0.0, abs=1e-9)


def test_weights_of_wealth_compound_the_deposit_rate() -> None:
    rates = np.array([0.5, 0.01, 0.02, 0.03, 0.0, 0.0, 0.0, 0.04])
    weights = wealth_weights(tiny(), rates)
    last = 1.08 ** (-PERIODS * 0.25)
    np.testing.assert_allclose(weights[-1], last, rtol=1e-14)
    np.testing.assert_allclose(weights[0], last * 1.01 * 1.02 * 1.03 * 1.04, rtol=1e-14)
