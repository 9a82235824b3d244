"""Options that several commands share."""

from __future__ import annotations

import argparse

from . import option_values


def case_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case", metavar="CASE", help="a case file, or the name of a shipped case")


def variant_option(parser: argparse.ArgumentParser, words: str = "the case as its [variant.NAME] changes it") -> None:
    parser.add_argument("--variant", metavar="NAME", help=words)


def device_option(parser: argparse.ArgumentParser, words: str = "where the scenarios are evaluated") -> None:
    parser.add_argument("--device", choices=("auto", "cuda", "cpu"), default="auto", help=words)


def seed_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed", type=option_values.seed, metavar="S", help="seed of the draws, 0 to 2^64 - 1 (default: the case's)"
    )


def progress_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-progress", action="store_true", help="no progress line")


def computing_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command that computes."""
    scenarios_option(parser)
    device_option(parser)
    seed_option(parser)
    parser.add_argument(
        "--gap", type=option_values.gap, default=1e-5, metavar="G", help="relative gap to certify (default: 1e-5)"
    )
    parser.add_argument(
        "--time-limit",
        type=option_values.seconds,
        metavar="SEC",
        help="stop after so many seconds with the best plan so far",
    )
    parser.add_argument("--out", metavar="DIR", help="run folder, new or empty (default: runs/NAME-DATE-TIME)")
    parser.add_argument(
        "--tables", choices=("csv", "parquet"), default="csv", help="how tables are written (default: csv)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the result as JSON to standard output instead of the summary"
    )
    parser.add_argument("--open", action="store_true", help="show the report in the browser when it is written")
    progress_option(parser)


def scenarios_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scenarios",
        type=option_values.count,
        metavar="N",
        help="number of scenarios, e.g. 100000 or 1e6 (default: the case's)",
    )
