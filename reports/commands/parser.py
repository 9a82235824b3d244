"""The parser of the command line, made from the registry of commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from ...errors import CapmixError
from .command import Command
from .registry import COMMANDS

DESCRIPTION = """\
Choose financing instruments and hardware purchases together: the most compute
under cost limits and limits on the tail of the whole cash outcome, with a proof
that no plan does better."""

EPILOG = """\
examples:
{examples}

exit codes:
  0    a certified plan, a good case, a run folder that verifies
  1    a run folder that does not verify
  2    wrong usage or a bad case
  3    no feasible plan
  4    stopped before the gap was met
  5    the device, the solver, memory or the disk failed, or standard output could
       not be written; what was computed is kept, and a line says where
  130  interrupted before there was any plan (143 by SIGTERM, 129 by SIGHUP)

Ctrl-C, SIGTERM and SIGHUP: before the search has begun they end the command at
once; from then on the first stops the search and keeps what is certified or
found, and the second ends it at once."""

WIDTH = 40  # of an example's words; its meaning stands beside them, or below longer ones


class Mistake(CapmixError):
    """Wrong words on the command line: how they go, and what is wrong."""


class _Parser(argparse.ArgumentParser):
    """Leaves it to the command line where to say what is wrong with its words."""

    def error(self, message: str) -> NoReturn:
        raise Mistake(self.format_usage(), f"{self.prog}: error: {message}")


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from ..files.document import version

        print(f"capmix {version()}")
        parser.exit()


def build_parser(commands: Sequence[Command] = COMMANDS) -> argparse.ArgumentParser:
    """The parser of all commands."""
    style = argparse.RawDescriptionHelpFormatter
    epilog = EPILOG.format(examples=_examples(commands))
    parser = _Parser("capmix", description=DESCRIPTION, epilog=epilog, formatter_class=style, allow_abbrev=False)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and leave")
    added = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in commands:
        own = added.add_parser(
            command.name,
            help=command.title,
            formatter_class=style,
            allow_abbrev=False,
            description=command.description,
        )
        command.arguments(own)
    return parser


def _examples(commands: Sequence[Command]) -> str:
    rows = []
    for command in sorted(commands, key=lambda one: one.stage):
        for words, meaning in command.examples:
            gap = f"\n{'':{WIDTH + 3}}" if len(words) > WIDTH else " " * (WIDTH + 1 - len(words))
            rows.append(f"  {words}{gap}{meaning}")
    return "\n".join(rows)
