"""Series: one number, one per period, or a column of a table beside the case; always a tuple of length T."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..schema.fields import Spec
from .context import BAD, Context
from .csvtables import Cell, TableError, read_column
from .faults import CaseError, Fault
from .lines import KeyPath
from .period_column import looks_dated, period_check
from .values import allowed_range, in_range, near_zero, not_a_number, out_of_range, read_number

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
    column: Sequence[Cell | Fault] = read_column(
        table,
        raw["column"].strip(),
        horizon.periods if horizon else None,
        ctx.key(path),
        period_check(ctx, table),
        looks_dated(ctx),
    )
    good = True
    values: list[float] = []
    lines = tuple(cell[0] for cell in column if isinstance(cell, tuple))
    ctx.cells[path] = (table.file, lines)
    for i, cell in enumerate(column):
        if not isinstance(cell, tuple):
            ctx.faults.append(cell)
            good = False
            continue
        line, value, text = cell
        if value is None:
            wrong = table.dialect.cure(text)
        else:
            wrong = not_a_number(value) or (
                "" if in_range(value, spec) else out_of_range(ctx, spec, value) or "out of range"
            )
        if wrong:
            ctx.fault(path, text, allowed_range(spec), wrong, file=table.file, line=line)
            good = False
        values.append(0.0 if value is None or wrong else near_zero(ctx, spec, value, path, text, i))
    if good and table.dialect.foreign:
        ctx.remark(f"{table.file} is read with {table.dialect}")
    if good and table.periods(looks_dated(ctx), raw["column"].strip()) is None:
        ctx.remark(f"{table.file} names no periods: its rows are taken in their order")
    return tuple(values) if good and horizon is not None else BAD
