"""The priority waterfall: pools pay claims step by step, what is left moves on. The definition, in NumPy.

Nothing here knows what a claim or a pool is. A step either pays its members out of one pool, each the same share of
what it is still due, or in full where the pool holds enough; or it moves what is left of a pool into another; or both,
in this order. Not convex in what is due: see docs/mathematics-loss.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .tables import FloatArray, IntArray


@dataclass(frozen=True)
class Waterfall:
    """Steps in the order in which they are taken.

    Attributes:
        claims, pools: how many of each.
        source: (N,) pool that pays in each step.
        target: (N,) pool that takes what the step leaves in its source, or -1.
        start: (N + 1,) members of step n are member[start[n]:start[n + 1]].
        member: (M,) claims.
    """

    claims: int
    pools: int
    source: IntArray
    target: IntArray
    start: IntArray
    member: IntArray


Distribute = Callable[[Waterfall, FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


def waterfall(claims: int, pools: int, steps: Sequence[tuple[int, Sequence[int], int]]) -> Waterfall:
    """A checked table from steps (source, members, target). ValueError where a number is out of range."""
    sizes = [len(members) for _, members, _ in steps]
    table = Waterfall(
        claims,
        pools,
        np.array([source for source, _, _ in steps], dtype=np.int32),
        np.array([target for _, _, target in steps], dtype=np.int32),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
        np.array([k for _, members, _ in steps for k in members], dtype=np.int32),
    )
    check_waterfall(table)
    return table


def check_waterfall(table: Waterfall) -> None:
    """ValueError unless all numbers of the table lie within its claims and pools."""
    n = table.source.shape[0]
    if table.target.shape != (n,) or table.start.shape != (n + 1,):
        raise ValueError(f"target and start must fit the {n} steps of source")
    if n and not (table.source.min() >= 0 and table.source.max() < table.pools):
        raise ValueError(f"the source of a step must lie in 0..{table.pools - 1}")
    if n and not (table.target.min() >= -1 and table.target.max() < table.pools):
        raise ValueError(f"the target of a step must lie in -1..{table.pools - 1}")
    if n and (table.source == table.target).any():
        raise ValueError("a step moves what is left into another pool than its source")
    if table.start[0] != 0 or (np.diff(table.start) < 0).any() or table.start[-1] != table.member.shape[0]:
        raise ValueError(f"start must rise from 0 to the {table.member.shape[0]} members")
    if table.member.size and not (table.member.min() >= 0 and table.member.max() < table.claims):
        raise ValueError(f"a member must lie in 0..{table.claims - 1}")


def check_amounts(table: Waterfall, due: FloatArray, pools: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Copies of what is due and of the pools. ValueError unless they fit the table, are finite and not negative."""
    n = due.shape[0]
    if due.shape != (n, table.claims) or pools.shape != (n, table.pools):
        raise ValueError(f"due {due.shape} and pools {pools.shape} must be (n, {table.claims}) and (n, {table.pools})")
    for name, values in (("due", due), ("pools", pools)):
        if not (np.isfinite(values).all() and (values >= 0.0).all()):
            raise ValueError(f"{name} must be finite and not negative")
    return np.array(due, dtype=np.float64, order="C"), np.array(pools, dtype=np.float64, order="C")


def distribute(table: Waterfall, due: FloatArray, pools: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(n, claims) what stays unpaid of each claim, and (n, pools) what stays in each pool, per scenario.

    Args:
        due: (n, claims) amounts, not negative.
        pools: (n, pools) values, not negative.

    Every step keeps sum(unpaid) - sum(pools), so what claims lose is what they are due less what the pools gave.
    """
    unpaid, held = check_amounts(table, due, pools)
    for step in range(table.source.shape[0]):
        source, target = int(table.source[step]), int(table.target[step])
        members = table.member[table.start[step] : table.start[step + 1]]
        asked = np.zeros(unpaid.shape[0])
        for k in members:
            asked += unpaid[:, k]
        pool = held[:, source]
        short = asked > pool
        share = np.where(short, pool / np.where(short, asked, 1.0), 1.0)
        for k in members:
            unpaid[:, k] = np.where(short, unpaid[:, k] - unpaid[:, k] * share, 0.0)
        held[:, source] = np.where(short, 0.0, pool - asked)
        if target >= 0:
            held[:, target] += held[:, source]
            held[:, source] = 0.0
    return unpaid, held
