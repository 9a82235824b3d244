"""`capmix verify RUN`: is a run folder as it was written, and do its figures follow from its amounts?

Hashes and sums first. Then the case is read from the folder, the scenarios are drawn again by seed and number, and
everything that the folder says of its plans is computed again and put beside what is written.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..exits import Exit
from ..options import device_option, progress_option
from ..text import plural
from .command import Command, Stage

if TYPE_CHECKING:
    from ..files.run_folder import RunFolder
    from ..verification.findings import Findings


def _run(options: argparse.Namespace) -> int:
    """Check a run folder. 0 if all agrees, 1 if anything does not, 2 if it is no run folder of this version."""
    from pathlib import Path

    from ..files.run_folder import Unreadable, opened
    from ..verification.findings import Findings

    findings = Findings()
    reach = ""
    try:
        run = opened(Path(options.run))
        reach = _checked(run, findings, options)
    except Unreadable as error:
        findings.check("folder", [str(error)], "")
    if findings.faults:
        findings.say("verdict", f"DOES NOT VERIFY: {plural(len(findings.faults), 'fault')}")
        findings.show()
        return Exit.UNVERIFIED
    findings.say("verdict", f"verified{reach}")
    findings.show()
    return Exit.OK


def _checked(run: RunFolder, findings: Findings, options: argparse.Namespace) -> str:
    """Check all that is asked for; how far that reaches, in words."""
    from ..files.run_folder import changed
    from ..verification.sums import inner_faults
    from .computing import computing

    begun, by = run.manifest.get("started"), run.manifest.get("capmix_version")
    findings.say("run", f"{run.kind} of {run.manifest.get('case', {}).get('name')}, begun {begun}, by capmix {by}")
    findings.check("files", changed(run), f"all {len(run.listed)} are as the manifest lists them")
    findings.check("sums", list(inner_faults(run)), "totals, tables and certificates agree with each other")
    if options.quick:
        return " as far as hashes and sums go; without --quick the figures are computed again"
    findings.show()
    from ..verification.computed_again import computed_again

    with computing(options) as progress:
        progress.say("computing the figures again")
        computed_again(run, findings, options.device, options.replan)
    return "" if options.replan else "; the bounds themselves are proved again by --replan"


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run folder, wherever it lies now")
    parser.add_argument("--quick", action="store_true", help="hashes and sums only")
    parser.add_argument("--replan", action="store_true", help="search again too, and compare the bounds")
    device_option(parser)
    progress_option(parser)


VERIFY = Command(
    name="verify",
    title="check a run folder: hashes, sums, and every figure computed again",
    description="""\
Check a run folder of plan, compare or frontier: the hash of every file, the sums,
and everything it says of its plans, computed again from the case and the amounts
in the folder on the same scenarios.""",
    stage=Stage.USE,
    examples=(
        (
            "capmix verify runs/my-20270101-120000",
            "check a run folder: hashes, sums, and every figure computed again",
        ),
    ),
    arguments=_arguments,
    run=_run,
    stoppable=True,
)
