"""The run folder: a place found before anything is computed, filled under a hidden name, shown only when whole.

All files are written into a temporary sibling named `.NAME.partial-…`, flushed to the disk, and renamed in one step.
So a folder with the final name is always complete; whatever a killed run leaves begins with a dot, holds `.partial-`
and may be deleted.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .exits import UsageError, WriteError

RUNS = "runs"


@dataclass(frozen=True)
class Place:
    """Where a run folder will be: `path`, or, where `numbered`, the first free of path, path-2, path-3 …"""

    path: Path
    numbered: bool


def reserve(out: str | None, name: str, now: time.struct_time | None = None) -> Place:
    """Find the place of a run folder and prove that it can be written, leaving nothing behind.

    Args:
        out: the folder asked for, or None for runs/NAME-YYYYmmdd-HHMMSS under the working directory.
        name: short name of the case.

    Raises:
        UsageError: the parent folder is missing or cannot be written, or the folder holds something already.
    """
    if out is None:
        parent = Path.cwd() / RUNS
        if not parent.exists():
            _prove(parent.parent)
        elif not parent.is_dir():
            raise UsageError(f"{parent} is a file, so no run folder fits under it; give another place with --out DIR")
        else:
            _prove(parent)
        stamp = time.strftime("%Y%m%d-%H%M%S", now or time.localtime())
        return Place(parent / f"{name}-{stamp}", numbered=True)
    if not out.strip() or "\0" in out:
        raise UsageError("--out is not the name of a folder; leave it out for runs/NAME-DATE-TIME")
    path = Path(os.path.realpath(out))
    if path.is_dir():
        if any(path.iterdir()):
            raise UsageError(f"--out {path} is not empty and is never overwritten; give a new name or an empty folder")
        _prove(path)
    elif path.exists():
        raise UsageError(f"--out {path} is a file, not a folder; give a new name")
    if not path.parent.is_dir():
        raise UsageError(
            f"--out {path}: the folder {path.parent} does not exist; create it first or choose another place"
        )
    _prove(path.parent)
    return Place(path, numbered=False)


def _prove(folder: Path) -> None:
    """Make a folder there and remove it: permissions alone miss read-only and full file systems."""
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".capmix.partial-", dir=folder))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot write in {folder}: {reason}; choose another place with --out DIR") from None


def publish(place: Place, files: Mapping[str, bytes]) -> Path:
    """Write `files` (relative POSIX path to content) and rename the folder into place. Returns the final path.

    Raises:
        WriteError: disk full, permission lost, or the place taken meanwhile; nothing is left then.
    """
    staging: Path | None = None
    try:
        place.path.parent.mkdir(exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{place.path.name}.partial-", dir=place.path.parent))
        for name, content in files.items():
            _write(staging / PurePosixPath(name), content)
        for folder in {staging, *(p for p in staging.rglob("*") if p.is_dir())}:
            _flush_folder(folder)
        os.chmod(staging, 0o777 & ~_umask())
        return _rename(staging, place)
    except OSError as error:
        raise WriteError(f"cannot write the run folder {place.path}: {error.strerror or error}") from error
    finally:
        if staging is not None:  # renamed away by now, unless something failed
            shutil.rmtree(staging, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _rename(staging: Path, place: Place) -> Path:
    suffix = 1
    while True:
        target = place.path if suffix == 1 else place.path.with_name(f"{place.path.name}-{suffix}")
        if place.numbered and os.path.lexists(target):
            suffix += 1
            continue
        if os.name == "nt":  # there, a rename does not replace even an empty folder
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(target)
        try:
            os.rename(staging, target)
        except OSError:
            if not place.numbered or not os.path.lexists(target):
                raise
            suffix += 1
            continue
        _flush_folder(target.parent)
        return target


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
