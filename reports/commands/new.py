"""`capmix new`: a commented starter case that plans as it stands."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from ..exits import Exit, OutputError, UsageError
from ..text import safe
from .command import Command, Needs, Stage


def _run(options: argparse.Namespace) -> int:
    """Write the starter case to `options.path`, which must not exist."""
    from ...models.reading.starter import starter_case
    from ..files.folder import working_directory
    from ..files.new_file import refuse_existing, write_new
    from ..streams import display

    path = Path(options.path)
    if path.suffix != ".toml":
        raise UsageError(f"{path}: a case file ends in .toml; write for example {path}.toml")
    refuse_existing(path)
    try:
        write_new(path, starter_case().encode("utf-8"))
    except OSError as error:
        if not path.is_absolute():
            working_directory()
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
    name = safe(shlex.quote(str(path)))
    try:
        display(
            f"{safe(path)} written: a small cloud with every kind of entry, each key with its meaning.\n"
            f"Next:  capmix check {name}   then   capmix plan {name}\n"
        )
    except OutputError as error:
        raise OutputError(f"{error}; {path} is written") from None
    return Exit.OK


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="the new file, ending in .toml")


NEW = Command(
    name="new",
    title="write a commented starter case",
    description="Write a commented starter case that plans as it stands. Never overwrites.",
    stage=Stage.BEGIN,
    examples=(("capmix new my.toml", "write a commented starter case"),),
    arguments=_arguments,
    run=_run,
    needs=Needs.NOTHING,
)
