"""The largest circulation: against an independent maximum flow, by hand, and never above what the program caps."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from capmix.models.blocks.assembly import Assembly
from capmix.models.blocks.circularity import circular_parties, raised
from capmix.models.schema.case import Case
from capmix.models.schema.parties import Party, Stake
from capmix.optimizer.analysis.circular_financing import (
    BEHIND,
    COMPANY,
    DOWN,
    FUNDING,
    PAYMENT,
    PREPAYMENT,
    RAISED,
    REVENUE,
    UP,
    Circulation,
    Edge,
    circulation,
    money_flows,
)
from capmix.optimizer.analysis.expected import Amounts
from capmix.optimizer.setup.driver_order import reordered
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from ..cases import starter

PARTIES = ("a", "b", "c", "d")


def test_a_vendor_that_funds_its_buyer() -> None:
    """What can circulate is the lesser of what it lends and what it is paid."""
    for lent, paid in ((3.0, 10.0), (10.0, 3.0)):
        edges = (
            Edge("bank", COMPANY, FUNDING, 7.0),
            Edge("arm", COMPANY, FUNDING, lent),
            Edge(COMPANY, "maker", PAYMENT, paid),
            Edge("maker", "arm", BEHIND, math.inf),
        )
        found = circulation(edges)
        assert found.funding == pytest.approx(3.0)
        assert found.share == pytest.approx(3.0 / (7.0 + lent))
        assert [loop.nodes for loop in found.loops] == [(COMPANY, "maker", "arm", COMPANY)]


def test_a_vendor_that_owns_its_buyers_customer() -> None:
    """Money goes down as equity and comes back as a prepayment, and what then is left as revenue."""
    edges = (
        Edge("lab", COMPANY, PREPAYMENT, 2.0),
        Edge("lab", COMPANY, REVENUE, 9.0),
        Edge(COMPANY, "maker", PAYMENT, 20.0),
        Edge("maker", "lab", DOWN, 5.0),
        Edge("lab", "maker", UP, math.inf, 0.1),
    )
    found = circulation(edges)
    assert found.funding == pytest.approx(2.0)
    assert found.share == pytest.approx(1.0)
    assert found.revenue == pytest.approx(3.0)
    assert {loop.kind: loop.amount for loop in found.loops} == pytest.approx({PREPAYMENT: 2.0, REVENUE: 3.0})


def test_an_owner_takes_out_its_share_only() -> None:
    """10 is paid to a grandchild of which the child holds a half, and of that the parent a fifth: 1 can come back."""
    edges = (
        Edge("arm", COMPANY, FUNDING, 8.0),
        Edge(COMPANY, "grandchild", PAYMENT, 10.0),
        Edge("grandchild", "child", UP, math.inf, 0.5),
        Edge("child", "grandchild", DOWN, math.inf),
        Edge("child", "parent", UP, math.inf, 0.2),
        Edge("parent", "child", DOWN, math.inf),
        Edge("parent", "arm", BEHIND, math.inf),
    )
    assert circulation(edges).funding == pytest.approx(1.0)


def test_without_links_nothing_circulates() -> None:
    found = circulation((Edge("bank", COMPANY, FUNDING, 7.0), Edge(COMPANY, "maker", PAYMENT, 7.0)))
    assert (found.funding, found.revenue, found.loops) == (0.0, 0.0, ())
    assert circulation(()).share == 0.0


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Edge, ...]:
    """Whole amounts, and owners who take out everything: then the program is a plain maximum flow."""
    amount = st.integers(1, 30)
    edges = []
    for party in PARTIES:
        if draw(st.booleans()):
            edges.append(Edge(COMPANY, party, PAYMENT, draw(amount)))
        if draw(st.booleans()):
            edges += [
                Edge(f"arm {party}", COMPANY, FUNDING, draw(amount)),
                Edge(party, f"arm {party}", BEHIND, math.inf),
            ]
        if draw(st.booleans()):
            edges.append(Edge(party, COMPANY, PREPAYMENT, draw(amount)))
    for i, owner in enumerate(PARTIES):
        for owned in PARTIES[i + 1 :]:
            if draw(st.booleans()):
                edges.append(Edge(owner, owned, DOWN, draw(amount)))
                edges.append(Edge(owned, owner, UP, math.inf, 1.0))
    return tuple(edges)


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_against_a_maximum_flow(edges: tuple[Edge, ...]) -> None:
    names = list(dict.fromkeys(n for e in edges for n in (e.source, e.target)))
    place = {n: i for i, n in enumerate(names)}
    sink = len(names)
    matrix = np.zeros((sink + 1, sink + 1), dtype=np.int32)
    for e in edges:
        to = sink if e.target == COMPANY else place[e.target]
        matrix[place[e.source], to] += 10_000 if math.isinf(e.amount) else int(e.amount)
    most = maximum_flow(csr_array(matrix), place[COMPANY], sink).flow_value if COMPANY in place else 0
    found = circulation(edges)
    assert found.funding == pytest.approx(most, abs=1e-6)
    check(found)


def check(found: Circulation) -> None:
    """Loops are circles along edges, and together they are the flows, which no edge exceeds."""
    total: dict[tuple[str, str], float] = {}
    for loop in found.loops:
        assert loop.nodes[0] == loop.nodes[-1] == COMPANY
        assert len(set(loop.nodes)) == len(loop.nodes) - 1
        for pair in zip(loop.nodes, loop.nodes[1:], strict=False):
            total[pair] = total.get(pair, 0.0) + loop.amount
    flows: dict[tuple[str, str], float] = {}
    for edge, flow in zip(found.edges, found.flows, strict=True):
        assert flow <= edge.amount + 1e-6
        flows[edge.source, edge.target] = flows.get((edge.source, edge.target), 0.0) + flow
    assert total == pytest.approx({k: v for k, v in flows.items() if v > 0.0}, abs=1e-6)
    raised_ = sum(loop.amount for loop in found.loops if loop.kind in RAISED)
    assert raised_ == pytest.approx(found.funding, abs=1e-6)


@cache
def linked() -> tuple[Case, Assembly]:
    """The starter case with a holding that owns the chipmaker and a tenth of the laboratory, and funds as well."""
    from capmix.models.build import build_ledger

    case = starter()
    holding = Party(
        id="holding",
        role="other",
        owns=(Stake(party="chipmaker", share=0.6), Stake(party="lab", share=0.1, amount=0.3)),
    )
    managers = next(i for i in case.investor if i.id == "managers")
    investors = tuple(replace(managers, party="holding") if i.id == "managers" else i for i in case.investor)
    case = replace(case, party=(*case.party, holding), investor=investors)
    ledger = reordered(build_ledger(case), case)
    rng = np.random.default_rng(1)
    means = np.where((ledger.factors < 0).all(axis=1), 1.0, rng.uniform(0.5, 1.5, ledger.factors.shape[0]))
    return case, Assembly(case, ledger, means, np.zeros(case.horizon.periods))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
def test_the_linear_cap_is_never_looser(seed: int, dense: float) -> None:
    """On any decisions whatever, circulating funding is at most what the rows of the cap count, of the same funding."""
    case, a = linked()
    rng = np.random.default_rng(seed)
    decided = rng.exponential(size=len(a.ledger.decisions)) * (rng.random(len(a.ledger.decisions)) < dense)
    decided[a.mask(block="fixed")] = 1.0
    amounts = Amounts(case, a.ledger, a.means, decided, a.rates)
    found = circulation(money_flows(amounts))
    total, circular = (float((m @ decided).sum()) for m in raised(a))
    assert found.raised == pytest.approx(total, rel=1e-9, abs=1e-6)
    assert found.funding <= circular + 1e-6 * max(1.0, circular)
    if total > 1e-6:  # so a plan that keeps the cap at the end of the horizon has no larger circular share
        cap = circular / total
        assert found.share <= cap + 1e-6
    if dense > 0.5:
        assert found.funding > 0.0
    check(found)


def test_who_is_linked_counts_as_circular() -> None:
    case, _ = linked()
    assert circular_parties(case) == {"chipmaker", "lab", "holding"}
    alone = Party(id="alone", role="other")
    assert "alone" not in circular_parties(replace(case, party=(*case.party, alone)))


def test_the_cap_can_be_stricter() -> None:
    """A customer's prepayment is capped, and circulates only if money of the plan can reach the customer."""
    edges = (Edge("lab", COMPANY, PREPAYMENT, 2.0), Edge(COMPANY, "chipmaker", PAYMENT, 20.0))
    assert circulation(edges).funding == 0.0
