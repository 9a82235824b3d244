"""The run folder: a place found before anything is computed, filled under a hidden name, shown only when whole.

All files are written into a temporary sibling named `.NAME.partial-…`, flushed to the disk, and renamed in one step.
So a folder with the final name is always complete; whatever a killed run leaves begins with a dot, holds `.partial-`
and may be deleted.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..exits import UsageError, WriteError

RUNS = "runs"
_ROOM = 1 << 20  # bytes that must be free; the folder of a small case takes about as much
_FILE_NAME = 40  # letters of the longest name of a table
_MESSAGE = 400  # letters of a path in a message
_LONGEST = 100  # bytes of a folder's name that a name made from it repeats


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
        UsageError: the working directory is gone, the parent folder is missing or cannot be written, the name is
            longer than the system takes, the disk is full, or the folder holds something already.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S", now or time.localtime())
    if out is None:
        here = working_directory(name)
        parent = here / RUNS
        if parent.is_symlink() and not parent.exists():
            raise UsageError(f"{parent} is a link that leads nowhere; remove it, or {_offer(name)}")
        if parent.exists() and not parent.is_dir():
            raise UsageError(f"{parent} is a file, so no run folder fits under it; {_offer(name)}")
        place = Place(parent / f"{name}-{stamp}", numbered=True)
        _prove(place.path, name)
        return place
    if not out.strip() or "\0" in out:
        raise UsageError("--out is not the name of a folder; leave it out for runs/NAME-DATE-TIME")
    if not os.path.isabs(out):
        working_directory(name)
    path = Path(os.path.realpath(out))
    try:
        if path.is_dir():
            if any(path.iterdir()):
                raise UsageError(
                    f"--out {_short(path)} is not empty and is never overwritten; give a new name or an empty folder"
                )
        elif path.exists():
            raise UsageError(f"--out {_short(path)} is a file, not a folder; give a new name")
        if not path.parent.is_dir():
            raise UsageError(
                f"--out {_short(path)}: the folder {_short(path.parent)} does not exist; create it first or choose "
                "another place"
            )
    except OSError as error:
        raise UsageError(f"--out {_short(path)} cannot be used: {error.strerror or error}; {_offer(name)}") from None
    _prove(path, name)
    return Place(path, numbered=False)


def last_resort(place: Place) -> Place:
    """Where a finished run is written when its own place fails: the system's folder of temporary files.

    Raises:
        OSError: there is none that can be written.
    """
    short = os.fsdecode(os.fsencode(place.path.name)[:_LONGEST])
    return Place(Path(tempfile.gettempdir()) / f"capmix-{short}", numbered=True)


def working_directory(name: str | None = None) -> Path:
    """The working directory. UsageError where it is gone; name: of the case whose run folder could go elsewhere."""
    try:
        return Path.cwd()
    except OSError:
        elsewhere = "" if name is None else f", or {_offer(name)}"
        raise UsageError(f"the working directory no longer exists; change to one that does (cd){elsewhere}") from None


def _prove(path: Path, name: str) -> None:
    """Write as much as a run does at the very place, and remove it: permissions alone miss full and read-only disks."""
    made: list[Path] = []
    base = path.parent if path.parent.is_dir() else path.parent.parent  # `runs` is made when it is needed
    try:
        with contextlib.suppress(FileExistsError):
            (base / path.name).mkdir()
            made.append(base / path.name)
        staging = Path(tempfile.mkdtemp(prefix=_hidden(path), dir=base))
        made.append(staging)
        inside = staging / "tables"
        inside.mkdir()
        made.append(inside)
        probe = inside / ("x" * _FILE_NAME)
        try:
            with open(probe, "xb") as file:
                file.write(os.urandom(_ROOM))  # not zeros: some file systems write those for nothing
                file.flush()
                os.fsync(file.fileno())
        finally:
            with contextlib.suppress(OSError):
                probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot write a run folder at {_short(path)}: {reason}; {_offer(name)}") from None
    finally:
        for folder in reversed(made):
            with contextlib.suppress(OSError):
                folder.rmdir()


def _short(path: Path) -> str:
    """The path for a message, its middle left out where it is longer than any can be."""
    text = str(path)
    return text if len(text) <= _MESSAGE else f"{text[: _MESSAGE // 2]} … {text[-_MESSAGE // 4 :]}"


def _offer(name: str) -> str:
    """The cure: another place, by name where there is one."""
    try:
        place = Path(tempfile.gettempdir()) / f"capmix-{name}"
    except OSError:
        return "choose another place with --out DIR"
    return f"choose another place with --out DIR, for example --out {shlex.quote(str(place))}"


def _hidden(path: Path) -> str:
    """Begin of the name under which a run folder is filled; short, whatever the folder is called."""
    return f".{os.fsdecode(os.fsencode(path.name)[:_LONGEST])}.partial-"


def publish(place: Place, files: Mapping[str, bytes]) -> Path:
    """Write `files` (relative POSIX path to content) and rename the folder into place. Returns the final path.

    Raises:
        WriteError: disk full, permission lost, or the place taken meanwhile; nothing is left then.
    """
    staging: Path | None = None
    try:
        place.path.parent.mkdir(exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=_hidden(place.path), dir=place.path.parent))
        for name, content in files.items():
            _write(staging / PurePosixPath(name), content)
        for folder in {staging, *(p for p in staging.rglob("*") if p.is_dir())}:
            _flush_folder(folder)
        os.chmod(staging, 0o777 & ~_umask())
        return _rename(staging, place)
    except OSError as error:
        raise WriteError(f"cannot write the run folder {_short(place.path)}: {error.strerror or error}") from error
    finally:
        if staging is not None:  # renamed away by now, unless something failed
            shutil.rmtree(staging, ignore_errors=True)


def add(folder: Path, files: Mapping[str, bytes]) -> None:
    """Add files to a run folder, or renew them, each in one step. OSError: what is there stays as it is."""
    for name, content in files.items():
        target = folder / PurePosixPath(name)
        beside = target.with_name(f".{target.name}.partial")
        try:
            _write(beside, content)
            os.replace(beside, target)
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)


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
