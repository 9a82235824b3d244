"""What a plan says of the limits that a user has added: where it stands, and what they are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...models.own_limits import OwnLimit
from ...models.program import LinearProgram
from ..arrays import FloatArray
from ..reviews.tree import node_of
from ..table import Cell, Column, Table
from .names import NO, YES
from .review_names import NODE
from .scenario_names import OWN_LIMITS, OwnLimits
from .tabulate import long

KEPT = 1e-6  # of a limit's size: nearer than that it binds


def own_table(
    program: LinearProgram, own: Sequence[OwnLimit], columns: FloatArray, prices: FloatArray
) -> dict[str, Table]:
    """own_limits: each of them at the plan, with its shadow price; no table where there are none.

    prices: (rows,) change of the objective per unit more of each row's constant.
    """
    if not own:
        return {}
    rows: list[tuple[Cell, ...]] = []
    reached = program.matrix @ columns
    found: dict[str, list[tuple[int, str]]] = {limit.row: [] for limit in own}
    for i, index in enumerate(program.row_index):
        node, parts = node_of(index.parts)
        if (name := replace(index, parts=parts).name) in found:
            found[name].append((i, node))
    nodes = any(node for each in found.values() for _, node in each)
    for limit, i, node in [(one, *place) for one in own for place in found[one.row]]:
        value = float(reached[i])
        for sign, bound in _sides(limit):
            room = 0.0 if sign == "=" else bound - value if sign == "<=" else value - bound
            size = max(abs(bound), abs(value))
            binds = YES if room <= KEPT * size else NO
            price = float(prices[i]) if binds == YES or sign == "=" else 0.0
            cells = (limit.name, limit.period, sign, bound, value, room, binds, price, limit.unit)
            rows.append((*cells, node) if nodes else cells)
    forms = ("text", "text", "text", "number", "number", "number", "text", "number", "text")
    units = ("", "", "", "", "", "", "", f"{program.unit} per unit more of the bound", "")
    heads = tuple(Column(n, u, f) for n, u, f in zip(OwnLimits, units, forms, strict=True))
    heads = (*heads, Column(NODE)) if nodes else heads
    return {OWN_LIMITS: long(OWN_LIMITS, "Limits added by the user, at the plan", heads, rows)}


def _sides(limit: OwnLimit) -> list[tuple[str, float]]:
    if limit.lower == limit.upper:
        return [("=", limit.upper)]
    sides = [(">=", limit.lower), ("<=", limit.upper)]
    return [(sign, bound) for sign, bound in sides if np.isfinite(bound)]
