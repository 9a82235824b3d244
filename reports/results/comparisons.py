"""A comparison as a result: its run folder with that of each variant inside, its summary and its report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..exits import Exit, of_several
from ..glyphs import UNICODE
from ..outputs import SUMMARY
from .kind import SUMMARY_WIDTH, Kind, Makers, Texts
from .plans import PlanKind

if TYPE_CHECKING:
    from pathlib import Path

    from ...models.schema.case import Case
    from ...optimizer.comparison.compare import Comparison
    from ...optimizer.plan import Plan
    from ..files.manifest import About
    from ..glyphs import Glyphs
    from ..html.page import Page

COMPARE_SCHEMA = 2


class ComparisonKind(Kind["Comparison"]):
    """Comparisons."""

    name = "compare"
    suffix = "-compare"

    def case(self, found: Comparison) -> Case:
        return found.case

    def files(self, found: Comparison, tables: str) -> Makers:
        from ..files.document import encode
        from ..files.manifest import makers, table_makers

        files = {
            "compare.json": lambda: encode(comparison_document(found, tables)),
            **table_makers(found.tables, tables),
        }
        for name, plan in found.plans.items():
            files |= makers(plan, tables, f"variants/{name}/")
        return files

    def texts(self, found: Comparison, width: int = SUMMARY_WIDTH) -> Texts:
        def drawn(plan: Plan) -> Callable[[], str]:
            return lambda: PlanKind(full=True).draw(plan, width, None, False, UNICODE)

        variants = {f"variants/{name}/{SUMMARY}": drawn(plan) for name, plan in found.plans.items()}
        return {**super().texts(found, width), **variants}

    def page(self, found: Comparison) -> Page:
        from ..html.comparison_page import comparison_page

        return comparison_page(found)

    def about(self, found: Comparison) -> About:
        from ..files.manifest import About, together

        first = next(iter(found.plans.values()))
        return About(
            kind=self.name,
            case=found.case,
            exit_code=exit_code(found),
            scenarios=first.scenarios.count,
            seed=first.scenarios.seed,
            device=first.device,
            timings=together((plan.timings for plan in found.plans.values()), found.total_s),
            versions=first.versions,
        )

    def draw(self, found: Comparison, width: int, folder: Path | None, colour: bool, glyphs: Glyphs) -> str:
        from ..summary.side_by_side import render_comparison

        return render_comparison(found, width, folder, colour, glyphs)

    def gist(self, found: Comparison) -> str:
        return f"{found.case.case.name}: " + ", ".join(f"{n} {p.status.value}" for n, p in found.plans.items())

    def outcome(self, found: Comparison) -> Exit:
        return exit_code(found)


def exit_code(found: Comparison) -> Exit:
    """That of all variants together; an interrupted comparison lacks some."""
    return of_several((plan.status.value for plan in found.plans.values()), whole=not found.missing)


def comparison_document(found: Comparison, extension: str = "csv") -> dict[str, Any]:
    """compare.json as plain JSON values: every table's rows, and per variant what plan.json says in short."""
    from ..files.document import number, records, version

    heading, first = found.case.case, next(iter(found.plans.values()))
    return {
        "schema_version": COMPARE_SCHEMA,
        "capmix_version": version(),
        "exit_code": int(exit_code(found)),
        "case": {
            "name": heading.name,
            "title": heading.title,
            "currency": heading.currency,
            "sha256": found.case.sha256,
        },
        "scenarios": {"count": first.scenarios.count, "seed": first.scenarios.seed},
        "reference": found.reference or None,
        "milestones": [number(mark) for mark in found.milestones],
        "total_s": number(found.total_s),
        "missing": list(found.missing),
        "variants": [
            {
                "name": name,
                "title": one.title,
                "status": one.plan.status.value,
                "plan": f"variants/{name}/plan.json",
                "total_s": number(one.plan.timings.total_s),
                "solves": one.plan.passes.solves,
            }
            for name, one in found.outcomes.items()
        ],
        "tables": {name: records(table) for name, table in found.tables.items()},
        "files": [f"tables/{name}.{extension}" for name in found.tables],
    }
