"""The walk over the schema: raw tables in, `Node`s with checked values out, unknown and missing keys as faults."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from ..schema.aliases import FORMER_CHOICES, FORMER_KEYS, present_choice
from ..schema.case import Case
from ..schema.fields import Spec
from ..schema.financing import Instrument
from ..schema.horizon import Horizon
from ..schema.presets import PRESETS, filled
from . import values as v
from .context import BAD, Context, Node
from .dates import named
from .faults import MISSING, show
from .lines import KeyPath
from .series import read_series

MAX_ENTRIES = 5000
MAX_UNKNOWN = 100
_YEARS = (2010, 2070)
_LONGEST = 50

_CURRENCY = re.compile(r"(^|_)(currency|usd|eur|gbp|jpy|chf|cny|cad|aud)(_|$)")

_READERS: dict[str, Callable[[Context, Spec, Any, KeyPath], Any]] = {
    "text": v.read_text,
    "ident": v.read_ident,
    "idents": v.read_idents,
    "choice": v.read_choice,
    "several": v.read_several,
    "flag": v.read_flag,
    "number": v.read_number,
    "count": v.read_count,
    "years": v.read_years,
    "period": v.read_period,
    "series": read_series,
    "numbers": v.read_numbers,
    "matrix": v.read_matrix,
    "ref": v.read_ref,
    "refs": v.read_refs,
    "targets": v.read_targets,
    "overrides": v.read_overrides,
}


@cache
def specs(cls: type) -> dict[str, tuple[Spec, Any]]:
    """Spec and default (dataclasses.MISSING if required) of each key of a schema class that stands in the file.

    A key that is a word of Python has a field with an underscore behind it: `as` is read into `as_`.
    """
    return {
        field.name.removesuffix("_"): (field.metadata["spec"], field.default)
        for field in dataclasses.fields(cls)
        if "spec" in field.metadata
    }


def read_case(ctx: Context) -> None:
    """Read the whole case into `ctx.case`. Faults are collected in the context."""
    raw = ctx.document.raw
    _collect_names(ctx)
    ctx.horizon = _horizon(ctx, raw.get("horizon", MISSING))
    known = specs(Case)
    _unknown(ctx, raw, known, ())
    node = ctx.case = Node(Case, (), {})
    for name, (spec, default) in known.items():
        if name == "horizon":
            node.values[name] = ctx.horizon or BAD
        else:
            node.values[name] = _field(ctx, spec, default, raw, name, ())
    for table, names in ctx.names.items():
        entries = node.values.get(table)
        if isinstance(entries, tuple):
            ids = [entry.values.get("id") for entry in entries]
            ctx.nodes[table] = {
                i: e for i, e in zip(ids, entries, strict=True) if isinstance(i, str) and names.count(i) == 1
            }


def _collect_names(ctx: Context) -> None:
    """Ids of every array of tables, also of entries with faults, so that one mistake is not reported twice."""
    for name, (spec, _) in specs(Case).items():
        if spec.kind in ("tables", "union"):
            entries = ctx.document.raw.get(name)
            ids = [e.get("id") for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
            ctx.names[name] = [i for i in ids if isinstance(i, str)]
    drivers, columns = ctx.names["driver"], ctx.names["column"]
    ctx.names["price column"] = ["one", *drivers, *columns]


def _horizon(ctx: Context, raw: Any) -> Horizon | None:
    path: KeyPath = ("horizon",)
    spec = specs(Case)["horizon"][0]
    if raw is MISSING:
        _absent(ctx, spec, "horizon", ())
        return None
    if not isinstance(raw, dict):
        ctx.fault(path, raw, "a [horizon] table", "write [horizon] and its keys under it")
        return None
    raw = dict(raw)
    start = raw.get("start")
    if type(start) is datetime.date:
        raw["start"] = start.isoformat()
    node = read_table(ctx, Horizon, raw, path)
    if BAD in node.values.values():
        return None
    raw_start, step = node.values["start"], node.values["step"]
    try:
        found = named(raw_start, 4 if step == "quarter" else 12)
    except ValueError as error:
        ctx.fault((*path, "start"), raw_start, 'a period, as "2026Q4" or "2026-10"', str(error))
        return None
    # the label is what the horizon is computed from; any quarter or month serves to write it
    first = dataclasses.replace(node.build(), start="0000Q1" if step == "quarter" else "0000-01")
    node.values["start"] = first.label(found.number)
    if not found.begins:
        _amid(ctx, raw_start, first, found.number)
    horizon: Horizon = node.build()
    _unusual(ctx, raw_start, horizon)
    return horizon


def _unusual(ctx: Context, start: str, horizon: Horizon) -> None:
    """Doubts about a horizon in another century, or one of generations."""
    first, last = _YEARS
    if not first <= horizon.origin // horizon.per_year <= last:
        ctx.warn(("horizon", "start"), start, f"usual: a year from {first} to {last}", "check the year")
    years = horizon.periods * horizon.dt
    if years > _LONGEST:
        cure = f"it is counted in {'quarters' if horizon.step == 'quarter' else 'months'}"
        ctx.warn(("horizon", "periods"), horizon.periods, f"these are {years:g} years; usual: at most {_LONGEST}", cure)


def _amid(ctx: Context, start: str, first: Horizon, number: int) -> None:
    """The fault of a horizon that starts within a period."""
    before, after = first.label(number), first.label(number + 1)
    months = "January, April, July and October"
    fiscal = '; fiscal quarters that begin elsewhere need step = "month"' if first.step == "quarter" else ""
    begin = f"quarters begin in {months}" if first.step == "quarter" else "months begin on their first day"
    ctx.fault(
        ("horizon", "start"), start, f"the beginning of a {first.step}: {begin}",
        f'it lies within {before}: write "{before}" or "{after}"{fiscal}',
    )  # fmt: skip


def read_table(ctx: Context, cls: type, raw: dict[str, Any], path: KeyPath) -> Node:
    """Read one table by the fields of its class."""
    known, raw = specs(cls), _in_present_words(ctx, cls, raw, path)
    _unknown(ctx, raw, known, path)
    return Node(
        cls, path, {name: _field(ctx, spec, default, raw, name, path) for name, (spec, default) in known.items()}
    )


def _in_present_words(ctx: Context, cls: type, raw: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    """The raw table with former keys and choices replaced. A key that is given by both names is a fault."""
    if cls not in FORMER_KEYS and cls not in FORMER_CHOICES:
        return raw
    raw = dict(raw)
    table = ".".join(part for part in path if isinstance(part, str))
    for former, present in FORMER_KEYS.get(cls, {}).items():
        if former not in raw:
            continue
        value = raw.pop(former)
        if present in raw:
            ctx.fault((*path, former), value, f"one of {present} and its former name {former}", f"take {former} out")
            continue
        raw[present] = value
        ctx.written[(*path, present)] = former
        ctx.remark(f"{table}.{former} is read as {table}.{present}: the key has this name now")
    for name in FORMER_CHOICES.get(cls, {}):
        value = raw.get(name)
        if (now := present_choice(cls, name, value)) != value:
            raw[name] = now
            ctx.remark(f"{table}.{name} = {show(value)} is read as {show(now)}: the choice has this name now")
    return raw


def _field(ctx: Context, spec: Spec, default: Any, raw: dict[str, Any], name: str, path: KeyPath) -> Any:
    if name not in raw:
        if default is dataclasses.MISSING:
            _absent(ctx, spec, name, path)
            return BAD
        if spec.kind == "series" and default is not None:
            return (float(default),) * ctx.horizon.periods if ctx.horizon else BAD
        if spec.kind == "table" and default is not None and spec.cls is not None:
            return read_table(ctx, spec.cls, {}, (*path, name))
        return default
    here = (*path, name)
    if spec.kind == "table":
        return _sub_table(ctx, spec, raw[name], here)
    if spec.kind in ("tables", "union"):
        return _sub_tables(ctx, spec, raw[name], here)
    if spec.kind == "named":
        return _named_tables(ctx, spec, raw[name], here)
    return _READERS[spec.kind](ctx, spec, raw[name], here)


def _absent(ctx: Context, spec: Spec, name: str, path: KeyPath) -> None:
    here = (*path, name)
    if spec.kind == "table":
        ctx.fault(here, MISSING, f"a [{name}] table: {spec.meaning}", f"add [{name}]")
    elif spec.kind in ("tables", "union"):
        dotted = ".".join(part for part in here if isinstance(part, str))
        ctx.fault(here, MISSING, f"at least one [[{dotted}]]: {spec.meaning}", f"add [[{dotted}]]")
    else:
        unit = f", {spec.unit}" if spec.unit else ""
        ctx.fault(here, MISSING, f"{spec.meaning}{unit}", f"add {name} = …")


def _unknown(ctx: Context, raw: dict[str, Any], known: dict[str, Any], path: KeyPath) -> None:
    unknown = [key for key in raw if key not in known]
    if len(unknown) > MAX_UNKNOWN:
        more = f"{len(unknown) - MAX_UNKNOWN} more unknown keys"
        ctx.fault(path, more, f"the keys {', '.join(known)}", "is this a case?")
    for key in unknown[:MAX_UNKNOWN]:
        cure = v.nearest(key, known)
        if _CURRENCY.search(key.lower()):
            cure = "the currency is given once, as [case] currency; convert every amount to it" + (
                f"; {cure}" if cure else ""
            )
        ctx.fault((*path, key), raw[key], f"one of the keys {', '.join(known)}", cure or "take it out")


def _sub_table(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    assert spec.cls is not None
    if isinstance(raw, dict):
        return read_table(ctx, spec.cls, raw, path)
    cure = (
        f"write [{path[-1]}] in single brackets"
        if isinstance(raw, list)
        else f"write [{path[-1]}] and its keys under it"
    )
    ctx.fault(path, raw, f"one [{path[-1]}] table: {spec.meaning}", cure)
    return BAD


def _sub_tables(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    dotted = ".".join(part for part in path if isinstance(part, str))
    if not isinstance(raw, list) or not all(isinstance(entry, dict) for entry in raw):
        ctx.fault(
            path, raw, f"entries [[{dotted}]]: {spec.meaning}", f"write [[{dotted}]] in double brackets, once per entry"
        )
        return BAD
    if not spec.min_items <= len(raw) <= MAX_ENTRIES:
        ctx.fault(
            path,
            f"{len(raw)} entries",
            f"from {spec.min_items} to {MAX_ENTRIES} [[{dotted}]]",
            "add or take out entries",
        )
    nodes = [_entry(ctx, spec, entry, (*path, i)) for i, entry in enumerate(raw[:MAX_ENTRIES])]
    return tuple(node for node in nodes if node is not None)


def _named_tables(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    assert spec.cls is not None
    if not isinstance(raw, dict) or not all(isinstance(entry, dict) for entry in raw.values()):
        cure = f"write [{path[-1]}.NAME] in single brackets, once per name"
        ctx.fault(path, raw, f"tables [{path[-1]}.NAME]: {spec.meaning}", cure)
        return BAD
    nodes = []
    for name, entry in raw.items():
        if v.read_ident(ctx, spec, name, (*path, name)) is not BAD:
            node = read_table(ctx, spec.cls, entry, (*path, name))
            node.values["id"] = name
            nodes.append(node)
    return tuple(nodes)


def read_value(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    """One plain value (no table) by its spec, as the case's own would be read; BAD where it is at fault."""
    return _READERS[spec.kind](ctx, spec, raw, path)


def _entry(ctx: Context, spec: Spec, raw: dict[str, Any], path: KeyPath) -> Node | None:
    if spec.classes is None:
        assert spec.cls is not None
        if spec.cls is Instrument:
            return _instrument(ctx, raw, path)
        return read_table(ctx, spec.cls, raw, path)
    tag = raw.get(spec.tag, MISSING)
    if isinstance(tag, str) and tag in spec.classes:
        return read_table(ctx, spec.classes[tag], raw, path)
    ctx.fault((*path, spec.tag), tag, " | ".join(spec.classes), "" if tag is MISSING else v.nearest(tag, spec.classes))
    return None


def _instrument(ctx: Context, raw: dict[str, Any], path: KeyPath) -> Node | None:
    """An instrument with its preset's terms where it gives none. An unknown preset is its only fault."""
    name = raw.get("preset", "")
    if not isinstance(name, str) or (name != "" and name not in PRESETS):
        ctx.fault((*path, "preset"), name, " | ".join(PRESETS), v.nearest(name, PRESETS))
        return None
    return read_table(ctx, Instrument, filled(raw, ctx.horizon.per_year) if ctx.horizon and name else raw, path)
