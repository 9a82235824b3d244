"""The linear program as plain arrays: what the models hand to the engine's solver."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]

_NAME = re.compile(r"([^\[]+)(?:\[(.*)\])?\Z")


@dataclass(frozen=True)
class Rule:
    """A family of rows (or of upper bounds) and how to talk about it.

    Attributes:
        name: prefix of the row names, e.g. "site_power".
        title: what it is, in the user's words, e.g. "power at a site".
        unit: unit of its right-hand side, e.g. "MW".
        per: amount of that unit for which shadow prices are quoted, e.g. 100.0.
        link: link of the compute chain ("power", "supply" …) or kind of limit on money ("depth", "collateral" …); ""
            for the rows that only keep accounts. models/blocks/rules.py lists both.
        identity: whether it holds the model together: no number of the case stands behind it that a user could change.
    """

    name: str
    title: str
    unit: str
    per: float = 1.0
    link: str = ""
    identity: bool = False


@dataclass(frozen=True)
class LinearProgram:
    """maximise or minimise c'x + offset, row_lower <= A x <= row_upper, col_lower <= x <= col_upper.

    Attributes:
        matrix: (rows, columns) sparse.
        cost: (columns,) primary objective; `maximise` says its sense.
        value: (columns,) secondary objective, always maximised: expected net present value, billion.
        decisions: (N,) column of each ledger decision, in ledger order.
        row_names: "rule[index]" per row. column_names likewise.
        rules: rule of each row-name prefix and of each column-bound prefix.
        unit: unit of the primary objective. scale of `cost` is that unit.
        bound_rules: per column, the name of the rule its upper bound stands for, or "".
    """

    matrix: csr_array
    cost: FloatArray
    offset: float
    maximise: bool
    value: FloatArray
    value_offset: float
    row_lower: FloatArray
    row_upper: FloatArray
    col_lower: FloatArray
    col_upper: FloatArray
    decisions: IntArray
    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    bound_rules: tuple[str, ...]
    rules: Mapping[str, Rule]
    name: str
    unit: str


def split(name: str) -> tuple[str, tuple[str, ...]]:
    """("site_power", ("texas", "2027Q1")) of "site_power[texas,2027Q1]"."""
    match = _NAME.match(name)
    if match is None:
        return name, ()
    return match[1], tuple(part.strip() for part in (match[2] or "").split(",") if part.strip())
