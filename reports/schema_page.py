"""docs/plan-json.md from plan.schema.json: `python -m capmix.reports.schema_page > docs/plan-json.md`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

INTRODUCTION = """\
# plan.json

`capmix plan` writes this document into the run folder, and prints it with `--json`. This page is generated from
`reports/plan.schema.json`, a JSON Schema (draft 2020-12); `python -m capmix.reports.schema_page` prints it anew.

{description}

`a[]` stands for each entry of the list `a`.

| key | type | meaning |
| --- | --- | --- |
"""

FOLDER = """
## The run folder

| file | content |
| --- | --- |
| `plan.json` | this document |
| `summary.txt` | the summary, 100 columns wide |
| `tables/NAME.csv` | each table and the decisions: RFC 4180, UTF-8; numbers read back to the same bits |
| `tables/NAME.parquet` | the same with `--tables parquet` |
| `tables/columns.csv` | the unit of each column of each table |
| `case/` | a copy of the case file and of the tables it names, as they were planned |
| `manifest.json` | arguments, time, hash of the case, seed, device, versions, timings, the SHA-256 of every file |

The manifest gives paths as they are seen from the folder, so it names no place of the machine.

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
| 130 | interrupted before there was any plan |
"""


def schema() -> dict[str, Any]:
    """The JSON Schema of plan.json."""
    text = files(__package__).joinpath("plan.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def page() -> str:
    """The documentation page, Markdown."""
    whole = schema()
    rows = "".join(f"| `{key}` | {kind} | {meaning} |\n" for key, kind, meaning in _rows(whole, ""))
    return INTRODUCTION.format(description=whole["description"]) + rows + FOLDER


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
