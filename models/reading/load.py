"""`load_case`: the one way from a file to a `Case`."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Mapping
from typing import TypeVar

from ..schema.case import Case
from ..schema.doubts import CaseWarning
from .checks import check
from .context import Context
from .csvtables import CsvTables
from .document import read_document
from .faults import CaseError, Fault
from .variants import check_variants
from .walk import read_case

_Told = TypeVar("_Told", Fault, CaseWarning)


def load_case(name_or_path: str | os.PathLike[str]) -> Case:
    """Read a case and check everything that can be checked without computing.

    Args:
        name_or_path: a TOML file, or the name of a shipped case. A bare name without ".toml" is looked up among the
            shipped cases first. Tables are read from the folder of the file and nowhere else.

    Returns:
        The case; `path` is the file read, `sha256` the hash of its bytes and, where it has tables, of theirs,
        `warnings` what is allowed but hardly meant, and `remarks` how tables were read that needed interpreting.

    Raises:
        CaseError: with every fault found. Nothing else is raised for any content of the file.
    """
    document = read_document(name_or_path)
    tables = CsvTables(document.path.parent)
    context = Context(document, tables)
    read_case(context)
    check(context)
    if not context.faults:
        case: Case = context.case.build()
        check_variants(context, case)
    warnings = _ordered(document.name, context.warnings.values())
    if context.faults:
        raise CaseError(_ordered(document.file, context.faults), warnings)
    return dataclasses.replace(
        case,
        path=str(document.path),
        sha256=_hash(document.content, tables.contents),
        warnings=tuple(warnings),
        remarks=tuple(context.remarks),
    )


def _ordered(file: str, found: Iterable[_Told]) -> list[_Told]:
    """Without repetitions, in the order of the file, then of its tables."""
    return sorted(dict.fromkeys(found), key=lambda one: (one.file != file, one.file, one.line or 0))


def _hash(content: bytes, tables: Mapping[str, bytes]) -> str:
    """SHA-256 of the file; tables follow in the order of their names, each led by name and length."""
    digest = hashlib.sha256(content)
    for name in sorted(tables):
        digest.update(f"\0{name}\0{len(tables[name])}\0".encode())
        digest.update(tables[name])
    return digest.hexdigest()
