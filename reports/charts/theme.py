"""How every chart looks: colours that read on light and on dark paper, sizes, axes of periods and amounts."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

INK, QUIET, LINE, PAPER = "#1c2733", "#5f6c79", "#d8dee4", "#fffffe"
"""Text, quiet text, lines of the grid, and the page. In the page each is a variable: see `pictures.py`."""
SERIES = (
    "#3b6fb6", "#e08a2e", "#3a9a6b", "#b4518f", "#7a67c7", "#c9b037", "#4aa8c0", "#a8543c", "#7f8f3a", "#d3728a",
    "#5b7f95", "#9a7b4f",
)  # fmt: skip
"""Colours of series, in order: told apart by people who do not see red from green, 3:1 on both papers."""
REST = "#8a949e"
WARN = "#c8442f"
GOOD = "#3a9a6b"
WIDTH = 600  # points of the plot with its axes; the page scales it down, never up past its own width
MOST = 10  # series that a legend can hold
OTHER = "other"
TICKS = 8

VARIABLES = {INK: "var(--ink)", QUIET: "var(--quiet)", LINE: "var(--line)", PAPER: "var(--paper)"}


def altair() -> Any:
    """The library, loaded when the first chart is drawn."""
    return import_module("altair")


def dressed(chart: Any) -> Any:
    """A chart in the project's clothes: what Altair draws in a notebook, and what the page shows."""
    axis = {
        "labelColor": QUIET, "titleColor": QUIET, "gridColor": LINE, "domainColor": LINE, "tickColor": LINE,
        "labelFontSize": 13, "titleFontSize": 13, "titleFontWeight": "normal", "labelFontWeight": "normal",
    }  # fmt: skip
    words = {"labelColor": INK, "titleColor": QUIET, "labelFontSize": 13, "titleFontSize": 13}
    return chart.configure(
        background="transparent",
        font="Arial, Liberation Sans, Helvetica, sans-serif",  # all as wide as what the layout is measured with
        padding={"left": 40, "right": 16, "top": 5, "bottom": 5},
        axis=axis,
        legend={
            **words,
            "orient": "bottom",
            "title": None,
            "columns": 2,
            "labelLimit": 205,
            "symbolType": "square",
            "columnPadding": 24,
        },
        header={**words, "labelFontWeight": "bold", "labelLimit": 200},
        view={"stroke": None},
        range={"category": list(SERIES)},
        text={"color": INK},
    )


def colours(names: Sequence[str]) -> Any:
    """A scale that gives every name its colour, in their order; `other` is grey."""
    shades = [REST if name == OTHER else SERIES[i % len(SERIES)] for i, name in enumerate(names)]
    return altair().Scale(domain=list(names), range=shades)


def periods(labels: Sequence[str], field: str = "period") -> Any:
    """The horizontal axis of periods, in their order; a tick at each year's first, or at some of many."""
    firsts = [label for i, label in enumerate(labels) if i == 0 or label[:4] != labels[i - 1][:4]]
    if len(firsts) > 1 and len(labels) > len(firsts):
        firsts = firsts[1:] if len([x for x in labels if x[:4] == labels[0][:4]]) < 2 else firsts
    step = -(-len(firsts) // (2 * TICKS))
    shown = firsts[::step]
    whole = all(len(label) == 4 for label in labels) or len(firsts) > 2
    text = "substring(datum.value, 0, 4)" if whole else "datum.value"
    return altair().X(
        f"{field}:O",
        scale=altair().Scale(domain=list(labels)),  # periods without data too
        axis=altair().Axis(title=None, values=shown, labelExpr=text, labelAngle=0, grid=False),
    )


def amounts(field: str, title: str, **more: Any) -> Any:
    """The vertical axis of amounts: its unit stands at its head."""
    axis = altair().Axis(
        title=title,
        titleAngle=0,
        titleAlign="left",
        titleAnchor="end",
        titleX=-42,
        titleY=-12,
        tickCount=6,
        domain=False,
    )
    return altair().Y(f"{field}:Q", axis=axis, **more)
