"""`capmix verify RUN`: is a run folder as it was written, and do its figures follow from its amounts?

Hashes and sums first. Then the case is read from the folder, the scenarios are drawn again by seed and number, and
everything that the folder says of its plans is computed again and put beside what is written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..exits import Exit
from ..files.run_folder import RunFolder, Unreadable, changed, opened
from ..text import plural
from ..verification.findings import Findings
from ..verification.sums import inner_faults
from .computing import computing


def verify_command(options: argparse.Namespace) -> int:
    """Check a run folder. 0 if all agrees, 1 if anything does not, 2 if it is no run folder of this version."""
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
