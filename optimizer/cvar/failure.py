"""Why a CVaR program has no optimum, with proof: multipliers that no point can satisfy, or a ray along which it falls.

Both come from programs of the same kind that have an optimum. Infeasible: the least amount by which rows and limits
must be relaxed; its multipliers, checked in the caller's own units, prove that it is above 0. Unbounded: the steepest
direction within a box such that rows and bounds are kept for ever and no limited CVaR rises (Rockafellar 1970, Convex
Analysis, section 8, https://doi.org/10.1515/9781400873173); it is checked together with a feasible point.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, vstack

from ...kernels.matrix import Part
from ...models.program import LinearProgram
from ..arrays import FloatArray
from ..cutting_planes.elastic import relaxations
from ..cutting_planes.highs import SolverError
from ..cutting_planes.progress import Monitor
from ..cutting_planes.solution import Conflict, LeastRisk, Status
from .direct import DIRECT_LIMIT, cells, solve_direct
from .program import Checked, lower_program
from .proof import Evidence, broken, farkas, in_units, objective

if TYPE_CHECKING:
    from .search import Search


LEAST_GAP = 1e-4  # accuracy of the least risk that is reported for a limit that cannot be met
COPIED_CELLS = 30_000_000  # numbers of a program that may be copied to relax it
FALLS = 1e-7  # of the sizes of its terms: a slope along a ray that is one
EXACT = 1e-9  # by which a ray may exceed its rows and limits
HUGE = 1e6  # amounts in scaled units that make a ray worth looking for


def diagnose(search: Search) -> None:
    """After an engine has failed: set `no_optimum` where it can be proven that there is no optimum."""
    book = search.book
    if book.best is None:
        _infeasible(search)
    if search.no_optimum is None and not math.isfinite(book.lower) and _open(search.program):
        _unbounded(search)
    search.hint = None


def _open(program: Checked) -> bool:
    return bool((np.isinf(program.lower) | np.isinf(program.upper)).any())


# no point


def _infeasible(search: Search) -> None:
    p = search.scaled
    if search.book.point(np.clip(np.zeros(p.width), search.program.lower, search.program.upper), "direct"):
        return
    if p.matrix.shape[0] and (words := _rows_alone(search)):
        _end(search, words)
        return
    if search.book.best is not None:
        return
    least: list[LeastRisk] = []
    limited = [m for m, v in enumerate(p.limits) if math.isfinite(v)]
    if not limited or search.nested:
        return
    proven = False
    for m in limited:
        alone, evidence = _least(search, m)
        least.append(alone)
        proven = proven or (evidence is not None and farkas(search.program, evidence))
    words = conflict_words(Conflict(least=tuple(least)))
    if not proven and len(limited) + p.matrix.shape[0] > 1:
        proven = _together(search)
        words += ("each limit can be met alone, but not all together",) if proven else ()
    if proven:
        _end(search, words)


def _end(search: Search, words: tuple[str, ...]) -> None:
    search.no_optimum = Status.INFEASIBLE
    search.book.messages[:] = words


def _rows_alone(search: Search) -> tuple[str, ...]:
    """Which rows must be relaxed, if rows and bounds alone have no point and that is proven; a point is taken."""
    p = replace(search.scaled, parts=(), names=(), levels=(), limits=(), prices=(), sizes=np.zeros((0, 0)))
    try:
        found = solve_direct(p, search.backend, search.left, elastic=True)
    except SolverError:
        return ()
    if found.evidence is None or search.book.point(found.x * search.units.columns, "direct"):
        return ()
    many, n = len(search.program.parts), p.width
    evidence = replace(found.evidence, prices=np.zeros(many), gradient=np.zeros((many, n)), constant=np.zeros(many))
    if not farkas(search.program, in_units(evidence, search.units)):
        return ()
    words = f"the rows contradict each other or the bounds, by {found.excess:.3g} of their size"
    try:
        named = conflict_words(Conflict(relaxations(_plain(search.program), Monitor(None, None, LEAST_GAP, -1.0), 0)))
    except SolverError:
        named = ()
    return named or (words,)


def _plain(program: Checked) -> LinearProgram:
    """Its linear program without the CVaRs."""
    limits = tuple(math.inf for _ in program.limits)
    bare = replace(program, limits=limits, prices=tuple(0.0 for _ in limits), quadratic=None)
    nothing = [(np.zeros(program.width), 0.0)] * len(limits)
    return lower_program(bare, nothing).program


def _nested(search: Search, program: Checked, gap: float, nothing: float = 1e-8) -> Search:
    from .search import Search as Again

    settings = replace(search.settings, gap=gap, time_limit=None if math.isinf(search.left) else max(0.0, search.left))
    inner = Again(program, search.backend, settings, nested=True, nothing=nothing).run()
    work = inner.work
    search.work.add(work.full, work.equivalent, work.solves, work.cuts)
    return inner


def _least(search: Search, m: int) -> tuple[LeastRisk, Evidence | None]:
    """The least CVaR of one term, whatever the objective and the other limits, and what proves it."""
    p = search.program
    alone = replace(
        p,
        cost=np.zeros(p.width),
        quadratic=None,
        parts=p.parts[m : m + 1],
        names=p.names[m : m + 1],
        levels=p.levels[m : m + 1],
        limits=(math.inf,),
        prices=(1.0,),
    )
    book = _nested(search, alone, LEAST_GAP).book
    least = LeastRisk(p.names[m], p.limits[m], book.upper, book.lower)
    if book.evidence is None:
        return least, None
    many = len(p.parts)
    prices, gradient, constant = np.zeros(many), np.zeros((many, p.width)), np.zeros(many)
    prices[m], gradient[m], constant[m] = (
        book.evidence.prices[0],
        book.evidence.gradient[0],
        book.evidence.constant[0],
    )
    return least, replace(book.evidence, prices=prices, gradient=gradient, constant=constant)


def _together(search: Search) -> bool:
    """Whether the rows and limits together are proven to have no point; a point that is found is taken."""
    p, n = search.scaled, search.program.width
    if cells(p) <= DIRECT_LIMIT:
        try:
            found = solve_direct(replace(p, quadratic=None), search.backend, search.left, elastic=True)
        except SolverError:
            return False
        search.work.solves += 1
        if found.evidence is None:
            return False
        search.book.point(found.x * search.units.columns, "direct")
        return search.book.best is None and farkas(search.program, in_units(found.evidence, search.units))
    if cells(p) > COPIED_CELLS or not np.isfinite(p.limits).any():
        return False
    inner = _nested(search, _elastic(p), LEAST_GAP)
    if inner.book.best is not None:
        search.book.point(inner.book.best.x[:n] * search.units.columns, inner.book.best.engine)
    if inner.book.evidence is None or search.book.best is not None:
        return False
    e, under = inner.book.evidence, int(np.isfinite(p.row_lower).sum())
    rows = np.zeros(p.matrix.shape[0])
    rows[np.isfinite(p.row_lower)] += e.rows[:under]
    rows[np.isfinite(p.row_upper)] += e.rows[under:]
    limited = np.isfinite(p.limits)
    prices, gradient, constant = np.zeros(limited.size), np.zeros((limited.size, n)), np.zeros(limited.size)
    prices[limited], gradient[limited], constant[limited] = e.prices, e.gradient[:, :n], e.constant
    evidence = Evidence(prices, gradient, constant, rows, e.at[:n])
    return farkas(search.program, in_units(evidence, search.units))


def _elastic(p: Checked) -> Checked:
    """The program with one more column by which all rows and limits are relaxed, and which alone costs."""
    n, everything = p.width, np.arange(p.count)
    limited = [m for m, limit in enumerate(p.limits) if math.isfinite(limit)]
    parts = tuple(
        Part(np.hstack([p.parts[m].block(everything), np.full((p.count, 1), -1.0)]), p.parts[m].offset) for m in limited
    )
    under, over = np.isfinite(p.row_lower), np.isfinite(p.row_upper)
    matrix = csr_array(p.matrix)
    blocks = [
        np.hstack([matrix[side].toarray(), np.full((int(side.sum()), 1), give)])
        for side, give in ((under, 1.0), (over, -1.0))
    ]
    return replace(
        p,
        cost=np.append(np.zeros(n), 1.0),
        quadratic=None,
        parts=parts,
        names=tuple(p.names[m] for m in limited),
        levels=tuple(p.levels[m] for m in limited),
        limits=tuple(p.limits[m] for m in limited),
        prices=tuple(0.0 for _ in limited),
        matrix=csr_array(np.vstack(blocks)),
        row_lower=np.append(p.row_lower[under], np.full(int(over.sum()), -np.inf)),
        row_upper=np.append(np.full(int(under.sum()), np.inf), p.row_upper[over]),
        lower=np.append(p.lower, 0.0),
        upper=np.append(p.upper, np.inf),
        constant=0.0,
    )


# no limit


def _unbounded(search: Search) -> None:
    """Look for a ray, and for a point where it may begin."""
    p, book = search.scaled, search.book
    if search.nested:
        return
    inner = _nested(search, recession(p), LEAST_GAP, FALLS / LEAST_GAP)
    ray = None if inner.book.best is None else inner.book.best.x
    if ray is None or not falls(p, ray, search):
        return
    if book.best is None and not _together(search) and book.best is None:
        return
    search.no_optimum, search.ray = Status.UNBOUNDED, ray * search.units.columns
    worst = np.argsort(-np.abs(ray))[:3]
    book.messages[:] = (
        "the objective falls for ever along the ray; these amounts grow without end: "
        + ", ".join(f"x[{j}]" for j in worst if ray[j] != 0.0)
        + ". Limit them by a bound, a row or a limit on CVaR",
    )


def recession(p: Checked) -> Checked:
    """The program of its directions: within -1 and 1, all that holds them at a distance left out."""
    matrix, low, high = csr_array(p.matrix), p.row_lower, p.row_upper
    if p.quadratic is not None:
        matrix = csr_array(vstack([matrix, csr_array(p.quadratic)]))
        low, high = np.append(low, np.zeros(p.width)), np.append(high, np.zeros(p.width))
    return replace(
        p,
        quadratic=None,
        parts=tuple(Part(part.values, None, part.scale) for part in p.parts),
        limits=tuple(0.0 if math.isfinite(v) else v for v in p.limits),
        matrix=matrix,
        row_lower=np.where(np.isfinite(low), 0.0, low),
        row_upper=np.where(np.isfinite(high), 0.0, high),
        lower=np.where(np.isfinite(p.lower), 0.0, -1.0),
        upper=np.where(np.isfinite(p.upper), 0.0, 1.0),
        constant=0.0,
    )


def falls(p: Checked, ray: FloatArray, search: Search) -> bool:
    """Whether a direction (n,) keeps all rows, bounds and limits for ever while the objective falls."""
    from .book import Book

    cone = recession(p)
    book = Book(cone, search.backend, LEAST_GAP)
    cvar, _ = book.measure(ray)
    check = broken(cone, ray, cvar)
    inside = (ray >= cone.lower).all() and (ray <= cone.upper).all()
    slope = objective(cone, ray, cvar)
    return bool(inside and check.row <= EXACT and check.limit <= EXACT and slope < -FALLS * book.stake(ray))


def conflict_words(conflict: Conflict) -> tuple[str, ...]:
    """Why there is no point, in words."""
    words = [f"{r.name}: its {r.side} bound must be relaxed by {r.amount:.6g}" for r in conflict.relaxations]
    words += [
        f"{r.name}: the minimum CVaR is {r.least:.6g} (proven: not below {r.bound:.6g}); asked for {r.limit:.6g}"
        for r in conflict.least
    ]
    return tuple(words)
