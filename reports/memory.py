"""How much memory a plan needs, and how many scenarios fit.

Stored are the drivers of all scenarios in single precision. Beside them stand copies of each limit's tail, some
double-precision numbers per scenario and risk limit (losses, their order, those of fresh draws), one chunk of fresh
draws, and the program itself. The constants bound what was measured at 100,000 and 1,000,000 scenarios.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .machine import memory_available

if TYPE_CHECKING:
    from ..models.schema.case import Case

PROGRAM = 350_000_000  # interpreter, libraries, compiled kernels, linear program
CHUNK = 131_072  # scenarios drawn at a time where they are not kept
NUMBERS_PER_LOSS = 20  # double-precision numbers per scenario and risk limit at the peak
TAIL_COPIES = 4  # copies of each limit's tail scenarios, kept while the loop works on them alone
RESERVE = 0.95  # share of the free memory that a plan may count on
BLOCK = 256


@dataclass(frozen=True)
class Need:
    """Memory for a number of scenarios, bytes: what is stored, and the peak of the whole process."""

    scenarios: int
    stored: int
    peak: int


def need(case: Case, scenarios: int) -> Need:
    per_scenario = 4 * len(case.driver) * case.horizon.periods
    stored = -(-scenarios // BLOCK) * BLOCK * per_scenario
    levels = [risk.level for risk in case.risk] + [c.level for c in case.covenant if c.level is not None]
    tails = sum(1.0 - level for level in levels)
    beside = scenarios * 8 * NUMBERS_PER_LOSS * max(1, len(levels)) + int(TAIL_COPIES * tails * stored)
    chunk = min(max(scenarios, 20_000), CHUNK) * per_scenario
    return Need(scenarios, stored, stored + beside + chunk + PROGRAM)


def largest_count(case: Case, available: int) -> int:
    """The largest number of scenarios, to two digits, that needs no more than the available bytes; 0 if none fits."""
    low, high = 0, 10**9
    while low < high:
        middle = (low + high + 1) // 2
        if need(case, middle).peak <= RESERVE * available:
            low = middle
        else:
            high = middle - 1
    digits: int = 10 ** max(0, len(str(low)) - 2)
    return low // digits * digits


def shortage(case: Case, scenarios: int) -> str:
    """What to say if the scenarios do not fit; "" if they do, or if the system does not tell its free memory."""
    from .text import size

    available = memory_available()
    wanted = need(case, scenarios)
    if available is None or wanted.peak <= RESERVE * available:
        return ""
    most = largest_count(case, available)
    cure = f"use at most --scenarios {most}" if most else "free some memory, or use a larger machine"
    return f"{scenarios:,} scenarios need about {size(wanted.peak)} of memory and {size(available)} are free: {cure}"
