"""Labels of pandas on a program's arrays: aligned where they come in, put back on the answer. pandas is never imported.

An object of pandas can only be here if its owner has imported pandas, so it is looked up among the loaded modules.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .program import CvarProgram, CvarTerm

SHOWN = 5  # labels that a message names


def is_pandas(value: Any) -> bool:
    """Whether a value is a DataFrame or a Series."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame | pandas.Series)


class Axis:
    """The labels of one axis: of the decisions, the scenarios or the rows.

    The first labelled object decides the order; those that follow are brought into it. The index that pandas gives
    where its user gave none (0, 1, 2 …) is no label: such an object is read by position, unless the labels are whole
    numbers as well.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.index: Any = None
        self._owner = ""
        self._plain: Any = None

    def see(self, owner: str, index: Any) -> None:
        """Take note of an object's labels; the first ones become the axis's own."""
        if _plain(index):
            self._plain = index if self._plain is None else self._plain
        elif self.index is None:
            self.index, self._owner = index, owner

    @property
    def labels(self) -> Any:
        """The axis's labels; what pandas counted where there are no others; None where nothing came from pandas."""
        return self._plain if self.index is None else self.index

    def order(self, faults: list[str], owner: str, index: Any) -> Any:
        """Positions that bring an object's entries into the order of the axis; None where they are in it."""
        if self.index is None or index.equals(self.index):
            return None
        # beside labels that are whole numbers, a count is labels too
        if _plain(index) and getattr(self.index.dtype, "kind", "O") not in "iu":
            return None
        missing, unknown = self.index.difference(index, sort=False), index.difference(self.index, sort=False)
        if len(missing) or len(unknown):
            parts = [f"without {_listed(missing)}"] if len(missing) else []
            parts += [f"with {_listed(unknown)}"] if len(unknown) else []
            faults.append(f"{owner}: its {self.what} are not those of {self._owner}: {', '.join(parts)}")
            return None
        for name, labels in ((owner, index), (self._owner, self.index)):
            if not labels.is_unique:
                twice = labels[labels.duplicated()].unique()
                faults.append(f"{name}: {_listed(twice)} stand more than once among its {self.what}: name each once")
                return None
        return index.get_indexer(self.index)


def numbers(faults: list[str], owner: str, value: Any) -> Any:
    """The values of a DataFrame or Series as an array; a column that holds no numbers is a fault."""
    dtypes = list(value.dtypes.items()) if value.ndim == 2 else [(value.name, value.dtype)]
    wrong = [(name, dtype) for name, dtype in dtypes if getattr(dtype, "kind", "O") not in "fiub"]
    if wrong:
        name, dtype = wrong[0]
        faults.append(f"{owner}: {name!r} has the dtype {dtype}; it must be numbers")
        return np.zeros(value.shape)
    if all(dtype == np.float32 for _, dtype in dtypes):
        return value.to_numpy()
    return value.to_numpy(dtype=np.float64, na_value=np.nan)


def vector(faults: list[str], owner: str, value: Any, axis: Axis) -> Any:
    """A Series in the order of an axis, as an array; anything else as it is."""
    if not is_pandas(value):
        return value
    found = numbers(faults, owner, value)
    order = axis.order(faults, owner, value.index)
    return found if order is None else found[order]


def matrix(faults: list[str], owner: str, value: Any, rows: Axis, columns: Axis) -> Any:
    """A DataFrame in the order of two axes, as an array; anything else as it is."""
    if not is_pandas(value) or value.ndim != 2:
        return vector(faults, owner, value, columns)
    found = numbers(faults, owner, value)
    down, across = rows.order(faults, owner, value.index), columns.order(faults, owner, value.columns)
    found = found if down is None else found[down]
    return found if across is None else found[:, across]


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of the decisions and of the matrix's rows: an Index of pandas, or None."""

    columns: Any
    rows: Any

    def series(self, values: Any, index: Any, name: str) -> Any:
        """(n,) values as a Series; as they are where there is no index for them."""
        if index is None or values is None or len(index) != len(values):
            return values
        return sys.modules["pandas"].Series(np.asarray(values), index=index, name=name)


def unlabelled(program: CvarProgram) -> tuple[CvarProgram, Labels | None]:
    """The program in plain arrays, and its labels where something in it came from pandas.

    Raises:
        ValueError: names every object whose labels are not those of the others.
    """
    if "pandas" not in sys.modules or not isinstance(program.tails, list | tuple):
        return program, None
    tails = list(program.tails)
    if not all(isinstance(term, CvarTerm) for term in tails):
        return program, None  # what is wrong with them is for the check to say
    names = [f"tails[{i}]" + (f" '{t.name}'" if t.name else "") for i, t in enumerate(tails)]
    vectors = {name: getattr(program, name) for name in ("cost", "lower", "upper")}
    bounds = {name: getattr(program, name) for name in ("row_lower", "row_upper")}
    given = [*vectors.values(), *bounds.values(), program.matrix, program.quadratic, program.weights]
    given += [v for t in tails for v in (t.losses, t.offset)]
    if not any(is_pandas(value) for value in given):
        return program, None
    columns, scenarios, rows = Axis("columns"), Axis("scenarios"), Axis("rows")
    for name, term in zip(names, tails, strict=True):
        _see(f"{name}.losses", term.losses, scenarios, columns)
        _see(f"{name}.offset", term.offset, scenarios, None)
    _see("weights", program.weights, scenarios, None)
    for name, value in vectors.items():
        _see(name, value, columns, None)
    _see("matrix", program.matrix, rows, columns)
    _see("quadratic", program.quadratic, columns, columns)
    for name, value in bounds.items():
        _see(name, value, rows, None)
    faults: list[str] = []
    plain = replace(
        program,
        tails=tuple(
            replace(
                term,
                losses=matrix(faults, f"{name}.losses", term.losses, scenarios, columns),
                offset=vector(faults, f"{name}.offset", term.offset, scenarios),
            )
            for name, term in zip(names, tails, strict=True)
        ),
        **{name: vector(faults, name, value, columns) for name, value in vectors.items()},
        **{name: vector(faults, name, value, rows) for name, value in bounds.items()},
        matrix=matrix(faults, "matrix", program.matrix, rows, columns),
        quadratic=matrix(faults, "quadratic", program.quadratic, columns, columns),
        weights=vector(faults, "weights", program.weights, scenarios),
    )
    if faults:
        raise ValueError("the CVaR program has faults:\n  " + "\n  ".join(faults))
    return plain, Labels(columns.labels, rows.labels)


def _see(owner: str, value: Any, first: Axis, second: Axis | None) -> None:
    if is_pandas(value):
        first.see(owner, value.index)
        if second is not None and value.ndim == 2:
            second.see(owner, value.columns)


def _plain(index: Any) -> bool:
    """Whether an index only counts, as where none was given."""
    pandas = sys.modules["pandas"]
    return isinstance(index, pandas.RangeIndex) and index.start == 0 and index.step == 1


def _listed(labels: Sequence[Any]) -> str:
    shown = ", ".join(repr(_bare(label)) for label in labels[:SHOWN])
    return shown if len(labels) <= SHOWN else f"{shown} and {len(labels) - SHOWN} more"


def _bare(label: Any) -> Any:
    """A label as its user wrote it: a date without the name of its class."""
    return str(label) if hasattr(label, "isoformat") else label
