"""Solve a portfolio to a proven gap of its own objective."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arrays import FloatArray
from ..cutting_planes.progress import Progress, relative_gap
from ..cutting_planes.solution import Status
from ..cvar.solve import CvarResult, solve_cvar
from ..plan import Certificate
from .portfolio import Portfolio, Stated, stated
from .program import Figures, Lowering, figures, lowered
from .result import PortfolioResult

FINEST = 1e-11  # no program is asked for a smaller gap


def cvar_portfolio(
    returns: Any,
    *,
    gap: float = 1e-5,
    time_limit: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    **statement: Any,
) -> PortfolioResult:
    """The best portfolio of assets with the given (S, n) returns, with a proof.

    Args:
        returns: simple return of each asset in each scenario, or a whole `Portfolio`.
        gap: relative, of the objective, at which the portfolio counts as certified.
        time_limit: seconds. threads: of the passes. progress: called as the search goes on.
        statement: the other fields of `Portfolio`: `objective`, `level`, `max_cvar`, `previous`, `max_turnover` …

    Raises:
        ValueError: every fault of the statement at once.
        SolverError: HiGHS fails.
    """
    if isinstance(returns, Portfolio):
        portfolio = replace(returns, **statement)
    else:
        portfolio = Portfolio(returns, **statement)
    begin = time.perf_counter()
    asked = stated(portfolio)
    answer = solved(asked, lowered(asked), Effort(gap, time_limit, threads, progress))
    return replace(answer, seconds=time.perf_counter() - begin)


@dataclass(frozen=True)
class Effort:
    """See `cvar_portfolio`."""

    gap: float
    time_limit: float | None = None
    threads: int | None = None
    progress: Progress | None = None


def solved(p: Stated, lowering: Lowering, effort: Effort) -> PortfolioResult:
    """The program's answer in the portfolio's terms.

    The gap is that of the portfolio's own objective, which may be nearer to 0 than the program's, whose costs have a
    constant part that it leaves out: then the program is solved again, finer.
    """
    begin, gap = time.perf_counter(), effort.gap
    while True:
        left = None if effort.time_limit is None else max(0.0, effort.time_limit - (time.perf_counter() - begin))
        found = solve_cvar(lowering.program, gap=gap, time_limit=left, threads=effort.threads, progress=effort.progress)
        if found.status is Status.UNBOUNDED:
            return endless(p, effort.gap, "the objective has no limit: give bounds, a budget, max_leverage or max_cvar")
        answer = result_of(p, lowering, found, effort.gap)
        finer = 0.5 * gap * effort.gap / answer.gap if answer.gap > 0.0 else 0.0
        if not found.success or answer.success or not finer >= FINEST:
            return replace(answer, seconds=time.perf_counter() - begin)
        gap = finer


def result_of(p: Stated, lowering: Lowering, found: CvarResult, gap: float) -> PortfolioResult:
    """A program's result in the portfolio's terms."""
    messages = tuple(_named(message, lowering) for message in found.messages)
    if found.x is None:
        nothing = Figures(*[math.nan] * 7)
        return _result(p, found.status, None, nothing, found.lower + lowering.constant, gap, messages)
    weights = np.clip(found.x[: p.width], p.lower, p.upper)
    return judged(p, weights, found.lower + lowering.constant, found.status, gap, messages)


def judged(
    p: Stated, weights: FloatArray, least: float, status: Status, gap: float, messages: tuple[str, ...]
) -> PortfolioResult:
    """Weights that keep the rows, with their figures; certified where their objective is within the gap of `least`, a
    bound on the minimised objective.
    """
    result = _result(p, status, weights, figures(p, weights), least, gap, messages)
    met = result.gap <= gap
    if status is Status.CERTIFIED and not met:
        return replace(result, status=Status.STOPPED)
    return result


def endless(p: Stated, gap: float, words: str) -> PortfolioResult:
    """No portfolio is best: there is always a better one."""
    return _result(p, Status.UNBOUNDED, None, Figures(*[math.nan] * 7), -math.inf, gap, (words,))


def _result(
    p: Stated,
    status: Status,
    weights: FloatArray | None,
    f: Figures,
    least: float,
    gap: float,
    messages: tuple[str, ...],
) -> PortfolioResult:
    maximised = p.objective != "min_cvar"
    low, high = (f.objective, -least) if maximised else (least, f.objective)
    if weights is None:
        low, high = (-math.inf, -least) if maximised else (least, math.inf)
    reached = relative_gap(-least, f.objective if maximised else -f.objective)
    low, high = float(low), float(high)
    return PortfolioResult(
        status=status,
        weights=weights if p.labels is None else p.labels.series(weights, p.labels.columns, "weights"),
        expected_return=f.expected_return,
        cvar=f.cvar,
        var=f.var,
        turnover=f.turnover,
        cost=f.cost,
        leverage=f.leverage,
        objective=f.objective,
        level=p.level,
        certificate=Certificate(upper_bound=high, lower_bound=low, gap=float(reached), tolerance=gap),
        seconds=0.0,
        messages=messages,
    )


def _named(message: str, lowering: Lowering) -> str:
    """A message that calls the rows by their names."""
    names = lowering.names
    return re.sub(r"row\[(\d+)\]", lambda m: names[int(m[1])] if int(m[1]) < len(names) else m[0], message)
