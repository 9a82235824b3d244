"""From a solution to what a run folder keeps of it, and back: amounts by name, so that no order is relied on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...models.own_limits import OwnLimit
from ...models.program import LinearProgram
from ..arrays import FloatArray
from ..cutting_planes.solution import Solution
from ..plan import Bounded, Evidence
from .covenants import StepPrice


def evidence(
    program: LinearProgram,
    solution: Solution,
    steps: Mapping[str, StepPrice] | None = None,
    own: Sequence[OwnLimit] = (),
    without: Sequence[Bounded] = (),
) -> Evidence | None:
    """All that the figures of a solution follow from; None without a plan."""
    if solution.columns is None:
        return None
    return Evidence(
        columns=_named(program.column_names, solution.columns),
        row_prices=_named(program.row_names, solution.row_prices),
        bound_prices=_named(program.column_names, solution.bound_prices),
        steps={covenant: (step.cost, step.how) for covenant, step in (steps or {}).items()},
        own=tuple(own),
        without=tuple(without),
    )


def _named(names: Sequence[str], amounts: FloatArray) -> dict[str, float]:
    return {name: amount for name, amount in zip(names, amounts.tolist(), strict=True) if amount != 0.0}


def in_order(names: Sequence[str], amounts: Mapping[str, float]) -> tuple[FloatArray, list[str]]:
    """(names,) amounts, 0 where there is none; and what is amount of nothing."""
    known = set(names)
    strangers = [name for name in amounts if name not in known]
    return np.array([amounts.get(name, 0.0) for name in names], dtype=np.float64), strangers
