"""python -m bench [command|passes|sampling …] [--case NAME] [--quick]: print the tables of one case.

python -m bench run|ci|plans|report|certificates …: subjects side by side, CI, plans by size, RESULTS.md, random CVaR
programs judged; see docs/bench.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

PARTS = ("command", "passes", "sampling")
TOOLS = ("run", "ci", "plans", "report", "certificates")


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in TOOLS:
        tool = import_module(f".{words[0]}", __package__)
        return int(tool.main(words[1:]))
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", default=[], help=f"which tables: {', '.join(PARTS)}; all if left out")
    parser.add_argument("--case", default="hyperscaler")
    parser.add_argument("--quick", action="store_true", help="small scenario counts")
    options = parser.parse_args(words)
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"unknown table {', '.join(unknown)}; allowed: {', '.join(PARTS)}")

    from . import command, passes, sampling
    from .machine import describe

    print(describe())
    for part in options.parts or PARTS:
        if part == "command":
            counts = [10_000, 20_000] if options.quick else [100_000, 1_000_000]
            lines = command.table(options.case, counts)
        elif part == "passes":
            lines = passes.table(options.case, 100_000 if options.quick else 1_000_000)
        else:
            counts = [1_000, 10_000] if options.quick else [1_000, 10_000, 100_000, 1_000_000]
            lines = sampling.table(options.case, counts)
        print(f"\n## {part}\n", *lines, sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
