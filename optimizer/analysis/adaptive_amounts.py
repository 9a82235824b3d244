"""What a plan that adapts does, in numbers: the mean of its leaves' own amounts, each on its own conditional means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from ...models.blocks.idle import Idle
from ...models.blocks.tax import BORROWING, TAX_EBITDA, TAXABLE, Assessed, Assessor, Base
from ...models.ledger import CASH_ACCOUNTS, Account
from ...models.schema.case import Case
from ..arrays import FloatArray
from ..reviews.tree import Tree
from ..setup.adaptive import Adaptive, idle_of_nodes
from ..setup.prepare import PlanningProblem
from .expected import Amounts, View

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class NodeAmounts(Amounts):
    """The amounts of a node: its decisions and those before it, on its own conditional means; zero behind it.

    law: its tax, made anew period by period by the law. What lies before the node is what was owed then, on what was
    expected then; cash is what its own scenarios expect.
    """

    law: Assessed | None = None

    @property
    def assessed(self) -> Assessed | None:
        return self.law

    @property
    def profit(self) -> FloatArray:
        income = self.taxable_income if self.law is None else self.law.income
        return np.maximum(income, 0.0)

    @property
    def deficit(self) -> FloatArray:
        income = self.taxable_income if self.law is None else self.law.income
        return np.maximum(-income, 0.0)


def node_amounts(ready: PlanningProblem, whole: Adaptive, decisions: FloatArray) -> tuple[NodeAmounts, ...]:
    """Of a plan, node by node: the decisions of all nodes."""
    nodes = [
        NodeAmounts(
            ready.case, ready.ledger, whole.means[n.number], whole.decided(n.number, decisions), whole.rates[n.number],
            nothing_due=ready.nothing_due,
        )
        for n in whole.tree.nodes
    ]  # fmt: skip
    laws = _assessed(ready.case, whole.tree, nodes)
    return tuple(replace(node, law=law) for node, law in zip(nodes, laws, strict=True))


def _assessed(case: Case, tree: Tree, nodes: Sequence[Amounts]) -> list[Assessed | None]:
    """The tax that the rows of each node ask for, the parent's before its children's."""
    tax = case.tax
    if tax is None:
        return [None] * len(nodes)
    found: list[Assessed | None] = []
    for node, amounts in zip(tree.nodes, nodes, strict=True):
        base = Base(amounts.of(*TAXABLE), -amounts.of(*BORROWING), amounts.of(*TAX_EBITDA))
        flow = amounts.of(*(a for a in CASH_ACCOUNTS if a is not Account.TAX))
        income, used, pool, due, cash, waiting = (np.zeros(amounts.periods) for _ in range(6))
        before = found[node.parent] if node.parent >= 0 else None
        law, held = Assessor(tax), case.cash.opening
        if before is not None:
            past = slice(0, node.start)
            for mine, theirs in (
                (income, before.income), (used, before.used), (pool, before.pool), (due, before.tax),
                (waiting, before.waiting),
            ):  # fmt: skip
                mine[past] = theirs[past]
            if node.start:
                law.left, law.waiting = np.asarray(pool[node.start - 1]), np.asarray(waiting[node.start - 1])
        for t in range(node.end):
            interest = amounts.deposit_rates[t] * held
            if t >= node.start:
                income[t], used[t], due[t] = law.period(base, t, interest)
                pool[t], waiting[t] = law.left, law.waiting
            held += interest + flow[t] - due[t]
            cash[t] = held
        found.append(Assessed(income, used, pool, due, cash, waiting))
    return found


@dataclass(frozen=True)
class AdaptiveAmounts(Amounts):
    """The expected amounts of a plan that adapts.

    `decided` is each decision's expected amount, `means` and `deposit_rates` are those of all scenarios. tree: of the
    reviews. each: of the nodes.
    """

    tree: Tree = field(kw_only=True)
    each: tuple[NodeAmounts, ...] = field(kw_only=True)

    @property
    def paths(self) -> tuple[Amounts, ...]:
        return tuple(self.each[leaf] for leaf in self.tree.leaves)

    def mean_of(self, figure: Callable[[Amounts], FloatArray]) -> FloatArray:
        total: FloatArray | None = None
        for share, path in zip(self.tree.shares.tolist(), self.paths, strict=True):
            part = share * np.asarray(figure(path))
            total = part if total is None else total + part
        assert total is not None
        return total

    def views(self, ahead: bool = False) -> tuple[View, ...]:
        tree, pools = self.tree, dict[int, list[tuple[float, Amounts, NDArray[np.bool_]]]]()
        for node in tree.nodes:
            mask = np.zeros(self.periods, dtype=np.bool_)
            mask[node.start : node.end] = True
            pool = tree.pooled_in(node.number)
            total = tree.nodes[pool].count
            parts = pools.setdefault(pool, [])
            for part in [tree.leaves[i] for i in tree.below(node.number)] if ahead else [node.number]:
                parts.append((tree.nodes[part].count / total, self.each[part], mask))
        return tuple(View(tree.nodes[pool].name, tuple(parts)) for pool, parts in pools.items())

    @cached_property
    def posted(self) -> FloatArray:
        return self.mean_of(lambda path: path.posted)

    @cached_property
    def prepaid_by_decision(self) -> FloatArray:
        return self.mean_of(lambda path: path.prepaid_by_decision)

    @cached_property
    def cash(self) -> FloatArray:
        return self.mean_of(lambda path: path.cash)

    @cached_property
    def interest_income(self) -> FloatArray:
        return self.mean_of(lambda path: path.interest_income)

    @cached_property
    def profit(self) -> FloatArray:
        return self._over_nodes(lambda node: self.each[node].profit)

    @cached_property
    def deficit(self) -> FloatArray:
        return self._over_nodes(lambda node: self.each[node].deficit)

    @cached_property
    def without(self) -> Idle:
        means, rates = np.array([node.means for node in self.each]), [node.deposit_rates for node in self.each]
        nothing = idle_of_nodes(self.case, self.ledger, self.tree, means, rates)

        def mean(name: str) -> FloatArray:
            return self._over_nodes(lambda node: np.asarray(getattr(nothing[node], name)))

        leaves = zip(self.tree.leaves, self.tree.shares.tolist(), strict=True)
        wealth = sum(share * nothing[leaf].wealth for leaf, share in leaves)
        return Idle(mean("tax"), mean("cash"), wealth, mean("left"), mean("waiting"))

    @cached_property
    def assessed(self) -> Assessed | None:
        laws = [node.law for node in self.each]
        if any(law is None for law in laws):
            return None
        income, used, pool, due, cash, waiting = (
            self._over_nodes(partial(_figure, laws, name))
            for name in ("income", "used", "pool", "tax", "cash", "waiting")
        )
        return Assessed(income, used, pool, due, cash, waiting)

    def _over_nodes(self, figure: Callable[[int], FloatArray]) -> FloatArray:
        """(T,) in each period the mean of the nodes that decide in it."""
        total = np.zeros(self.periods)
        for leaf, share in zip(self.tree.leaves, self.tree.shares.tolist(), strict=True):
            for number in self.tree.line(leaf):
                node = self.tree.nodes[number]
                mine = slice(node.start, node.end)
                total[mine] += share * figure(number)[mine]
        return total


def _figure(found: Sequence[Assessed | None], name: str, node: int) -> FloatArray:
    return np.asarray(getattr(found[node], name))


def adaptive_amounts(ready: PlanningProblem, whole: Adaptive, decisions: FloatArray) -> AdaptiveAmounts:
    """The expected amounts of a plan: the decisions of all nodes."""
    tree, each = whole.tree, node_amounts(ready, whole, decisions)
    decided = np.zeros(whole.count)
    for leaf, share in zip(tree.leaves, tree.shares.tolist(), strict=True):
        decided += share * each[leaf].decided
    return AdaptiveAmounts(
        ready.case, ready.ledger, ready.means, decided, ready.deposit_rates, ready.nothing_due, tree=tree, each=each
    )
