"""The column of a table that names its rows' periods: the horizon's, in order, one row each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..schema.horizon import Horizon
from .context import Context
from .csvtables import CsvTable
from .dates import UNKNOWN, Named, named
from .dialects import COMMA, POINT, Row
from .faults import show

Wrong = tuple[int, str, str, str]
"""Line, value, what is allowed, and the cure."""


def looks_dated(ctx: Context) -> Callable[[str], bool]:
    """Whether a cell looks like a period: it is one, or is refused for its form only. A number never does."""
    per_year = ctx.horizon.per_year if ctx.horizon else 4

    def looks(cell: str) -> bool:
        text = cell.strip()
        if POINT.fullmatch(text) or COMMA.fullmatch(text):
            return False
        try:
            named(text, per_year)
        except ValueError as error:
            return str(error) != UNKNOWN
        return True

    return looks


def period_check(ctx: Context, table: CsvTable) -> Callable[[list[Row]], list[Wrong]]:
    """What is wrong with rows of one cell, their period; forms other than a case's own are remarked on."""

    def check(rows: list[Row]) -> list[Wrong]:
        if ctx.horizon is None:
            return []
        found, wrong = _read(ctx.horizon, rows)
        wrong = wrong or _order(ctx.horizon, rows, [one.number - ctx.horizon.origin for one in found])
        rewritten = next((i for i, one in enumerate(found) if one.rewritten), None)
        if not wrong and rewritten is not None:
            shown = show(rows[rewritten][1][0])
            ctx.remark(f"{table.file}: periods written as {shown} are read as {ctx.horizon.label(rewritten)}")
        return wrong

    return check


def _read(horizon: Horizon, rows: Sequence[Row]) -> tuple[list[Named], list[Wrong]]:
    found: list[Named] = []
    wrong: list[Wrong] = []
    for i, (line, (cell,)) in enumerate(rows):
        right = show(horizon.label(i)) if i < horizon.periods else "no further row"
        try:
            one = named(cell.strip(), horizon.per_year)
        except ValueError as error:
            wrong.append((line, show(cell), right, str(error)))
            continue
        found.append(one)
        if not (one.begins or one.ends):
            label = horizon.label(one.number - horizon.origin)
            cure = f"it lies within {label} and neither begins nor ends it: write the period, {label}"
            wrong.append((line, show(cell), right, cure))
    return found, wrong


def _order(horizon: Horizon, rows: Sequence[Row], numbers: Sequence[int]) -> list[Wrong]:
    """Rows that are not the horizon's periods in order; one fault where one cure is enough."""
    periods, label = horizon.periods, horizon.label
    span = f"from {label(0)} to {label(periods - 1)}"
    ahead = {number - i for i, number in enumerate(numbers)}
    if len(ahead) == 1 and ahead != {0}:
        shift = ahead.pop()
        cure = f"the rows are {abs(shift)} periods too {'late' if shift > 0 else 'early'}: give those {span}"
        return [(rows[0][0], show(rows[0][1][0]), show(label(0)), cure)]
    if set(range(periods)) < set(numbers) and list(numbers) == sorted(set(numbers)):
        extra = next(i for i, number in enumerate(numbers) if not 0 <= number < periods)
        allowed = f"{periods} rows, one per period"
        return [(rows[extra][0], f"{len(rows)} rows", allowed, f"keep the rows {span}, take the others out")]
    wrong: list[Wrong] = []
    for i, number in enumerate(numbers):
        if number == i:
            continue
        if number in numbers[:i]:
            cure = f"{label(number)} is already in line {rows[numbers.index(number)][0]}: give each period once"
        elif not 0 <= number < periods:
            cure = f"{label(number)} lies outside the horizon, {span}: take the row out"
        elif i in numbers or i >= periods:
            cure = "put the rows in the order of the periods"
        else:
            cure = f"the row of {label(i)} is missing: add it"
        right = show(label(i)) if i < periods else "no further row"
        wrong.append((rows[i][0], show(rows[i][1][0]), right, cure))
    return wrong
