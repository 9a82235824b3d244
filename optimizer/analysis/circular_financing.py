"""Circular financing: the largest circulation through the company on the plan's money-flow graph, with its loops.

The graph is that of the whole horizon, in expected billions. Money runs from investors and customers into the company
(funding, prepayments, revenue), from the company to its suppliers (price of systems), from a party to the investor that
it stands behind, and between parties along ownership: down as what an owner puts in, up as a share of what is received.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...models.blocks.quantities import MILLION, accelerators_by_id
from ...models.ledger import ACCOUNT_NUMBER, Account
from ...models.schema.case import Case
from ..arrays import FloatArray
from ..table import BILLION, Cell, Column, Table
from .expected import Amounts
from .names import CIRCULAR_FLOWS, CIRCULAR_LOOPS, STEP, CircularFlows, CircularLoops, investor_node, party_node
from .tabulate import NEGLIGIBLE, long

COMPANY = "company"
FUNDING, PREPAYMENT, REVENUE, PAYMENT = "funding", "prepayment", "revenue", "price of systems"
BEHIND, DOWN, UP = "stands behind", "puts in", "takes out"
RAISED = (FUNDING, PREPAYMENT)

_NOISE = 1e-9


@dataclass(frozen=True)
class Edge:
    """Money that runs from one node to another: at most `amount`, infinite on a link between an owner and his own.

    share: on an edge of kind `UP`, the part of what its source receives that it may carry; else 0.
    """

    source: str
    target: str
    kind: str
    amount: float
    share: float = 0.0


@dataclass(frozen=True)
class Loop:
    """A circle through the company. nodes: from the company to the company; kind: how the money comes back in."""

    nodes: tuple[str, ...]
    kind: str
    amount: float


@dataclass(frozen=True)
class Circulation:
    """The largest circulation.

    Attributes:
        edges: the graph.
        flows: (edges,) money that circulates on each edge.
        loops: circles that make up the circulation, largest first.
        raised: all funding and prepayments, billion.
        funding: what circulates on edges of funding and prepayments, billion: as much as any circulation can.
        revenue: what circulates beside it on edges of revenue, billion.
    """

    edges: tuple[Edge, ...]
    flows: FloatArray
    loops: tuple[Loop, ...]
    raised: float
    funding: float
    revenue: float

    @property
    def share(self) -> float:
        """Circular share: circulating funding over all funding; 0 where nothing is raised."""
        return self.funding / self.raised if self.raised > NEGLIGIBLE else 0.0


def money_flows(amounts: Amounts) -> tuple[Edge, ...]:
    """The graph of a plan. Payments to nobody that the case names (sites, power, installation) are left out."""
    case = amounts.case
    edges = [
        Edge(investor_node(name), COMPANY, FUNDING, face)
        for name, face in _by_tag(amounts, _posted(amounts, Account.PROCEEDS), "investor").items()
    ]
    customer = {c.id: c.customer for c in case.contract}
    revenue = _posted(amounts, Account.CONTRACT_REVENUE)
    for kind, by_decision in ((PREPAYMENT, amounts.prepaid_by_decision), (REVENUE, revenue)):
        paid: dict[str, float] = {}
        for contract, amount in _by_tag(amounts, by_decision, "contract").items():
            paid[customer[contract]] = paid.get(customer[contract], 0.0) + amount
        edges += [Edge(party_node(name), COMPANY, kind, amount) for name, amount in paid.items()]
    edges += [Edge(COMPANY, party_node(name), PAYMENT, amount) for name, amount in supplier_payments(amounts).items()]
    flowing = [e for e in edges if e.amount > NEGLIGIBLE]
    return (*flowing, *ownership(case))


def ownership(case: Case) -> tuple[Edge, ...]:
    """Links: from a party to the investor it stands behind; between an owner and the owned, both ways."""
    edges = [Edge(party_node(i.party), investor_node(i.id), BEHIND, math.inf) for i in case.investor if i.party]
    for party in case.party:
        for stake in party.owns:
            owner, owned = party_node(party.id), party_node(stake.party)
            edges.append(Edge(owner, owned, DOWN, math.inf if stake.amount is None else stake.amount))
            edges.append(Edge(owned, owner, UP, math.inf, stake.share))
    return tuple(edges)


def supplier_payments(amounts: Amounts) -> dict[str, float]:
    """Expected price of systems paid to each supplier within the horizon; network and installation go to others."""
    paid = _by_tag(amounts, -_posted(amounts, Account.HARDWARE), "vendor")
    systems = accelerators_by_id(amounts.case)
    for decision, amount in amounts.decisions("order"):
        accelerator = systems[decision.tags["accelerator"]]
        if decision.period + accelerator.lead < amounts.periods:
            paid[accelerator.vendor] -= amount * accelerator.attach_cost * MILLION
    return paid


def _posted(amounts: Amounts, account: Account, where: NDArray[np.bool_] | None = None) -> FloatArray:
    """(N,) expected amount that each decision posts to the account over the horizon."""
    ledger = amounts.ledger
    keep = ledger.account == ACCOUNT_NUMBER[account]
    if where is not None:
        keep &= where

    def of(path: Amounts) -> FloatArray:
        value = ledger.coefficient[keep] * path.means[ledger.atom[keep]]
        total = np.bincount(ledger.decision[keep], weights=value, minlength=len(ledger.decisions))
        return np.asarray(total * path.decided, dtype=np.float64)

    return amounts.mean_of(of)


def _by_tag(amounts: Amounts, by_decision: FloatArray, tag: str) -> dict[str, float]:
    """Sums over the decisions with the same value of a tag."""
    found: dict[str, float] = {}
    for decision, amount in zip(amounts.ledger.decisions, by_decision.tolist(), strict=True):
        name = decision.tags.get(tag)
        if name:
            found[name] = found.get(name, 0.0) + amount
    return found


def circulation(edges: Sequence[Edge]) -> Circulation:
    """The circulation with the most money on funding edges, then on revenue edges: two linear programs, solved exactly.

    f ≥ 0, f ≤ amount, as much into each node as out of it; what is taken out of an owned party is at most the share of
    what the plan pays it and its own holdings pass up to it. RuntimeError if a linear program is not solved.
    """
    edges = tuple(edges)
    raised = sum(e.amount for e in edges if e.kind in RAISED)
    if not edges:
        return Circulation((), np.zeros(0), (), 0.0, 0.0, 0.0)
    most = max(1.0, sum(e.amount for e in edges if math.isfinite(e.amount)))
    funding = np.array([e.kind in RAISED for e in edges], dtype=np.float64)
    revenue = np.array([e.kind == REVENUE for e in edges], dtype=np.float64)
    first = _largest(edges, funding, most, None)
    reached = float(funding @ first)
    flows = _largest(edges, revenue, most, (funding, reached)) if revenue.any() else first
    flows, loops = _decomposed(edges, flows, _NOISE * most)
    return Circulation(edges, flows, loops, raised, reached, float(revenue @ flows))


def _largest(edges: Sequence[Edge], gain: FloatArray, most: float, keep: tuple[FloatArray, float] | None) -> FloatArray:
    """(edges,) circulation of the largest `gain`, with at least the value of `keep` on its edges."""
    from scipy.optimize import linprog

    nodes = {name: i for i, name in enumerate(dict.fromkeys(n for e in edges for n in (e.source, e.target)))}
    balance = np.zeros((len(nodes), len(edges)))
    for j, edge in enumerate(edges):
        balance[nodes[edge.source], j] -= 1.0
        balance[nodes[edge.target], j] += 1.0
    rows, right = [], []
    for j, edge in enumerate(edges):
        if edge.kind == UP and edge.share < 1.0:
            row = np.zeros(len(edges))
            row[j] = 1.0
            row[[i for i, e in enumerate(edges) if e.target == edge.source and e.kind == UP]] -= edge.share
            rows.append(row)
            right.append(edge.share * sum(e.amount for e in edges if e.target == edge.source and e.kind == PAYMENT))
    if keep is not None:
        rows.append(-keep[0])
        right.append(-keep[1] + _NOISE * most)
    result = linprog(
        -gain,
        A_ub=np.array(rows) if rows else None,
        b_ub=np.array(right) if rows else None,
        A_eq=balance,
        b_eq=np.zeros(len(nodes)),
        bounds=[(0.0, min(e.amount, most)) for e in edges],
        method="highs",
    )
    if result.status != 0:
        raise RuntimeError(f"the largest circulation was not found: {result.message}")
    return np.maximum(np.asarray(result.x, dtype=np.float64), 0.0)


def _decomposed(edges: Sequence[Edge], flows: FloatArray, noise: float) -> tuple[FloatArray, tuple[Loop, ...]]:
    """Circles through the company, largest first, and their sum on each edge; circles elsewhere are dropped."""
    left = np.where(flows > noise, flows, 0.0)
    total = np.zeros_like(left)
    found: dict[tuple[tuple[str, ...], str], float] = {}
    while (way := _circle(edges, left)) is not None:
        amount = float(left[way].min())
        left[way] -= amount
        left[left <= noise] = 0.0
        nodes = (*(edges[j].source for j in way), edges[way[-1]].target)
        if nodes[0] == COMPANY:
            total[way] += amount
            key = (nodes, edges[way[-1]].kind)
            found[key] = found.get(key, 0.0) + amount
    loops = [Loop(nodes, kind, amount) for (nodes, kind), amount in found.items()]
    return total, tuple(sorted(loops, key=lambda loop: -loop.amount))


def _circle(edges: Sequence[Edge], left: FloatArray) -> list[int] | None:
    """Edges of a circle that begins at the company, or of one met on the way; None when nothing leaves the company."""
    at, way, passed = COMPANY, list[int](), [COMPANY]
    while True:
        out = [j for j, e in enumerate(edges) if e.source == at and left[j] > 0.0]
        if not out:
            # what rounding leaves of a circle that was taken off: the way ends here
            for j in way[-1:]:
                left[j] = 0.0
            if not way:
                return None
            at, way, passed = COMPANY, [], [COMPANY]
            continue
        best = max(out, key=lambda j: float(left[j]))
        at = edges[best].target
        way.append(best)
        if at in passed:
            return way[passed.index(at) :]
        passed.append(at)


def tables(found: Circulation) -> dict[str, Table]:
    """The tables circular_flows (every edge, and what circulates on it) and circular_loops."""
    flows: list[tuple[Cell, ...]] = [
        (e.source, e.target, e.kind, e.amount if math.isfinite(e.amount) else None, float(f))
        for e, f in zip(found.edges, found.flows, strict=True)
    ]
    heads = (
        Column(CircularFlows.FROM),
        Column(CircularFlows.TO),
        Column(CircularFlows.WHAT),
        Column(CircularFlows.AMOUNT, BILLION, "money"),
        Column(CircularFlows.CIRCULATING, BILLION, "money"),
    )
    loops: list[tuple[Cell, ...]] = []
    for loop in found.loops:
        share = loop.amount / found.raised if loop.kind in RAISED and found.raised > NEGLIGIBLE else None
        loops.append((STEP.join(loop.nodes), loop.kind, loop.amount, share))
    loop_heads = (
        Column(CircularLoops.LOOP),
        Column(CircularLoops.KIND),
        Column(CircularLoops.AMOUNT, BILLION, "money"),
        Column(CircularLoops.SHARE, "", "share"),
    )
    return {
        CIRCULAR_FLOWS: long(CIRCULAR_FLOWS, "Money flows, and what of them can run in a circle", heads, flows),
        CIRCULAR_LOOPS: long(CIRCULAR_LOOPS, "Loops of the largest circulation through the company", loop_heads, loops),
    }
