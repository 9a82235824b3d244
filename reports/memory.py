"""How much memory a plan needs on the processor, in which mode it runs, and how many scenarios fit.

`kernels.memory.placement` knows what the scenarios and their losses take; the out-of-sample scenarios and the
program come on top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..kernels.memory.placement import RESERVE, SLICE, Mode, Shape, TooLarge, largest, place
from .exits import UsageError
from .machine import memory_available

if TYPE_CHECKING:
    from ..models.schema.case import Case

LIBRARIES = 230_000_000  # interpreter, libraries, compiled kernels
POSTING = 520  # the ledger's share, the linear program's and its copies in the solver; measured up to 250,000
A_FACE, AN_ORDER, A_LAYER, A_CONTRACT, A_RENTAL = (
    5,
    8,
    4,
    3,
    2,
)  # postings of each decision in each period that it lasts
FRESH = 131_072  # scenarios drawn at a time to check the plan


@dataclass(frozen=True)
class Need:
    """Memory for a number of scenarios, bytes: all their drivers, and the peak of the whole process in its mode."""

    scenarios: int
    stored: int
    peak: int
    mode: Mode


def shape(case: Case, scenarios: int) -> Shape:
    """What the scenarios of a case take."""
    from ..optimizer.setup.risk_losses import tails

    return Shape(scenarios, len(case.driver), case.horizon.periods, *tails(case))


def postings(case: Case) -> int:
    """About how many postings the ledger of a case has, without making it: more rather than fewer."""
    periods = case.horizon.periods
    left = [periods - t for t in range(periods)]

    def lasting(first: int | None, last: int | None) -> int:
        """Periods that decisions in a window last, all of them together."""
        return sum(left[first or 0 : periods if last is None else last + 1])

    count = 0
    for instrument in case.instrument:
        steps = sum(len(depth.steps) for depth in instrument.depth)
        if instrument.draw_window:
            begin, end = instrument.issue_from or 0, instrument.issue_to
            agreed = range(begin, periods if end is None else min(end + 1, periods))
            lives = sum(sum(left[v + 1 : v + 1 + instrument.draw_window]) for v in agreed)
        else:
            lives = lasting(instrument.issue_from, instrument.issue_to)
        count += A_FACE * steps * lives
    for accelerator in case.accelerator:
        count += AN_ORDER * len(case.site) * lasting(accelerator.available_from, accelerator.available_to)
        count += A_RENTAL * periods * max(1, len(case.entity))
    count += A_LAYER * sum(len(site.layer) for site in case.site) * lasting(0, None)
    return count + sum(A_CONTRACT * lasting(c.sign_from, c.sign_to) for c in case.contract)


def beside_scenarios(case: Case) -> int:
    """Bytes of all but the scenarios: libraries, ledger, linear program."""
    return LIBRARIES + POSTING * postings(case)


def need(case: Case, scenarios: int, available: int | None = None) -> Need:
    """Memory for a plan; resident unless that is more than the available bytes."""
    wanted = shape(case, scenarios)
    mode, chunk = Mode.RESIDENT, scenarios
    beside = beside_scenarios(case) + shape(case, min(max(scenarios, 20_000), FRESH)).stored
    if available is not None:
        try:
            found = place(wanted, max(0, available - int(beside / RESERVE)))
            mode, chunk = found.mode, found.chunk
        except TooLarge:
            mode, chunk = Mode.REGENERATING, SLICE
    return Need(scenarios, wanted.stored, wanted.peak(mode, chunk) + beside, mode)


def largest_count(case: Case, available: int, mode: Mode) -> int:
    """The largest number of scenarios, to two digits, that needs no more than the available bytes; 0 if none fits."""
    beside = beside_scenarios(case) + shape(case, FRESH).stored
    return largest(shape(case, 1), int(RESERVE * available) - beside, mode)


def shortage(case: Case, scenarios: int) -> str:
    """What to say if the scenarios fit in no mode; "" if they do, or if the system does not tell its free memory."""
    from .text import size

    available = memory_available()
    if available is None:
        return ""
    wanted = need(case, scenarios, available)
    if wanted.peak <= RESERVE * available:
        return ""
    most = largest_count(case, available, Mode.REGENERATING)
    fixed = beside_scenarios(case)
    if most:
        cure = f"use at most --scenarios {most}"
    elif fixed > LIBRARIES + wanted.stored:
        cure = (
            f"the ledger and the linear program alone take about {size(fixed)}; give the case fewer instruments, "
            "steps of depth or periods"
        )
    else:
        cure = "free some memory, or use a larger machine"
    return f"{scenarios:,} scenarios need about {size(wanted.peak)} of memory and {size(available)} are free: {cure}"


def fitting(case: Case, scenarios: int) -> None:
    """UsageError if so many scenarios of the case do not fit."""
    if short := shortage(case, scenarios):
        raise UsageError(short)
