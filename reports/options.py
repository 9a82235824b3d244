"""Options that several commands share."""

from __future__ import annotations

import argparse

from . import option_values


def computing_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command that computes."""
    scenarios_option(parser)
    parser.add_argument(
        "--device", choices=("auto", "cuda", "cpu"), default="auto", help="where the scenarios are evaluated"
    )
    parser.add_argument(
        "--seed", type=option_values.seed, metavar="S", help="seed of the draws, 0 to 2^64 - 1 (default: the case's)"
    )
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
    parser.add_argument("--no-progress", action="store_true", help="no progress line")


def scenarios_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scenarios",
        type=option_values.count,
        metavar="N",
        help="number of scenarios, e.g. 100000 or 1e6 (default: the case's)",
    )
