"""`capmix doctor`: what this machine offers."""

from __future__ import annotations

import argparse

from ..options import scenarios_option
from .command import Command, Stage


def _run(options: argparse.Namespace) -> int:
    from .doctor_report import examined

    return examined(options)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case", metavar="CASE", nargs="?", help="a case file, or the name of a shipped case")
    scenarios_option(parser)


DOCTOR = Command(
    name="doctor",
    title="what this machine offers",
    description="Check the installation and measure the machine; with a case, say how many scenarios fit.",
    stage=Stage.MACHINE,
    examples=(("capmix doctor my.toml", "what this machine offers, and how many scenarios fit"),),
    arguments=_arguments,
    run=_run,
)
