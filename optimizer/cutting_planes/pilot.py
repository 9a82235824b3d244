"""A good plan, and the cuts that hold it, from the first scenarios alone: a few, then ten times as many, and so on.

What a few scenarios say proves nothing about all of them, but where they cut is where all of them will: a cut is taken
again at the same plan on the next level's scenarios, which costs a fraction of finding the plan there.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..arrays import FloatArray
from .in_out import in_out, pulled
from .incumbent import Incumbent
from .master import Infeasible, Master
from .oracle import Rows, Sample
from .phase_one import CLEARLY, deepest, good_inside
from .progress import Monitor
from .settings import Settings
from .solution import Cut, RiskLimit

TAIL = 50.0  # scenarios in the first level's smallest tail, at least
ACCURACY = 1e-6
GAP = 3e-3
NEXT_GAP = 3e-5
LEVEL = 10  # times the scenarios of the level before
LARGEST = 4  # all scenarios are at least so many times those of a level


class Pilot:
    """cuts: to be taken again where the search over all scenarios begins; none after a first level alone, whose gap is
    too wide for them to pay.
    """

    def __init__(
        self,
        master: Master,
        sample: Sample,
        risks: Sequence[RiskLimit],
        found: Incumbent,
        settings: Settings,
        monitor: Monitor,
    ) -> None:
        self._master, self._sample, self._found = master, sample, found
        self._settings, self._monitor = settings, monitor
        self._least = min((1.0 - r.level for r in risks), default=0.0)
        self.cuts: tuple[Cut, ...] = ()

    def run(self, relaxed: FloatArray) -> FloatArray:
        """A good plan on the first scenarios, or the relaxed one where a pilot does not pay or finds none."""
        count, start = self._settings.pilot, relaxed
        if self._sample.count < LARGEST * max(count, 1) or self._least * count < TAIL:
            return relaxed
        level = first = self._sample.pilot(count)
        self._found.set_scales(first, first.losses(self._master.decisions(relaxed)))
        while True:
            better = self._level(level, start)
            if better is None:
                return start
            start, count = better, LEVEL * count
            if self._sample.count < LARGEST * count:
                self.cuts = self.cuts if level is not first else ()
                return start
            part = self._sample.first(count)
            losses = part.all.losses(self._master.decisions(start))
            level = part.worst(losses, self._settings.tail_multiple)

    def _level(self, rows: Rows, start: FloatArray) -> FloatArray | None:
        """The best plan on `rows`, whose cuts are kept in `cuts` and taken from the master. None if none is inside."""
        master, settings, monitor = self._master, self._settings, self._monitor
        phase = "pilot: interior"
        again = bool(self.cuts)
        retake(master, rows, self.cuts)
        self.cuts = ()
        try:
            inside = good_inside(master, rows, settings.depth, monitor, phase)
            if inside is None and not again:
                least = deepest(master, rows, -2.0 * settings.depth, ACCURACY, range(len(rows.weights)), monitor, phase)
                inside = least.inside if least.violation < -CLEARLY else None
            if inside is None:
                return None
            self._found.deep = inside.x
            if again:
                inside = pulled(master, rows, inside, start, GAP)
            master.aim_primary()
            goal = NEXT_GAP if again else GAP
            best = in_out(master, rows, inside, goal, settings.solves, lambda _: monitor.tell("pilot")).best
            self.cuts = master.binding
        except Infeasible:
            return None
        finally:
            master.drop_all()
        return best


def retake(master: Master, rows: Rows, cuts: Sequence[Cut]) -> None:
    """Add the cuts of `rows` at the plans where `cuts` were taken."""
    for cut in cuts:
        master.add(rows.retaken(cut))
