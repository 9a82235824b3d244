"""Limits that a user's functions add to a case: from the functions to rows as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...models.own_handle import Handle
from ...models.own_limits import OwnLimit

if TYPE_CHECKING:
    from ...models.build import Declared


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
        from ...models.pyomo_model import rows_written

        yield rows_written(declared, constraints.write)
    elif callable(constraints):
        yield constraints(handle)
    else:
        for one in constraints:
            yield from _returned(one, declared, handle)
