"""Plans whose tax is the tax of their income, where the rows of a linear program allow another and a limit gains by it.

Losses and interest are deducted as soon as they can be. In rows that is either-or, in each period three times: a profit
or a loss; all carried losses used or as many as the profit takes; no interest put off or as much deducted as the limit
lets through. The rows leave both open, since a union of two sets is no set of rows, so they hold plans that pay tax
ahead of time, or deduct later than the law says, to please a covenant after tax. A certified plan that does so is no
plan. The search is then a tree (J. J. Júdice, A. M. Faustino, A sequential LCP method for bilevel linear programming,
Annals of Operations Research 34, 1992, doi:10.1007/BF02098174, for the branching on complementary pairs): each node
settles some of the pairs by a bound at zero or a row that becomes an equality, and is searched as any plan is. All
bounds are proven over all scenarios, so the certificate is of the lawful problem.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from ...models.blocks import rules
from ...models.program import LinearProgram, period_of
from ..arrays import FloatArray
from ..cutting_planes.endings import Ending
from ..cutting_planes.highs import SolverError
from ..cutting_planes.master import Infeasible
from ..cutting_planes.progress import Enough, OutOfTime, Progress, ProgressEvent, named, relative_gap
from ..cutting_planes.search import maximise
from ..cutting_planes.settings import Settings
from ..cutting_planes.solution import Passes, RiskLimit, Solution, Status
from ..setup.prepare import PlanningProblem
from ..stops import INTERRUPTED
from .handed_on import handed_on
from .tidy import lawful_columns, remark, tax_off, tidied

NODES = 120  # searches of the tree: a count, so that the same seed gives the same plan everywhere
ROUNDS = 10
SLIGHT = 1e-9  # billion: a pair with a side no further from zero is settled

CLEAR = 0.1  # of the pair furthest from settled: what is less is no reason to branch yet

Side = tuple[str, int]
"""("column", j): column j is zero. ("row", i): row i holds as an equality at its upper limit."""


@dataclass(frozen=True)
class _Node:
    """Sides that are settled, and the bound (maximised) that the node above has proven."""

    sides: tuple[Side, ...]
    bound: float


def lawful(
    ready: PlanningProblem,
    solution: Solution,
    limits: Sequence[RiskLimit],
    settings: Settings,
    progress: Progress | None = None,
) -> Solution:
    """The best plan whose tax is that of its income, with a bound on all such plans.

    solution: of `tidied`. It is handed back as it is where its tax is right, or where it holds no certified plan. Else
    the certificate is of the lawful problem: certified where the bounds meet, stopped with the gap where the tree was
    left at NODES nodes or for want of time.
    """
    if solution.decisions is None or solution.status is not Status.CERTIFIED or not tax_off(ready, solution.decisions):
        return solution
    return _Tree(ready, solution, tuple(limits), settings, named("tax of the income", progress)).run()


def put_right(
    ready: PlanningProblem,
    solution: Solution,
    limits: Sequence[RiskLimit],
    settings: Settings,
    progress: Progress | None = None,
) -> Solution:
    """`lawful` for a solution that is not tidied; it stays as it is where its tax is right."""
    if solution.decisions is None or solution.status is not Status.CERTIFIED or not tax_off(ready, solution.decisions):
        return solution
    return lawful(ready, tidied(ready, solution, limits, settings.gap), limits, settings, progress)


class _Tree:
    """Best first, by the bounds; what is said of bounds here is of the maximised objective."""

    def __init__(
        self,
        ready: PlanningProblem,
        root: Solution,
        limits: tuple[RiskLimit, ...],
        settings: Settings,
        progress: Progress | None,
    ) -> None:
        self.ready, self.root, self.limits, self.settings, self.progress = ready, root, limits, settings, progress
        self.sense = 1.0 if ready.program.maximise else -1.0
        self.pairs = _pairs(ready.program)
        self.learnt = root.learnt
        self.best: Solution | None = None
        self.sides: tuple[Side, ...] = ()
        self.closed = -math.inf  # the best bound of nodes that are done with
        self.passes, self.seconds = root.passes, [root.evaluate_s, root.master_s, root.total_s]
        self.interrupted = False
        self.end = math.inf if settings.time_limit is None else perf_counter() + settings.time_limit

    def run(self) -> Solution:
        top = self.sense * (self.root.upper if self.sense > 0 else self.root.lower)
        heap: list[tuple[float, int, _Node]] = []
        count, nodes = 0, 0
        assert self.root.columns is not None
        dive = self._settled_as(self.root)  # the pairs as the law has them on the path of the plan that is not lawful
        first = self._searched(_Node(dive, top))
        nodes += 1
        if first is not None:
            self._offer(first, dive)
        for sides in self._children(self.root.columns, ()):
            heapq.heappush(heap, (-top, count, _Node(sides, top)))
            count += 1
        while heap and nodes < NODES and perf_counter() < self.end:
            bound = -heap[0][0]
            if self._reached(bound):
                break
            _, _, node = heapq.heappop(heap)
            nodes += 1
            found = self._searched(node)
            if found is None:
                continue
            own = min(node.bound, self.sense * (found.upper if self.sense > 0 else found.lower))
            if self._offer(found, node.sides) or found.columns is None:
                self.closed = max(self.closed, own)
                continue
            children = self._children(found.columns, node.sides)
            for sides in children:
                heapq.heappush(heap, (-own, count, _Node(sides, own)))
                count += 1
            if not children:
                self.closed = max(self.closed, own)
        open_ = min(top, max([self.closed, *(-key for key, _, _ in heap)]))
        self._polish(open_)
        return self._result(open_, nodes)

    def _polish(self, bound: float) -> None:
        """Of the plans that are as good as the best one, one of more value."""
        best = self.best
        if best is None or perf_counter() >= self.end or not self.settings.polish:
            return
        found = self._searched(_Node(self.sides, bound), polish=True)
        if found is None or found.columns is None:
            return
        clean = tidied(self.ready, found, self.limits, self.settings.gap)
        assert clean.decisions is not None
        allowed = max(self.settings.gap, relative_gap(bound, self.sense * best.objective))
        kept = relative_gap(bound, self.sense * clean.objective) <= allowed
        if kept and clean.value > best.value and not tax_off(self.ready, clean.decisions):
            self.best = clean

    def _reached(self, bound: float) -> bool:
        """Whether the best plan is within the gap of a bound."""
        if self.best is None or not math.isfinite(bound):
            return False
        return relative_gap(bound, self.sense * self.best.objective) <= self.settings.gap

    def _searched(self, node: _Node, polish: bool = False) -> Solution | None:
        """The best plan with the node's pairs settled; None where there is none."""
        ready = replace(self.ready, program=_with(self.ready.program, node.sides))
        try:
            learnt, bound = handed_on(ready, self.limits, self.learnt, (), self.settings.gap, self.end - perf_counter())
            self.passes = replace(self.passes, solves=self.passes.solves + 1)
            if self._reached(bound) and not polish:
                return self._unknown(replace(node, bound=min(node.bound, bound)))
            left = None if math.isinf(self.end) else max(0.0, self.end - perf_counter())
            asked = replace(self.settings, polish=polish, time_limit=left, rounds=ROUNDS)
            told = self.progress if polish else self._until_worse
            found = maximise(ready.program, self.limits, ready.backend, ready.store, asked, told, learnt)
        except Infeasible:
            return None
        except (OutOfTime, SolverError):
            return self._unknown(node)
        except KeyboardInterrupt:
            self.interrupted, self.end = True, -math.inf
            return self._unknown(node)
        self._count(found)
        self.learnt = replace(self.learnt, cuts=found.learnt.cuts or self.learnt.cuts, vertex=found.learnt.vertex)
        if found.ending is Ending.INTERRUPTED:
            self.interrupted, self.end = True, -math.inf
        return None if found.status is Status.INFEASIBLE else found

    def _until_worse(self, event: ProgressEvent) -> None:
        """End the search of a node as soon as no plan in it can be better than the best one by more than the gap."""
        if self.progress is not None:
            self.progress(event)
        bound = self.sense * (event.upper if self.sense > 0 else event.lower)
        if self._reached(bound):
            raise Enough

    def _unknown(self, node: _Node) -> Solution:
        """A node of which nothing is known but the bound above it."""
        return replace(
            self.root, status=Status.STOPPED, columns=None, decisions=None,
            upper=self.sense * node.bound, lower=self.sense * node.bound,
        )  # fmt: skip

    def _offer(self, found: Solution, sides: tuple[Side, ...]) -> bool:
        """Take the plan of a node, its tax put right, if it is better than the best; whether the node is done with."""
        if found.columns is None:
            return False
        clean = tidied(self.ready, found, self.limits, self.settings.gap)
        assert clean.decisions is not None
        if tax_off(self.ready, clean.decisions):
            return False
        if self.best is None or self.sense * clean.objective > self.sense * self.best.objective:
            self.best, self.sides = clean, sides
        return found.status is Status.CERTIFIED

    def _children(self, columns: FloatArray, sides: tuple[Side, ...]) -> list[tuple[Side, ...]]:
        """Both sides of the first pair that is clearly not settled, since what waits there is held on from period to
        period; none where all are settled.
        """
        program = self.ready.program
        room = program.row_upper - program.matrix @ columns
        off = [
            0.0 if one in sides or other in sides else min(_off(one, columns, room), _off(other, columns, room))
            for one, other in self.pairs
        ]
        worst = max(off)
        if worst <= SLIGHT:
            return []
        first = next(pair for pair, by in zip(self.pairs, off, strict=True) if by >= CLEAR * worst)
        return [(*sides, first[0]), (*sides, first[1])]

    def _settled_as(self, solution: Solution) -> tuple[Side, ...]:
        """Each pair on the side that is nearer to settled at the tax of the solution's income."""
        assert solution.columns is not None
        assert solution.decisions is not None
        columns = lawful_columns(self.ready, solution.columns, solution.decisions)
        columns = solution.columns if columns is None else columns
        room = self.ready.program.row_upper - self.ready.program.matrix @ columns
        return tuple(
            one if _off(one, columns, room) <= _off(other, columns, room) else other for one, other in self.pairs
        )

    def _count(self, found: Solution) -> None:
        was, new = self.passes, found.passes
        self.passes = Passes(
            was.full + new.full, was.equivalent + new.equivalent, was.solves + new.solves, was.cuts + new.cuts
        )
        for i, more in enumerate((found.evaluate_s, found.master_s, found.total_s)):
            self.seconds[i] += more

    def _result(self, bound: float, nodes: int) -> Solution:
        best, sense, root = self.best, self.sense, self.root
        assert root.decisions is not None
        said = remark(self.ready, root.decisions)
        messages = tuple(m for m in root.messages if m not in said)
        root = replace(
            root, passes=self.passes, evaluate_s=self.seconds[0], master_s=self.seconds[1], total_s=self.seconds[2]
        )
        if self.interrupted:
            messages, root = (*messages, INTERRUPTED), replace(root, ending=Ending.INTERRUPTED)
        if best is None:
            why = (
                "the limits are kept only where tax is paid ahead of the income that owes it, or deductions wait for "
                f"later; in {nodes} searches no plan was found whose tax is that of its income"
            )
            return replace(
                root, status=Status.STOPPED, columns=None, decisions=None, objective=math.nan, risks=(),
                messages=(*messages, why),
            )  # fmt: skip
        bound = max(bound, sense * best.objective)
        gap = relative_gap(bound, sense * best.objective)
        upper, lower = max(sense * bound, best.objective), min(sense * bound, best.objective)
        said_now = (
            f"the tax of the plan is that of its income: planned in {nodes} more searches, as its rows allow others"
        )
        return replace(
            best, status=Status.CERTIFIED if gap <= self.settings.gap else Status.STOPPED, upper=upper, lower=lower,
            gap=gap, value_bound=math.inf, messages=(*messages, said_now), ending=root.ending, learnt=root.learnt,
            passes=root.passes,            evaluate_s=root.evaluate_s, master_s=root.master_s, total_s=root.total_s,
        )  # fmt: skip


def _pairs(program: LinearProgram) -> tuple[tuple[Side, Side], ...]:
    """The pairs of each period, those of a period of each node of a plan that adapts."""
    column, row = {i: j for j, i in enumerate(program.column_index)}, {i: j for j, i in enumerate(program.row_index)}
    losses = [index for index in program.column_index if index.rule == "loss"]
    found: list[tuple[Side, Side]] = []
    for loss in sorted(losses, key=period_of):
        found.append((("column", column[loss]), ("column", column[replace(loss, rule="profit")])))
        use, pool = (row[replace(loss, rule=rule.name)] for rule in (rules.TAX_LOSS_USE, rules.TAX_LOSS_POOL))
        found.append((("row", use), ("row", pool)))
        if (carried := replace(loss, rule="interest_carried")) in column:
            limit = row[replace(loss, rule=rules.TAX_INTEREST.name)]
            found.append((("column", column[carried]), ("row", limit)))
    return tuple(found)


def _off(side: Side, columns: FloatArray, room: FloatArray) -> float:
    """How far a side is from settled, billion."""
    return float(columns[side[1]] if side[0] == "column" else room[side[1]])


def _with(program: LinearProgram, sides: Sequence[Side]) -> LinearProgram:
    upper, lower = program.col_upper.copy(), program.row_lower.copy()
    for kind, number in sides:
        if kind == "column":
            upper[number] = 0.0
        else:
            lower[number] = program.row_upper[number]
    return replace(program, col_upper=upper, row_lower=lower)
