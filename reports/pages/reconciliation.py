"""One figure for one thing: each total as plan.json, the summary, the report and the workbook show it.

`python -m capmix.reports.pages.reconciliation` plans a shipped case and writes docs/reconciliation.md.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

from .read_outputs import Shown
from .totals import Found, reconciled

CASE, SCENARIOS = "hyperscaler", 2_000

HEAD = """# Reconciliation

What is told twice is the same figure. For the shipped case `{case}` over {scenarios:,} scenarios (seed 1), each total
below was read from the text of the four files of the run folder: `plan.json` with its tables, `summary.txt`,
`report.html` and `report.xlsx` (the results that lie beside its formulas). A figure agrees where it is that of
`plan.json`, rounded to the digits it is shown with; a sum over periods may differ by half a digit of each. Tests do the
same with other plans, and `make reconciliation` writes this page.

| total | plan.json | summary.txt | report.html | report.xlsx | agree |
| --- | ---: | ---: | ---: | ---: | --- |
"""
MANY = 10_000.0
"""From here on without decimals."""
TAIL = """
Where each is found:

| total | plan.json and tables | summary.txt | report.html | report.xlsx |
| --- | --- | --- | --- | --- |
"""


def page(found: list[Found], case: str, scenarios: int) -> str:
    """The documentation page, Markdown."""
    lines = [
        f"| {one.total.title}{', ' * bool(one.total.unit)}{one.total.unit} | {_figure(Shown(one.exact))} | "
        f"{' | '.join(map(_figure, one.others))} | {'yes' if one.agrees else 'NO'} |"
        for one in found
    ]
    places = [f"| {one.total.title} | {' | '.join(one.total.where)} |" for one in found]
    head = HEAD.format(case=case, scenarios=scenarios)
    return head + "\n".join(lines) + "\n" + TAIL + "\n".join(places) + "\n"


def _figure(found: Shown | None) -> str:
    if found is None:
        return ""
    digits = 3 if found.half == 0.0 else max(0, min(3, round(-math.log10(2.0 * found.half))))
    return f"{found.value:,.{0 if abs(found.value) >= MANY else digits}f}"


def main() -> None:
    from ...optimizer.run import optimize

    with tempfile.TemporaryDirectory() as place:
        folder = optimize(CASE, scenarios=SCENARIOS, seed=1, device="cpu").save(Path(place) / "run")
        print(page(reconciled(folder), CASE, SCENARIOS), end="")


if __name__ == "__main__":
    main()
