"""Charts of a workbook: native ones that refer to cells."""

from __future__ import annotations

from typing import Any

from .grid import FIRST, LABEL, PERIODS, TOTAL, Chart
from .looks import FONT, QUIET, RULE, SERIES
from .sources_uses import SOURCES

WIDTH, HEIGHT = 620, 360
THOUSAND = 1000.0
BAR, HEAD = 18, 90
"""Pixels of a bar, and of what stands around them."""
RIGHT = FIRST + 1
"""Column at which the right one of two charts begins."""


def draw(file: Any, page: Any, chart: Chart) -> None:
    """Draw a chart on a page."""
    kind = {"type": chart.shape}
    if chart.stacked:
        kind["subtype"] = "stacked"
    drawn = file.add_chart(kind)
    if chart.shape == "bar":
        _bars(drawn, chart)
    else:
        for number, (name, row) in enumerate(chart.rows):
            _series(drawn, chart, number, name, row)
    largest = max((abs(found.number) for _, row in chart.rows for found in row.cells), default=0.0)
    small = {"name": FONT, "size": 9, "color": QUIET}
    drawn.set_title({"name": chart.title, "name_font": {"name": FONT, "size": 12, "bold": True}, "overlay": False})
    along = {"num_font": small, "line": {"color": RULE}, "label_position": "low"}
    across = {
        "num_font": small,
        "num_format": "#,##0" if largest >= THOUSAND else "General",
        "line": {"none": True},
        "major_gridlines": {"visible": True, "line": {"color": "#E5E7EB"}},
    }
    across |= {"name": chart.unit, "name_font": {**small, "bold": False}}
    if chart.shape == "bar":
        drawn.set_y_axis(along | {"reverse": True, "interval_unit": 1})
        drawn.set_x_axis(across)
    else:
        drawn.set_x_axis(along)
        drawn.set_y_axis(across)
    if chart.shape == "bar" or len(chart.rows) == 1:
        drawn.set_legend({"none": True})
    else:
        drawn.set_legend({"position": "bottom", "font": small})
    drawn.set_size({"width": WIDTH, "height": max(HEIGHT, chart.shape == "bar" and BAR * len(chart.rows) + HEAD)})
    top, right = chart.place
    page.insert_chart(top, RIGHT if right else LABEL, drawn, {"object_position": 3})


def _series(drawn: Any, chart: Chart, number: int, name: str, row: Any) -> None:
    sheet, last = row.cells[0].spot.sheet, FIRST + len(row.at) - 1
    colour = SERIES[number % len(SERIES)]
    series: dict[str, Any] = {
        "name": name if chart.shape == "line" else [sheet, row.number, LABEL],
        "categories": [chart.sheet, PERIODS, FIRST, PERIODS, last],
        "values": [sheet, row.number, FIRST, row.number, last],
    }
    if chart.shape == "line":
        series["line"] = {"color": colour, "width": 2.0, **({"dash_type": "dash"} if number == 2 else {})}
    else:
        series |= {"fill": {"color": colour}, "border": {"none": True}, "gap": 60}
    drawn.add_series(series)


def _bars(drawn: Any, chart: Chart) -> None:
    rows = [row for _, row in chart.rows]
    sheet, first, last = rows[0].whole.spot.sheet, rows[0].number, rows[-1].number
    colours = [SERIES[0] if side == SOURCES else SERIES[1] for side, _ in chart.rows]
    drawn.add_series(
        {
            "name": chart.title,
            "categories": [sheet, first, LABEL, last, LABEL],
            "values": [sheet, first, TOTAL, last, TOTAL],
            "points": [{"fill": {"color": colour}, "border": {"none": True}} for colour in colours],
            "gap": 40,
        }
    )
