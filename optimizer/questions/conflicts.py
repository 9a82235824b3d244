"""Which limits of the user's own cannot be kept together, each set as small as it can be, and what would do.

Irreducible infeasible sets by a deletion filter over whole limits (Chinneck 2008, Feasibility and Infeasibility in
Optimization, ch. 6, https://doi.org/10.1007/978-0-387-74932-7): what is left over cannot be kept together, and without
any one of it the rest can. A single limit that nobody could keep is looked for first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .inquiry import Inquiry, Least
from .limits import COVENANT, KINDS, OBLIGATION, OPENING_CASH, OWN_LIMIT, Limit

CONFLICTS = 5  # at most so many are told
RANK = dict.fromkeys(KINDS, 0) | {OBLIGATION: 1, OPENING_CASH: 2}
OTHERS = 0.5  # a covenant is named first unless another limit has to move by less than this share of its move


@dataclass(frozen=True)
class Conflict:
    """Limits that cannot be kept together, the one to look at first in front.

    alone: by how much each has to be relaxed if no other limit is, but for `aside`; None where that is not enough, no
    entry where it has not been asked.
    aside: limits of the other conflicts, none of them in this one, which are relaxed as well.
    """

    limits: tuple[Limit, ...]
    alone: Mapping[Limit, Least | None] = field(default_factory=dict)
    aside: tuple[Limit, ...] = ()


def find_conflicts(inquiry: Inquiry, limits: Sequence[Limit], found: list[Conflict]) -> None:
    """Put into `found` all conflicts but those that share the limit in front of another; none where the limits are not
    to blame. Each is there as soon as it is known, its moves one by one.

    What has been signed or is paid anyway is looked at only where the other limits are not to blame, and cash at the
    start only where that is not either.
    """
    if not inquiry.plan_exists(limits):
        return
    ranks = [[limit for limit in limits if RANK[limit.kind] == rank] for rank in sorted(set(RANK.values()))]
    aside: list[Limit] = []
    while len(found) < CONFLICTS and not inquiry.plan_exists(aside):
        out = list(aside)
        for rank in ranks:
            if inquiry.plan_exists([*out, *rank]):
                break
            out += rank
        members = irreducible(inquiry, [limit for limit in rank if limit not in aside], out)
        found.append(Conflict(members))
        aside.append(members[0])
    for number, conflict in enumerate(found):
        others = tuple(other for k, other in enumerate(aside) if k != number and other not in conflict.limits)
        alone: dict[Limit, Least | None] = {}
        for limit in conflict.limits:
            alone[limit] = inquiry.least({limit: limit.size}, others)
            found[number] = Conflict(conflict.limits, dict(alone), others)
        found[number] = Conflict(tuple(_ordered(conflict.limits, alone)), alone, others)


def irreducible(inquiry: Inquiry, among: Sequence[Limit], aside: Sequence[Limit]) -> tuple[Limit, ...]:
    """Of these limits, which have no plan where the others do not count: a set that needs each of its members."""
    risks = [limit for limit in among if limit.risks and not limit.rules]
    if not inquiry.plan_exists([*aside, *risks]):
        among = [limit for limit in among if limit not in risks]  # the rows alone have no plan
        single = among
    else:
        single = [limit for limit in among if limit.risks]
    for one in single:
        if not inquiry.plan_exists([*aside, *(limit for limit in among if limit is not one)]):
            return (one,)
    out = list(aside)
    kept = list(among)
    for one in reversed(among):
        if not inquiry.plan_exists([*out, one]):
            out.append(one)
            kept.remove(one)
    return tuple(kept)


def _ordered(members: Sequence[Limit], alone: Mapping[Limit, Least | None]) -> list[Limit]:
    """The smallest move first, as a share of the limit's size; the user's added limits before all, a covenant before
    another limit unless that has to move by much less. What no move is enough for comes last.
    """

    def move(limit: Limit) -> float:
        least = alone[limit]
        return math.inf if least is None else least.value

    order = sorted(members, key=lambda m: (m.kind != OWN_LIMIT, move(m), KINDS.index(m.kind)))
    covenants = [limit for limit in order if limit.kind == COVENANT and math.isfinite(move(limit))]
    if covenants and order[0].kind not in (OWN_LIMIT, COVENANT) and move(order[0]) >= OTHERS * move(covenants[0]):
        order.remove(covenants[0])
        order.insert(0, covenants[0])
    return order


def together(inquiry: Inquiry, conflicts: Sequence[Conflict]) -> Mapping[Limit, Least] | None:
    """By how much all limits of the conflicts must be relaxed at once, as multiples of their sizes."""
    scales: dict[Limit, float] = {}
    for conflict in conflicts:
        for limit in conflict.limits:
            least = conflict.alone[limit]
            share = 1.0 if least is None else least.value
            scales[limit] = max(scales.get(limit, 0.0), min(share * limit.size, limit.most))
    if len(scales) == 1:
        only = next(iter(scales))
        least = conflicts[0].alone[only]
        return None if least is None else {only: least}
    found = inquiry.least(scales)
    if found is None:
        return None
    return {
        limit: Least(found.value * scale / limit.size, found.bound * scale / limit.size)
        for limit, scale in scales.items()
    }
