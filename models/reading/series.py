"""Series: one number, one per period, or a column of a table beside the case; always a tuple of length T."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..schema.fields import Spec
from .context import BAD, Context
from .csvtables import TableError, read_column
from .faults import CaseError, show
from .lines import KeyPath
from .values import allowed_range, in_range, not_a_number, period_number, read_number

_FORM = 'a number, a list with one per period, or {table = "file.csv", column = "name"}'


def read_series(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    """The series as a tuple of floats of length T; BAD where it, or the horizon, is at fault."""
    if isinstance(raw, dict):
        return _from_table(ctx, spec, raw, path)
    if isinstance(raw, list):
        return _from_list(ctx, spec, raw, path)
    value = read_number(ctx, spec, raw, path)
    if value is BAD or ctx.horizon is None:
        return BAD
    return (value,) * ctx.horizon.periods


def _from_list(ctx: Context, spec: Spec, raw: list[Any], path: KeyPath) -> Any:
    items = tuple(read_number(ctx, spec, item, (*path, i)) for i, item in enumerate(raw))
    if ctx.horizon is None:
        return BAD
    periods = ctx.horizon.periods
    if len(raw) != periods:
        ctx.fault(path, raw, f"{periods} numbers, one per period, {spec.unit}", f"{len(raw)} are given")
        return BAD
    return BAD if any(item is BAD for item in items) else items


def _from_table(ctx: Context, spec: Spec, raw: dict[str, Any], path: KeyPath) -> Any:
    if set(raw) != {"table", "column"} or not all(isinstance(v, str) for v in raw.values()):
        ctx.fault(path, raw, _FORM, "a table needs the two keys table and column, both text")
        return BAD
    try:
        table = ctx.tables.get(raw["table"])
    except TableError as error:
        ctx.fault((*path, "table"), raw["table"], error.allowed, error.cure)
        return BAD
    except CaseError as error:
        if not any(fault.file == raw["table"] for fault in ctx.faults):  # a table used twice is reported once
            ctx.faults.extend(replace(fault, key=ctx.key(path)) for fault in error.faults)
        return BAD
    horizon = ctx.horizon
    column = read_column(
        table, raw["column"].strip(), horizon.periods if horizon else None, ctx.key(path), _period_check(ctx)
    )
    good = True
    values: list[float] = []
    for cell in column:
        if not isinstance(cell, tuple):
            ctx.faults.append(cell)
            good = False
            continue
        line, value, text = cell
        if value is None:
            shown = text.strip().lower()
            wrong = "the cell is empty: give a number, 0 if none" if not shown else "give a plain number, e.g. 0.08"
            wrong = (
                "there is no missing value: give a number" if shown in ("na", "n/a", "nan", "null", "none") else wrong
            )
        else:
            wrong = not_a_number(value) or ("" if in_range(value, spec) else spec.cure or "out of range")
        if wrong:
            ctx.fault(path, text, allowed_range(spec), wrong, file=table.file, line=line)
            good = False
        values.append(value or 0.0)
    return tuple(values) if good and horizon is not None else BAD


def _period_check(ctx: Context) -> Callable[[int, str], str]:
    """Check of a table's `period` column: what must stand in row `i`, or "" if it does."""

    def check(i: int, text: str) -> str:
        if ctx.horizon is None:
            return ""
        try:
            right = period_number(text.strip(), ctx.horizon.per_year) == ctx.horizon.origin + i
        except ValueError:
            right = False
        return "" if right else show(ctx.horizon.label(i))

    return check
