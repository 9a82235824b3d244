"""Limits that a user's functions add to a case: from the functions to rows as data, and what the plan says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..models.own_handle import Handle
from ..models.own_limits import OwnLimit
from ..models.program import LinearProgram
from .plan import Cell, Column, Table
from .tabulate import long

if TYPE_CHECKING:
    from ..models.build import Declared

FloatArray = NDArray[np.float64]

KEPT = 1e-6  # of a limit's size: nearer than that it binds


@dataclass(frozen=True)
class PyomoRows:
    """Limits that are written in Pyomo: `write` adds linear Constraint objects to the model that it is given.

    >>> capmix.optimize(case, constraints=capmix.PyomoRows(write))
    """

    write: Callable[[Any], object]


Constraints = Callable[[Handle], object] | PyomoRows | Sequence[Callable[[Handle], object] | PyomoRows]
"""One function that returns rows over the amounts of a `Handle`, one that is written in Pyomo, or several of them."""


def own_limits(constraints: Constraints | None, said: Callable[[], Declared]) -> tuple[OwnLimit, ...]:
    """The limits that a user's functions add. said: what the blocks declare; it is asked for only where there are any.

    Raises:
        UnknownName: a function asks for an amount that is not there.
        OwnLimitError: what it returns or adds is no linear row.
    """
    if constraints is None:
        return ()
    declared = said()
    handle = Handle(declared.assembly)
    return handle.limits(list(_returned(constraints, declared, handle)))


def _returned(constraints: Constraints, declared: Declared, handle: Handle) -> Iterator[object]:
    if isinstance(constraints, PyomoRows):
        from ..models.pyomo_model import rows_written

        yield rows_written(declared, constraints.write)
    elif callable(constraints):
        yield constraints(handle)
    else:
        for one in constraints:
            yield from _returned(one, declared, handle)


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
    for limit in own:
        i = program.rows[limit.row]
        value = float(reached[i])
        for sign, bound in _sides(limit):
            room = 0.0 if sign == "=" else bound - value if sign == "<=" else value - bound
            size = max(abs(bound), abs(value))
            binds = "yes" if room <= KEPT * size else "no"
            price = float(prices[i]) if binds == "yes" or sign == "=" else 0.0
            rows.append((limit.name, limit.period, sign, bound, value, room, binds, price, limit.unit))
    names = ("limit", "period", "sign", "bound", "plan", "room", "binds", "price", "unit")
    forms = ("text", "text", "text", "number", "number", "number", "text", "number", "text")
    units = ("", "", "", "", "", "", "", f"{program.unit} per unit more of the bound", "")
    heads = tuple(Column(n, u, f) for n, u, f in zip(names, units, forms, strict=True))
    return {"own_limits": long("own_limits", "Limits added by the user, at the plan", heads, rows)}


def _sides(limit: OwnLimit) -> list[tuple[str, float]]:
    if limit.lower == limit.upper:
        return [("=", limit.upper)]
    sides = [(">=", limit.lower), ("<=", limit.upper)]
    return [(sign, bound) for sign, bound in sides if np.isfinite(bound)]
