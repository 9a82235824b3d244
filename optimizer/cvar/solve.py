"""CVaR programs over explicit scenario matrices as a library call: the engine of the plans, one period, n columns.

Three engines, all judged by one check (`proof`). `direct` (module `direct`): the extensive form in HiGHS, for small
programs. `newton` (module `newton`): an interior point on the rows near the tail. `cuts` (`search.maximise`): in-out
cutting planes on the rows that matter, for very many columns and sparse optima.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...kernels.cpu.matrix_backend import MatrixBackend
from ..arrays import FloatArray
from ..cutting_planes.progress import Progress
from ..cutting_planes.settings import Settings
from ..cutting_planes.solution import Passes, Status
from .check import checked
from .labels import Labels, unlabelled
from .program import CvarProgram, CvarTerm
from .proof import REACH
from .search import Search
from .text import line, text

__all__ = ["CvarProgram", "CvarResult", "CvarTerm", "solve_cvar"]


ENGINES = ("auto", "direct", "newton", "cuts")


@dataclass(frozen=True, eq=False)
class CvarResult:
    """The outcome of `solve_cvar`.

    Attributes:
        status: certified; stopped (the gap is not met, or there is no point yet if `x` is None); infeasible or
            unbounded, both with proof.
        x: (n,) the decisions; where the program is unbounded, a feasible point at which `ray` begins. A Series where
            the columns have labels of pandas, and so are `bound_duals` and `ray`; `row_duals` where the rows have.
        objective: at x, with the true CVaRs. lower, upper: proven bounds on the optimum; upper is the objective of x.
        gap: (upper - lower) / |upper|; where |upper| is below a millionth of the sum of the sizes of what the objective
            adds up, that takes its place.
        cvar, var: (M,) of each term at x, on all scenarios, in double precision.
        row_duals: (rows,) change of the optimum per unit more of the row's active bound. bound_duals: (n,) the same for
            the bounds of x. limit_duals: (M,) objective saved per unit more of a term's limit, >= 0.
        passes: full and equivalent passes over the scenarios, programs solved, cuts.
        seconds: wall time. engine: the one that found x, or "" where there is none.
        ray: (n,) of an unbounded program, a direction along which its objective falls for ever; else None.
    """

    status: Status
    x: Any
    objective: float
    lower: float
    upper: float
    gap: float
    cvar: FloatArray
    var: FloatArray
    row_duals: FloatArray
    bound_duals: FloatArray
    limit_duals: FloatArray
    passes: Passes
    seconds: float
    engine: str
    messages: tuple[str, ...] = ()
    ray: FloatArray | None = None

    @property
    def success(self) -> bool:
        """Whether `x` is proven to be within the gap asked for."""
        return self.status is Status.CERTIFIED

    @property
    def weights(self) -> Any:
        """`x`, as a portfolio calls it."""
        return self.x

    def __repr__(self) -> str:
        return line(self)

    def __str__(self) -> str:
        return text(self)


def solve_cvar(
    program: CvarProgram,
    *,
    gap: float = 1e-5,
    time_limit: float | None = None,
    engine: str = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
    seed: int = 0,
) -> CvarResult:
    """Solve a CVaR program to a proven relative gap.

    A program without a point, without a limit of its objective, or whose gap could not be closed comes back as a result
    whose `status` says so.

    Args:
        engine: "auto" takes the one that suits the size and goes on with others where the gap stalls; "direct",
            "newton" or "cuts" takes only that one.
        threads: of the passes; all cores if left out. The result has the same bits for any number.
        progress: called with a `ProgressEvent` as the search goes on.

    Raises:
        ValueError: every fault of the program at once, or settings that make no sense.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine is {engine!r}; allowed: {', '.join(ENGINES)}")
    begin = time.perf_counter()
    settings = Settings(gap=gap, time_limit=time_limit, polish=False, seed=seed)
    plain, labels = unlabelled(program)
    whole = checked(plain)
    if whole.quadratic is not None and engine in ("cuts", "direct"):
        raise ValueError(f"engine '{engine}' takes no quadratic; use 'newton' or 'auto'")
    search = Search(whole, MatrixBackend(threads), settings, engine, progress, begin).run()
    result = _result(search, time.perf_counter() - begin)
    return result if labels is None else _labelled(result, labels)


def _labelled(result: CvarResult, labels: Labels) -> CvarResult:
    return replace(
        result,
        x=labels.series(result.x, labels.columns, "x"),
        bound_duals=labels.series(result.bound_duals, labels.columns, "bound_duals"),
        row_duals=labels.series(result.row_duals, labels.rows, "row_duals"),
        ray=labels.series(result.ray, labels.columns, "ray"),
    )


def _result(search: Search, seconds: float) -> CvarResult:
    book, p, work = search.book, search.program, search.work
    status = search.no_optimum or (Status.CERTIFIED if book.met else Status.STOPPED)
    best = None if status is Status.INFEASIBLE else book.best
    nothing = np.full(len(p.parts), math.nan)
    infeasible, unbounded = status is Status.INFEASIBLE, status is Status.UNBOUNDED
    upper = math.inf if best is None else best.objective
    lower = math.inf if infeasible else -math.inf if unbounded else min(book.lower, upper)
    evidence = None if search.no_optimum is not None else book.evidence
    extra = np.zeros(len(p.parts))
    if evidence is not None:
        extra = np.where(np.isfinite(p.limits), np.maximum(0.0, evidence.prices - np.array(p.prices)), 0.0)
    return CvarResult(
        status=status,
        x=None if best is None else best.x,
        objective=math.nan if best is None else best.objective,
        lower=lower,
        upper=upper,
        gap=math.inf if search.no_optimum is not None else book.gap,
        cvar=nothing if best is None else best.cvar,
        var=nothing if best is None else best.var,
        row_duals=np.zeros(p.matrix.shape[0]) if evidence is None else evidence.rows,
        bound_duals=np.zeros(p.width) if evidence is None or book.proof is None else book.proof.reduced,
        limit_duals=extra,
        passes=Passes(work.full, work.equivalent, work.solves, work.cuts),
        seconds=seconds,
        engine="" if best is None else best.engine,
        messages=_messages(search, status),
        ray=search.ray,
    )


def _messages(search: Search, status: Status) -> tuple[str, ...]:
    book = search.book
    said = list(dict.fromkeys(book.messages))
    proof = book.proof
    if status is Status.CERTIFIED and proof is not None and proof.leaning > 0.1 * book.goal * abs(book.upper):
        said.append(f"columns without a bound: the bound holds within {REACH:g} times the largest amount")
    if status is Status.STOPPED and not said:
        said.append("no engine could close the gap")
    return tuple(said)
