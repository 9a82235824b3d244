"""Cash flows of one billion of each instrument against QuantLib's, to 1e-9."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.models.build import build_ledger
from capmix.models.ledger import Account, Ledger
from capmix.models.schema.case import Case
from capmix.models.schema.financing import Depth, Instrument, Step
from capmix.models.schema.horizon import Horizon
from capmix.models.schema.rules import Cash

from .tiny import bond, driver, known_means, series, site, system, tiny

ql = pytest.importorskip("QuantLib")

PERIODS = 12
MONEY = (0.03, 0.031, 0.035, 0.04, 0.038, 0.036, 0.033, 0.03, 0.028, 0.027, 0.026, 0.025)
SPREAD = (0.010, 0.012, 0.015, 0.014, 0.013, 0.012, 0.011, 0.010, 0.010, 0.011, 0.012, 0.013)
STEP = 0.0025
ANNUITY_RATE = 0.08


def case_of(instrument: Instrument) -> Case:
    return tiny(
        horizon=Horizon(start="2026Q4", periods=PERIODS),
        cash=Cash(opening=1.0, minimum=series(0.0, PERIODS), dividends=series(0.0, PERIODS)),
        driver=(driver("money", *MONEY, periods=PERIODS), driver("spread", *SPREAD, periods=PERIODS)),
        accelerator=(system(supply=series(0.0, PERIODS)),),
        site=(site(),),
        merchant=None,
        instrument=(instrument,),
    )


def instrument(rate: str, amortisation: str, tenor: int, grace: int) -> Instrument:
    return bond(
        rate=rate, amortisation=amortisation, tenor=tenor, grace=grace, margin=0.02, benchmark="money",
        spread_driver="spread", spread_beta=1.5, annuity_rate=ANNUITY_RATE if amortisation == "annuity" else None,
        depth=(Depth(investor="fund", steps=(Step(size=1.0, spread=STEP),)),),
    )  # fmt: skip


def postings(case: Case, ledger: Ledger, issued: int, accounts: list[Account]) -> np.ndarray:
    """Amounts per period of one billion placed in period `issued`."""
    number = next(j for j, d in enumerate(ledger.decisions) if d.block == "issue" and d.period == issued)
    return np.asarray(ledger.expected(accounts, known_means(case, ledger)).toarray()[:, number])


def notionals(amortisation: str, tenor: int, grace: int) -> list[float]:
    """Balance at the start of each interest period."""
    count = tenor - grace
    if amortisation == "bullet":
        return [1.0] * tenor
    if amortisation == "linear":
        return [1.0] * grace + [1.0 - k / count for k in range(count)]
    sinking = ql.sinkingNotionals(ql.Period(3 * count, ql.Months), ql.Quarterly, ANNUITY_RATE, 1.0)
    return [1.0] * grace + list(sinking)[:-1]


def quantlib_flows(rate: str, amortisation: str, tenor: int, grace: int, issued: int) -> tuple[np.ndarray, np.ndarray]:
    """(tenor + 1,) payments, and (tenor + 1,) balance at the end, per period after the issue; from QuantLib's bonds.

    Quarters of 90 days (30/360) make every accrual exactly a quarter of a year.
    """
    start, calendar, days = ql.Date(15, 11, 2026), ql.NullCalendar(), ql.Thirty360(ql.Thirty360.BondBasis)
    dates = [start + ql.Period(3 * n, ql.Months) for n in range(tenor + 1)]
    schedule = ql.Schedule(dates[0], dates[-1], ql.Period(3, ql.Months), calendar, ql.Unadjusted, ql.Unadjusted,
                           ql.DateGeneration.Forward, False)  # fmt: skip
    ql.Settings.instance().evaluationDate = dates[0]
    margin = 0.02 + STEP + 1.5 * SPREAD[issued]
    owed = notionals(amortisation, tenor, grace)
    if rate == "fixed":
        coupon = MONEY[issued] + margin
        made = ql.AmortizingFixedRateBond(0, owed, schedule, [coupon], days)
    else:
        curve = ql.YieldTermStructureHandle(ql.FlatForward(dates[0], 0.03, days))
        index = ql.IborIndex("money", ql.Period(3, ql.Months), 0, ql.USDCurrency(), calendar, ql.Unadjusted, False,
                             days, curve)  # fmt: skip
        index.clearFixings()
        ql.Settings.instance().evaluationDate = dates[-1]
        for n in range(tenor):
            index.addFixing(dates[n], MONEY[min(issued + n, PERIODS - 1)])
        made = ql.AmortizingFloatingRateBond(0, owed, schedule, index, days, ql.Unadjusted, 0, [1.0], [margin])
    flows = np.zeros(tenor + 1)
    for flow in made.cashflows():
        flows[dates.index(flow.date())] += flow.amount()
    return flows, np.array([*owed, 0.0])


@pytest.mark.parametrize("issued", [0, 3, 11])
@pytest.mark.parametrize("tenor, grace", [(4, 0), (8, 3), (20, 0), (20, 6)])
@pytest.mark.parametrize("amortisation", ["bullet", "linear", "annuity"])
@pytest.mark.parametrize("rate", ["fixed", "floating"])
def test_service_and_end_value_equal_quantlib(
    rate: str, amortisation: str, tenor: int, grace: int, issued: int
) -> None:
    case = case_of(instrument(rate, amortisation, tenor, grace))
    ledger = build_ledger(case)
    flows, owed = quantlib_flows(rate, amortisation, tenor, grace, issued)
    seen = min(tenor, PERIODS - 1 - issued)
    wanted = np.zeros(PERIODS)
    wanted[issued : issued + seen + 1] = -flows[: seen + 1]
    paid = postings(case, ledger, issued, [Account.INTEREST, Account.PRINCIPAL])
    np.testing.assert_allclose(paid, wanted, rtol=0, atol=1e-9)
    balance = np.zeros(PERIODS)
    balance[issued : issued + seen + 1] = owed[: seen + 1]
    np.testing.assert_allclose(postings(case, ledger, issued, [Account.DEBT]), balance, rtol=0, atol=1e-9)
    end = postings(case, ledger, issued, [Account.TERMINAL_DEBT])
    assert end[:-1] == pytest.approx(np.zeros(PERIODS - 1))
    left = owed[PERIODS - 1 - issued] if tenor > PERIODS - 1 - issued else 0.0
    assert end[-1] == pytest.approx(-left, abs=1e-9)


def test_fees_and_proceeds_fall_at_the_issue() -> None:
    case = case_of(bond(fee=0.01, discount=0.02))
    ledger = build_ledger(case)
    wanted = np.zeros(PERIODS)
    wanted[5] = 1.0 - 0.01 - 0.02
    np.testing.assert_allclose(postings(case, ledger, 5, [Account.PROCEEDS, Account.FEES]), wanted, atol=1e-15)


def test_accretion_grows_the_balance_that_is_repaid_at_maturity() -> None:
    case = case_of(bond(margin=0.0, accretion=0.08, tenor=4, depth=bond().depth[:1]))
    ledger = build_ledger(case)
    principal = postings(case, ledger, 2, [Account.PRINCIPAL])
    assert principal[6] == pytest.approx(-(1.02**4), rel=1e-12)
    assert np.count_nonzero(principal) == 1
    accreted = postings(case, ledger, 2, [Account.ACCRETION])
    assert accreted.sum() == pytest.approx(-(1.02**4 - 1.0), rel=1e-12)


def test_equity_is_never_repaid_and_stands_at_its_accreted_value_at_the_end() -> None:
    case = case_of(bond(kind="equity", margin=0.0, accretion=0.12, tenor=None, amortisation="none", fee=0.0))
    ledger = build_ledger(case)
    assert not postings(case, ledger, 1, [Account.PRINCIPAL, Account.INTEREST, Account.DEBT, Account.ACCRETION]).any()
    assert postings(case, ledger, 1, [Account.TERMINAL_DEBT])[-1] == pytest.approx(-(1.03**10), rel=1e-12)


def test_custom_schedule_repays_its_shares_after_the_grace() -> None:
    case = case_of(bond(tenor=5, grace=2, amortisation="custom", schedule=(0.2, 0.3, 0.5)))
    ledger = build_ledger(case)
    wanted = np.zeros(PERIODS)
    wanted[[4, 5, 6]] = [-0.2, -0.3, -0.5]
    np.testing.assert_allclose(postings(case, ledger, 1, [Account.PRINCIPAL]), wanted, atol=1e-15)


def test_a_facility_pays_for_what_is_undrawn_while_it_can_be_drawn() -> None:
    case = case_of(bond(draw_window=3, commitment_fee=0.01, fee=0.02, margin=0.06, tenor=4, discount=0.005))
    ledger = build_ledger(case)
    fees = ledger.expected([Account.FEES], known_means(case, ledger)).toarray()
    numbers = {d.key: j for j, d in enumerate(ledger.decisions)}
    committed = fees[:, numbers["commit[bond,fund,1,2027Q1]"]]
    np.testing.assert_allclose(committed[1:6], [-0.02, -0.0025, -0.0025, -0.0025, 0.0], atol=1e-15)
    drawn = fees[:, numbers["draw[bond,fund,1,2027Q1,2027Q2]"]]
    np.testing.assert_allclose(drawn[1:6], [0.0, -0.005, 0.0025, 0.0025, 0.0], atol=1e-15)
    draws = [d.key for d in ledger.decisions if d.block == "draw" and d.tags["committed"] == "2027Q1"]
    periods = {d.period for d in ledger.decisions if d.block == "draw" and d.tags["committed"] == "2027Q1"}
    assert periods == {2, 3, 4}
    assert len(draws) == 6


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"amortisation": "annuity", "annuity_rate": None}, "annuity_rate"),
        ({"amortisation": "custom", "schedule": (0.5, 0.4)}, "sum to 0.9"),
        ({"amortisation": "linear", "grace": 12}, "grace"),
        ({"tenor": None}, "tenor"),
        ({"amortisation": "custom", "tenor": 2, "schedule": (0.5, 0.3, 0.2)}, "3 repayments"),
    ],
)
def test_terms_that_make_no_schedule_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build_ledger(case_of(bond(**changes)))
