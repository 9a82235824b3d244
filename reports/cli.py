"""The command line: a command is called, and each ending becomes an exit code and one clear message.

Nothing heavy is imported here, so that `--help` and a mistyped option answer at once; each command imports what it
needs when it runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from .commands.command import Needs
from .commands.parser import Mistake, build_parser
from .commands.registry import called
from .exits import Exit, OutputError, UsageError, WriteError
from .streams import complain, drop_output, flush, take_over
from .text import safe

TRACEBACK = "CAPMIX_TRACEBACK"
BALLAST = 1 << 23


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; `argv` without the program's name.

    Without `argv` the process is taken to be ours, with its streams.
    """
    if argv is None:
        take_over()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if _stoppable(arguments):
        from .signals import listening

        with listening(for_good=argv is None):
            return _spoken(arguments)
    return _spoken(arguments)


def _stoppable(arguments: Sequence[str]) -> bool:
    """Whether the command that is called hears a request to stop."""
    command = called(arguments[0]) if arguments else None
    return command is not None and command.stoppable


def _spoken(arguments: list[str]) -> int:
    """Run a command and see its output off."""
    _unbreakable_output()
    try:
        code = _ended(arguments)
        flush()
        return code
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        drop_output()
        return Exit.FAILURE
    except OutputError as error:
        drop_output()
        complain(f"capmix: {safe(error)}", alone=True)
        return Exit.FAILURE


def _ended(arguments: list[str]) -> int:
    """Run a command; every ending but that of standard output becomes an exit code and a line."""
    alone = "--json" in arguments
    ballast = bytearray(BALLAST)
    try:
        parser = build_parser()
        if not arguments:
            complain(parser.format_help().rstrip("\n"))
            return Exit.USAGE
        options = parser.parse_args(arguments)
        options.argv = ["capmix", *arguments]
        return int(_run(options))
    except SystemExit as ending:  # argparse: 0 after --help, 2 after a usage error
        return ending.code if isinstance(ending.code, int) else int(Exit.USAGE)
    except Mistake as mistake:
        usage, words = mistake.args
        if sys.stderr is not None:
            print(usage, end="", file=sys.stderr)
        complain(safe(words), alone)
        return Exit.USAGE
    except (BrokenPipeError, OutputError):
        raise
    except KeyboardInterrupt:
        from .signals import interrupted

        word, code = interrupted()
        kept = "; nothing was written" if _stoppable(arguments) else ""
        complain(f"capmix: {word}{kept}", alone)
        return code
    except Exception as error:
        del ballast  # so that a process without memory still finds the words
        if os.environ.get(TRACEBACK):
            raise
        return _explain(error, alone)


def _run(options: argparse.Namespace) -> int:
    command = called(options.command)
    assert command is not None, options.command  # the parser knows the registry's commands only
    if command.needs is not Needs.NOTHING:
        from .limits import check_machine

        check_machine(computing=command.needs is Needs.PLANNING)
    return command.run(options)


def _explain(error: Exception, alone: bool) -> int:
    """One message on stderr, and the exit code."""
    from .limits import is_short_of_memory

    faults = getattr(error, "faults", None)
    if faults is not None:  # a CaseError: its text lists every fault
        for row in str(error).splitlines():
            complain(safe(row), alone)
        return Exit.USAGE
    if isinstance(error, UsageError):
        complain(f"capmix: {safe(error)}", alone)
        return Exit.USAGE
    if isinstance(error, ArithmeticError):  # the drivers of the case leave the range of numbers
        complain(f"capmix: {safe(error)}; check the volatilities, drifts and means of the case's drivers", alone)
        return Exit.USAGE
    ours = isinstance(error, WriteError) or type(error).__module__.startswith("capmix.")
    if not ours and is_short_of_memory(error):
        words = safe(error) if isinstance(error, MemoryError) and str(error) else "the process ran out of memory"
        cure = "use fewer --scenarios (`capmix doctor CASE` says how many fit), or raise the process's limit"
        complain(f"capmix: not enough memory: {words}; {cure}", alone)
        return Exit.FAILURE
    if ours:
        complain(f"capmix: {safe(error)}", alone)
        return Exit.FAILURE
    complain(
        f"capmix: failed with {type(error).__name__}: {safe(error)}; this is a fault of capmix or of its "
        f"installation, not of the case ({TRACEBACK}=1 shows where it happened)",
        alone,
    )
    return Exit.FAILURE


def _unbreakable_output() -> None:
    """Characters that the terminal cannot show become '?' instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
