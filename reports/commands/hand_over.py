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

from ..exits import Exit, OutputError, WriteError
from ..files.folder import Place, add, last_resort, publish
from ..glyphs import Glyphs
from ..streams import complain, deliver, display, drop_output
from ..summary.screen import show
from ..text import safe

SUMMARY_WIDTH = 100
MANIFEST = "manifest.json"

Made = TypeVar("Made", bytes, str)
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """What a command has computed.

    files: how to make each file of the folder, by its path in it. document: the one of them that --json prints.
    texts: how to draw each text of the folder. manifest: the file that lists the others, from their contents.
    draw: the summary on a screen, from its width, the folder, whether in colour, and glyphs. gist: it in a line.
    """

    files: Mapping[str, Callable[[], bytes]]
    document: str
    texts: Mapping[str, Callable[[], str]]
    manifest: Callable[[Mapping[str, bytes]], bytes]
    draw: Callable[[int, Path | None, bool, Glyphs], str]
    gist: Callable[[], str]


def hand_over(result: Result, place: Place, as_json: bool) -> Exit:
    """Write the folder, then show the result. FAILURE if not all of it came where it was to go, and lines that say so.

    Raises:
        BrokenPipeError: the reader of standard output went away; the folder is written.
    """
    tell = partial(complain, alone=as_json)
    files, lost = _made(result.files, tell)
    listed, unlisted = _made({MANIFEST: lambda: result.manifest(files)}, tell)
    folder, misplaced = _published(place, files | listed, tell)
    ending = Exit.FAILURE if misplaced or lost or unlisted else Exit.OK
    if folder is not None:
        _add_texts(folder, files, result, tell)
    try:
        if not as_json:
            _show(result, folder, tell)
        elif result.document in files:
            deliver(files[result.document])
            if folder is not None and not misplaced:
                print(f"run folder: {safe(folder)}", file=sys.stderr)
    except OutputError as error:
        drop_output()
        tell(f"capmix: {safe(error)}" + ("" if folder is None else f"; run folder: {safe(folder)}"))
        return Exit.FAILURE
    return ending


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
    found = {name: text.encode("utf-8", "backslashreplace") for name, text in texts.items()}
    try:
        add(folder, found | {MANIFEST: result.manifest({**files, **found})})
    except Exception as error:
        tell(f"capmix: warning: the summary cannot be added to {safe(folder)}: {_named(error)}")


def _show(result: Result, folder: Path | None, tell: Tell) -> None:
    width = shutil.get_terminal_size((SUMMARY_WIDTH, 24)).columns
    try:
        show(lambda colour, g: result.draw(width, folder, colour, g))
    except (OutputError, BrokenPipeError):
        raise
    except Exception as error:
        tell(f"capmix: warning: the summary cannot be drawn, a fault of capmix: {_named(error)}")
        display(safe(result.gist()) + "\n" + ("" if folder is None else f"run folder: {safe(folder)}\n"))


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {safe(error)}" if str(error) else type(error).__name__
