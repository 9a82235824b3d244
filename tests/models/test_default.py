"""A customer's default: what he still pays, what is returned, what is relet, and that it is never a gain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capmix.models.blocks.idle import idle, wealth_weights
from capmix.models.blocks.objective import wealth
from capmix.models.build import build_ledger
from capmix.models.ledger import CASH_ACCOUNTS, Account
from capmix.models.schema.case import Case
from capmix.models.schema.drivers import Survival
from capmix.models.schema.financing import Opening, OpeningFleet
from capmix.models.schema.revenue import Contract, Merchant
from capmix.models.schema.rules import Cash, Objective, Tax
from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st

from .solving import PERIODS, RATE, Solved, sample_means, solve
from .tiny import contract, driver, series, site, system, tiny

BILL = 2.5 * 2190.0 * 1e-9
RENT = 2.0 * 2190.0 * 1e-9  # list price of one PFLOP/s in period 0
FALL = 0.9**0.25
RATES = np.full(PERIODS, RATE)
LIVES = series(1.0)
LET = system(rental=60.0)


def dies(at: int, recovery: float = 0.0) -> tuple[float, ...]:
    """Path of a survival driver that shows a default in period `at`."""
    return tuple(1.0 if t < at else recovery for t in range(PERIODS))


def risky(
    terms: Contract, recovery: float = 0.0, market: float = 1.0, volume: float = 500.0, **changes: object
) -> Case:
    alive = Survival(id="alive", process="survival", hazard=series(0.1), recovery=recovery)
    return tiny(
        driver=(driver("market", market), driver("money", 0.02), alive),
        contract=(replace(terms, survival="alive"),),
        merchant=Merchant(column="market", volume=series(volume)),
        **changes,
    )


def posted(case: Case, key: str, account: Account, *survival: tuple[float, ...], market: float = 1.0) -> np.ndarray:
    """(T,) mean over scenarios that differ in the customer's survival."""
    ledger = build_ledger(case)
    number = next(j for j, d in enumerate(ledger.decisions) if d.key == key)
    paths = np.array([[series(market), series(0.02), path] for path in survival])
    return np.asarray(ledger.expected([account], sample_means(ledger, paths)).toarray()[:, number])


def close(got: np.ndarray, *expected: float) -> None:
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-18)


def test_recovery_is_paid_once_and_no_later_bill() -> None:
    """Signed in period 0, delivered in 1 to 4, default in 3: a quarter of the one bill, once."""
    case = risky(contract(prepayment=0.0), recovery=0.25)
    got = posted(case, "contract[offtake,2026Q4]", Account.CONTRACT_REVENUE, dies(3, 0.25))
    close(got, 0, BILL, BILL, 0.25 * BILL, 0, 0, 0, 0)
    before = posted(case, "contract[offtake,2026Q4]", Account.CONTRACT_REVENUE, dies(1, 0.25))
    close(before, 0, 0.25 * BILL, 0, 0, 0, 0, 0, 0)


def test_a_claim_may_count_later_bills_which_are_discounted() -> None:
    case = risky(contract(prepayment=0.0, claim_periods=9), recovery=0.25)
    got = posted(case, "contract[offtake,2026Q4]", Account.CONTRACT_REVENUE, dies(3, 0.25))
    later = (1.0 + case.objective.money_discount) ** -0.25
    close(got, 0, BILL, BILL, 0.25 * BILL * (1.0 + later), 0, 0, 0, 0)
    none = posted(replace(case, contract=(replace(case.contract[0], claim_periods=0),)), "contract[offtake,2026Q4]",
                  Account.CONTRACT_REVENUE, dies(3, 0.25))  # fmt: skip
    close(none, 0, BILL, BILL, 0, 0, 0, 0, 0)


def test_who_is_dead_at_signature_pays_nothing_at_all() -> None:
    case = risky(contract(), recovery=0.5)
    for account in (Account.PREPAYMENT, Account.CONTRACT_REVENUE, Account.UNEARNED, Account.TERMINAL_DEBT):
        close(posted(case, "contract[offtake,2027Q3]", account, dies(2, 0.5)), *series(0.0))


def test_what_is_prepaid_and_not_earned_is_returned_at_the_default() -> None:
    credit = 0.2 * BILL
    case = risky(contract(), recovery=0.5)
    key = "contract[offtake,2026Q4]"
    close(posted(case, key, Account.PREPAYMENT, dies(3, 0.5)), *(credit * np.array([4, -1, -1, -2, 0, 0, 0, 0])))
    close(posted(case, key, Account.UNEARNED, dies(3, 0.5)), *(credit * np.array([4, 3, 2, 0, 0, 0, 0, 0])))
    early = risky(contract(ramp=2), recovery=0.5)
    close(posted(early, key, Account.PREPAYMENT, dies(1, 0.5)), *(credit * np.array([4, -4, 0, 0, 0, 0, 0, 0])))


def test_a_prepayment_that_is_kept_is_earned_as_if_he_lived() -> None:
    credit, key = 0.2 * BILL, "contract[offtake,2026Q4]"
    case = risky(contract(prepayment_kept=True), recovery=0.5)
    close(posted(case, key, Account.PREPAYMENT, dies(3, 0.5)), *(credit * np.array([4, -1, -1, -1, -1, 0, 0, 0])))
    own = 0.5 * (BILL - credit)  # the claim is what the prepayment has not paid
    close(
        posted(case, key, Account.CONTRACT_REVENUE, dies(3, 0.5)), 0, BILL, BILL, credit + own, credit, 0, 0, 0
    )  # fmt: skip
    late = "contract[offtake,2028Q1]"  # period 5, delivers in 6 and 7 of 6 to 9
    close(posted(case, late, Account.TERMINAL_DEBT, dies(6, 0.5)), 0, 0, 0, 0, 0, 0, 0, -2 * credit)


def test_an_opening_contract_defaults_as_a_new_one_does() -> None:
    case = risky(contract(prepayment=0.0, opening_volume=10.0, opening_term=4), recovery=0.5)
    got = posted(case, "fixed[contract,offtake]", Account.CONTRACT_REVENUE, dies(2, 0.5))
    close(got, *(10.0 * BILL * np.array([1, 1, 0.5, 0, 0, 0, 0, 0])))


def test_what_is_let_again_is_paid_for_at_the_markets_price_after_the_default_only() -> None:
    case = risky(contract(prepayment=0.0, relet_share=0.5), recovery=0.4, market=0.5)
    for t in range(1, PERIODS):
        got = posted(
            case, f"relet[offtake,gpu,{case.horizon.label(t)}]", Account.RELET_REVENUE, dies(3, float(np.float32(0.4))),
            market=0.5,
        )  # fmt: skip
        expected = 0.5 * RENT * FALL**t * (t >= 3)
        close(got, *(expected if u == t else 0.0 for u in range(PERIODS)))


def relet_of(solved: Solved, account: Account, block: str) -> np.ndarray:
    matrix = solved.ledger.expected([account], solved.means).toarray()
    return np.asarray(
        matrix[:, solved.ledger.mask(block=block)] @ solved.x[: matrix.shape[1]][solved.ledger.mask(block=block)]
    )


@pytest.mark.parametrize("volume", [1.0, 60.0, 1e4])
def test_letting_again_stays_within_the_merchant_markets_volume(volume: float) -> None:
    case = risky(contract(volume=250.0, prepayment=0.0, price=90.0, relet_share=1.0), volume=volume, accelerator=(LET,))
    paths = np.array([[series(0.9), series(0.02), p] for p in (LIVES, dies(2), dies(4), dies(1))])
    solved = solve(case, value=True, paths=paths)
    kept, rented = relet_of(solved, Account.RELET, "relet"), relet_of(solved, Account.MERCHANT, "merchant")
    assert (kept + rented <= volume * (1.0 + 1e-9)).all()
    signed = solved.of("contract[")
    assert signed > 100.0
    delivered = solved.ledger.expected([Account.CONTRACTED], solved.means) @ solved.x[: len(solved.ledger.decisions)]
    assert (kept <= delivered * (1.0 + 1e-9) + 1e-9).all()
    assert kept.max() == pytest.approx(min(volume, delivered.max()), rel=1e-6)


def test_systems_without_a_rental_are_not_let_again() -> None:
    """Only another system has a rental; without any of it in service, a default leaves nothing."""
    idle = system("old", rental=80.0, supply=series(0.0))
    case = risky(
        contract(volume=250.0, prepayment=0.0, price=90.0, relet_share=1.0), accelerator=(system(rental=0.0), idle)
    )
    paths = np.array([[series(0.9), series(0.02), p] for p in (LIVES, dies(2))])
    solved = solve(case, value=True, paths=paths)
    assert solved.of("contract[") > 100.0
    assert solved.of("relet[") == pytest.approx(0.0, abs=1e-9)


def test_what_is_let_again_runs_on_the_systems_that_are_there() -> None:
    """Half of the systems rent for a tenth: the compute relet of each is at most what is in service of it."""
    fleets = tuple(OpeningFleet(accelerator=k, site="north", systems=5.0, age=0) for k in ("new", "old"))
    case = risky(
        contract(volume=80.0, prepayment=0.0, price=500.0, relet_share=1.0, ramp=0, term=7, sign_to=0, claim_periods=0),
        accelerator=(
            system("new", rental=60.0, life=9, supply=series(0.0), failure_rate=0.0, rental_decline=0.0),
            system("old", rental=6.0, life=9, supply=series(0.0), failure_rate=0.0, rental_decline=0.0),
        ),
        opening=Opening(fleet=fleets),
    )  # fmt: skip
    solved = solve(case, value=True, paths=np.array([[series(0.9), series(0.02), dies(1)]]))
    assert solved.of("contract[") == pytest.approx(80.0)
    for label in case.horizon.labels[1:]:
        kept = [solved.of(f"relet[offtake,{k},{label}") for k in ("new", "old")]
        each = [x + 8.0 * solved.of(f"merchant[{k},{label}") for k, x in zip(("new", "old"), kept, strict=True)]
        assert each[0] == pytest.approx(40.0, abs=1e-6)
        assert max(each) <= 40.0 + 1e-6
    brought = relet_of(solved, Account.RELET_REVENUE, "relet")
    rent = 0.9 * 2190.0 * 1e-9  # of one PFLOP/s at a dollar an hour
    assert brought[3] == pytest.approx(40.0 * (60.0 + 6.0) * rent, rel=1e-6)


@settings(max_examples=15, deadline=None, phases=[Phase.generate])
@given(st.floats(0.0, 100.0), st.floats(0.2, 3.0), st.booleans(), st.integers(1, PERIODS))
def test_a_system_that_nobody_buys_never_lowers_the_optimum(rental: float, level: float, value: bool, at: int) -> None:
    """However low its rental: what is relet is let at the rent of the system that it runs on."""
    base = risky(
        contract(volume=250.0, prepayment=0.0, price=90.0, relet_share=1.0, opening_volume=5.0, opening_term=4),
        accelerator=(LET,), volume=60.0,
        opening=Opening(fleet=(OpeningFleet(accelerator="gpu", site="north", systems=5.0, age=1, book_value=0.0),)),
    )  # fmt: skip
    idle = system("idle", vendor="maker", price=900.0, rental=rental)
    paths = np.array([[series(level), series(0.02), p] for p in (LIVES, dies(at))])
    less = solve(base, value=value, paths=paths)
    more = solve(replace(base, accelerator=(LET, idle)), value=value, paths=paths)
    sign = 1.0 if less.lp.maximise or value else -1.0
    assert sign * more.objective >= sign * less.objective - 1e-7 * abs(less.objective) - 1e-9


def test_doing_nothing_lets_nothing_again() -> None:
    """One definition for cost and net loss: what an opening contract's compute brings after a default is the plan's."""
    fleet = OpeningFleet(accelerator="gpu", site="north", systems=5.0, age=0, book_value=0.0)
    paths = np.array([[series(0.9), series(0.02), dies(2)]])
    nothing, cost = [], []
    for share in (0.0, 1.0):
        terms = contract(
            opening_volume=8.0,
            opening_term=4,
            relet_share=share,
            prepayment=0.0,
            price=500.0,
            claim_periods=0,
            sign_to=0,
        )
        case = risky(
            terms, volume=8.0, accelerator=(replace(LET, supply=series(0.0), rental_decline=0.0),),
            opening=Opening(fleet=(fleet,)), objective=Objective(kind="cost", target=1e-6, at=0),
        )  # fmt: skip
        ledger = build_ledger(case)
        nothing.append(idle(case, ledger, sample_means(ledger, paths), RATES).wealth)
        solved = solve(case, paths=paths)
        cost.append(solved.objective)
    assert nothing[0] == pytest.approx(nothing[1], abs=1e-15)
    rent = relet_of(solved, Account.RELET_REVENUE, "relet")
    merchant = relet_of(solved, Account.MERCHANT_REVENUE, "merchant")
    assert rent.sum() > 0.0
    gained = wealth_weights(case, RATES) @ (rent + merchant)
    assert cost[1] == pytest.approx(-gained, rel=1e-9)


plans = st.fixed_dictionaries(
    {
        "price": st.floats(30.0, 150.0),
        "relet_share": st.sampled_from([0.0, 0.5, 1.0]),
        "prepayment": st.sampled_from([0.0, 0.1, 0.5]),
        "prepayment_kept": st.booleans(),
        "claim_periods": st.integers(0, 6),
        "ramp": st.integers(0, 2),
        "term": st.integers(2, 6),
        "opening_volume": st.sampled_from([0.0, 5.0]),
    }
)
deaths = st.lists(st.integers(1, PERIODS), min_size=1, max_size=4)
levels = st.lists(st.floats(0.2, 3.0), min_size=4, max_size=4)


@settings(max_examples=50, phases=[Phase.generate])
@given(plans, deaths, levels, st.sampled_from([0.0, 0.3, 0.9]), st.sampled_from([3.0, 60.0, 1e3]), st.booleans())
def test_a_customer_who_dies_is_never_worth_more(
    terms: dict[str, object], at: list[int], level: list[float], recovery: float, volume: float, value: bool
) -> None:
    """The optimum, and the wealth of every plan of the risky case, beside the same customer who lives.

    Where the market pays more just when he dies, too: reletting is expected to bring at most the bills it replaces.
    """
    recovery = float(np.float32(recovery))
    opening = {"opening_term": 3} if terms["opening_volume"] else {}
    case = risky(
        contract(**terms, **opening), recovery, volume=volume, tax=Tax(rate=0.25),  # type: ignore[arg-type]
        cash=Cash(opening=1.0, minimum=series(0.0), dividends=series(0.0)),
        site=(site(),), accelerator=(system(life=8, rental=60.0),),
        opening=Opening(fleet=(OpeningFleet(accelerator="gpu", site="north", systems=5.0, age=1, book_value=0.0),)),
    )  # fmt: skip
    paths = np.array([[series(m), series(0.02), dies(t, recovery)] for t, m in zip(at, level, strict=False)])
    sound_paths = paths.copy()
    sound_paths[:, 2] = 1.0
    dying, sound = (solve(case, value=value, paths=p) for p in (paths, sound_paths))
    assert dying.status == 0
    event(f"signed {dying.of('contract[') > 1.0}, room kept {dying.of('relet[') > 1.0}")
    assert sound.status == 0
    assert dying.objective <= sound.objective * (1.0 + 1e-7) + 1e-9
    n = len(dying.ledger.decisions)
    worth = [wealth(case, dying.ledger, s.means, RATES)[:n] @ dying.x[:n] for s in (dying, sound)]
    assert worth[0] <= worth[1] + 1e-9


def test_the_ledgers_flows_at_a_default_are_the_sum_of_their_parts() -> None:
    """Prepaid 20 %, half recovered, default in 3: cash of the contract alone, period by period."""
    case = risky(contract(), recovery=0.5)
    flow = sum(posted(case, "contract[offtake,2026Q4]", a, dies(3, 0.5)) for a in CASH_ACCOUNTS)
    credit = 0.2 * BILL
    close(np.asarray(flow), 4 * credit, BILL - credit, BILL - credit, 0.5 * BILL - 2 * credit, 0, 0, 0, 0)
