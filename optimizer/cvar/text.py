"""A CVaR program's answer in words: one line, or a few lines to read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .solve import CvarResult

LARGEST = 10  # amounts that the text shows
MESSAGES = 5


def line(result: CvarResult) -> str:
    """One line: how it ended, the objective, its gap, and what it took."""
    if result.x is None:
        return f"<CvarResult {result.status.value}: no point, {result.seconds:.2g} s>"
    return (
        f"<CvarResult {result.status.value}: objective {result.objective:.8g}, gap {result.gap:.1e}, "
        f"{len(result.x)} columns, {result.engine}, {result.seconds:.2g} s>"
    )


def text(result: CvarResult) -> str:
    """A few lines: the certificate, each term, the largest amounts and the messages."""
    lines = [f"status     {result.status.value} ({result.engine}, {result.seconds:.2g} s)"]
    if result.x is not None:
        lines.append(f"objective  {result.objective:.8g}")
    if math.isfinite(result.lower):
        lines.append(f"proven     not below {result.lower:.8g}, gap {result.gap:.1e}")
    if result.x is not None:
        for m, (cvar, var) in enumerate(zip(result.cvar, result.var, strict=True)):
            lines.append(f"{f'term {m}':10} CVaR {cvar:.6g}, VaR {var:.6g}")
        lines += largest("x", result.x)
    return "\n".join([*lines, *remarks(result.messages)])


def largest(title: str, values: Any) -> list[str]:
    """The largest entries of a vector, in size, by label or position."""
    labels: Iterable[Any] = getattr(values, "index", None) if hasattr(values, "iloc") else range(len(values))  # type: ignore[assignment]
    pairs = [(str(label), float(value)) for label, value in zip(labels, np.asarray(values), strict=True) if value]
    pairs.sort(key=lambda pair: -abs(pair[1]))
    out = [f"{title:10} {len(pairs)} of {len(values)} not zero"]
    out += [f"  {label[:24]:24} {value:.6g}" for label, value in pairs[:LARGEST]]
    if len(pairs) > LARGEST:
        out.append(f"  and {len(pairs) - LARGEST} smaller ones")
    return out


def remarks(messages: Sequence[str]) -> list[str]:
    """Messages, the first few."""
    out = [f"note       {message}" for message in messages[:MESSAGES]]
    return out + ([f"and {len(messages) - MESSAGES} more notes"] if len(messages) > MESSAGES else [])
