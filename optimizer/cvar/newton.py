"""The second-order engine for CVaR programs: an interior point on few rows and columns, proved on all of them.

Where the optimum is smooth and dense, cutting planes need more cuts than there are decisions. An interior point does
not, and it needs only the rows near the tail's border and the columns off their bounds. Each round solves the program
on those, prices every column, passes over every scenario, and takes in what was missing. The tail weights with which
the interior point ends are admissible for the whole sample, so they give one valid cut per term (as in
docs/mathematics-loop.md); the linear program with these cuts is the bound.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...kernels.cpu.matrix_backend import MatrixBackend
from ...kernels.matrix import ScenarioMatrix
from ...kernels.store import RowArray
from ...kernels.tail import HostTail, Tail
from ..arrays import FloatArray
from ..cutting_planes.master import Infeasible
from ..cutting_planes.oracle import RowsOf, SampleOf
from ..cutting_planes.progress import Monitor
from .blas import one_thread
from .book import Known
from .bound import Cut as LinearCut
from .bound import CutBound
from .column_screen import at_rest, missing_columns, off_bounds
from .interior_point import InteriorPoint
from .interior_program import Centre, Interior, Quadratic, TermRows
from .program import Checked, Lowered
from .proof import LIMIT_TOLERANCE, ROW_TOLERANCE, Evidence, bound, broken, combined, objective, settled
from .repair import kept
from .tail_split import Split, changed, split_rows

IndexArray = NDArray[np.int64]

PILOT_ROWS = 1_000
PILOT_TAIL = 50.0  # rows in the pilot's smallest tail, at least
PILOT_TOLERANCE = 1e-2
FIRST_TOLERANCE = 1e-3
WARM_TOLERANCE = 1e-5  # of the first solve on all scenarios where it begins on the path of the last pilot
FINEST = 0.03  # of the gap: tolerance of the last solve
ROUNDS = 40
WIDEST, NARROWEST = 1.0, 0.05  # band of rows on both sides of the tail's border, relative to the tail
CHEAP = 0.2  # of the columns: so many rows cost little beside the factor of the Newton matrix
WARM_COLUMNS = 200  # from so many on, an interior point begins on the path of the last one
WARM_STEPS = 20  # that an interior point may take from the last one's centre
AFTER_PILOTS = 0.3  # the first band where the last pilot was large
PRICINGS = 3  # solves of a pilot with columns taken in between
TIGHTER = 1e-8  # of a limit's size: what the interior point leaves of it
RUNAWAY = 1e9  # amounts in scaled units: the objective may have no limit
FAR = 1e4  # the same of a pilot that has not converged
REACH = 2.0  # how far a free column may move in one round, relative to the last one
FIRST_REACH = 0.3  # the same after the first pilot
SETTLED = 0.03  # share of the tail that changed, below which the next solve is the last but for surprises


MatrixRows = RowsOf[ScenarioMatrix, FloatArray, RowArray]


class NewtonSearch:
    """One run on a scaled program. The bounds are kept in `monitor`, of the maximised objective as everywhere in the
    loop; `evidence` proves the one.

    entire: solve the program with all its rows and columns at once, from a cold start.
    """

    def __init__(
        self,
        program: Checked,
        lowered: Lowered,
        backend: MatrixBackend,
        monitor: Monitor,
        gap: float,
        seed: int,
        entire: bool = False,
    ) -> None:
        self.program = program
        self.lowered = lowered
        self.backend = backend
        self.monitor = monitor
        self.gap = gap
        self.sample = SampleOf(backend, lowered.store, lowered.risks, monitor, program.weights, worst_case=True)
        self.seed = seed
        self.entire = entire
        self.cuts: CutBound | None = None
        self.evidence: Evidence | None = None
        self.sizes = np.array([abs(m) if math.isfinite(m) else 1.0 for m in program.limits])
        self.best: Known | None = None
        self.inner: Known | None = None
        self.last: FloatArray | None = None  # where the last program ended
        self.centre: Centre | None = None  # of the last program solved
        self.messages: list[str] = []
        self.walled = bool((np.isinf(program.lower) & np.isinf(program.upper)).any())  # there are free columns
        self.reach = math.inf  # how far a free column may move in a round that leaves rows out
        self.whole: tuple[MatrixRows, Interior] | None = None  # a pilot that was the program itself, and its optimum
        movable = np.flatnonzero(program.lower < program.upper)
        self.movable = movable if movable.size else np.arange(program.width)

    def run(self) -> None:
        """Search from what pilots on ever more scenarios find, until the bounds meet or stop moving.

        Raises `Infeasible` where valid cuts and the rows contradict each other.
        """
        x, columns, band = self._pilots()
        if self._ran_away(x):
            return
        if self.whole is not None:
            self._prove(*self.whole)
        losses, tails, x = self._evaluate(x)
        if self.whole is not None and self._met():
            return
        doubtful = [np.zeros(0, dtype=np.int64) for _ in tails]
        rows: MatrixRows | None = None
        finest, still = FINEST * self.gap, 0
        tolerance = WARM_TOLERANCE if self._goes_on(columns) else FIRST_TOLERANCE
        for _ in range(ROUNDS):
            self.monitor.check()
            cheap = CHEAP * columns.size / (2.0 * min(self.sample.weights))
            band = max(band, min(WIDEST, cheap))
            rows = self.sample.worst(losses, 1.0 + band, rows)
            split = [self._split(rows, m, losses[m], band, doubtful[m]) for m in range(len(tails))]
            found = self._solve(rows, split, columns, x, tolerance, box=tolerance > finest)
            if self._ran_away(found.x):
                return
            before = (self.monitor.upper, self.monitor.lower)
            reduced = self._prove(rows, found)
            missing = self._missing(columns, found.x, reduced)
            losses, after, here = self._evaluate(found.x)
            if self._met():
                return
            moved = max(changed(a, b) for a, b in zip(tails, after, strict=True))
            wrong = 0.0
            for m, tail in enumerate(after):
                surprise = split[m].surprises(rows.index[m], tail, self.sample.count)
                doubtful[m] = np.union1d(doubtful[m], surprise)
                wrong = max(wrong, surprise.size / self.sample.weights[m])
                if not found.converged:
                    index, near = rows.index[m], split[m].near
                    doubtful[m] = np.union1d(doubtful[m], near if index is None else index[near])
            self.reach = REACH * float(np.abs(here - x).max(initial=0.0))
            x, tails = here, after
            columns = np.union1d(columns, missing)
            if tolerance <= finest and not wrong and not missing.size:
                if before == (self.monitor.upper, self.monitor.lower) and (still := still + 1) >= 2:
                    self.messages.append("the bounds stopped moving before they met")
                    return
                finest = max(1e-4 * self.gap, 0.03 * finest)
            band = min(WIDEST, max(NARROWEST, 4.0 * moved, 4.0 * wrong))
            settled = moved < SETTLED and not missing.size
            tolerance = finest if settled else max(finest, min(0.1 * tolerance, 0.1 * self.monitor.gap))
        self.messages.append(f"the bounds did not meet in {ROUNDS} rounds")

    def _ran_away(self, x: FloatArray) -> bool:
        self.last = x
        return not float(np.abs(x).max(initial=0.0)) <= RUNAWAY  # NaN too

    def _met(self) -> bool:
        self.monitor.tell("interior point")
        return self.monitor.gap <= self.gap

    # points

    def columns_of(self, x: FloatArray) -> FloatArray:
        """(columns of the linear program,) of a point, for its losses."""
        out = np.zeros(self.lowered.program.cost.size)
        out[: self.program.width], out[self.program.width] = x, 1.0
        return out

    def _evaluate(self, x: FloatArray) -> tuple[list[FloatArray], list[HostTail], FloatArray]:
        """A full pass at x, which becomes the best point if it is; if it exceeds a limit, a point between may. The
        point is x moved onto the rows.
        """
        x = kept(self.program, x)
        self.last = x
        losses, tails, here = self._measured(x)
        if math.isfinite(here.objective):
            self._accept(here)
        elif self.inner is not None:
            limits = np.array(self.program.limits)
            out = here.cvar > limits
            if out.any():
                share = float(((limits - self.inner.cvar)[out] / (here.cvar - self.inner.cvar)[out]).min())
                mixed = self.inner.x + (1.0 - 1e-12) * share * (x - self.inner.x)
                self._accept(self._measured(kept(self.program, mixed))[2])
        return losses, tails, x

    def _measured(self, x: FloatArray) -> tuple[list[FloatArray], list[HostTail], Known]:
        losses = self.sample.all.losses(self.columns_of(x))
        tails = self.sample.all.tails(losses)
        cvar = np.array([t.cvar for t in tails])
        limits = np.array(self.program.limits)
        self.sizes = np.maximum(np.where(np.isfinite(limits), np.abs(limits), 0.0), np.abs(cvar))
        check = broken(self.program, x, cvar)
        good = check.row <= ROW_TOLERANCE and check.limit <= LIMIT_TOLERANCE
        value = objective(self.program, x, cvar) if good else math.inf
        return losses, tails, Known(x, cvar, np.array([t.var for t in tails]), value, "newton")

    def _accept(self, point: Known) -> None:
        if not math.isfinite(point.objective):
            return
        limits = np.array(self.program.limits)
        if (point.cvar < limits - 1e-6 * self.sizes).all():
            self.inner = point
        if self.best is None or point.objective < self.best.objective:
            self.best = point
            self.monitor.lower = max(self.monitor.lower, -point.objective)

    # the interior point

    def _pilots(self) -> tuple[FloatArray, IndexArray, float]:
        """A point from the first scenarios, then from ten times as many and so on; the columns off their bounds there;
        and how wide a band of rows is in doubt. One of all scenarios and few columns is solved to the end: `whole`.
        """
        tail = min(1.0 - level for level in self.program.levels)
        free = int(np.count_nonzero(np.isinf(self.program.lower) & np.isinf(self.program.upper)))
        count = max(PILOT_ROWS, math.ceil(max(PILOT_TAIL, 2.0 * free) / tail))
        n, everything = self.program.width, self.movable
        columns, x = everything, np.clip(np.zeros(n), self.program.lower, self.program.upper)
        losses: list[FloatArray] | None = None
        few = n < WARM_COLUMNS or self.sample.count <= 2 * n
        whole = self.entire or (count >= self.sample.count and few)
        pilots, count = 0, self.sample.count if whole else count
        while True:
            coarse = FINEST * self.gap if whole else PILOT_TOLERANCE
            rows, nothing = self.sample.pilot(min(count, self.sample.count)), np.zeros(0, dtype=np.int64)
            if first := losses is None:
                split = [Split(np.arange(rows.store(m).count), nothing) for m in range(len(rows.weights))]
            else:
                losses = rows.losses(self.columns_of(x))
                split = [self._split(rows, m, losses[m], WIDEST, nothing) for m in range(len(rows.weights))]
            for _ in range(PRICINGS):
                found = self._solve(rows, split, columns, x, coarse if first else FIRST_TOLERANCE, not first)
                share = REACH if pilots else FIRST_REACH
                self.reach = share * float(np.abs(found.x - x).max(initial=0.0))
                x = found.x
                if columns.size == everything.size:
                    break
                missing = self._missing(
                    columns, found.x, bound(self.program, self._evidence(rows, found)[1], x).reduced
                )
                if not missing.size:
                    break
                columns = np.union1d(columns, missing)
            if first and not whole and not found.converged and not float(np.abs(x).max(initial=0.0)) <= FAR:
                # so few scenarios may have no optimum where all have one
                x, count = np.clip(np.zeros(n), self.program.lower, self.program.upper), 4 * count
                whole = count >= self.sample.count
                continue
            if losses is None:
                columns = np.intersect1d(off_bounds(x, self.program.lower, self.program.upper), everything)
            self.whole = (rows, found) if whole else None
            losses, pilots, count = [], pilots + 1, 10 * count
            if 4 * count > self.sample.count:
                return x, columns, WIDEST if pilots < 3 else AFTER_PILOTS

    def _missing(self, columns: IndexArray, x: FloatArray, reduced: FloatArray) -> IndexArray:
        """The columns that ought to move and can."""
        found = missing_columns(columns, x, self.program.lower, self.program.upper, reduced)
        return found[self.program.lower[found] < self.program.upper[found]]

    def _split(self, rows: MatrixRows, m: int, losses: FloatArray, band: float, doubtful: IndexArray) -> Split:
        """The rows of a term by the `losses` of these rows, or of all scenarios."""
        index, count = rows.index[m], rows.store(m).count
        local = losses if index is None or losses.size == count else losses[index]
        if index is not None and doubtful.size:
            doubtful = np.searchsorted(index, doubtful[np.isin(doubtful, index)])
        return split_rows(local, self._each(rows, m), rows.weights[m], band, doubtful)

    def _each(self, rows: MatrixRows, m: int) -> FloatArray:
        each = rows.each[m]
        return np.ones(rows.store(m).count) if each is None else each

    def _solve(
        self,
        rows: MatrixRows,
        split: list[Split],
        columns: IndexArray,
        start: FloatArray,
        tolerance: float,
        box: bool = False,
    ) -> Interior:
        """The program on the given rows, with all but `columns` at the bound where `start` has them.

        `box` holds free columns near `start`: without the rows left out, they might fall for ever. The weights that
        come back are those of all rows.
        """
        p, n = self.program, self.program.width
        whole = columns.size == n
        rest = at_rest(start, columns, p.lower, p.upper)
        terms, taken = [], []
        for m in range(len(p.parts)):
            part = rows.store(m).part(m)
            share = self._each(rows, m) / rows.weights[m]
            near, sure = split[m].near[share[split[m].near] > 0.0], split[m].sure
            taken.append(near)
            values = part.block(near, None if whole else columns)
            offset = np.zeros(near.size) if part.offset is None else part.offset[near]
            linear = self.backend.weighted(part, sure, share[sure])
            constant = 0.0 if part.offset is None else float(np.sum(share[sure] * part.offset[sure]))
            if not whole and rest.any():
                offset = offset + part.values[near] @ (rest if part.scale is None else part.scale * rest)
                constant += float(linear @ rest)
            limit = p.limits[m]
            if math.isfinite(limit):
                limit -= TIGHTER * max(abs(limit), self.sizes[m])
            mass = float(share[sure].sum())
            terms.append(TermRows(values, offset, share[near], p.prices[m], limit, linear[columns], constant, mass))
        shift = p.matrix @ rest
        cost = p.cost if p.quadratic is None else p.cost + p.quadratic @ rest
        resting = p.constant + 0.5 * float((p.cost + cost) @ rest)
        small = Quadratic(
            cost=cost[columns],
            quadratic=None if p.quadratic is None else p.quadratic[np.ix_(columns, columns)],
            matrix=p.matrix[:, columns],
            row_lower=p.row_lower - shift,
            row_upper=p.row_upper - shift,
            lower=p.lower[columns],
            upper=p.upper[columns],
            constant=resting,
        )
        reach = max(self.reach, 1e-6 * float(np.abs(start).max(initial=0.0)), 1e-12) if box else math.inf
        # an iterate that runs away is given up for what it is
        with self.monitor.solving(), one_thread(), np.errstate(all="ignore"):
            found = self._interior(small, terms, start[columns], reach, columns, tolerance)
        inside = rest.copy()
        inside[columns] = found.centre.x
        self.centre = replace(found.centre, x=inside) if found.converged else None
        x = rest
        x[columns] = found.x
        weights = []
        for m, w in enumerate(found.weights):
            spread = np.zeros(rows.store(m).count)
            sure = split[m].sure
            spread[sure] = self._each(rows, m)[sure] / rows.weights[m]
            spread[taken[m]] = w
            weights.append(spread)
        return replace(found, x=x, weights=tuple(weights))

    def _interior(
        self,
        program: Quadratic,
        terms: list[TermRows],
        start: FloatArray,
        reach: float,
        columns: IndexArray,
        tolerance: float,
    ) -> Interior:
        """From the last program's centre, and from `start` where that leads nowhere."""
        if self.centre is not None and self._goes_on(columns):
            centre = replace(self.centre, x=self.centre.x[columns])
            found = InteriorPoint(program, terms, start, self.backend.gram, reach, centre).solve(tolerance, WARM_STEPS)
            if found.converged:
                return found
        return InteriorPoint(program, terms, start, self.backend.gram, reach).solve(tolerance)

    def _goes_on(self, columns: IndexArray) -> bool:
        """Whether one program begins where the last one was. With few columns steps cost nothing, and each column that
        comes or goes makes another program; free columns lie at the walls of a box that moves.
        """
        return columns.size >= WARM_COLUMNS and not self.walled

    # the bound

    def _prove(self, rows: MatrixRows, found: Interior) -> FloatArray:
        """Take the bound that a program's optimum proves; (n,) the reduced costs there."""
        p, (cuts, own) = self.program, self._evidence(rows, found)
        reduced = self._take(own, found.x)
        own_program = self.whole is not None and self.whole[1] is found  # whose multipliers are as good as any
        if self.monitor.gap <= self.gap or (own_program and self.evidence is own):
            return reduced
        if self.cuts is None:
            self.cuts = CutBound(p, self.monitor, self.seed, float(np.abs(found.x).max(initial=0.0)))
        self.cuts.add(cuts, found.x)
        better = self.cuts.solve()
        if better is None:
            raise Infeasible
        self._take(better[1], found.x)
        return reduced

    def _take(self, evidence: Evidence, x: FloatArray) -> FloatArray:
        """Take a bound if it is better; (n,) the reduced costs."""
        found = bound(self.program, evidence, x)
        if -found.value < self.monitor.upper:
            self.monitor.upper, self.evidence = -found.value, evidence
        return found.reduced

    def _evidence(self, rows: MatrixRows, found: Interior) -> tuple[list[LinearCut], Evidence]:
        """The cuts that the interior point's weights give, and what they prove with its other multipliers."""
        p, n = self.program, self.program.width
        here = self.columns_of(np.zeros(n))  # losses are linear: the same cut anywhere
        cuts = []
        for m, w in enumerate(found.weights):
            held = np.flatnonzero(w)
            cut = rows.cut(m, here, Tail(held, w[held] * rows.weights[m], 0.0, 0.0))
            cuts.append((m, cut.gradient[:n], cut.constant + float(cut.gradient[n])))
        return cuts, settled(p, combined(len(p.parts), n, cuts, np.array(found.prices), found.rows, found.x))
