"""The cap on circular funding: money raised and left idle never relaxes it, unless the case measures it so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from capmix.models.blocks.assembly import Assembly
from capmix.models.blocks.circularity import constrain
from capmix.models.build import build_ledger
from capmix.models.schema.case import Case
from capmix.models.schema.financing import Depth, Investor, Step
from capmix.models.schema.rules import Circularity
from hypothesis import given, settings
from hypothesis import strategies as st

from .test_more_is_never_worse import random_case
from .tiny import PERIODS, bond, known_means, series

MONEY = ("issue", "draw", "commit", "line")


def slack(case: Case, decided: np.ndarray) -> np.ndarray:
    """(T,) what is left under the cap, by the rows themselves."""
    ledger = build_ledger(case)
    a = Assembly(case, ledger, known_means(case, ledger), np.full(PERIODS, 0.01))
    rows: list[np.ndarray] = []
    a.rows = lambda rule, index, matrix, **bounds: rows.append(-(matrix @ decided))  # type: ignore[method-assign]
    constrain(a)
    return rows[0]


def lenders(case: Case, cap: float, against: str) -> Case:
    """With the maker's own finance arm among the lenders, and a cap."""
    arm = Investor(id="arm", kind="vendor", party="maker", issuance_capacity=series(0.05))
    lent = bond("credit", depth=(Depth(investor="arm", steps=(Step(size=0.02, spread=0.0),)),))
    facility = bond("facility", draw_window=2, depth=(Depth(investor="fund", steps=(Step(size=0.02, spread=0.0),)),))
    return replace(
        case, investor=(*case.investor, arm), instrument=(*case.instrument, lent, facility),
        circularity=Circularity(cap=cap, against=against),
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.99))
def test_idle_money_never_relaxes_the_cap(seed: int, cap: float) -> None:
    """Any plan, and more of any financing in any period: nothing more may come from suppliers and customers."""
    random, base = random_case(seed)
    case = lenders(base, cap, "spending")
    decisions = build_ledger(case).decisions
    plan = random.uniform(0.0, 1.0, len(decisions))
    money = np.array([d.block in MONEY for d in decisions])
    more = plan + money * random.uniform(0.0, 5.0, len(decisions))
    assert (slack(case, more) <= slack(case, plan) + 1e-12).all()


def test_idle_money_dilutes_a_cap_on_what_is_raised() -> None:
    case = lenders(random_case(1)[1], 0.3, "raised")
    decisions = build_ledger(case).decisions
    others = np.array([d.block == "issue" and d.tags["investor"] != "arm" for d in decisions], dtype=np.float64)
    assert slack(case, others)[-1] > slack(case, 0.0 * others)[-1] + 1.0


def test_the_cap_is_a_share_of_what_is_spent() -> None:
    """By hand: each dollar of credit needs spending of 1 / cap, network and sites included."""
    case = lenders(random_case(2)[1], 0.25, "spending")
    ledger = build_ledger(case)
    order = next(j for j, d in enumerate(ledger.decisions) if d.key == "order[gpu,north,2026Q4]")
    credit = next(j for j, d in enumerate(ledger.decisions) if d.key == "issue[credit,arm,1,2027Q1]")
    decided = np.zeros(len(ledger.decisions))
    decided[order], decided[credit] = 10.0, 0.004
    spent = 10.0 * np.array([0.0005, *[0.0022] * 7])  # a deposit of a quarter of 2 million; the rest and 0.2 million
    np.testing.assert_allclose(slack(case, decided), 0.25 * spent - np.array([0.0, *[0.004] * 7]), atol=1e-15)
