"""The bytes of a case file and of the tables it names, read again for the run folder and proven to be those planned."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ..exits import UsageError

if TYPE_CHECKING:
    from ...models.schema.case import Case


def case_files(case: Case) -> dict[str, bytes]:
    """Content by path relative to the case's folder. UsageError if a file has changed since the case was read."""
    path = Path(case.path)
    try:
        content = path.read_bytes()
        names = sorted(set(_tables(tomllib.loads(content.decode("utf-8")))))
        tables = {name: (path.parent / PurePosixPath(name)).read_bytes() for name in names}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} changed while it was read: {error}; start again") from None
    digest = hashlib.sha256(content)
    for name, table in tables.items():
        digest.update(f"\0{name}\0{len(table)}\0".encode())
        digest.update(table)
    if digest.hexdigest() != case.sha256:
        raise UsageError(f"{path} or one of its tables changed while it was read; start again")
    return {path.name: content, **{str(PurePosixPath(name)): table for name, table in tables.items()}}


def _tables(node: Any) -> Iterator[str]:
    """Names of the tables that series are read from."""
    if isinstance(node, dict):
        if set(node) == {"table", "column"} and isinstance(node["table"], str):
            yield node["table"]
        for child in node.values():
            yield from _tables(child)
    elif isinstance(node, list):
        for child in node:
            yield from _tables(child)
