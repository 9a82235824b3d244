"""A case on one set of scenarios, ready for the loop: scenarios, ledger, means, linear program, losses."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ...kernels.backend import Backend, ScenarioStore
from ...kernels.memory.leaves import LeafBackend, LeafStore
from ...kernels.memory.scenarios import Scenarios
from ...kernels.pause import checking
from ...kernels.tables import ProcessTable
from ...models.blocks.floors import with_floors
from ...models.build import build_ledger, build_program, declare
from ...models.ledger import Ledger
from ...models.own_limits import OwnLimit
from ...models.program import LinearProgram
from ...models.reading.faults import CaseError, Fault
from ...models.schema.case import Case
from .. import stops
from ..arrays import FloatArray
from ..cutting_planes.progress import OutOfTime, Progress, ProgressEvent, time_is_up
from .adaptive import Adaptive, Parted, adaptive, over_nodes, parted
from .assemble import MeasuredLoss, liquidity, measured, process_table
from .driver_order import reordered
from .lockup_calendar import calendar
from .own_limits import Constraints, own_limits
from .tail_cuts import tail_cuts_of

R = TypeVar("R")


@dataclass(frozen=True)
class PlanningProblem:
    """Everything that a plan of a case is made from, on one set of scenarios.

    Attributes:
        means: (A,) sample means of the ledger's atoms.
        deposit_rates: (T,) mean interest on a surplus, per period.
        losses: the loss of each risk limit, in the case's order.
        liquidity: running cash, with or without a limit on it.
        closed: (entity, period) in which an entity makes no distribution, since its tests are not met.
        nothing_due: (test of cover, period) in which nothing is due, so that it does not apply.
        own: limits that the user added.
        adaptive: the tree of the case's reviews, if they part the scenarios; then `backend` and `store` keep the
            scenarios leaf by leaf, `program` is that of all nodes, and losses stand over the decisions of all nodes.
            `means` and `deposit_rates` are those of all scenarios all the same.
        messages: remarks on how the case was prepared.
    """

    case: Case
    backend: Backend
    processes: ProcessTable
    store: ScenarioStore
    ledger: Ledger
    means: FloatArray
    deposit_rates: FloatArray
    program: LinearProgram
    losses: tuple[MeasuredLoss, ...]
    liquidity: MeasuredLoss
    build_s: float
    simulate_s: float
    evaluate_s: float
    closed: frozenset[tuple[str, int]] = frozenset()
    nothing_due: frozenset[tuple[str, int]] = frozenset()
    own: tuple[OwnLimit, ...] = ()
    adaptive: Adaptive | None = None
    messages: tuple[str, ...] = ()

    def spread(self, loss: MeasuredLoss) -> MeasuredLoss:
        """A loss over the ledger's decisions as one over the program's."""
        return loss if self.adaptive is None else self.adaptive.spread([loss])

    def on(self, backend: Backend) -> PlanningProblem:
        """The same on another backend for the same scenarios."""
        own = self.backend.over(backend) if isinstance(self.backend, LeafBackend) else backend
        return dataclasses.replace(self, backend=own)

    def kept(self, store: ScenarioStore) -> ScenarioStore:
        """Scenarios of the backend below as this one keeps them."""
        return self.backend.parted(store) if isinstance(self.backend, LeafBackend) else store

    def with_rows(self, case: Case) -> PlanningProblem:
        """The program of another case with the same ledger, scenarios and losses."""
        if self.adaptive is not None:
            tree, means, rates = self.adaptive.tree, self.adaptive.means, self.adaptive.rates
            whole = adaptive(case, self.ledger, tree, means, rates, self.closed, self.nothing_due, own=self.own)
            return dataclasses.replace(self, case=case, program=whole.stitched.program, adaptive=whole)
        program = build_program(
            case, self.ledger, self.means, self.deposit_rates, self.closed, self.nothing_due, own=self.own
        )
        return dataclasses.replace(self, case=case, program=program)

    def with_losses(self, case: Case) -> PlanningProblem:
        """The losses of another case with the same ledger, scenarios and program."""
        if self.adaptive is not None:
            losses = self.adaptive.losses(case, self.ledger, self.deposit_rates, self.nothing_due)
        else:
            losses = measured(case, self.ledger, self.means, self.deposit_rates, self.nothing_due)
        return dataclasses.replace(self, case=case, losses=losses)

    def without_scenarios(self) -> PlanningProblem:
        """The same, keeping no scenarios, so that there is room for others."""
        known = self.store
        return dataclasses.replace(self, store=Released(known.count, known.drivers, known.periods, known.nbytes))


@dataclass(frozen=True)
class Released:
    """In the place of scenarios that were let go of: their figures; no backend takes it."""

    count: int
    drivers: int
    periods: int
    nbytes: int


class Clock:
    """Wall-clock seconds since the start of the run, what is left of them, and remarks on what is being done."""

    def __init__(self, progress: Progress | None, limit: float | None = None) -> None:
        self._progress = progress
        self._limit = limit
        self._begin = self._mark = time.perf_counter()
        self._phase = ""

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self._begin

    @property
    def left(self) -> float | None:
        """Seconds left of the limit, at least 0; None where there is none."""
        return None if self._limit is None else max(0.0, self._limit - self.elapsed)

    def check(self) -> None:
        """Raise `OutOfTime` once the limit has passed, `Interrupted` once somebody has asked to stop."""
        stops.check()
        if self.left == 0.0:
            raise self._late()

    def _late(self) -> OutOfTime:
        return OutOfTime(f"{time_is_up(self._limit)} while {self._phase}: nothing was planned")

    def timed(self, step: Callable[[float], R]) -> R:
        """Do a step that is told how many seconds it has; `OutOfTime` as from `check`."""
        self.check()
        try:
            return step(math.inf if self.left is None else self.left)
        except OutOfTime:
            raise self._late() from None

    def lap(self) -> float:
        """Seconds since the last lap."""
        before, self._mark = self._mark, time.perf_counter()
        return self._mark - before

    def tell(self, phase: str) -> None:
        self._phase = phase
        if self._progress is not None:
            self._progress(ProgressEvent(phase, math.inf, -math.inf, math.inf, 0, 0.0, 0, self.elapsed, None))


def same_drivers(one: ProcessTable, other: ProcessTable) -> bool:
    """Whether both tables draw the same scenarios."""
    return all(
        np.array_equal(np.asarray(getattr(one, field.name)), np.asarray(getattr(other, field.name)))
        for field in dataclasses.fields(ProcessTable)
    )


def simulated(case: Case, processes: ProcessTable, backend: Backend, count: int, seed: int) -> ScenarioStore:
    """The case's scenarios. CaseError if a driver overflows in one of them."""
    with _fitting(case):
        return backend.simulate(processes, count, seed)


@contextmanager
def _fitting(case: Case) -> Iterator[None]:
    """Say of an overflow whose it is, and what to do."""
    try:
        yield
    except FloatingPointError as overflow:
        cure = "lower the volatility, the drift or the jumps of the driver that grows without bound"
        fault = Fault(
            case.path or "the case", None, "driver", str(overflow), "values within the range of single precision", cure
        )
        raise CaseError([fault]) from overflow


def prepare(
    case: Case,
    backend: Backend,
    count: int,
    seed: int,
    clock: Clock | None = None,
    drawn: Sequence[tuple[ProcessTable, ScenarioStore]] = (),
    constraints: Constraints | None = None,
    own: tuple[OwnLimit, ...] = (),
) -> PlanningProblem:
    """Draw the scenarios, and build the ledger and, on their means, the linear program.

    `drawn`: scenarios drawn before with the same count and seed; those of the same drivers are used again, unless they
    are parted by reviews.
    `constraints`: functions that add limits; `own`: limits that such functions added before.

    Raises:
        CaseError: a driver overflows in some scenario.
        OutOfTime, Interrupted: as `Clock.check`, which is called a few times a second.
        UnknownName, OwnLimitError: as `own_limits`.
    """
    clock = Clock(None) if clock is None else clock
    backend = backend.inner if isinstance(backend, LeafBackend) else backend
    with checking(clock.check):
        return _prepared(case, backend, count, seed, clock, drawn, constraints, own)


def _prepared(
    case: Case,
    backend: Backend,
    count: int,
    seed: int,
    clock: Clock,
    drawn: Sequence[tuple[ProcessTable, ScenarioStore]],
    constraints: Constraints | None,
    own: tuple[OwnLimit, ...],
) -> PlanningProblem:
    clock.lap()
    clock.tell("building the ledger")
    case = with_floors(case)
    processes = process_table(case)
    ledger = reordered(build_ledger(case, clock.check), case)
    cash = liquidity(case, ledger)
    build = clock.lap()
    clock.tell(f"drawing {count:,} scenarios")
    known = [s for table, s in drawn if same_drivers(table, processes) and not isinstance(s, LeafStore)]
    store = known[0] if known else simulated(case, processes, backend, count, seed)
    simulate = clock.lap()
    with _fitting(case):
        means = backend.means(store, ledger.factors)
    rates = backend.rates(store, cash.table)
    evaluate = clock.lap()
    clock.tell("building the linear program")
    split: Parted | None = None
    messages: tuple[str, ...] = ()
    if case.review:
        split, messages = parted(case, backend, store)
    if split is not None:
        return _adaptive(
            case, backend, processes, store, ledger, means, rates, split, messages, (build, simulate, evaluate), clock,
            bool(known), constraints, own,
        )  # fmt: skip
    ledger = ledger.without_negligible(means)
    cash = liquidity(case, ledger)
    cuts = tail_cuts_of(case, ledger, rates, backend, store)
    own = (*own, *own_limits(constraints, lambda: declare(case, ledger, means, rates, between=clock.check)))
    chosen = clock.timed(lambda left: calendar(case, ledger, means, rates, cuts, left, own))
    losses = measured(case, ledger, means, rates, chosen.nothing_due)
    program = build_program(case, ledger, means, rates, chosen.closed, chosen.nothing_due, clock.check, own)
    build += clock.lap()
    return PlanningProblem(
        case, backend, processes, store, ledger, means, rates, program, losses, cash, build, simulate, evaluate,
        chosen.closed, chosen.nothing_due, own, messages=messages,
    )  # fmt: skip


def _adaptive(
    case: Case,
    backend: Backend,
    processes: ProcessTable,
    store: ScenarioStore,
    ledger: Ledger,
    means: FloatArray,
    rates: FloatArray,
    split: Parted,
    messages: tuple[str, ...],
    seconds: tuple[float, float, float],
    clock: Clock,
    shared: bool,
    constraints: Constraints | None,
    own: tuple[OwnLimit, ...],
) -> PlanningProblem:
    """The same for a case whose reviews part its scenarios. `means` and `rates` are those of all of them."""
    build, simulate, evaluate = seconds
    each = over_nodes(split, split.backend.leaf_means(split.store, ledger.factors), means)
    ledger = ledger.without_negligible(np.abs(each).max(axis=0))
    cash = liquidity(case, ledger)
    node_rates = over_nodes(split, split.backend.leaf_rates(split.store, cash.table), rates)
    cuts = tail_cuts_of(case, ledger, rates, backend, store)
    own = (*own, *own_limits(constraints, lambda: declare(case, ledger, means, rates, between=clock.check)))
    chosen = clock.timed(lambda left: calendar(case, ledger, means, rates, cuts, left, own))
    whole = adaptive(case, ledger, split.tree, each, node_rates, chosen.closed, chosen.nothing_due, clock.check, own)
    losses = whole.losses(case, ledger, rates, chosen.nothing_due)
    if not shared and isinstance(store, Scenarios):
        store.release()
    build += clock.lap()
    return PlanningProblem(
        case, split.backend, processes, split.store, ledger, means, rates, whole.stitched.program, losses,
        whole.spread([cash]), build, simulate, evaluate, chosen.closed, chosen.nothing_due, own, whole, messages,
    )  # fmt: skip
