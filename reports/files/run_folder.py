"""A run folder that is read again: what its manifest lists, byte for byte, and nothing outside it.

A folder may come from anywhere, so it is data only: names are checked before they are opened, links are not followed,
and nothing is executed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import CapmixError
from ..exits import UsageError
from ..text import plural
from .document import encode
from .manifest import MANIFEST, MANIFEST_VERSION, SEAL

DOCUMENTS = {"plan": "plan.json", "compare": "compare.json", "frontier": "frontier.json"}
READERS = {"plan": "load_plan", "compare": "load_comparison", "frontier": "load_frontier"}  # of each kind, in capmix
LARGEST = 1 << 30


class Unreadable(CapmixError):
    """A file of the folder is not what it should be; the message begins with its name."""


@dataclass(frozen=True)
class Entry:
    """What the manifest says of a file."""

    size: int
    sha256: str


@dataclass(frozen=True)
class RunFolder:
    """A folder, the command that wrote it, its manifest and the files listed there."""

    path: Path
    kind: str
    manifest: Mapping[str, Any]
    listed: Mapping[str, Entry]

    @property
    def extension(self) -> str:
        """Of the tables: csv or parquet."""
        return "parquet" if any(name.endswith(".parquet") for name in self.listed) else "csv"

    def read(self, name: str) -> bytes:
        """The content of a listed file. Unreadable: it is not listed, not there, no plain file, or far too large."""
        path = self.path / PurePosixPath(name)
        if name not in self.listed:
            raise Unreadable(f"{name} is not in the manifest")
        try:
            inside = path.parent.resolve().is_relative_to(self.path.resolve())
            if path.is_symlink() or not inside or (path.exists() and not path.is_file()):
                raise Unreadable(f"{name} is no plain file of this folder")
            if path.stat().st_size > LARGEST:
                raise Unreadable(f"{name} is larger than any file of a run")
            return path.read_bytes()
        except FileNotFoundError:
            raise Unreadable(f"{name} is missing") from None
        except OSError as error:
            raise Unreadable(f"{name} cannot be read: {error.strerror or error}") from None

    def document(self, name: str) -> dict[str, Any]:
        """A listed file as JSON. Unreadable."""
        return parsed(name, self.read(name))


def parsed(name: str, content: bytes) -> dict[str, Any]:
    """JSON whose outermost value is an object. Unreadable."""
    try:
        found = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{name} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise Unreadable(f"{name} holds no JSON object")
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def opened(path: Path) -> RunFolder:
    """The folder with its manifest.

    Raises:
        UsageError: it is no run folder, or one of another version.
        Unreadable: its manifest is damaged.
    """
    if not path.is_dir():
        raise UsageError(f"{path} is not a folder; give the run folder that capmix plan, compare or frontier wrote")
    if not (path / MANIFEST).is_file():
        raise UsageError(f"{path} is not a run folder: it holds no {MANIFEST}")
    try:
        content = (path / MANIFEST).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path / MANIFEST}: {error.strerror or error}") from None
    manifest = parsed(MANIFEST, content)
    version = manifest.get("manifest_version")
    if version != MANIFEST_VERSION:
        by = manifest.get("capmix_version", "unknown")
        raise UsageError(
            f"{path} was written by capmix {by} with manifest version {version}; this capmix reads version "
            f"{MANIFEST_VERSION}, where tables and keys of plan.json have other names: use the capmix "
            f"that wrote it or plan the case in {path / 'case'} again"
        )
    if not isinstance(manifest.get("case"), dict):
        raise Unreadable(f"{MANIFEST} names no case")
    listed = _listed(manifest)
    kinds = [kind for kind, name in DOCUMENTS.items() if name in listed]
    if len(kinds) != 1:
        raise Unreadable(
            f"{MANIFEST} lists {plural(len(kinds), 'result')}; a run has one of {', '.join(DOCUMENTS.values())}"
        )
    return RunFolder(path, kinds[0], manifest, listed)


def seal(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of the manifest without this hash."""
    return hashlib.sha256(encode({key: value for key, value in manifest.items() if key != SEAL})).hexdigest()


def _listed(manifest: Mapping[str, Any]) -> dict[str, Entry]:
    entries = manifest.get("files")
    listed: dict[str, Entry] = {}
    for found in entries if isinstance(entries, list) else [None]:
        entry = found if isinstance(found, dict) else {}
        name, size, digest = entry.get("path"), entry.get("bytes"), entry.get("sha256")
        if not isinstance(name, str) or not _fit(name) or name in listed:
            raise Unreadable(f"{MANIFEST}: {name!r} cannot be the name of a file of this folder")
        if not isinstance(size, int) or not isinstance(digest, str):
            raise Unreadable(f"{MANIFEST}: {name} has no size or no hash")
        listed[name] = Entry(size, digest)
    return listed


def _fit(name: str) -> bool:
    path = PurePosixPath(name)
    plain = name.isprintable() and "\\" not in name and ":" not in name and str(path) == name
    return plain and not path.is_absolute() and ".." not in path.parts and name != MANIFEST


def changed(run: RunFolder) -> list[str]:
    """Every file that is missing, changed, or too many, by name."""
    faults = []
    if run.manifest.get(SEAL) != seal(run.manifest):
        faults.append(f"{MANIFEST} has changed since the run: its own hash is not that of its content")
    for name, entry in run.listed.items():
        try:
            content = run.read(name)
        except Unreadable as error:
            faults.append(str(error))
            continue
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            sizes = "" if len(content) == entry.size else f": {len(content):,} bytes instead of {entry.size:,}"
            faults.append(f"{name} has changed since the run{sizes}")
    for folder, folders, files in os.walk(run.path):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for file in (*files, *links):
            name = (Path(folder) / file).relative_to(run.path).as_posix()
            if name not in run.listed and name != MANIFEST:
                faults.append(f"{name} is not of this run: the manifest does not list it")
    return faults
