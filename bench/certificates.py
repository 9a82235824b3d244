"""python -m bench certificates [--count N] [--first SEED] [--family NAME] [--peers]: random CVaR programs, judged.

Each program is made in plain units, in which HiGHS or Clarabel finds its optimum, and handed to capmix in others: each
column, row, loss and the objective in units of its own, over up to twelve decades. A certificate is false where the
point breaks what it must keep, where its objective is not what plain sums give, or where a feasible point is better
than its bound.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import capmix
import numpy as np

from .certificate_families import FAMILIES, Drawn, draw
from .certificate_oracle import Answer, clarabel, cvar_of, highs

GAP = 1e-5
HIGHS_CELLS = 120_000  # numbers of an extensive form up to which HiGHS is the oracle
BETTER = 1e-7  # of the amounts at stake: by which a point must beat a bound that is called false


@dataclass
class Verdict:
    """seconds: of capmix, HiGHS and Clarabel. false: what is wrong with the answer, empty where nothing is."""

    drawn: Drawn
    status: str
    right: bool
    false: str
    seconds: dict[str, float] = field(default_factory=dict)
    note: str = ""


def exact(drawn: Drawn, x: np.ndarray) -> tuple[float, float, float, str]:
    """In the units of the program handed in: objective, amounts at stake, largest excess relative to sizes, and of
    what."""
    p = drawn.program
    x = np.asarray(x, dtype=np.float64)
    pieces = list(np.asarray(p.cost) * x)
    worst, what = 0.0, ""

    def exceeds(amount: float, size: float, name: str, tolerance: float) -> None:
        nonlocal worst, what
        share = amount / max(size, 1e-300) / tolerance
        if amount > 0.0 and share > worst:
            worst, what = share, name

    if p.quadratic is not None:
        pieces.append(0.5 * float(x @ (np.asarray(p.quadratic) @ x)))
    stake = float(np.sum(np.abs(pieces)))
    for k, term in enumerate(p.tails):
        losses = np.asarray(term.losses, dtype=np.float64)
        offset = np.zeros(losses.shape[0]) if term.offset is None else np.asarray(term.offset)
        value = cvar_of(losses @ x + offset, term.level, p.weights)
        gross = float(np.mean(np.abs(losses) @ np.abs(x) + np.abs(offset)))
        pieces.append(term.price * value)
        stake += term.price * gross
        if term.limit is not None:
            exceeds(value - term.limit, max(abs(term.limit), abs(value), 1e-3 * gross), f"limit {k}", 2e-9)
    if p.matrix is not None:
        matrix = np.asarray(p.matrix)
        activity, gross = matrix @ x, np.abs(matrix) @ np.abs(x)
        for i, (low, high) in enumerate(zip(np.atleast_1d(p.row_lower), np.atleast_1d(p.row_upper), strict=True)):
            for over, side in ((low - activity[i], low), (activity[i] - high, high)):
                if math.isfinite(side):
                    exceeds(over, max(abs(side), 1e-3 * gross[i]), f"row {i}", 1e-8)
    low, high = np.broadcast_to(p.lower, x.shape), np.broadcast_to(p.upper, x.shape)
    if (x < low).any() or (x > high).any():
        worst, what = math.inf, "bounds"
    return math.fsum(pieces), stake, worst, what


def judge(drawn: Drawn, found: capmix.CvarResult, answer: Answer | None) -> Verdict:
    """What an answer is worth. answer: the oracle's, in plain units."""
    status, wrong, right = found.status.value, "", False
    best, stake = math.inf, 0.0
    if answer is not None and answer.x is not None:
        value, stake, excess, _ = exact(drawn, drawn.columns * answer.x)
        best = value if excess <= 100.0 else math.inf
    if status == "certified":
        value, stake, excess, what = exact(drawn, found.x)
        if excess > 1.0:
            wrong = f"{what} exceeded, {excess:.1e} of what is allowed"
        elif abs(value - found.objective) > 1e-12 * max(stake, abs(value)):
            wrong = f"objective {found.objective!r}, in truth {value!r}"
        elif found.lower > found.upper + 1e-9 * max(stake, abs(value)):
            wrong = "bounds cross"
        elif best < found.lower - BETTER * max(stake, abs(value)):
            wrong = f"bound {found.lower!r}, but there is a point of {best!r}"
        elif drawn.kind != "optimal":
            wrong = f"certified, but {drawn.kind}"
        right = not wrong
    elif status == "infeasible":
        wrong = "" if drawn.kind == "infeasible" else f"infeasible, but {drawn.kind}"
        right = not wrong
    elif status == "unbounded":
        wrong = "" if drawn.kind == "unbounded" else f"unbounded, but {drawn.kind}"
        right = not wrong
    elif found.x is not None and exact(drawn, found.x)[2] > 1.0:
        wrong = "stopped with a point that breaks what it must keep"
    note = "; ".join(found.messages)[:160] if not right else ""
    return Verdict(drawn, status, right, wrong, note=f"gap {found.gap:.1e} {found.engine}; {note}" if not right else "")


def one(seed: int, family: str | None = None, peers: bool = False, most: int | None = None) -> Verdict:
    """Draw, solve and judge one program. peers: time both oracles. most: scenarios × columns at most."""
    drawn = draw(seed, family, most)
    answer: Answer | None = None
    seconds: dict[str, float] = {}
    if drawn.kind == "optimal":
        linear = drawn.plain.quadratic is None
        if linear and drawn.cells <= HIGHS_CELLS:
            answer = highs(drawn.plain)
            seconds["highs"] = answer.seconds
        if answer is None or answer.x is None or peers:
            other = clarabel(drawn.plain)
            seconds["clarabel"] = other.seconds
            answer = other if answer is None or answer.x is None else answer
    begin = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = capmix.solve_cvar(drawn.program, gap=GAP, threads=1)
    except Exception as fault:  # any exception is a finding
        return Verdict(drawn, "exception", False, "", seconds, f"{type(fault).__name__}: {fault}"[:200])
    seconds["capmix"] = time.perf_counter() - begin
    verdict = judge(drawn, found, answer)
    verdict.seconds = seconds
    return verdict


def table(verdicts: Sequence[Verdict]) -> list[str]:
    """Markdown rows by family."""
    by: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by[verdict.drawn.family].append(verdict)
    by["all"] = list(verdicts)
    lines = [
        "| family | programs | certified | infeasible, unbounded: right | stopped | false | exceptions | median s "
        "| slowest s | HiGHS median s | Clarabel median s |",
        "| --- " * 11 + "|",
    ]
    for family, some in by.items():
        count = defaultdict(int)
        for v in some:
            count["false"] += bool(v.false)
            count[v.status if not v.right or v.status == "certified" else "ended"] += 1
        seconds = {k: [v.seconds[k] for v in some if k in v.seconds] for k in ("capmix", "highs", "clarabel")}
        middle = {k: f"{np.median(s):.3f}" if s else "" for k, s in seconds.items()}
        slowest = f"{max(seconds['capmix'], default=0.0):.2f}"
        lines.append(
            f"| {family} | {len(some)} | {count['certified']} | {count['ended']} | {count['stopped']} "
            f"| {count['false']} | {count['exception']} | {middle['capmix']} | {slowest} | {middle['highs']} "
            f"| {middle['clarabel']} |"
        )
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench certificates", description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--family", choices=sorted(FAMILIES), default=None)
    parser.add_argument("--peers", action="store_true", help="time HiGHS and Clarabel on each program")
    options = parser.parse_args(argv)
    verdicts = []
    for seed in range(options.first, options.first + options.count):
        verdict = one(seed, options.family, options.peers)
        verdicts.append(verdict)
        if not verdict.right:
            d = verdict.drawn
            print(
                f"seed {seed} {d.family} {d.scenarios} x {d.program.cost.size} units {d.units}: {verdict.status} "
                f"{'FALSE: ' + verdict.false if verdict.false else ''} {verdict.note}",
                flush=True,
            )
    print(*table(verdicts), sep="\n")
    return int(any(v.false or v.status == "exception" for v in verdicts))
