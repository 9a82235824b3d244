"""Text and numbers as people read them: safe names, fixed units, no false precision."""

from __future__ import annotations

import math
import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def safe(value: object) -> str:
    """`value` on one line with everything invisible spelt out, so that no name can move the cursor or hide text."""
    text = str(value)
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(c: str) -> str:
    kind = unicodedata.category(c)
    if kind == "Zs":
        return " "
    return c.encode("unicode_escape").decode("ascii") if kind in _HIDDEN else c


def money(billions: float | None, decimals: int = 2) -> str:
    """Billions with two decimals; a dot for nothing, so that a table's zeros do not shout."""
    return fixed(billions, decimals)


def fixed(value: float | None, decimals: int) -> str:
    if value is None or not math.isfinite(value):
        return "–"
    if abs(value) < 0.5 * 10.0**-decimals:
        return "·"
    return f"{value:,.{decimals}f}"


def figure(value: float | None, digits: int = 4) -> str:
    """`digits` significant digits with thousands separators; 1,234,567 stays whole."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0.0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size < -4:
        return f"{value:.{digits - 1}e}"
    return f"{value:,.{max(0, digits - 1 - size)}f}"


def percent(share: float | None, decimals: int = 1) -> str:
    return "–" if share is None or not math.isfinite(share) else f"{100.0 * share:.{decimals}f}%"


def part(amount: float, whole: float) -> float:
    """`amount` as a share of `whole`; not a number where there is nothing to be a part of."""
    return amount / whole if whole > 0.0 else math.nan


def level(share: float) -> str:
    """A confidence level without needless digits: 95%, 99.5%."""
    return f"{100.0 * share:.6g}%"


def gap(relative: float) -> str:
    """A relative gap: 3.4e-06, or 0 where the bounds meet to the rounding of numbers."""
    return "0" if abs(relative) < 1e-14 else f"{relative:.1e}"


def seconds(value: float) -> str:
    """Durations: 0.21 s, 11.4 s, 3 min 05 s, 2 h 07 min."""
    if not math.isfinite(value):
        return "–"
    if value < 9.995:
        return f"{value:.2f} s"
    if value < 99.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: float) -> str:
    """Bytes in powers of 1000: 640 MB, 1.28 GB."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}" if count < 999.5 * factor else f"{count / factor:,.0f} {unit}"
    return f"{count:.0f} bytes"


def plural(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def shorten(text: str, width: int) -> str:
    """At most `width` characters, the end cut with an ellipsis."""
    return text if len(text) <= width else text[: max(1, width - 1)].rstrip() + "…"
