"""How much memory a plan needs on the processor, in which mode it runs, and how many scenarios fit.

`kernels.modes` knows what the scenarios and their losses take; beside them stand fresh draws and the program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..kernels.modes import RESERVE, SLICE, Mode, Shape, TooLarge, largest, place
from .machine import memory_available

if TYPE_CHECKING:
    from ..models.schema.case import Case

PROGRAM = 350_000_000  # interpreter, libraries, compiled kernels, linear program
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
    from ..optimizer.shortfalls import tails

    return Shape(scenarios, len(case.driver), case.horizon.periods, *tails(case))


def need(case: Case, scenarios: int, available: int | None = None) -> Need:
    """Memory for a plan; resident unless that is more than the available bytes."""
    wanted = shape(case, scenarios)
    mode, chunk = Mode.RESIDENT, scenarios
    beside = PROGRAM + shape(case, min(max(scenarios, 20_000), FRESH)).stored
    if available is not None:
        try:
            found = place(wanted, max(0, available - int(beside / RESERVE)))
            mode, chunk = found.mode, found.chunk
        except TooLarge:
            mode, chunk = Mode.REGENERATING, SLICE
    return Need(scenarios, wanted.stored, wanted.peak(mode, chunk) + beside, mode)


def largest_count(case: Case, available: int, mode: Mode) -> int:
    """The largest number of scenarios, to two digits, that needs no more than the available bytes; 0 if none fits."""
    beside = PROGRAM + shape(case, FRESH).stored
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
    cure = f"use at most --scenarios {most}" if most else "free some memory, or use a larger machine"
    return f"{scenarios:,} scenarios need about {size(wanted.peak)} of memory and {size(available)} are free: {cure}"
