"""Reviews: dates in order and inside the horizon, signals that vary, borders that rise, names that tell bands apart."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from ..schema.case import Case
from ..schema.drivers import Deterministic
from ..schema.reviews import MOST_LEAVES, Review, leaves_after
from .context import BAD, Context, Node, SkipError
from .faults import quantity, show


def _date(ctx: Context, node: Node) -> None:
    at, time = node["at"], ctx.time()
    if not 1 <= at < time.periods:
        allowed = f"a period after the first of the horizon, {time.label(1)} to {time.label(time.periods - 1)}"
        why = "nothing is random in the first" if at == 0 else "move the date or lengthen the horizon"
        ctx.fault((*node.path, "at"), time.label(at), allowed, why)


def _signal(ctx: Context, node: Node) -> None:
    signal, known = node["signal"], f"{show(node['signal'])} is known"
    cure = "name a driver or a price column that differs from scenario to scenario"
    if signal == "one":
        ctx.fault((*node.path, "signal"), signal, "a signal that varies", f"{known}; {cure}")
        return
    names = [signal]
    if signal in ctx.names["column"]:
        names = list(ctx.entry("column", signal)["drivers"])
    if all(ctx.entry("driver", name).cls is Deterministic for name in names):
        ctx.fault((*node.path, "signal"), signal, "a signal that varies", f"{known} in advance; {cure}")


def _borders(ctx: Context, node: Node) -> None:
    levels, quantiles = node["levels"], node["quantiles"]
    if bool(levels) == bool(quantiles):
        value = "both" if levels else "(missing)"
        ctx.fault((*node.path, "levels"), value, "levels or quantiles, one of them", "e.g. quantiles = [0.5]")
        return
    key, borders = ("levels", levels) if levels else ("quantiles", quantiles)
    for i, (one, next_) in enumerate(pairwise(borders)):
        if not one < next_:
            allowed = f"above the one before it, {quantity(one)}"
            ctx.fault((*node.path, key, i + 1), next_, allowed, "list the borders from the lowest up, each once")
    for i, share in enumerate(quantiles):
        if not 0.0 < share < 1.0:
            ctx.fault((*node.path, key, i), share, "above 0 and below 1", "a band without scenarios tells nothing")


def _names(ctx: Context, node: Node) -> None:
    names, bands = node["names"], len(node["levels"] or node["quantiles"]) + 1
    if names and len(names) != bands:
        allowed = f"{bands} names, one for each band"
        ctx.fault((*node.path, "names"), f"{len(names)} names", allowed, "n borders make n + 1 bands")


def _order(ctx: Context, node: Node) -> None:
    """Dates one after the other."""
    time = ctx.time()
    last: int | None = None
    for review in _reviews(node):
        if review.values["at"] is BAD:
            continue
        at = review["at"]
        if last is not None and at < last:
            cure = "put the reviews in the order of their dates"
            ctx.fault((*review.path, "at"), time.label(at), f"{time.label(last)}, the date before it, or later", cure)
        last = at if last is None else max(last, at)


def _told_apart(ctx: Context, node: Node) -> None:
    """Each band's name once, and `only_if` naming one of an earlier review."""
    first: dict[str, int] = {}
    for i, review in enumerate(_reviews(node)):
        only_if = review.values["only_if"]
        if only_if is not None and only_if is not BAD and only_if not in first:
            known = ", ".join(first) or "there is no earlier review"
            cure = "name a band of a review before this one, or leave it out"
            ctx.fault((*review.path, "only_if"), only_if, f"a band of an earlier review: {known}", cure)
        for k, name in enumerate(_named(review, i)):
            if name in first:
                cure = f"review {first[name] + 1} has it already; rename one"
                ctx.fault((*review.path, "names", k), name, "a name that no other band has", cure)
            first.setdefault(name, i)


def _growth(ctx: Context, node: Node) -> None:
    """At most so many leaves: each is a plan of its own from its date on."""
    reviews = _reviews(node)
    built: list[Review] = []
    for review in reviews:
        if BAD in review.values.values():
            raise SkipError
        built.append(review.build())
    counts = leaves_after(built)
    over = next((i for i, count in enumerate(counts) if count > MOST_LEAVES), None)
    if over is None:
        return
    time = ctx.time()
    grown = [f"{time.label(review.at)}: {count:,}" for review, count in zip(built, counts, strict=False)]
    ctx.fault(
        (*reviews[over].path, "at"), f"{counts[over]:,} leaves",
        f"at most {MOST_LEAVES} leaves; after each review there are {', '.join(grown)}, and each has the columns and "
        "rows of a plan of its own from its date on",
        "take a review out, give it fewer levels, or let it apply to one band only (only_if)",
    )  # fmt: skip


def _reviews(node: Node) -> tuple[Node, ...]:
    reviews = node["review"]
    return tuple(reviews)


def _named(review: Node, number: int) -> tuple[str, ...]:
    if BAD in (review.values["names"], review.values["levels"], review.values["quantiles"]):
        return ()
    borders = review["levels"] or review["quantiles"]
    made: Review = Review(at=0, signal="", levels=borders, names=review["names"])
    return made.named(number)


CHECKS: dict[type, tuple[Callable[[Context, Node], None], ...]] = {
    Review: (_date, _signal, _borders, _names),
    Case: (_order, _told_apart, _growth),
}
