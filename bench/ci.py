"""python -m bench ci: figures for a CI job in a few minutes, in pytest-benchmark's JSON, held by a threshold file.

Every figure is a ratio within the run: to a plain copy of the same bytes, or to HiGHS's dual form on the same instance.
Exit codes: 0 all thresholds held; 1 at least one is not; 2 usage, or a threshold file with faults.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .ci_figures import FIGURES, Measured, measure
from .pytest_json import document, write
from .thresholds import ThresholdError, breaches, read_thresholds

THRESHOLDS = Path(__file__).with_name("thresholds.toml")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench ci", description=__doc__)
    parser.add_argument("--json", type=Path, help="write pytest-benchmark's JSON here")
    parser.add_argument("--thresholds", type=Path, default=THRESHOLDS, help="TOML; the shipped one if left out")
    parser.add_argument("--only", default="", help="benchmarks whose name contains this; their thresholds only")
    options = parser.parse_args(argv)
    try:
        thresholds = read_thresholds(options.thresholds)
    except ThresholdError as error:
        print(error, file=sys.stderr)
        return 2
    names = [name for name in FIGURES if options.only in name]
    if not names:
        print(
            f"--only {options.only!r}: no benchmark has that in its name; allowed: {', '.join(FIGURES)}",
            file=sys.stderr,
        )
        return 2
    results: list[Measured] = []
    for result in measure(names):
        results.append(result)
        figures = ", ".join(f"{key} {value:.3g}" for key, value in result.figures.items())
        print(f"{result.name}: {result.median:.4f} s; {figures}", flush=True)
    if options.json is not None:
        write(options.json, document(results))
    found = breaches(thresholds, results, names)
    for line in found:
        print(f"REGRESSION {line}")
    print(f"{len(results)} benchmarks, {len(found)} thresholds broken")
    return 1 if found else 0
