"""How cells look: number formats, colours and widths, by the kind of a figure and whether it is entered."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .grid import LABEL, OPENING, SIGN, TOTAL, UNIT, Look

ENTERED, QUIET, DARK, BAND, RULE, RED = "#1F4FB4", "#6B7280", "#12355B", "#E8EDF4", "#9AA5B5", "#B42318"
SERIES = ("#12355B", "#E07A1F", "#2A9D8F", "#8E5EA2", "#C9A227", "#6B7280", "#B42318", "#5FA8D3", "#4F772D", "#D4A5A5")
FONT = "Calibri"
WIDTHS: Mapping[int, float] = {LABEL: 46, UNIT: 15, SIGN: 3, TOTAL: 12, OPENING: 9}
PERIOD_WIDTH = 9.0
LINES: Mapping[str, float] = {"label": 60.0, "unit": 20.0}
"""Letters in a line of texts that have something beside them, in the columns of labels and units."""
BOLD = 1.2
"""Letters that a bold one takes the room of."""
LINE = 14.0
"""Points of a line of text."""

_NUMBERS: Mapping[str, str] = {
    "count": "[>=1000]#,##0;[=0]–;#,##0.0",
    "share": "0.0%;-0.0%;–",
    "rate": "0.00%;-0.00%;–",
    "ratio": "0.00x;-0.00x;–",
    "number": "[>=1000]#,##0;[<=-1000]-#,##0;0.0#####",
    "multiple": "#,##0.00x;-#,##0.00x;0.00x",
    "level": "#,##0.00;-#,##0.00;0.00",
    "whole": "#,##0",
    "year": "0",
    "factor": "0.0000",
    "gap": "0.0E+00",
    "tolerance": "0.0E+00",
    "flag": "0",
}


def money_format(largest: float) -> str:
    """Decimals by the size of the amounts."""
    decimals = 4 if largest < 1.0 else 3 if largest < 20.0 else 2 if largest < 200.0 else 1
    number = f"#,##0.{'0' * decimals}"
    return f"{number};-{number};–"


def properties(look: Look, money: str) -> dict[str, Any]:
    """Properties of a cell's format, as XlsxWriter takes them."""
    found: dict[str, Any] = {"font_name": FONT, "font_size": 10, "valign": "vcenter"}
    if look.kind == "money":
        found["num_format"] = money
    elif look.kind in _NUMBERS:
        found["num_format"] = _NUMBERS[look.kind]
    if look.entered:
        found["font_color"] = ENTERED
    if look.strong:
        found |= {"bold": True, "top": 1, "top_color": RULE}
    if look.kind in LINES:
        found["text_wrap"] = True
    return found | _OWN.get(look.kind, {})


def lines(look: Look, text: str) -> int:
    """How many lines a text takes in its column."""
    wide = BOLD * len(text) if look.strong else len(text)
    return 1 if look.kind not in LINES else max(1, math.ceil(wide / LINES[look.kind]))


_OWN: Mapping[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 16, "font_color": DARK},
    "subtitle": {"font_color": QUIET},
    "heading": {"bold": True, "font_color": DARK, "bottom": 1, "bottom_color": RULE},
    "head": {"bold": True, "bg_color": BAND, "font_color": DARK, "align": "right"},
    "head left": {"bold": True, "bg_color": BAND, "font_color": DARK},
    "period": {"bold": True, "bg_color": BAND, "align": "right"},
    "count of periods": {"bg_color": BAND, "align": "right", "num_format": "0"},
    "head number": {"bg_color": BAND, "font_color": QUIET, "align": "right", "num_format": "0"},
    "note": {},
    "unit": {"font_color": QUIET},
    "text": {"align": "left"},
    "verdict": {"align": "left", "bold": True},
    "link": {"font_color": ENTERED, "underline": 1},
}
