"""docs/plan-json.md from plan.schema.json: `make docs`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ...optimizer.analysis.declared import DECLARED, Shape
from ..files.schema import schema
from .renamed import RENAMED

INTRODUCTION = """\
# plan.json

`capmix plan` writes this document into the run folder, and prints it with `--json`. This page is generated from
`reports/files/plan.schema.json`, a JSON Schema (draft 2020-12); `make docs` prints it anew.

{description}

`a[]` stands for each entry of the list `a`.

| key | type | meaning |
| --- | --- | --- |
"""

MOVED = """
## What moved from version 1 to 2

Names follow the [glossary](glossary.md). A run folder of version 1 is refused with exit code 2: read it with the capmix
that wrote it, or plan the case in it again. `compare.json` has version 2 for the same reason,
`frontier.json` version 3 (it also tells what each point cost).

| version 1 | version 2 |
| --- | --- |
{moved}
"""

TABLES = """
## The tables

Columns in their order; where rows are named too, they are found in the first column. *Periods*: a column per period
follows, called by its label; *total*: a last column sums them. In Python `plan.tables[NAME]` has `records()`,
`row(KEY)`, `series(KEY)`, `column(NAME)` and `to_pandas()`; a name that is not there is an `UnknownName`, and a row
that is 0 in every period and left out gives zeros.

| table | what | columns | rows |
| --- | --- | --- | --- |
"""

FOLDER = """
## The run folder

| file | content |
| --- | --- |
| `plan.json` | this document |
| `summary.txt` | the summary, 100 columns wide |
| `report.html` | the report with charts: one page that needs no network and no other file |
| `report.xlsx` | the plan as a workbook: live formulas with their results, checks, charts; of a plan alone |
| `solution.json` | amounts and prices of the linear program, by name and to the bit; what is left out is 0 |
| `tables/NAME.csv` | each table and the decisions: RFC 4180, UTF-8; numbers read back to the same bits |
| `tables/NAME.parquet` | the same with `--tables parquet` |
| `tables/columns.csv` | the unit of each column of each table |
| `case/` | a copy of the case file and of the tables it names, as they were planned |
| `manifest.json` | arguments, time, case, status, seed, device, versions, timings, SHA-256 of every file and its own |

The manifest has the same keys for plans, comparisons and frontiers, and `kind` says which it is. The status of several
plans is `certified` where each is certified or proven infeasible; their timings are added up. Paths are given as they
are seen from the folder, so it names no place of the machine.

A text cell of a CSV file that begins with `=`, `+`, `-`, `@`, a tab or a line break carries a leading apostrophe, so
that no spreadsheet runs it as a formula; `plan.json` and Parquet hold the text as it is.

The folder is filled under a hidden name (`.NAME.partial-…`) and renamed when the data is whole; then the summary is
drawn and added, and a fault in that costs the summary alone. A folder that begins with a dot and holds `.partial-` in
its name is the rest of a killed run and may be deleted. No run is ever overwritten. Where the folder cannot be written
at its place once the plan is made, it goes to the system's folder of temporary files, and a line says so.

## Exit codes

| code | meaning |
| --- | --- |
| 0 | certified plan |
| 2 | wrong usage, a bad case, or a place that cannot be written; nothing is written |
| 3 | no plan meets the limits; `infeasibility` says why |
| 4 | stopped before the gap was met; the best plan and its gap are kept |
| 5 | the device, the solver, memory or the disk failed, or standard output could not be written ([more](running.md)) |
| 130 | interrupted (Ctrl-C) before there was any plan; 143 by SIGTERM, 129 by SIGHUP |

`capmix verify` ends with 0 where all agrees, 1 where anything does not, 2 where there is no run folder of this version.

## Interrupts

Ctrl-C, SIGTERM and SIGHUP (and Ctrl-Break on Windows) mean the same. Before the search has begun, while libraries are
imported, kernels compiled and scenarios drawn, there is nothing to keep: the command ends at once. From then on the
first one stops the search, and what is certified or found is checked, written and shown, with the exit code of the
plan; a comparison or a frontier keeps the variants or points that are done and says which are missing. Where a kernel
has to be compiled just then, it is waited for. The second ends the command at once; what is left of a folder then
begins with a dot.

## Checking a run

    capmix verify RUN             # hashes, sums, and every figure computed again
    capmix verify RUN --quick     # hashes and sums only
    capmix verify RUN --replan    # searches again too

The folder may lie anywhere. It is read as data, never trusted: only the files that its manifest lists are opened, and
no links are followed.

| step | what is compared |
| --- | --- |
| files | the hash of every file, and the manifest's own; what is missing, changed or too many is named |
| sums | plan.json and its schema; totals; gap, bounds, status and exit code; a figure in two places; the manifest |
| figures | every row and bound at the amounts, the objective, each CVaR, in and out of sample, every table cell |
| `--replan` | another search: its bounds and those written must overlap, and infeasible be infeasible again |

For the figures the case is read from the folder, the scenarios are drawn by seed and number, and the linear program
is built on them; nothing of the search takes part. Figures agree to 1e-7 of themselves, or 1e-10 of the largest in
their column. A bound follows from no amounts, so only `--replan` proves it again; nor can the minimum risks of
an infeasible run be seen without it. Prices are taken from `solution.json`, and all tables made of them are computed
again. In a comparison each variant is checked so, in a frontier each point (`points/N.json`).
"""


def page() -> str:
    """The documentation page, Markdown."""
    whole = schema()
    rows = "".join(f"| `{key}` | {kind} | {meaning} |\n" for key, kind, meaning in _rows(whole, ""))
    return (
        INTRODUCTION.format(description=whole["description"])
        + rows
        + MOVED.format(moved="\n".join(f"| {old} | {new} |" for old, new in RENAMED))
        + TABLES
        + "".join(map(_table, DECLARED.values()))
        + FOLDER
    )


def _table(shape: Shape) -> str:
    """A table's row of the page."""
    columns = [f"`{name}`" + (" (in some cases)" if name in shape.sometimes else "") for name in shape.columns]
    if shape.others:
        columns.append(f"among them {shape.others}")
    columns += {"": [], "all": ["periods"], "last": ["the last period"]}[shape.periods]
    columns += ["total"] if shape.total else []
    parts = (("", shape.rows), ("left out where 0: ", shape.zero), ("in some cases: ", shape.perhaps))
    rows = "; ".join(words + ", ".join(f"`{name}`" for name in sorted(names)) for words, names in parts if names)
    rows += f"; {shape.each}" if shape.each else ""
    where = "" if shape.always else " Not in every plan."
    return f"| `{shape.name}` | {shape.meaning}{where} | {', '.join(columns)} | {rows} |\n"


def _rows(node: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, child in node.get("properties", {}).items():
        key = f"{prefix}{name}"
        yield key, _type(child), child.get("description", "").replace("|", "\\|")
        items = child.get("items")
        if items is not None:
            yield from _rows(items, f"{key}[].")
        yield from _rows(child, f"{key}.")


def _type(node: dict[str, Any]) -> str:
    if "const" in node:
        return f"`{json.dumps(node['const'])}`"
    if "enum" in node:
        return ", ".join(f"`{json.dumps(value)}`" for value in node["enum"])
    kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
    named = " or ".join(kinds)
    items, values = node.get("items"), node.get("additionalProperties")
    if isinstance(items, dict):
        return named.replace("array", f"array of {_type(items)}")
    if isinstance(values, dict):
        return named.replace("object", f"object of {_type(values)}")
    return named


if __name__ == "__main__":
    print(page(), end="")
