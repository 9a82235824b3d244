"""Which reviews are worth having: dates × signals, each planned with one review and certified, ranked by what it gains.

Every candidate is a review with one border at the signal's median; of a signal that takes two values, between them.
The candidates that move most with the losses of the plan without reviews are tried first, so that a time limit leaves
out those of which least is hoped for. The best are planned again on a second seed, at the same levels: what they gain
there says how sure the ranking is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..kernels.backend import Backend
from ..models.reading.faults import CaseError, Fault, show
from ..models.schema.case import Case
from ..models.schema.drivers import Deterministic
from ..models.schema.reviews import Review
from .analysis.review_worth import searched, without_reviews
from .arrays import FloatArray
from .cutting_planes.progress import OutOfTime, Progress
from .cutting_planes.solution import Solution
from .listening import listening
from .reviews.signals import signals as read
from .setup import device as devices
from .setup.arguments import MOST_SEED, checked
from .setup.driver_order import driver_order
from .setup.prepare import Clock, PlanningProblem, prepare
from .setup.risk_losses import tails

DATES = 4
SCENARIOS = 2_000
GAP = 1e-4
LEAST = 0.02  # share of the scenarios in each band
AGAIN = 3  # candidates on the second seed


@dataclass(frozen=True)
class SignalWorth:
    """A candidate, planned.

    Attributes:
        at: label of the date. signal: driver or price column. level: border between the two bands. share: of the
            scenarios below it.
        gain: of the objective, better by so much than without reviews, from the middle of both bounds; None where
            there is no certified plan. least, most: what it is for certain, on these scenarios.
        again: the same on a second seed, None where that was not tried.
        status: of its search.
    """

    at: str
    signal: str
    level: float
    share: float
    gain: float | None
    least: float | None
    most: float | None
    status: str
    again: float | None = None


@dataclass(frozen=True)
class SignalRanking:
    """The candidates that were tried, best first; those without a plan last.

    Attributes:
        static: the objective without reviews. unit: of it and of the gains.
        candidates: how many there are; those beyond `found` were not tried for want of time.
        scenarios, seeds: that they were tried on. covenants: how each review kept them.
    """

    case: Case
    found: tuple[SignalWorth, ...]
    candidates: int
    static: float
    unit: str
    scenarios: int
    seeds: tuple[int, int]
    covenants: str
    messages: tuple[str, ...] = ()


@listening
def signal_worth(
    case: Case,
    dates: Sequence[str] | None = None,
    signals: Sequence[str] | None = None,
    scenarios: int | None = None,
    seed: int | None = None,
    device: str = "auto",
    gap: float = GAP,
    time_limit: float | None = None,
    covenants: str = "mean",
    progress: Progress | None = None,
) -> SignalRanking:
    """Rank reviews of a case by what they are worth. Reviews that the case has are left out.

    Args:
        case: as `load_case` reads it.
        dates: labels of periods; four of even distance where left out.
        signals: drivers and price columns; all that vary where left out.
        scenarios: 2,000 where left out: enough to rank, not to plan.
        time_limit: seconds for all; those that are left untried are counted.
        covenants: how each review keeps covenants, "mean" or "node"; in "node" a review may lose.
        seed: as for `optimize`, and so are device, gap and progress.

    Raises:
        CaseError: no such date or signal; else as `optimize`. DeviceError, SolverError: as `optimize`.
        KeyboardInterrupt: before there was anything to rank.
    """
    plain = without_reviews(case)
    count, key = checked(plain, SCENARIOS if scenarios is None else scenarios, seed, gap, time_limit)
    wanted = _wanted(plain, dates, signals, covenants)
    clock = Clock(progress, time_limit)
    backend = devices.choose(device, *tails(plain))
    return devices.steadily(backend, lambda: _ranked(plain, wanted, backend, count, key, gap, clock, progress))


def _wanted(case: Case, dates: Sequence[str] | None, names: Sequence[str] | None, covenants: str) -> list[Review]:
    """A review of every date and signal, its level still open."""
    labels, where = case.horizon.labels, case.path or "the case"
    known = [d.id for d in case.driver if not isinstance(d, Deterministic)]
    fixed = {d.id for d in case.driver} - set(known)
    known += [c.id for c in case.column if len(c.drivers) > 1 and not set(c.drivers) <= fixed]
    faults = [
        Fault("arguments", None, "dates", show(d), f"a period after the first: {labels[1]} to {labels[-1]}", "")
        for d in dates or ()
        if d not in labels[1:]
    ]
    faults += [
        Fault(where, None, "signals", show(s), f"a signal that varies: {', '.join(known)}", "name one of them")
        for s in names or ()
        if s not in known
    ]
    if faults:
        raise CaseError(faults)
    step = len(labels) / (DATES + 1)
    times = [labels.index(d) for d in dates] if dates else sorted({max(1, round(step * (i + 1))) for i in range(DATES)})
    return [Review(at=t, signal=s, levels=(0.0,), covenants=covenants) for t in times for s in names or known]


def _ranked(
    case: Case, wanted: Sequence[Review], backend: Backend, count: int, seed: int, gap: float, clock: Clock,
    progress: Progress | None,
) -> SignalRanking:  # fmt: skip
    ready = prepare(case, backend, count, seed, clock)
    clock.tell("planning without reviews")
    static = searched(ready, gap, clock, progress)
    other_seed = (seed + 1) % (MOST_SEED + 1)
    ranking = SignalRanking(
        case, (), 0, static.objective, ready.program.unit, count, (seed, other_seed), wanted[0].covenants
    )
    if static.decisions is None:
        why = f"without reviews the case is {static.status.value}: there is nothing to compare with"
        return replace(ranking, static=float("nan"), messages=(why,))
    tried = _candidates(ready, static, wanted)
    found: list[SignalWorth] = []
    messages: list[str] = []
    try:
        for number, (review, share) in enumerate(tried, 1):
            clock.tell(f"review {number} of {len(tried)}: {review.signal} at {case.horizon.labels[review.at]}")
            clock.check()
            found.append(_worth(ready, static, review, share, gap, clock))
        best = sorted((f for f in found if f.gain is not None), key=lambda f: -(f.gain or 0.0))[:AGAIN]
        if best:
            found = _on_second_seed(ready, found, best, tried, other_seed, gap, clock)
    except (OutOfTime, KeyboardInterrupt) as stop:
        if not found and isinstance(stop, KeyboardInterrupt):
            raise
        messages.append(f"{len(found)} of {len(tried)} reviews are tried; more time tries the others")
    order = sorted(found, key=lambda f: (f.gain is None, -(f.gain or 0.0)))
    return replace(ranking, found=tuple(order), candidates=len(tried), messages=tuple(messages))


def _candidates(ready: PlanningProblem, static: Solution, wanted: Sequence[Review]) -> list[tuple[Review, float]]:
    """The reviews at their levels with the share below, those first that move most with the losses of the plan."""
    case, backend, store = ready.case, ready.backend, ready.store
    losses = [
        np.asarray(backend.host(backend.losses(store, [loss.table], [loss.matrix @ static.decisions])[0]))
        for loss in ready.losses
    ]
    found: list[tuple[float, Review, float]] = []
    probe = replace(case, review=tuple(wanted))
    for review, signal in zip(wanted, read(probe, driver_order(case)), strict=True):
        values = signal.values(backend, store)
        level = _border(values)
        share = float((values < level).mean())
        if not LEAST <= share <= 1.0 - LEAST:
            continue
        moves = max([_moves(values, loss) for loss in losses], default=0.0)
        found.append((moves, replace(review, levels=(level,)), share))
    found.sort(key=lambda one: (-one[0], one[1].at, one[1].signal))
    return [(review, share) for _, review, share in found]


def _border(values: FloatArray) -> float:
    """The median; where many scenarios lie on it, the middle between it and the value next to it."""
    level = float(np.median(values))
    if (values == level).mean() < LEAST:
        return level
    lower, upper = values[values < level], values[values > level]
    if lower.size:
        return 0.5 * (level + float(lower.max()))
    return 0.5 * (level + float(upper.min())) if upper.size else level


def _moves(one: FloatArray, other: FloatArray) -> float:
    """How closely the two go together: the absolute correlation, 0 where one of them does not vary."""
    a, b = one - one.mean(), other - other.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return abs(float(a @ b)) / size if size > 0.0 else 0.0


def _worth(
    ready: PlanningProblem, static: Solution, review: Review, share: float, gap: float, clock: Clock
) -> SignalWorth:
    """A candidate on the scenarios of `ready`."""
    case = replace(ready.case, review=(review,))
    drawn = [(ready.processes, ready.store)]
    whole = searched(prepare(case, ready.backend, ready.store.count, 0, clock, drawn), gap, clock, None)
    label = case.horizon.labels[review.at]
    if whole.decisions is None:
        return SignalWorth(label, review.signal, review.levels[0], share, None, None, None, whole.status.value)
    if ready.program.maximise:
        least, most = whole.lower - static.upper, whole.upper - static.lower
    else:
        least, most = static.lower - whole.upper, static.upper - whole.lower
    middle = 0.5 * (least + most)
    return SignalWorth(label, review.signal, review.levels[0], share, middle, least, most, whole.status.value)


def _on_second_seed(
    ready: PlanningProblem, found: list[SignalWorth], best: Sequence[SignalWorth],
    tried: Sequence[tuple[Review, float]],
    seed: int, gap: float, clock: Clock,
) -> list[SignalWorth]:  # fmt: skip
    """The candidates, the best of them with what they gain on other scenarios."""
    clock.tell("the best on a second seed")
    other = prepare(ready.case, ready.backend, ready.store.count, seed, clock)
    static = searched(other, gap, clock, None)
    if static.decisions is None:
        return found
    of = {(ready.case.horizon.labels[r.at], r.signal): (r, share) for r, share in tried}
    again = {}
    for one in best:
        clock.check()
        again[one] = _worth(other, static, *of[one.at, one.signal], gap, clock).gain
    return [replace(one, again=again.get(one, one.again)) for one in found]
