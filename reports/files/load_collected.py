"""What the readers of a comparison and of a frontier share: the folder of the right kind, its document, its tables.

A table of such a folder follows from what the document and the plans say. So it is made again by the engine and held
against what is written, cell by cell: what does not agree is no result of capmix.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from ...models.schema.case import Case
from ...optimizer.table import Table
from ..exits import UsageError
from .document import encode, records
from .json_schema import faults
from .read_tables import as_written
from .run_case import case_of, varied
from .run_folder import READERS, RunFolder, Unreadable, opened

WORDS = {"plan": "a plan", "compare": "a comparison", "frontier": "a frontier"}


def of_kind(folder: str | PathLike[str], kind: str) -> RunFolder:
    """The run folder, which must hold a result of that kind.

    Raises:
        UsageError: it is no run folder, one of another version, or holds another kind of result.
        Unreadable: its manifest is damaged.
    """
    run = opened(Path(folder))
    if run.kind != kind:
        raise UsageError(
            f"{fspath(folder)} holds {WORDS[run.kind]}, not {WORDS[kind]}; capmix.{READERS[run.kind]} reads it"
        )
    return run


def document_of(run: RunFolder) -> tuple[dict[str, Any], Case]:
    """The folder's document, which fits its schema, and the case that it is about.

    Raises:
        UsageError: it has another version. Unreadable, CaseError: as the readers.
    """
    name = f"{run.kind}.json"
    found = run.document(name)
    described = json.loads(files(__package__).joinpath(f"{run.kind}.schema.json").read_text(encoding="utf-8"))
    version, read = found.get("schema_version"), described["properties"]["schema_version"]["const"]
    if version != read:
        by = found.get("capmix_version", "unknown")
        raise UsageError(
            f"{name}: schema_version is {version!r}, written by capmix {by}; this capmix reads {read}: use the capmix "
            f"that wrote it, or plan the case in {run.path / 'case'} again"
        )
    for fault in faults(found, described):
        raise Unreadable(f"{name}, {fault}")
    file, case = case_of(run)
    if case.sha256 != found["case"]["sha256"]:
        raise Unreadable(f"{file} or one of its tables is not the case that was planned")
    return found, varied(case, found["case"]["name"])


def agreed(run: RunFolder, found: Mapping[str, Any], tables: Mapping[str, Table]) -> None:
    """Unreadable where a table that was made again differs from the document or from its file."""
    name, written = f"{run.kind}.json", found["tables"]
    if set(written) != set(tables):
        raise Unreadable(f"{name}: its tables are {', '.join(sorted(written))}, not {', '.join(sorted(tables))}")
    for title, table in tables.items():
        again = json.loads(encode(records(table)))
        _same(f"{name}, {title}", written[title], again)
        file = f"tables/{title}.{run.extension}"
        try:
            lines = as_written(file, run.read(file), table.columns)
        except ValueError as error:
            raise Unreadable(str(error)) from None
        keys = [column.name for column in table.columns]
        _same(file, [dict(zip(keys, line, strict=True)) for line in lines], again)


def number_in(where: str, row: Mapping[str, Any], key: str) -> float | None:
    """A number of a row of a document, None where there is none. Unreadable where something else stands there."""
    value: Any = row.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise Unreadable(f"{where}, {key}: {value!r} where a number must stand")
    return value


def _same(where: str, written: list[dict[str, Any]], again: list[dict[str, Any]]) -> None:
    if len(written) != len(again):
        raise Unreadable(f"{where}: {len(written)} rows where the results have {len(again)}")
    for number, (one, other) in enumerate(zip(written, again, strict=True), 1):
        if set(one) != set(other):
            raise Unreadable(f"{where}, row {number}: its columns are {', '.join(one)}, not {', '.join(other)}")
        for key, cell in one.items():
            if (cell or None) != (other[key] or None):  # an empty text may have been nothing
                raise Unreadable(f"{where}, row {number}, {key}: {cell!r} where the results say {other[key]!r}")
