"""Who holds what, stabilised collateral, the revolver's line and shut markets in the linear program."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capmix.models.blocks.financing import grid_margin
from capmix.models.blocks.revolver import lines
from capmix.models.build import build_ledger
from capmix.models.ledger import Account, Decision, LedgerBuilder
from capmix.models.schema.case import Case
from capmix.models.schema.financing import Depth, Grid, Instrument, Investor, Opening, OpeningFleet, Step
from capmix.models.schema.revolver import Revolver
from capmix.models.schema.rules import Cash

from .solving import Solved, solve
from .tiny import PERIODS, bond, driver, series, tiny

WIDE = (Depth(investor="fund", steps=(Step(size=5.0, spread=0.0),)),)


POOR = Cash(opening=0.11, minimum=series(0.1), dividends=series(0.0))


def greedy(*instruments: Instrument) -> Case:
    """A company with little cash, a fleet as collateral, and cheap debt that it needs."""
    fleet = Opening(fleet=(OpeningFleet(accelerator="gpu", site="north", systems=15.0, age=0),))
    fund = Investor(id="fund", kind="insurer", issuance_capacity=series(9.0))
    return tiny(cash=POOR, opening=fleet, instrument=instruments, investor=(fund,))


def owed(solved: Solved, name: str = "bond") -> np.ndarray:
    return np.array(
        [
            v
            for v, n in zip(solved.x, solved.lp.column_names, strict=True)
            if n.startswith(f"outstanding_balance[{name},")
        ]
    )


def test_seasoned_collateral_counts_only_what_is_in_service_long_enough() -> None:
    cheap = bond(secured_by="accelerators", advance_rate=0.8, margin=0.001, fee=0.0, tenor=2, depth=WIDE, seasoning=3)
    free = solve(greedy(replace(cheap, seasoning=0)))
    held = solve(greedy(cheap))
    assert held.objective < free.objective * (1.0 - 1e-6)
    assert owed(free)[0] > 1e-6
    assert owed(held)[:2] == pytest.approx(0.0, abs=1e-9)  # the fleet is not three periods old before the third
    value = held.ledger.expected([Account.HARDWARE_VALUE], held.means).toarray()
    decided = held.x[: len(held.ledger.decisions)]
    start = np.array([
        d.period + 1 if d.block == "order" else 0 if d.tags.get("kind") == "fleet" else 10**6
        for d in held.ledger.decisions
    ])  # fmt: skip
    for t in range(PERIODS):
        old = t - start + 1 >= 3
        assert owed(held)[t] <= 0.8 * (value[t, old] @ decided[old]) + 1e-8


def test_seasoned_and_plain_debt_do_not_pledge_the_same_systems() -> None:
    plain = bond("plain", secured_by="accelerators", margin=0.001, fee=0.0, tenor=2, depth=WIDE)
    aged = bond("aged", secured_by="all", advance_rate=0.5, margin=0.001, fee=0.0, tenor=2, depth=WIDE, seasoning=2)
    solved = solve(greedy(plain, aged))
    value = solved.ledger.expected([Account.HARDWARE_VALUE, Account.SITE_VALUE], solved.means).toarray()
    total = value @ solved.x[: len(solved.ledger.decisions)]
    assert (owed(solved, "plain") + 2.0 * owed(solved, "aged") <= total + 1e-8).all()
    assert any(n.startswith("collateral_all_seasoned[2,2,") for n in solved.lp.row_names)
    assert any(n.startswith("collateral_all_seasoned[0,2,") for n in solved.lp.row_names)


def test_investors_that_may_not_hold_an_instrument_are_passed_over() -> None:
    both = (WIDE[0], Depth(investor="other", steps=WIDE[0].steps))
    instrument = bond(rating="BB", tenor=12, depth=both)
    fund = Investor(id="fund", kind="insurer", issuance_capacity=series(9.0))
    for bar in ({"kinds": ("abs",)}, {"min_rating": "BBB-"}, {"max_tenor": 11}):
        other = Investor(id="other", kind="pension_fund", issuance_capacity=series(9.0), **bar)
        ledger = build_ledger(tiny(instrument=(instrument,), investor=(fund, other)))
        assert {d.tags["investor"] for d in ledger.decisions if d.block == "issue"} == {"fund"}
    for free in ({"kinds": ("bond",)}, {"min_rating": "BB"}, {"max_tenor": 12}):
        other = Investor(id="other", kind="pension_fund", issuance_capacity=series(9.0), **free)
        ledger = build_ledger(tiny(instrument=(instrument,), investor=(fund, other)))
        assert {d.tags["investor"] for d in ledger.decisions if d.block == "issue"} == {"fund", "other"}


def test_share_of_funding_from_one_holder_is_kept_at_every_date() -> None:
    steps = (Step(size=1.0, spread=0.0),)
    dear = replace(bond("dear"), margin=0.09, depth=(Depth(investor="other", steps=steps),))
    funds = (
        Investor(id="fund", kind="insurer", issuance_capacity=series(9.0), max_share=0.6),
        Investor(id="other", kind="bank", issuance_capacity=series(9.0)),
    )
    case = tiny(cash=POOR, instrument=(bond(depth=(Depth(investor="fund", steps=steps),)), dear), investor=funds)
    solved = solve(case)
    raised = np.zeros((2, PERIODS))
    for d, x in zip(solved.ledger.decisions, solved.x, strict=False):
        if d.block == "issue":
            raised[0 if d.tags["investor"] == "fund" else 1, d.period] += x
    so_far = raised.cumsum(axis=1)
    assert so_far[0, -1] > 0.1
    assert (so_far[0] <= 0.6 * so_far.sum(axis=0) + 1e-8).all()


def revolving(**changes: object) -> Case:
    terms: dict[str, object] = {
        "holder": "fund", "max_commitment": 0.4, "margin": 0.03, "commitment_fee": 0.004, "fee": 0.01, "tenor": 3,
    } | changes  # fmt: skip
    return tiny(revolver=Revolver(**terms))


def test_revolver_is_in_force_for_its_tenor_and_pays_its_fees() -> None:
    case = revolving(issue_to=5)
    ledger = build_ledger(case)
    numbers = {d.key: j for j, d in enumerate(ledger.decisions)}
    j = numbers["line[fund,2027Q2]"]
    in_force = lines(case, ledger).toarray()
    assert in_force[:, j].tolist() == [0, 0, 1, 1, 1, 0, 0, 0]
    assert not in_force[:, [d.block != "line" for d in ledger.decisions]].any()
    fees = ledger.expected([Account.FEES], np.ones(ledger.factors.shape[0])).toarray()[:, j]
    np.testing.assert_allclose(fees, [0, 0, -0.01, -0.001, -0.001, -0.001, 0, 0], atol=1e-15)
    assert "line[fund,2028Q2]" not in numbers


def test_revolver_is_capped_and_takes_issuance_capacity_and_holdings() -> None:
    funds = (Investor(id="fund", kind="bank", issuance_capacity=series(0.3), max_holding=0.5),)
    case = replace(revolving(), instrument=(bond(),), investor=funds)
    lp = solve(case).lp
    rows = {n: lp.matrix[[i]].toarray()[0] for i, n in enumerate(lp.row_names)}
    columns = {n: j for j, n in enumerate(lp.column_names)}
    line = columns["line[fund,2027Q1]"]
    assert rows["issuance_capacity[fund,2027Q1]"][line] == 1.0
    assert [rows[f"revolver[{label}]"][line] for label in case.horizon.labels] == [0, 1, 1, 1, 0, 0, 0, 0]
    assert [rows[f"holding[fund,{label}]"][line] for label in case.horizon.labels] == [0, 1, 1, 1, 0, 0, 0, 0]
    assert (rows["cash_balance[2027Q1]"][line], rows["cash_balance[2026Q4]"][line]) == (0.01, 0.0)


def test_expected_rows_see_the_mean_window() -> None:
    shut = tiny(
        driver=(*tiny().driver, driver("open", 1.0, 0.5)),
        instrument=(bond(window="open", secured_by="all", depth=WIDE),),
    )
    lp = solve(shut).lp
    columns = {n: j for j, n in enumerate(lp.column_names)}
    rows = {n: lp.matrix[[i]].toarray()[0] for i, n in enumerate(lp.row_names)}
    j = columns["issue[bond,fund,1,2027Q2]"]
    assert rows["outstanding_balance[bond,2027Q3]"][j] == 0.5
    assert rows["issuance_capacity[fund,2027Q2]"][j] == 1.0  # what is agreed, not what comes
    assert rows["cash_balance[2027Q2]"][j] == pytest.approx(-0.5 * (1.0 - 0.01))


def test_first_line_of_the_grid_that_the_rating_reaches() -> None:
    grid = (Grid(rating="A-", margin=0.0), Grid(rating="BBB-", margin=0.01), Grid(rating="B", margin=0.03))
    instrument = bond(grid=grid)
    assert [grid_margin(instrument, r) for r in ("AAA", "A-", "BBB+", "BBB-", "BB+", "CCC", "")] == [
        0.0, 0.0, 0.01, 0.01, 0.03, 0.03, 0.03,
    ]  # fmt: skip


def test_a_scale_of_the_future_is_refused() -> None:
    book = LedgerBuilder({"open": ["open"]}, ["open"], 3)
    j = book.decide(Decision("issue[x]", "issue", 0, "billion", 0.0, 1.0, {}))
    with pytest.raises(ValueError, match=r"issue\[x\] is scaled by the future"):
        book.post(j, Account.PROCEEDS, 0, 1.0, scaled=(("open", 1),))
