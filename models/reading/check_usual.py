"""Usual ranges: what the schema says is usual, and the driver's own where its use decides; outside them a doubt."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from ..schema.fields import Spec, Usual
from .context import BAD, Context, Node
from .faults import quantity
from .values import likely, money_scale
from .walk import specs

_DOLLARS = 3
"""So many amounts that would be usual in dollars say that they are in dollars."""


def usual_ranges(ctx: Context, case: Node) -> None:
    """Doubts about every value outside of its field's usual range; one about the currency where that explains many."""
    scale = money_scale(ctx)
    in_dollars: list[tuple[Node, str, Any, int | None]] = []
    for node in case.walk():
        for name, spec, usual in _ranged(node.cls):
            if usual.money and scale is None:
                continue
            times = scale if usual.money and scale is not None else 1.0
            value, item = furthest(_numbers(ctx, spec, node.values.get(name, BAD)), usual, times)
            if value is None:
                continue
            if usual.money and times != 1.0 and furthest([value], usual, 1.0)[0] is None:
                in_dollars.append((node, name, value, item))
                continue
            say(ctx, node, name, spec, value, item)
    if len(in_dollars) >= _DOLLARS:
        code = case.values["case"].values["currency"]
        shown = ", ".join(dict.fromkeys(name for _, name, _, _ in in_dollars))
        ctx.warn(
            ("case", "currency"), code, f"the amounts look like US dollars: {shown}",
            f'write currency = "USD", or every amount in {code}',
        )  # fmt: skip
        return
    for node, name, value, item in in_dollars:
        say(ctx, node, name, specs(node.cls)[name][0], value, item)


@cache
def _ranged(cls: type) -> tuple[tuple[str, Spec, Usual], ...]:
    return tuple((name, spec, spec.usual) for name, (spec, _) in specs(cls).items() if spec.usual is not None)


def say(ctx: Context, node: Node, name: str, spec: Spec, value: float, item: int | None = None) -> None:
    """A doubt about the value of a field, with its usual range and what may have been meant."""
    assert spec.usual is not None
    scale = money_scale(ctx) if spec.usual.money else 1.0
    meant = likely(spec, value, scale)
    unit = "years" if spec.kind == "years" else spec.unit
    words = f"usual: {usual_words(spec.usual, scale or 1.0)}{', ' + unit if unit else ''} ({spec.usual.why})"
    ctx.warn((*node.path, name), value, words, f"did you mean {meant}" if meant else "", item=item)


def usual_words(usual: Usual, scale: float = 1.0) -> str:
    """The range in words."""
    return f"{quantity(float(f'{usual.low * scale:.4g}'))} to {quantity(float(f'{usual.high * scale:.4g}'))}"


def furthest(values: list[float], usual: Usual, times: float) -> tuple[float | None, int | None]:
    """The value furthest outside of the range, and its place; (None, None) if all lie inside. 0 never lies outside."""
    low, high = usual.low * times, usual.high * times
    slack = 1e-9 * max(abs(low), abs(high))
    top, bottom = max(values, default=0.0), min((v for v in values if v != 0), default=0.0)
    if top > high + slack and top != 0:
        return top, values.index(top)
    if bottom < low - slack and bottom != 0:
        return bottom, values.index(bottom)
    positive = min((v for v in values if v > 0), default=0.0)
    if low > 0 and 0 < positive < low - slack:
        return positive, values.index(positive)
    return None, None


def _numbers(ctx: Context, spec: Spec, value: Any) -> list[float]:
    """A field's figures in the unit in which they are written; none where it is left out or at fault."""
    values = value if isinstance(value, tuple) else () if value is None or value is BAD else (value,)
    per_year = ctx.horizon.per_year if spec.kind == "years" and ctx.horizon else 1
    return [v / per_year for v in _flat(values) if isinstance(v, (int, float)) and not isinstance(v, bool)]


def _flat(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, tuple):
            yield from value
        else:
            yield value
