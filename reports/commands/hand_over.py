"""From a finished result to its folder and to the reader: first the data is safe on the disk, then it is drawn.

Each file is made on its own, so that one that cannot be made costs only itself. Nothing is drawn before the folder has
its name, and a drawing that fails is a warning. A folder that cannot be written at its place goes to the system's
folder of temporary files.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from ..exits import OutputError, WriteError
from ..files.folder import Place, add, last_resort, publish
from ..files.manifest import MANIFEST
from ..glyphs import Glyphs
from ..results.kind import SUMMARY_WIDTH, encoded
from ..streams import complain, deliver, display, drop_output
from ..summary import screen
from ..text import safe

Made = TypeVar("Made", bytes, str | bytes)
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """What a command has computed.

    files: how to make each file of the folder, by its path in it. document: the one of them that --json prints.
    texts: how to draw each report of the folder. manifest: the file that lists the others, from their contents.
    draw: the summary on a screen, from its width, the folder, whether in colour, and glyphs. gist: it in a line.
    """

    files: Mapping[str, Callable[[], bytes]]
    document: str
    texts: Mapping[str, Callable[[], str | bytes]]
    manifest: Callable[[Mapping[str, bytes]], bytes]
    draw: Callable[[int, Path | None, bool, Glyphs], str]
    gist: Callable[[], str]


@dataclass(frozen=True)
class Kept:
    """What has become of a result on the disk.

    folder: where it is, None if nowhere. document: what --json prints, None if it could not be made. misplaced: it is
    not in its place. whole: all of the data is where it was to go.
    """

    folder: Path | None
    document: bytes | None
    misplaced: bool
    whole: bool


def keep(result: Result, place: Place, as_json: bool) -> Kept:
    """Write the folder, then draw its texts into it; lines say what does not come where it was to go."""
    tell = partial(complain, alone=as_json)
    files, lost = _made(result.files, tell)
    listed, unlisted = _made({MANIFEST: lambda: result.manifest(files)}, tell)
    folder, misplaced = _published(place, files | listed, tell)
    if folder is not None:
        _add_texts(folder, files, result, tell)
    return Kept(folder, files.get(result.document), misplaced, whole=not (misplaced or lost or unlisted))


def show(result: Result, kept: Kept, as_json: bool) -> bool:
    """Show what has been kept; whether standard output took it, and a line where it did not.

    Raises:
        BrokenPipeError: the reader of standard output went away.
    """
    folder, tell = kept.folder, partial(complain, alone=as_json)
    try:
        if not as_json:
            _draw(result, folder, tell)
        elif kept.document is not None:
            deliver(kept.document)
            if folder is not None and not kept.misplaced:
                print(f"run folder: {safe(folder)}", file=sys.stderr)
    except OutputError as error:
        drop_output()
        tell(f"capmix: {safe(error)}" + ("" if folder is None else f"; run folder: {safe(folder)}"))
        return False
    return True


def _made(files: Mapping[str, Callable[[], Made]], tell: Tell) -> tuple[dict[str, Made], list[str]]:
    """The contents of those that can be made, and the names of the others, each complained of."""
    made, lost = {}, []
    for name, make in files.items():
        try:
            made[name] = make()
        except Exception as error:
            lost.append(name)
            tell(f"capmix: warning: {safe(name)} cannot be made, a fault of capmix: {_named(error)}")
    return made, lost


def _published(place: Place, files: Mapping[str, bytes], tell: Tell) -> tuple[Path | None, bool]:
    """Where the folder is, and whether that is not its place."""
    try:
        return publish(place, files), False
    except WriteError as error:
        reason = safe(error)
    try:
        folder = publish(last_resort(place), files)
    except (WriteError, OSError) as error:
        tell(f"capmix: {reason}; nor can it be written elsewhere: {safe(error)}")
        return None, True
    tell(f"capmix: {reason}; the run folder is {safe(folder)}")
    return folder, True


def _add_texts(folder: Path, files: Mapping[str, bytes], result: Result, tell: Tell) -> None:
    texts, _ = _made(result.texts, tell)
    found = {name: encoded(text) for name, text in texts.items()}
    try:
        add(folder, found | {MANIFEST: result.manifest({**files, **found})})
    except Exception as error:
        tell(f"capmix: warning: the summary cannot be added to {safe(folder)}: {_named(error)}")


def _draw(result: Result, folder: Path | None, tell: Tell) -> None:
    width = shutil.get_terminal_size((SUMMARY_WIDTH, 24)).columns
    try:
        screen.show(lambda colour, g: result.draw(width, folder, colour, g))
    except (OutputError, BrokenPipeError):
        raise
    except Exception as error:
        tell(f"capmix: warning: the summary cannot be drawn, a fault of capmix: {_named(error)}")
        display(safe(result.gist()) + "\n" + ("" if folder is None else f"run folder: {safe(folder)}\n"))


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {safe(error)}" if str(error) else type(error).__name__
