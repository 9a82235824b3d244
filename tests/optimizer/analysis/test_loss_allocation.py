"""Who bears the loss: conservation, a recount scenario by scenario, and the limits where the answer is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from capmix.kernels.losses import balances
from capmix.kernels.settling import Settled
from capmix.kernels.tail import tail
from capmix.kernels.terms import atoms
from capmix.kernels.waterfall import distribute, waterfall
from capmix.models.ledger import ACCOUNT_NUMBER, Account
from capmix.models.schema.case import Case
from capmix.models.schema.seniority import SENIORITIES, seniority
from capmix.optimizer.analysis.claims import ARREARS, BACKSTOP, OWN, PER_ENTITY, PREPAYMENTS, RESIDUAL, Claim, claims
from capmix.optimizer.analysis.claims import _steps as claim_steps
from capmix.optimizer.analysis.expected import Amounts
from capmix.optimizer.analysis.loss_allocation import Bearing, bear, level_of, settling, stock_means
from capmix.optimizer.analysis.loss_tables import allocated, loss_tables
from capmix.optimizer.setup.assemble import MeasuredLoss
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.driver_order import driver_order
from capmix.optimizer.setup.prepare import PlanningProblem, prepare
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, vstack

from ..cases import starter

COUNT = 1_500


@dataclass(frozen=True)
class Made:
    ready: PlanningProblem
    amounts: Amounts

    def settled(self, **changes: Any) -> tuple[Settlement, Settled]:
        amounts = replace(self.amounts, **changes)
        settle = Settlement(amounts, self.ready.backend, self.ready.store, self.ready.liquidity)
        return settle, settle()


class Settlement:
    """All scenarios of a plan settled, one by one, by the backend that computes."""

    def __init__(self, amounts: Amounts, backend: Any, store: Any, liquidity: MeasuredLoss) -> None:
        self.claims = claims(amounts)
        means = stock_means(self.claims, lambda factors: backend.means(store, factors))
        self.table = settling(amounts, self.claims, liquidity, means)
        self._inner, self._whole = backend.inner, store.whole

    def __call__(self) -> Settled:
        ((_, one),) = self._inner.settled(self._whole, self.table, np.arange(COUNT))
        return one


@pytest.fixture(scope="module")
def made() -> Made:
    """A daring plan of the starter case: it buys more than it could afford, so that many scenarios default."""
    ready = prepare(starter(), choose("cpu"), COUNT, 11)
    decided = np.zeros(len(ready.ledger.decisions))
    for j, d in enumerate(ready.ledger.decisions):
        if d.block == "fixed":
            decided[j] = 1.0
        elif d.block == "order" and d.tags["accelerator"] == "gb300" and d.period < 5:
            decided[j] = 115.0
        elif d.block in ("issue", "commit", "draw") and d.period < 6:
            decided[j] = 0.03
        elif d.block == "contract" and d.period == 1:
            decided[j] = 20_000.0
        elif d.block == "merchant" and d.period > 3:
            decided[j] = 90.0
    return Made(ready, Amounts(ready.case, ready.ledger, ready.means, decided, ready.deposit_rates))


def losses_of(settle: Settlement, one: Settled, which: Callable[[Any], bool]) -> np.ndarray:
    return np.asarray(one.losses[:, [k for k, c in enumerate(settle.claims.claims) if which(c)]].sum(axis=1))


def test_losses_sum_to_what_the_value_does_not_cover(made: Made) -> None:
    settle, one = made.settled()
    assert 0.02 < one.defaulted.mean() < 0.98
    short = np.maximum(one.due.sum(axis=1) - one.value, 0.0)
    assert one.total == pytest.approx(short, rel=1e-9, abs=1e-9)
    assert (one.losses <= one.due + 1e-12).all()
    debt = losses_of(settle, one, lambda c: c.instrument != OWN)
    own = losses_of(settle, one, lambda c: c.instrument == OWN)
    stake = one.due[:, -1]
    assert ((debt <= 1e-9) | (own >= stake - 1e-9)).all()  # equity last
    assert (debt > 1e-6).any()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_losses_are_conserved_for_any_decisions(made: Made, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scale = rng.uniform(0.0, 3.0, made.amounts.decided.size)
    fixed = np.array([d.block == "fixed" for d in made.ready.ledger.decisions])
    _, one = made.settled(decided=made.amounts.decided * np.where(fixed, 1.0, scale))
    assert one.total == pytest.approx(np.maximum(one.due.sum(axis=1) - one.value, 0.0), rel=1e-9, abs=1e-9)
    assert one.total == pytest.approx(one.due.sum(axis=1) - (one.value - one.left), rel=1e-9, abs=1e-9)


def test_a_recount_scenario_by_scenario(made: Made) -> None:
    """Balances from the postings, and the shares by hand: liens first, then all senior claims alike, equity last."""
    settle, one = made.settled()
    ready, ledger, decided = made.ready, made.ready.ledger, made.amounts.decided
    rows = np.arange(0, COUNT, 40)
    x = ready.backend.values(ready.store, rows)
    cash = balances(x, ready.liquidity.table, ready.liquidity.matrix @ decided)
    price = atoms(x, ledger.factors)[:, ledger.atom] * ledger.coefficient * decided[ledger.decision]
    last = ledger.periods - 1
    alive = driver_order(ready.case).index("lab_alive")
    for i, row in enumerate(rows):
        below = np.flatnonzero(cash[i] < -1e-9)
        t = int(below[0]) if below.size else last
        assert (one.date[row], one.defaulted[row]) == (t, bool(below.size))

        def stock(account: Account, at: int = t, s: int = i, **tags: str) -> float:
            keep = (ledger.account == ACCOUNT_NUMBER[account]) & (ledger.period == at)
            keep &= np.array([all(d.tags.get(k) == v for k, v in tags.items()) for d in ledger.decisions])[
                ledger.decision
            ]
            return float(price[s, keep].sum())

        liens = {
            "old_loan": stock(Account.DEBT, debt="old_loan"),
            "gpu_loan": stock(Account.DEBT, instrument="gpu_loan"),
            "vendor_credit": stock(Account.DEBT, instrument="vendor_credit"),
        }
        unsecured = {"notes": stock(Account.DEBT, instrument="notes")}
        credited = (ledger.account == ACCOUNT_NUMBER[Account.PREPAYMENT]) & (ledger.period <= t)
        unearned = float((ledger.coefficient[credited] * decided[ledger.decision[credited]]).sum())
        unsecured[PREPAYMENTS] = max(unearned, 0.0) * x[i, alive, t]
        unsecured[ARREARS] = max(-cash[i, t], 0.0)
        systems, sites = stock(Account.HARDWARE_VALUE), stock(Account.SITE_VALUE)
        secured = sum(liens.values())
        from_lien = min(systems, secured)
        rest = {k: v * (1.0 - from_lien / secured) if secured else 0.0 for k, v in liens.items()} | unsecured
        estate = max(cash[i, t], 0.0) + sites + systems - from_lien
        owed = sum(rest.values())
        part = min(1.0, estate / owed) if owed else 1.0
        mine = {c.instrument: float(one.losses[row, k]) for k, c in enumerate(settle.claims.claims)}
        for name, amount in rest.items():
            assert mine[name] == pytest.approx(amount * (1.0 - part), rel=1e-6, abs=1e-7)
        left = max(estate - owed, 0.0)
        assert mine[OWN] == pytest.approx(max(one.due[row, -1] - left, 0.0), rel=1e-6, abs=1e-7)
        assert mine[BACKSTOP] == 0.0


def test_own_equity_is_what_the_expected_path_leaves(made: Made) -> None:
    settle, one = made.settled()
    amounts = made.amounts
    prepaid = np.zeros(amounts.periods)
    for k, claim in enumerate(settle.claims.claims):
        if claim.instrument == PREPAYMENTS:
            # what was paid, less credits and what was returned at defaults
            prepaid = np.cumsum(amounts.of(Account.PREPAYMENT))
            assert k < settle.claims.owed
    assets = amounts.cash + amounts.of(Account.HARDWARE_VALUE, Account.SITE_VALUE)
    stake = np.maximum(assets - amounts.of(Account.DEBT, Account.EQUITY) - prepaid, 0.0)
    assert one.due[:, -1] == pytest.approx(stake[one.date], rel=1e-6, abs=1e-7)


def test_both_backends_agree(made: Made) -> None:
    _, fast = made.settled()
    slow = Settlement(made.amounts, choose("numpy"), made.ready.store, made.ready.liquidity)()
    assert np.array_equal(fast.date, slow.date)
    assert slow.losses == pytest.approx(fast.losses, rel=1e-9, abs=1e-9)


def changed(case: Case, name: str, **changes: Any) -> Case:
    return replace(case, instrument=tuple(replace(i, **changes) if i.id == name else i for i in case.instrument))


def test_no_stress_no_loss_to_lenders(made: Made) -> None:
    """With cash enough for everything nobody defaults, and only the shareholders can fall short of their plan."""
    cash = replace(made.ready.liquidity.table, opening=1000.0)
    rich = replace(made.ready.liquidity, table=cash)
    case = replace(made.ready.case, cash=replace(made.ready.case.cash, opening=1000.0))
    settle = Settlement(replace(made.amounts, case=case), made.ready.backend, made.ready.store, rich)
    one = settle()
    assert not one.defaulted.any()
    assert losses_of(settle, one, lambda c: c.instrument != OWN).max() == 0.0


def test_collateral_without_value_secures_nothing(made: Made) -> None:
    """A loan on sites, when the sites' value is zero, loses what an unsecured note of the same rank loses."""
    barren = made.amounts.ledger
    keep = barren.account != ACCOUNT_NUMBER[Account.SITE_VALUE]
    ledger = replace(
        barren, decision=barren.decision[keep], account=barren.account[keep], period=barren.period[keep],
        coefficient=barren.coefficient[keep], atom=barren.atom[keep],
    )  # fmt: skip
    case = changed(changed(made.ready.case, "gpu_loan", secured_by="sites"), "vendor_credit", secured_by="none")
    settle, one = made.settled(case=case, ledger=ledger)
    rates = {}
    for name in ("gpu_loan", "notes"):
        k = next(k for k, c in enumerate(settle.claims.claims) if c.instrument == name)
        held = one.due[:, k] > 1e-9
        rates[name] = one.losses[held, k] / one.due[held, k]
        assert rates[name].max() > 0.01
    assert rates["gpu_loan"] == pytest.approx(rates["notes"], rel=1e-6, abs=1e-9)


def test_subordinated_loses_before_senior(made: Made) -> None:
    base = made.settled()
    junior = made.settled(case=changed(made.ready.case, "notes", seniority="subordinated"))
    better = made.settled(case=changed(made.ready.case, "notes", seniority="super_senior"))
    mean = [losses_of(*m, lambda c: c.instrument == "notes").mean() for m in (better, base, junior)]
    assert mean[0] < mean[1] < mean[2]
    settle, one = junior
    senior = losses_of(settle, one, lambda c: c.rank == "senior")
    notes = next(k for k, c in enumerate(settle.claims.claims) if c.instrument == "notes")
    assert ((senior <= 1e-9) | (one.losses[:, notes] >= one.due[:, notes] - 1e-9)).all()
    assert one.total == pytest.approx(base[1].total)


def test_own_equity_is_paid_after_equity_of_others(made: Made) -> None:
    settle, one = made.settled(case=changed(made.ready.case, "notes", kind="equity", amortisation="none"))
    notes = next(k for k, c in enumerate(settle.claims.claims) if c.instrument == "notes")
    own = losses_of(settle, one, lambda c: c.instrument == OWN)
    assert settle.claims.claims[notes].rank == "equity"
    assert ((one.losses[:, notes] <= 1e-9) | (own >= one.due[:, -1] - 1e-9)).all()
    partly = (one.losses[:, notes] > 1e-6) & (one.losses[:, notes] < one.due[:, notes] - 1e-6)
    assert partly.any()


@pytest.mark.parametrize(
    ("estate", "paid"),
    [(15.0, (10.0, 5.0, 0.0)), (30.0, (10.0, 20.0, 0.0)), (37.0, (10.0, 20.0, 7.0)), (90.0, (10.0, 20.0, 40.0))],
)
def test_the_last_ranks_by_hand(estate: float, paid: tuple[float, ...]) -> None:
    """Debt of 10, preferred and outside equity of 12 and 8, shareholders' equity of 40."""
    found = [
        Claim("loan", "bank", "", "senior"), Claim("preferred", "fund", "", "equity"),
        Claim("stake", "vendor", "", "equity"), Claim(OWN, OWN, "", RESIDUAL),
    ]  # fmt: skip
    table = waterfall(4, PER_ENTITY, claim_steps(found, (), ("",), {}))
    unpaid, left = distribute(table, np.array([[10.0, 12.0, 8.0, 40.0]]), np.array([[estate, 0.0, 0.0]]))
    got = np.array([10.0, 12.0, 8.0, 40.0]) - unpaid[0]
    assert (got[0], got[1] + got[2], got[3]) == pytest.approx(paid)
    assert got[1] / 12.0 == pytest.approx(got[2] / 8.0)
    assert left.sum() == pytest.approx(estate - sum(paid))


def test_a_guarantee_moves_the_loss_to_the_guarantor(made: Made) -> None:
    _, base = made.settled()
    settle, one = made.settled(case=changed(made.ready.case, "notes", guarantor="chipmaker", guaranteed_share=0.4))
    k = next(k for k, c in enumerate(settle.claims.claims) if c.instrument == "notes")
    assert settle.claims.guaranteed == (k,)
    paid = np.minimum(base.losses[:, k], 0.4 * base.due[:, k])
    assert paid.max() > 0.001
    assert one.guarantees[:, 0] == pytest.approx(paid, abs=1e-12)
    assert one.losses[:, k] == pytest.approx(base.losses[:, k] - paid, abs=1e-12)
    assert one.total == pytest.approx(base.total)


def test_a_dead_guarantor_pays_what_is_left_of_him(made: Made) -> None:
    case = changed(made.ready.case, "notes", guarantor="lab", guaranteed_share=1.0)
    case = replace(case, party=tuple(replace(p, survival="lab_alive") if p.id == "lab" else p for p in case.party))
    settle, one = made.settled(case=case)
    k = settle.claims.guaranteed[0]
    alive = made.ready.backend.values(made.ready.store, np.arange(COUNT))[:, driver_order(case).index("lab_alive")]
    seen = alive[np.arange(COUNT), one.date]
    assert 0.0 < (seen < 1.0).mean() < 1.0
    assert (one.guarantees[:, 0] <= seen * one.due[:, k] + 1e-12).all()
    assert one.losses[seen == 1.0, k] == pytest.approx(0.0, abs=1e-12)


def test_means_and_tails(made: Made) -> None:
    ready = made.ready
    losses = ready.backend.losses(
        ready.store, [m.table for m in ready.losses], [m.matrix @ made.amounts.decided for m in ready.losses]
    )
    found = bear(made.amounts, ready.backend, ready.store, ready.liquidity, ready.case.risk, losses)
    _, one = made.settled()
    worst = tail(one.total, level_of(ready.case.risk))
    assert found.expected.sum() == pytest.approx(one.total.mean())
    assert found.cvar == pytest.approx(worst.cvar)
    assert found.tail.sum() == pytest.approx(worst.cvar)
    assert found.default.sum() == pytest.approx(one.defaulted.mean())
    by_net = tail(losses[1], 0.95)
    mean = by_net.weights @ one.total[by_net.rows] / by_net.mass
    assert found.by_limit["net_loss"][1].sum() == pytest.approx(mean)
    nutshell(ready.case, found)


def nutshell(case: Case, found: Bearing) -> None:
    short = allocated(case, found)
    tables = loss_tables(case, found)
    assert short.shareholder_share + short.outside_share == pytest.approx(1.0)
    for name in ("holder", "instrument", "party"):
        table = tables[f"loss_by_{name}"]
        at = {c.name: i for i, c in enumerate(table.columns)}
        assert sum(float(r[at["loss in the tail"]]) for r in table.rows) == pytest.approx(short.cvar)  # type: ignore[arg-type]
        assert sum(float(r[at["share of the tail"]]) for r in table.rows) == pytest.approx(1.0)  # type: ignore[arg-type]
    party = {r[0]: r[5] for r in tables["loss_by_party"].rows}
    assert party["shareholders"] == pytest.approx(short.shareholder_share)
    assert sum(float(party.get(p, 0.0) or 0.0) for p in ("chipmaker", "lab")) == pytest.approx(short.circular_share)
    so_far = [r[2] for r in tables["default_dates"].rows]
    assert so_far[-1] == pytest.approx(short.default_probability)


def test_seniority_by_kind() -> None:
    assert seniority("bond", "bullet", None) == "senior"
    assert seniority("convertible", "bullet", "subordinated") == "subordinated"
    assert seniority("preferred", "none", None) == "preferred"
    assert seniority("private_credit", "none", None) == "equity"
    assert all(seniority("bond", "bullet", rank) == rank for rank in SENIORITIES)


def test_the_first_default_is_beyond_the_committed_revolver(made: Made) -> None:
    """With a line of 0.2 fewer scenarios default; what is drawn of it is a claim, what it does not cover is unpaid."""
    ready, line = made.ready, 0.2
    fixed = next(j for j, d in enumerate(ready.ledger.decisions) if d.block == "fixed")
    shape = (made.amounts.periods, len(ready.ledger.decisions))
    lines = csr_array((np.full(shape[0], line), (np.arange(shape[0]), np.full(shape[0], fixed))), shape=shape)
    table = replace(ready.liquidity.table, revolver=True, revolver_margin=0.03)
    backed = MeasuredLoss("liquidity", table, csr_array(vstack([ready.liquidity.matrix, lines])))
    settle = Settlement(made.amounts, ready.backend, ready.store, backed)
    one = settle()
    balance = ready.backend.balances(ready.store, table, backed.matrix @ made.amounts.decided)
    lowest = balance.min(axis=1)
    assert np.array_equal(one.defaulted, lowest < -line - 1e-9)
    assert 0 < one.defaulted.sum() < made.settled()[1].defaulted.sum()
    cash = balance[np.arange(COUNT), one.date]
    names = [c.instrument for c in settle.claims.claims]
    drawn, unpaid = one.due[:, names.index(BACKSTOP)], one.due[:, names.index(ARREARS)]
    assert drawn == pytest.approx(np.clip(-cash, 0.0, line))
    assert unpaid == pytest.approx(np.where(one.defaulted, -cash - line, 0.0))
    assert (drawn[~one.defaulted] > 0.0).any()


def taken_over(case: Case, share: float) -> Case:
    return replace(case, contract=tuple(replace(c, takeover_share=share) for c in case.contract))


def test_a_contract_that_another_takes_over_is_worth_its_share_of_what_is_still_billed(made: Made) -> None:
    """By the ledger's own bills after the date and, past the horizon, by the term; while the customer lives."""
    share, case, ledger = 0.25, made.ready.case, made.ready.ledger
    without, plain = made.settled(case=taken_over(case, 0.0))
    settle, one = made.settled(case=taken_over(case, share))
    assert np.array_equal(plain.losses, made.settled()[1].losses)
    ahead = np.zeros(made.amounts.periods)
    for j, d in enumerate(ledger.decisions):
        if d.block != "contract" or made.amounts.decided[j] == 0.0:
            continue
        terms = next(c for c in case.contract if c.id == d.tags["contract"])
        bills = (ledger.account == ACCOUNT_NUMBER[Account.CONTRACTED]) & (ledger.decision == j)
        first = ledger.period[bills].min()
        price = terms.price * (1.0 - terms.price_decline) ** (d.period / 4)
        each = price * 2190.0 * 1e-9 * made.amounts.decided[j]
        for t in range(made.amounts.periods):
            ahead[t] += each * max(0, first + terms.term - max(t + 1, first)) * (t >= d.period)
    assert ahead[0] == 0.0
    assert ahead[-1] > 0.0  # the contract outlives the horizon
    shown = made.ready.backend.values(made.ready.store, np.arange(COUNT))[:, driver_order(case).index("lab_alive")]
    assert shown.min() == np.float32(0.1)
    alive = (shown == 1.0).astype(np.float64)  # a contract that has ended is worth nothing, whatever is recovered
    more = share * ahead[one.date] * alive[np.arange(COUNT), one.date]
    assert one.value - plain.value == pytest.approx(more, rel=1e-9, abs=1e-9)
    debt = [k for k, c in enumerate(settle.claims.claims) if c.instrument != OWN]
    assert (one.losses[:, debt].sum(axis=1) <= plain.losses[:, debt].sum(axis=1) + 1e-12).all()
    assert one.losses[:, debt].sum() < 0.99 * plain.losses[:, debt].sum()
    assert one.total == pytest.approx(np.maximum(one.due.sum(axis=1) - one.value, 0.0), rel=1e-9, abs=1e-9)
    stake = one.due[:, -1] - plain.due[:, -1]
    expected = share * ahead[one.date] * alive.mean(axis=0)[one.date]
    both = (one.due[:, -1] > 0.0) & (plain.due[:, -1] > 0.0)
    assert stake[both] == pytest.approx(expected[both], rel=1e-6, abs=1e-9)
    assert without.claims.claims == settle.claims.claims
