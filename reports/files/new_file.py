"""A new file beside others of the user's, written whole or not at all, and never over another."""

from __future__ import annotations

import os
from pathlib import Path

from ..exits import UsageError


def refuse_existing(path: Path) -> None:
    """UsageError where something has that name already."""
    if os.path.lexists(path):
        raise UsageError(f"{path} exists and is never overwritten; give a new name")


def write_new(path: Path, content: bytes) -> None:
    """Write a file that must not exist, down to the disk.

    Raises:
        UsageError: it exists by now.
        OSError: it cannot be written; nothing is left of it.
    """
    try:
        file = open(path, "xb")  # noqa: SIM115, closed below
    except FileExistsError:
        refuse_existing(path)
        raise
    try:
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()
        raise
