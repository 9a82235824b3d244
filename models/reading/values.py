"""One reader per kind of field: raw TOML value in, checked value out, BAD and a fault where it is none."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from ..schema.fields import Spec
from ..schema.usual import PER_DOLLAR
from .context import BAD, Context
from .dates import named
from .faults import foreign, quantity, show
from .lines import KeyPath

LARGEST = 1e12
SMALLEST = 1e-12
NOTHING = 1e-9  # of a unit: no money, rate, share or power is meant so small, and solvers stumble over it
MAX_TEXT = 2000
TAKEN = "taken as"  # begins a doubt about what was written, which the value no longer shows
MAX_IDENT = 64

_IDENT = re.compile(r"[a-z][A-Za-z0-9_-]*", re.ASCII)
_TARGET = re.compile(r"[a-z][A-Za-z0-9_-]*(\.([a-z][A-Za-z0-9_-]*|\*))?", re.ASCII)
_ROUNDING = 5e-3  # of a period, so that 1.667 years are 20 months


def allowed_range(spec: Spec) -> str:
    """The range of a numeric field in words, e.g. "above 0 and at most 100, per year"."""
    low = (
        f"at least {quantity(spec.ge)}"
        if spec.ge is not None
        else f"above {quantity(spec.gt)}"
        if spec.gt is not None
        else ""
    )
    high = (
        f"at most {quantity(spec.le)}"
        if spec.le is not None
        else f"below {quantity(spec.lt)}"
        if spec.lt is not None
        else ""
    )
    if spec.ge is not None and spec.le is not None:
        words = f"from {quantity(spec.ge)} to {quantity(spec.le)}" if spec.ge < spec.le else quantity(spec.ge)
    else:
        words = " and ".join(part for part in (low, high) if part)
    if spec.kind == "count":
        words = f"a whole number {words}".rstrip()
    return ", ".join(part for part in (words or "a number", spec.unit) if part)


def in_range(value: float, spec: Spec) -> bool:
    return (
        (spec.ge is None or value >= spec.ge)
        and (spec.gt is None or value > spec.gt)
        and (spec.le is None or value <= spec.le)
        and (spec.lt is None or value < spec.lt)
    )


def not_a_number(raw: Any) -> str:
    """Why `raw` cannot be a number and what to do, or "" if it can."""
    if isinstance(raw, bool):
        return "true and false are not numbers"
    if isinstance(raw, str):
        try:
            float(raw)
        except ValueError:
            return "give a number: no quotes, no unit, no % sign, no thousands separator"
        return f"text is not a number: leave out the quotes, {raw.strip()}"
    if isinstance(raw, int):
        return "more digits than any quantity has; check the unit" if abs(raw) > LARGEST else ""
    if not isinstance(raw, float):
        return "give a number"
    if math.isnan(raw):
        return "nan is not a number: give the figure, or leave the key out if it is optional"
    if abs(raw) > LARGEST:
        return f"larger than {LARGEST:g} is never meant; check the unit"
    if 0 < abs(raw) < SMALLEST:
        return f"closer to 0 than {SMALLEST:g} is never meant; write 0 or check the unit"
    return ""


def read_number(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    if wrong := not_a_number(raw):
        ctx.fault(path, raw, allowed_range(spec), wrong)
        return BAD
    if not in_range(raw, spec):
        ctx.fault(path, raw, allowed_range(spec), out_of_range(ctx, spec, raw))
        return BAD
    return near_zero(ctx, spec, float(raw), path, raw)


def near_zero(ctx: Context, spec: Spec, value: float, path: KeyPath, raw: Any, item: int | None = None) -> float:
    """`value`, or 0 for what is closer to 0 than any figure is meant to be, with a doubt where it matters."""
    if not 0 < abs(value) < NOTHING:
        return value
    if spec.kind == "matrix":  # rounding of an estimate
        return 0.0
    if not in_range(0.0, spec):
        ctx.warn(path, raw, f"closer to 0 than {NOTHING:g} is hardly meant", f"check the unit, {spec.unit}", item=item)
        return value
    ctx.warn(
        path, raw, f"{TAKEN} 0: closer to 0 than {NOTHING:g} is hardly meant", "write 0 or check the unit", item=item
    )
    return 0.0


def out_of_range(ctx: Context, spec: Spec, value: float) -> str:
    """The cure for a value outside its range: the field's own, and what may have been meant."""
    meant = likely(spec, value, money_scale(ctx))
    return "; ".join(part for part in (spec.cure, f"did you mean {meant}" if meant else "") if part)


def likely(spec: Spec, value: float, scale: float | None) -> str:
    """The value in the field's own unit if another unit explains it, with that unit; "" if none does."""
    usual = spec.usual
    if usual is None or (usual.money and scale is None):
        return ""
    times = (scale or 1.0) if usual.money else 1.0
    for factor, unit in usual.slips:
        right = value * factor
        if value != 0 and usual.low * times <= right <= usual.high * times and in_range(right, spec):
            return f"{quantity(float(f'{right:.6g}'))}? It seems to be given {unit}"
    return ""


def money_scale(ctx: Context) -> float | None:
    """Rough worth of a US dollar in the case's currency; None where it is not known."""
    heading = ctx.document.raw.get("case")
    code = ctx.currency or (heading.get("currency", "USD") if isinstance(heading, dict) else None)
    return PER_DOLLAR.get(code) if isinstance(code, str) else None


def read_count(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    cure = ""
    if isinstance(raw, float) and math.isfinite(raw) and abs(raw) < LARGEST:
        cure = f"write {int(raw)}" if raw == int(raw) else "only whole units can be counted"
    elif isinstance(raw, bool) or not isinstance(raw, int):
        cure = not_a_number(raw) or "give a whole number"
    elif spec.le is None and abs(raw) > LARGEST:
        cure = not_a_number(raw)
    elif in_range(raw, spec):
        return raw
    else:
        cure = out_of_range(ctx, spec, raw) if abs(raw) <= LARGEST else spec.cure
    ctx.fault(path, raw, allowed_range(spec), cure)
    return BAD


def read_years(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    years = read_number(ctx, spec, raw, path)
    if years is BAD or ctx.horizon is None:
        return BAD
    per_year = ctx.horizon.per_year
    whole = round(years * per_year)
    if abs(years * per_year - whole) > _ROUNDING or whole < 1:
        near = max(whole, 1) / per_year
        ctx.fault(path, raw, allowed_range(spec), f"a period is 1/{per_year} year; the nearest is {quantity(near)}")
        return BAD
    return whole


def text_fault(raw: Any, limit: int = MAX_TEXT) -> str:
    """Why `raw` cannot be shown safely as one line of text, or ""."""
    if not isinstance(raw, str):
        return "give text in quotes"
    if len(raw) > limit:
        return f"{len(raw)} characters; shorten it to {limit}"
    if "\n" in raw or "\r" in raw:
        return "put it on one line"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in raw):
        return "take out control characters, escape sequences and invisible marks"
    if raw.lstrip()[:1] in ("=", "+", "-", "@"):
        return "spreadsheets would run it as a formula; begin with a letter or a digit"
    return ""


def read_text(ctx: Context, _spec: Spec, raw: Any, path: KeyPath) -> Any:
    if wrong := text_fault(raw):
        ctx.fault(path, raw, "one line of text, not beginning with = + - @", wrong)
        return BAD
    return raw


def read_ident(ctx: Context, _spec: Spec, raw: Any, path: KeyPath) -> Any:
    if not isinstance(raw, str) or len(raw) > MAX_IDENT or not _IDENT.fullmatch(raw):
        cure = text_fault(raw, MAX_IDENT) or foreign(raw)
        if not cure:
            near = re.sub(r"[^a-z0-9_-]+", "_", raw.lower()).strip("_-")
            cure = f"write {show(near)}" if _IDENT.fullmatch(near) else ""
        ctx.fault(path, raw, f"a lower-case letter, then letters, digits, _ or -, at most {MAX_IDENT} characters", cure)
        return BAD
    return raw


def read_idents(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    return _list(ctx, spec, raw, path, read_ident, "names")


def read_choice(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    if isinstance(raw, str) and raw in spec.choices:
        return raw
    ctx.fault(path, raw, " | ".join(c for c in spec.choices if c), nearest(raw, spec.choices))
    return BAD


def read_several(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    return _list(ctx, spec, raw, path, read_choice, "words")


def read_flag(ctx: Context, _spec: Spec, raw: Any, path: KeyPath) -> Any:
    if isinstance(raw, bool):
        return raw
    ctx.fault(path, raw, "true | false", "without quotes")
    return BAD


def read_ref(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    """An id that must exist. Forward references are fine: the names of all tables are collected first."""
    names = ctx.names.get("price column" if spec.ref == "column" else spec.ref, [])
    if isinstance(raw, str) and raw in names:
        return raw
    if spec.ref == "driver" and isinstance(raw, str) and (raw == "one" or raw in ctx.names["column"]):
        own = raw in ctx.names["column"] and path[0] == "column"
        cure = "a column made of columns could run in a cycle; " if own else ""
        ctx.fault(path, raw, "id of a driver", f"{show(raw)} is a price column; {cure}name the drivers themselves")
        return BAD
    article = "an" if spec.ref[:1] in "aeiou" else "a"
    known = ", ".join(show(name)[1:-1] for name in names[:12]) + (", …" if len(names) > 12 else "")
    ctx.fault(
        path,
        raw,
        f"id of {article} {spec.ref}: {known or 'none is given'}",
        nearest(raw, names) or f"add {article} [[{spec.ref}]] with this id",
    )
    return BAD


def read_refs(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    return _list(ctx, spec, raw, path, read_ref, f"ids of {spec.ref}s")


def read_targets(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    """Ids that may carry their table; whether they exist is checked with the whole case."""
    return _list(ctx, spec, raw, path, _read_target, "ids")


def _read_target(ctx: Context, _spec: Spec, raw: Any, path: KeyPath) -> Any:
    if isinstance(raw, str) and _TARGET.fullmatch(raw):
        return raw
    allowed = 'an id, a table and an id ("investor.banks"), or all of a table ("instrument.*")'
    ctx.fault(path, raw, allowed, "" if isinstance(raw, str) else "give text in quotes")
    return BAD


def read_overrides(ctx: Context, _spec: Spec, raw: Any, path: KeyPath) -> Any:
    """Pairs of path and raw value; whether they fit is checked with the whole case."""
    if isinstance(raw, dict) and raw:
        return tuple(raw.items())
    ctx.fault(path, raw, 'values by path, as { "circularity.cap" = 0.1 }', "give at least one, or leave it out")
    return BAD


def read_numbers(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    return _list(ctx, spec, raw, path, read_number, "numbers")


def read_matrix(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    return _list(ctx, spec, raw, path, read_numbers, "rows, each a list of numbers")


def _list(ctx: Context, spec: Spec, raw: Any, path: KeyPath, read: Callable[..., Any], what: str) -> Any:
    if not isinstance(raw, list):
        ctx.fault(path, raw, f"a list of {what}", "put it in [ ]")
        return BAD
    most = spec.max_items
    if len(raw) < spec.min_items or (most is not None and len(raw) > most):
        exactly = (
            f"{most}"
            if most == spec.min_items
            else f"at least {spec.min_items}" + (f", at most {most}" if most else "")
        )
        ctx.fault(path, raw, f"a list of {what}: {exactly} of them", f"{len(raw)} are given")
        return BAD
    items = tuple(read(ctx, spec, item, (*path, i)) for i, item in enumerate(raw))
    return BAD if any(item is BAD for item in items) else items


def read_period(ctx: Context, spec: Spec, raw: Any, path: KeyPath) -> Any:
    """The period as an index from the start. A date amid a period that opens or closes a time is doubtful."""
    if ctx.horizon is None:
        return BAD
    try:
        found = named(raw, ctx.horizon.per_year)
    except ValueError as error:
        ctx.fault(path, raw, spec.unit, str(error))
        return BAD
    index = found.number - ctx.horizon.origin
    if spec.edge and not (found.begins or (spec.edge == "last" and found.ends)):
        label, first = ctx.horizon.label, spec.edge == "first"
        here, beside = label(index), label(index + 1 if first else index - 1)
        doubt = f"{TAKEN} {here}, in which it lies and which it does not {'begin' if first else 'end'}"
        ctx.warn(path, raw, doubt, f'write "{here}" or "{beside}"')
    return index


def nearest(raw: Any, names: Any) -> str:
    """ "did you mean …?" for a misspelt name, or ""."""
    if not isinstance(raw, str):
        return "give text in quotes"
    plain = {n.lower(): n for n in names if n}
    near = difflib.get_close_matches(raw[:MAX_IDENT].lower(), list(plain), n=1, cutoff=0.6)
    odd = foreign(raw[:MAX_IDENT])
    meant = f"did you mean {show(plain[near[0]])}?" if near else ""
    return "; ".join(part for part in (odd, meant) if part)
