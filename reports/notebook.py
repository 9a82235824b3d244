"""Results in a notebook or a script: what `faces.py` asks for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UnknownName
from ..models.blocks.floors import with_floors
from ..models.reading.load import load_case
from ..models.reading.variants import apply_variant
from ..optimizer.comparison.compare import Comparison
from ..optimizer.frontiers.frontier import Frontier
from ..optimizer.plan import Plan
from .exits import UsageError
from .glyphs import UNICODE
from .results.comparisons import ComparisonKind
from .results.frontiers import FrontierKind
from .results.kind import Kind, encoded
from .results.plans import PlanKind

if TYPE_CHECKING:
    from ..models.schema.case import Case
    from .charts.chart import Drawing

KINDS: tuple[tuple[type, Kind[Any]], ...] = (
    (Plan, PlanKind()),
    (Comparison, ComparisonKind()),
    (Frontier, FrontierKind()),
)


def kind_of(found: object) -> Kind[Any]:
    """The kind of a result. TypeError where it is none."""
    for made, kind in KINDS:
        if isinstance(found, made):
            return kind
    raise TypeError(f"{type(found).__name__} is no plan, comparison or frontier")


def summary(found: object, width: int, full: bool) -> str:
    kind: Kind[Any] = PlanKind(full=True) if full and isinstance(found, Plan) else kind_of(found)
    return kind.draw(found, width, None, False, UNICODE)


def words(found: object) -> str:
    return f"<{type(found).__name__} {kind_of(found).gist(found)}>"


def report(found: object) -> str:
    from .html.page import html

    return html(kind_of(found).page(found))


def head(found: object) -> str:
    from .html.page import fragment

    return fragment(kind_of(found).page(found))


def save(found: object, folder: str | PathLike[str], tables: str) -> Path:
    from .files.case_files import case_files
    from .files.folder import publish, reserve
    from .files.manifest import MANIFEST, Run, copies, manifest
    from .files.tables import require_parquet

    kind = kind_of(found)
    if tables not in ("csv", "parquet"):
        raise UsageError(f"tables are csv or parquet, not {tables!r}")
    if tables == "parquet":
        require_parquet()
    case = kind.case(found)
    _written(case)
    place = reserve(fspath(folder), case.case.name)
    run = Run(argv=[], case_files=case_files(case), started=datetime.now(UTC), tables=tables)
    files = {name: make() for name, make in {**kind.files(found, tables), **copies(run.case_files)}.items()}
    texts = {name: encoded(make()) for name, make in kind.texts(found).items()}
    files |= texts
    return publish(place, {**files, MANIFEST: manifest(run, kind.about(found), files)})


def _written(case: Case) -> None:
    """UsageError where the file that the case was read from says something else than the case."""
    cure = "write it into a file and plan that"
    if not case.path:
        raise UsageError(f"the case was made in Python, so no run folder can hold it; {cure}")
    read = load_case(case.path)
    possible = (read, *(apply_variant(read, variant.id) for variant in read.variant))
    if all(case not in (one, with_floors(one)) for one in possible):
        raise UsageError(f"the case is not that of {case.path} any more, so no run folder can hold it; {cure}")


class Charts:
    """Charts of one result by name."""

    def __init__(self, found: dict[str, Callable[[], tuple[str, Drawing]]]) -> None:
        self._found = found

    def __dir__(self) -> list[str]:
        return sorted(self._found)

    def __getattr__(self, name: str) -> Callable[[], Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._found:
            raise AttributeError(str(UnknownName("chart", name, self._found)))  # so that hasattr works

        def chart() -> Any:
            title, drawing = self._found[name]()
            return drawing.chart(title)

        return chart

    def __repr__(self) -> str:
        return f"<Charts {', '.join(dir(self))}>"


def charts(found: object) -> Charts:
    """Those that the result has; AttributeError for any other."""
    if isinstance(found, Plan):
        from .charts.chart import drawings
        from .charts.registry import CHARTS

        return _named((chart.name, chart.title, drawing) for chart, drawing in drawings(CHARTS, found))
    if isinstance(found, Comparison):
        from .charts.variants import comparison_drawings

        return _named(comparison_drawings(found))
    if isinstance(found, Frontier):
        from .charts.frontiers import frontier_drawings

        return _named(frontier_drawings(found))
    raise TypeError(f"{type(found).__name__} is no plan, comparison or frontier")


def _named(found: Any) -> Charts:
    def given(title: str, drawing: Drawing) -> Callable[[], tuple[str, Drawing]]:
        return lambda: (title, drawing)

    return Charts({name: given(title, drawing) for name, title, drawing in found})
