"""Sentences on what a node of a plan that adapts does otherwise than the other bands of its review."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...optimizer.analysis.review_names import NODE_DIFFERENCES, REVIEW_TREE, NodeDifferences, ReviewTree
from ...optimizer.table import BILLION, Record
from ..scale import BILLIONS, MoneyScale
from ..text import figure, safe
from .views import titles

if TYPE_CHECKING:
    from ...models.schema.case import Case
    from ...optimizer.plan import Plan

MOST = 4
SHARE = 0.02  # of what the nodes of a review do of a kind: a smaller difference is not told
NONE = 1e-3  # of it: less is nothing
KINDS = {"order": "order", "contract": "sign", "build": "start", "issue": "raise", "draw": "raise"}
SPOKEN = ("order", "sign", "start", "raise")
"""Blocks of decisions that sentences tell of, by the verb they have; in this order."""
UNITS = {"order": "systems", "sign": "PFLOP/s", "start": "MW", "raise": "bn"}


@dataclass
class Difference:
    """What a node does of one thing, and what the other bands of its review do, as expected totals from its date on."""

    verb: str
    key: tuple[str, ...]
    amount: float = 0.0
    beside: float = 0.0

    @property
    def size(self) -> float:
        return abs(self.amount - self.beside)


def condition(node: Record) -> str:
    """What has been seen at a node's review, e.g. "rental < 0.9"."""
    signal, low, high = safe(node.text(ReviewTree.SIGNAL)), node.maybe(ReviewTree.FROM), node.maybe(ReviewTree.BELOW)
    if low is not None and high is not None:
        return f"{figure(low, 3)} <= {signal} < {figure(high, 3)}"
    return f"{signal} < {figure(high, 3)}" if low is None else f"{signal} >= {figure(low, 3)}"


def sentences(plan: Plan, money: MoneyScale = BILLIONS) -> Iterator[str]:
    """One for each node that differs: of two bands of a review the lower alone, as the other does the opposite."""
    nodes = plan.tables[REVIEW_TREE].records()
    found = differences_by_node(plan)
    for node in nodes[1:]:
        name, parent = node.text(ReviewTree.NODE), node.text(ReviewTree.PARENT)
        bands = [n for n in nodes[1:] if n.text(ReviewTree.PARENT) == parent]
        if len(bands) == 2 and node is bands[1]:
            continue
        told = list(
            _told(plan, money, found.get(name, []), [d for n in bands for d in found.get(n.text(ReviewTree.NODE), [])])
        )
        where = f" in {safe(parent)}" if parent else ""
        head = f"{node.text(ReviewTree.REVIEW)}{where}: if {condition(node)}, "
        yield head + (_listed(told) if told else "do nearly the same as else")


def differences_by_node(plan: Plan) -> dict[str, list[Difference]]:
    """What each node does otherwise, of what sentences tell of: lots and steps of a thing added up."""
    found: dict[str, dict[tuple[str, ...], Difference]] = {}
    for row in plan.tables[NODE_DIFFERENCES].records():
        verb = KINDS.get(row.text(NodeDifferences.BLOCK))
        if verb is None:
            continue
        tags = dict(part.split("=", 1) for part in row.text(NodeDifferences.WHAT).split(", ") if "=" in part)
        names = {"order": ("accelerator", "site"), "sign": ("contract",), "start": ("layer", "site")}
        key = (verb, *(tags.get(tag, "") for tag in names.get(verb, ("instrument",))))
        one = found.setdefault(row.text(NodeDifferences.NODE), {}).setdefault(key, Difference(verb, key[1:]))
        one.amount += row.number(NodeDifferences.AMOUNT)
        one.beside += row.number(NodeDifferences.BESIDE)
    return {node: list(each.values()) for node, each in found.items()}


def _told(plan: Plan, money: MoneyScale, mine: Sequence[Difference], of_review: Sequence[Difference]) -> Iterator[str]:
    """The differences that weigh most against what the nodes of the review do of the same kind."""
    whole = {verb: sum(d.amount for d in of_review if d.verb == verb) for verb in SPOKEN}
    largest: dict[str, Difference] = {}
    for one in mine:  # of the layers of a site the one that differs most stands for all
        if one.verb == "start":
            site = one.key[1]
            largest[site] = max(largest.get(site, one), one, key=lambda d: d.size)
    kept = [d for d in mine if d.verb != "start" or largest[d.key[1]] is d]
    kept = [d for d in kept if whole[d.verb] > 0.0 and d.size > SHARE * whole[d.verb]]
    kept = sorted(kept, key=lambda d: -d.size / whole[d.verb])[:MOST]
    for one in sorted(kept, key=lambda d: SPOKEN.index(d.verb)):
        yield _sentence(plan, money, one, NONE * whole[one.verb])


def named(case: Case, one: Difference) -> str:
    """What it is about, in the case's own titles."""
    if one.verb == "order":
        return f"{_title(case.accelerator, one.key[0])} for {_title(case.site, one.key[1])}"
    if one.verb == "start":
        return f"{one.key[0]} at {_title(case.site, one.key[1])}"
    return _title(case.contract if one.verb == "sign" else case.instrument, one.key[0])


def _title(entries: Any, name: str) -> str:
    return safe(titles(entries).get(name, name))


def _sentence(plan: Plan, money: MoneyScale, one: Difference, nothing: float) -> str:
    less, what = one.amount < one.beside, named(plan.case, one)
    by, change = figure(one.size, 3), "less" if less else "more"
    if one.amount <= nothing:
        return {"sign": "sign nothing of", "raise": "raise nothing by"}.get(one.verb, f"{one.verb} no") + f" {what}"
    if one.verb == "order":
        return f"order {by} {'fewer' if less else 'more'} {what}"
    if one.verb == "raise":
        return f"raise {money.figure(one.size, BILLION, 3)} {money.unit} {change} by {what}"
    return f"{one.verb} {by} {UNITS[one.verb]} {change} of {what}"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
