"""python -m bench run: subjects on instances, each with its true gap and violation beside its time."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .instances import FAMILIES
from .peers import SUBJECTS
from .runner import Plan, run, sizes_of, subjects_of

DEFAULT = ("capmix", "highs-dual-simplex", "highs-primal-simplex", "clarabel", "cvqp")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench run", description=__doc__)
    parser.add_argument("--family", default="factor", help=f"comma-separated: {', '.join(FAMILIES)}")
    parser.add_argument("--sizes", default="1e3x100,1e4x100", help="SCENARIOSxCOLUMNS, comma-separated")
    parser.add_argument("--subjects", default=",".join(DEFAULT), help="comma-separated; all, peers, or of --list")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds per run")
    parser.add_argument("--memory-limit", type=float, default=12.0, help="GB per process")
    parser.add_argument("--tolerance", type=float, default=1e-5, help="relative, of gap and violation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--python", action="append", default=[], help="another interpreter that has peers; may repeat")
    parser.add_argument("--json", type=Path, help="write the whole run here")
    parser.add_argument("--list", action="store_true", help="list the subjects and families, and end")
    options = parser.parse_args(argv)
    if options.list:
        print("\n".join([f"{s.key:22} {s.title}" for s in SUBJECTS.values()] + ["", *FAMILIES]))
        return 0
    try:
        plan = Plan(
            families=tuple(options.family.split(",")),
            sizes=sizes_of(options.sizes),
            subjects=subjects_of(options.subjects.split(",")),
            tolerance=options.tolerance,
            time_limit=options.time_limit,
            memory_limit=1e9 * options.memory_limit,
            seed=options.seed,
            pythons=(sys.executable, *options.python),
        )
        unknown = [f for f in plan.families if f not in FAMILIES]
        if unknown:
            raise ValueError(f"unknown family {unknown[0]!r}; allowed: {', '.join(FAMILIES)}")
    except ValueError as error:
        parser.error(str(error))
    print("\n".join(HEAD), flush=True)
    document = run(
        plan,
        lambda record: print(row(record), flush=True),
        lambda line: print(line, file=sys.stderr, flush=True),
    )
    print(f"\n{document['machine']}; copy {document['copy_bytes_per_s'] / 1e9:.1f} GB/s read and written")
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    return 0


HEAD = (
    "| instance | subject | seconds | building | copies | outcome | true gap | violation | peak GB | counts | load |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)


def row(record: dict[str, Any]) -> str:
    """One Markdown row: the time stands beside what the answer is worth."""
    size = f"{record['family']} {record['scenarios']:,} x {record['columns']:,}"
    title = " ".join(filter(None, (record["title"], record.get("version", ""))))
    counts = ", ".join(f"{value:.4g} {name}" for name, value in record["counts"].items() if value)
    cells = [
        size,
        title,
        seconds(record),
        building(record),
        "" if record["copies"] is None else f"{record['copies']:.3g}",
        verdict(record),
        figure(record["gap"]) + ("*" if record["gap"] is not None and record["bound_by"] != "judge" else ""),
        figure(record["violation"]),
        "" if record["peak_bytes"] is None else f"{record['peak_bytes'] / 1e9:.2f}",
        counts,
        f"{record['load']:.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


def seconds(record: dict[str, Any]) -> str:
    value = record["seconds"]
    if value is None:
        return "DNF" if record["outcome"] in ("did not finish", "out of memory") else ""
    return f"{value:.3g}" + (" DNF" if record["outcome"] == "did not finish" else "")


def building(record: dict[str, Any]) -> str:
    """Seconds of the phases before the solver starts."""
    phases = record["phases"]
    return f"{sum(value for name, value in phases.items() if name != 'solve'):.2g}" if phases else ""


def verdict(record: dict[str, Any]) -> str:
    """In words: right, off (answered, but outside the tolerance), or why there is no answer."""
    if record["outcome"] == "answered":
        contradicted = "; its bound is contradicted" if record["claim_contradicted"] else ""
        return ("right" if record["right"] else "off") + contradicted
    if record["outcome"] in ("did not finish", "out of memory"):
        return str(record["outcome"])
    return f"{record['outcome']}: {record['status']}".replace("|", "/")


def figure(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"
