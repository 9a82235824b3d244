"""The command line: arguments, and how each ending becomes an exit code and one clear message.

Only argparse is imported here, so that `--help` and a mistyped option answer at once; each command imports what it
needs when it runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from ..errors import CapmixError
from . import option_values
from .exits import Exit, OutputError, UsageError, WriteError
from .options import computing_options, scenarios_option
from .streams import complain, drop_output, take_over
from .text import safe

TRACEBACK = "CAPMIX_TRACEBACK"
COMPUTING = ("plan", "compare", "frontier", "verify", "export")
BALLAST = 1 << 23

DESCRIPTION = """\
Choose financing instruments and hardware purchases together: the most compute
under cost limits and limits on the tail of the whole cash outcome, with a proof
that no plan does better."""

EPILOG = """\
examples:
  capmix new my.toml                       write a commented starter case
  capmix check my.toml                     list every fault of a case, or describe it
  capmix plan my.toml --scenarios 100000   make a plan; a shipped case goes by its name: hyperscaler
  capmix compare my.toml                   put the case's variants side by side on the same scenarios
  capmix frontier my.toml --limit liquidity --points 20
                                           what a risk limit costs, from the safest plan to the boldest
  capmix verify runs/my-20270101-120000    check a run folder: hashes, sums, and every figure computed again
  capmix export my.toml my.lp              its linear program for another solver: .lp or .mps
  capmix doctor my.toml                    what this machine offers, and how many scenarios fit

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


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; `argv` without the program's name.

    Without `argv` the process is taken to be ours, with its streams.
    """
    if argv is None:
        take_over()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in COMPUTING:
        from .signals import listening

        with listening(for_good=argv is None):
            return _spoken(arguments)
    return _spoken(arguments)


def _spoken(arguments: list[str]) -> int:
    """Run a command and see its output off."""
    _unbreakable_output()
    try:
        code = _ended(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
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
    except _Mistake as mistake:
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
        kept = "; nothing was written" if arguments[0] in COMPUTING else ""
        complain(f"capmix: {word}{kept}", alone)
        return code
    except Exception as error:
        del ballast  # so that a process without memory still finds the words
        if os.environ.get(TRACEBACK):
            raise
        return _explain(error, alone)


def _run(options: argparse.Namespace) -> int:
    if options.command == "new":
        from .commands.new import new_command

        return new_command(options)
    from .limits import check_machine

    check_machine(computing=options.command != "check")
    if options.command == "plan":
        from .commands.plan import plan_command

        return plan_command(options)
    if options.command == "compare":
        from .commands.compare import compare_command

        return compare_command(options)
    if options.command == "frontier":
        from .commands.frontier import frontier_command

        return frontier_command(options)
    if options.command == "verify":
        from .commands.verify import verify_command

        return verify_command(options)
    if options.command == "export":
        from .commands.export import export_command

        return export_command(options)
    if options.command == "check":
        from .commands.check import check_command

        return check_command(options)
    from .commands.doctor import doctor_command

    return doctor_command(options)


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
    told = isinstance(error, WriteError) or type(error).__module__.startswith("capmix.")
    if not told and is_short_of_memory(error):
        words = safe(error) if isinstance(error, MemoryError) and str(error) else "the process ran out of memory"
        cure = "use fewer --scenarios (`capmix doctor CASE` says how many fit), or raise the process's limit"
        complain(f"capmix: not enough memory: {words}; {cure}", alone)
        return Exit.FAILURE
    if told:
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


class _Mistake(CapmixError):
    """Wrong words on the command line: how they go, and what is wrong."""


class _Parser(argparse.ArgumentParser):
    """Leaves it to the command line where to say what is wrong with its words."""

    def error(self, message: str) -> NoReturn:
        raise _Mistake(self.format_usage(), f"{self.prog}: error: {message}")


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from .files.document import version

        print(f"capmix {version()}")
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    style = argparse.RawDescriptionHelpFormatter
    parser = _Parser("capmix", description=DESCRIPTION, epilog=EPILOG, formatter_class=style, allow_abbrev=False)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and leave")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    plan = commands.add_parser(
        "plan",
        help="make a plan",
        formatter_class=style,
        allow_abbrev=False,
        description="Make a plan for a case, print its summary and write a run folder.",
    )
    plan.add_argument("case", metavar="CASE", help="a case file, or the name of a shipped case")
    plan.add_argument("--variant", metavar="NAME", help="plan the case as its [variant.NAME] changes it")
    plan.add_argument(
        "--replications",
        type=option_values.replications,
        default=0,
        metavar="N",
        help="plan again on N other sets of scenarios, with the seeds that follow: what the choice of scenarios does "
        "to the optimum, the limits and their prices (10 give a fair standard error)",
    )
    computing_options(plan)

    compare = commands.add_parser(
        "compare",
        help="put variants of a case side by side",
        formatter_class=style,
        allow_abbrev=False,
        description="Plan the [variant.NAME] tables of a case on one pool of scenarios and put them side by side.",
    )
    compare.add_argument("case", metavar="CASE", help="a case file, or the name of a shipped case")
    compare.add_argument(
        "--variants", type=option_values.names, metavar="A,B", help="which variants (default: all of the case's)"
    )
    compare.add_argument(
        "--milestones",
        type=option_values.marks,
        metavar="X,Y",
        help="compute in service, PFLOP/s, whose dates are compared",
    )
    computing_options(compare)

    frontier = commands.add_parser(
        "frontier",
        help="what a risk limit costs",
        formatter_class=style,
        allow_abbrev=False,
        description="Plan a case at many amounts of one risk limit, each certified, on one pool of scenarios and cuts.",
    )
    frontier.add_argument("case", metavar="CASE", help="a case file, or the name of a shipped case")
    frontier.add_argument("--variant", metavar="NAME", help="the case as its [variant.NAME] changes it")
    frontier.add_argument(
        "--limit", default="liquidity", metavar="NAME", help="the risk limit that moves (default: liquidity)"
    )
    frontier.add_argument(
        "--points",
        type=option_values.points,
        default=20,
        metavar="N",
        help="how many amounts, in equal steps (default: 20)",
    )
    frontier.add_argument(
        "--from",
        dest="low",
        type=option_values.amount,
        metavar="X",
        help="least amount, in the limit's unit (default: a step above the minimum)",
    )
    frontier.add_argument(
        "--to",
        dest="high",
        type=option_values.amount,
        metavar="Y",
        help="largest amount (default: where the limit stops to cost anything)",
    )
    computing_options(frontier)

    verify = commands.add_parser(
        "verify",
        help="check a run folder: hashes, sums, and every figure computed again",
        formatter_class=style,
        allow_abbrev=False,
        description="""\
Check a run folder of plan, compare or frontier: the hash of every file, the sums,
and everything it says of its plans, computed again from the case and the amounts
in the folder on the same scenarios.""",
    )
    verify.add_argument("run", metavar="RUN", help="the run folder, wherever it lies now")
    verify.add_argument("--quick", action="store_true", help="hashes and sums only")
    verify.add_argument("--replan", action="store_true", help="search again too, and compare the bounds")
    verify.add_argument(
        "--device", choices=("auto", "cuda", "cpu"), default="auto", help="where the scenarios are evaluated"
    )
    verify.add_argument("--no-progress", action="store_true", help="no progress line")

    export = commands.add_parser(
        "export",
        help="write the linear program for another solver",
        formatter_class=style,
        allow_abbrev=False,
        description="""\
Write a case's linear program, its expected path without the risk limits, in CPLEX
LP format (.lp) or free MPS (.mps). Never overwrites.""",
    )
    export.add_argument("case", metavar="CASE", help="a case file, or the name of a shipped case")
    export.add_argument("path", metavar="FILE", help="the new file, ending in .lp or .mps")
    export.add_argument("--variant", metavar="NAME", help="the case as its [variant.NAME] changes it")
    scenarios_option(export)
    export.add_argument(
        "--device", choices=("auto", "cuda", "cpu"), default="auto", help="where the scenarios are drawn"
    )
    export.add_argument(
        "--seed", type=option_values.seed, metavar="S", help="seed of the draws, 0 to 2^64 - 1 (default: the case's)"
    )
    export.add_argument("--no-progress", action="store_true", help="no progress line")

    check = commands.add_parser(
        "check",
        help="list every fault of a case, or describe it",
        formatter_class=style,
        allow_abbrev=False,
        description="List every fault of each case with its place, what is allowed and the cure; describe good ones.",
    )
    check.add_argument("case", metavar="CASE", nargs="+", help="case files, or names of shipped cases")
    scenarios_option(check)

    new = commands.add_parser(
        "new",
        help="write a commented starter case",
        formatter_class=style,
        allow_abbrev=False,
        description="Write a commented starter case that plans as it stands. Never overwrites.",
    )
    new.add_argument("path", metavar="PATH", help="the new file, ending in .toml")

    doctor = commands.add_parser(
        "doctor",
        help="what this machine offers",
        formatter_class=style,
        allow_abbrev=False,
        description="Check the installation and measure the machine; with a case, say how many scenarios fit.",
    )
    doctor.add_argument("case", metavar="CASE", nargs="?", help="a case file, or the name of a shipped case")
    scenarios_option(doctor)
    return parser
