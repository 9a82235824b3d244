"""A report as one page that needs nothing else: figures with a sentence and their numbers, tables, and text.

What it looks like stands in `page.html.j2` and `page.css`; everything from a case passes through the template's
escaping. The pictures are SVG made here, so that the page runs no script and asks nobody for anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module, resources
from typing import Any

from ...optimizer.table import TOTAL, Table
from ..charts.chart import Drawing
from ..charts.pictures import PictureError, pictures
from ..text import figure, fixed, percent, safe

SCALE = 1.2  # of a picture on a wide page
WIDE = 10  # columns of a table that is printed across the page
MOST_ROWS = 400  # of a table in the page; the run folder has them all


@dataclass(frozen=True)
class Grid:
    """A table as text: heads with units, rows, and for each column whether it is of numbers.

    left_out: rows that the page does not show.
    """

    title: str
    heads: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    left_out: int = 0

    @property
    def wide(self) -> bool:
        return len(self.heads) > WIDE


@dataclass(frozen=True)
class Figure:
    """A picture with its title, unit, a sentence of reading and its numbers. chart: as Altair has it."""

    anchor: str
    title: str
    unit: str
    sentence: str
    chart: Any
    grid: Grid


@dataclass(frozen=True)
class Part:
    """A part of the page: a heading, sentences, figures, tables that are open, and tables that fold away on screen but
    not on paper."""

    anchor: str
    title: str
    sentences: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    grids: tuple[Grid, ...] = ()
    folded: tuple[Grid, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()
    drawing: tuple[str, ...] = ()  # lines of text as they stand in the terminal

    @property
    def empty(self) -> bool:
        return not (self.sentences or self.figures or self.grids or self.folded or self.terms or self.drawing)


@dataclass(frozen=True)
class Page:
    """The whole report. tone: of the status, good | warn | bad. facts: (what, figure, remark)."""

    title: str
    subtitle: str
    status: str
    tone: str
    facts: tuple[tuple[str, str, str], ...]
    lead: tuple[str, ...]
    parts: tuple[Part, ...]
    foot: tuple[str, ...] = field(default=())


def html(page: Page) -> str:
    """The page as one HTML document in UTF-8, with its style inside."""
    jinja: Any = import_module("jinja2")
    here = resources.files(__package__)
    environment = jinja.Environment(
        autoescape=True, undefined=jinja.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((here / "page.html.j2").read_text(encoding="utf-8"))
    style = (here / "page.css").read_text(encoding="utf-8")
    parts = [part for part in page.parts if not part.empty]
    svg, why = _pictures([shown for part in parts for shown in part.figures])
    style = import_module("markupsafe").Markup(style)
    return str(template.render(page=page, parts=parts, style=style, svg=svg, why=why))


def fragment(page: Page) -> str:
    """The head of the page for a notebook, in the notebook's style: title, status, facts, what must be known first."""
    escape: Any = import_module("markupsafe").escape
    lines = [f"<p><strong>{escape(page.title)}</strong> &middot; {escape(page.status)}<br>{escape(page.subtitle)}</p>"]
    if page.facts:
        cells = "".join(
            f"<tr><th style='text-align:left'>{escape(what)}</th><td>{escape(value)}</td><td>{escape(remark)}</td></tr>"
            for what, value, remark in page.facts
        )
        lines.append(f"<table>{cells}</table>")
    if page.lead:
        lines.append("<ul>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in page.lead) + "</ul>")
    return "<div>" + "".join(lines) + "</div>"


def _pictures(figures: Sequence[Figure]) -> tuple[dict[str, Any], str]:
    """The SVG of each figure by its anchor; none, and why, where this machine cannot draw."""
    try:
        found = pictures([shown.chart for shown in figures])
    except PictureError as error:
        return {}, str(error)
    return {shown.anchor: _svg(shown, picture) for shown, picture in zip(figures, found, strict=True)}, ""


def _svg(shown: Figure, picture: str) -> Any:
    """The picture for the page: as wide as there is room, and told to who cannot see it."""
    markup: Any = import_module("markupsafe")
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', picture)
    if size is None:
        raise ValueError(f"the picture {shown.anchor} has no size")
    label = markup.escape(f"{shown.title}. {shown.sentence}")
    head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" viewBox="{size[0][9:-1]}" '
    head += f'style="width:{SCALE * float(size[1]):.0f}px">'
    return markup.Markup(head + picture[picture.index(">") + 1 :])


def figure_of(name: str, title: str, drawing: Drawing) -> Figure:
    """A chart for the page."""
    return Figure(name, title, drawing.unit, drawing.sentence, drawing.chart(), grid(drawing.numbers))


def grid(table: Table, title: str = "", most: int = MOST_ROWS) -> Grid:
    """A table of the engine as text."""
    heads = tuple((safe(column.name), safe(column.unit)) for column in table.columns)
    shared = {unit for (_, unit) in heads if unit}
    if len(shared) == 1 and len(table.columns) > 4:  # one unit for all columns stands in the title
        heads = tuple((name, "") for name, _ in heads)
        unit = f", {shared.pop()}"
    else:
        unit = ""
    forms = [column.form for column in table.columns]
    rows = [tuple(_cell(form, value) for form, value in zip(forms, row, strict=True)) for row in table.rows[:most]]
    numeric = tuple(form != "text" for form in forms)
    left_out = max(0, len(table.rows) - most)
    return Grid((title or safe(table.title)) + unit, heads, tuple(rows), numeric, left_out)


def plain(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool] = ()) -> Grid:
    """A table of text."""
    marks = tuple(numeric) or (False,) * len(heads)
    return Grid(title, tuple((head, "") for head in heads), tuple(tuple(map(safe, row)) for row in rows), marks)


def _cell(form: str, value: object) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, str) or form == "text":
        return safe(value)
    number = float(str(value))
    if form == "money":
        return fixed(number, 3 if abs(number) < 10.0 else 2)
    if form == "share":
        return percent(number)
    if form == "rate":
        return percent(number, 2)
    if form == "count":
        return f"{number:,.0f}"
    return figure(number)


def is_total(row: Sequence[str]) -> bool:
    """Whether a row sums the others."""
    return TOTAL in row[:2]
