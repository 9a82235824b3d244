"""Where the scenarios lie while a plan is made, decided from their size and the memory that is free.

Three modes: resident (all drivers of all scenarios in the memory of the device that computes), chunked from host (all
lie in the host's memory and pass through the device in chunks) and regenerating (they are drawn anew, chunk by chunk,
in every pass). A scenario is a function of its number, so all three work on the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ...errors import CapmixError
from ..store import bytes_needed

SLICE = 1 << 16  # scenarios; chunks are multiples of it, and sums over scenarios are taken slice by slice
LARGEST_CHUNK = 1 << 22
RESERVE = 0.95  # share of the free memory that may be counted on
# Vectors of losses held at once: of each risk limit, and while one limit's tail is sought. The host's selection copies
# and sorts; its figures bound what was measured at 300,000 and 1,200,000 scenarios.
VECTORS_HOST = (5, 8)
VECTORS_DEVICE = (2, 3)
TAIL_COPIES = 4.0  # copies of each limit's tail scenarios, kept while the loop works on them alone


class Mode(Enum):
    """Where the scenarios lie."""

    RESIDENT = "resident"
    HOST = "chunked from host"
    REGENERATING = "regenerating"


@dataclass(frozen=True)
class Shape:
    """What is to be held.

    Attributes:
        count, drivers, periods: of the scenarios.
        losses: number of risk limits.
        tails: sum over the risk limits of 1 - level.
        host: the memory is the host's, not a device's.
    """

    count: int
    drivers: int
    periods: int
    losses: int = 1
    tails: float = 0.05
    host: bool = True

    @property
    def stored(self) -> int:
        """Bytes of all drivers of all scenarios."""
        return bytes_needed(self.count, self.drivers, self.periods)

    @property
    def vectors(self) -> int:
        """Bytes of the losses, which lie where the kernels work in every mode."""
        each, beside = VECTORS_HOST if self.host else VECTORS_DEVICE
        return 8 * self.count * (each * max(1, self.losses) + beside)

    @property
    def tail_copies(self) -> int:
        """Bytes of the tails that the loop works on, if they are kept."""
        return int(TAIL_COPIES * self.tails * self.stored)

    def chunk_bytes(self, chunk: int) -> int:
        return bytes_needed(min(chunk, self.count), self.drivers, self.periods)

    def peak(self, mode: Mode, chunk: int) -> int:
        """Most bytes in use on the device at once."""
        if mode is Mode.RESIDENT:
            return self.stored + self.vectors + self.tail_copies
        return self.vectors + 2 * self.chunk_bytes(chunk)


@dataclass(frozen=True)
class Costs:
    """MeasuredLoss seconds per scenario: drawing it on the device, and copying it there from the host."""

    draw: float
    copy: float


@dataclass(frozen=True)
class Placement:
    """A mode, and the scenarios per chunk (all of them if resident)."""

    mode: Mode
    chunk: int

    def words(self, shape: Shape) -> str:
        """For the user: what happens to the scenarios, and why."""
        if self.mode is Mode.RESIDENT:
            return f"{shape.count:,} scenarios held in memory ({shape.stored / 1e9:.2f} GB)"
        what = "kept on the host and copied" if self.mode is Mode.HOST else "drawn anew in every pass"
        return (
            f"{shape.count:,} scenarios ({shape.stored / 1e9:.1f} GB) do not fit into the memory: {what}, "
            f"{self.chunk:,} at a time; the plan is the same"
        )


class TooLarge(CapmixError, MemoryError):
    """Not even the losses of so many scenarios fit."""


def place(shape: Shape, free: int | None, host_free: int | None = None, costs: Costs | None = None) -> Placement:
    """The fastest mode that fits.

    Args:
        free: free bytes of the memory that the kernels work in; None if unknown, and then taken as enough.
        host_free: free bytes of the host where that is another memory, else None.
        costs: chunks are copied from the host where that is known to be cheaper than drawing them anew.

    Raises:
        TooLarge: the losses and two slices of scenarios do not fit.
    """
    if free is None:
        return Placement(Mode.RESIDENT, shape.count)
    room = int(RESERVE * free)
    if shape.peak(Mode.RESIDENT, shape.count) <= room:
        return Placement(Mode.RESIDENT, shape.count)
    chunk = fitting_chunk(shape, room)
    held = host_free is not None and shape.stored <= RESERVE * host_free
    if held and costs is not None and costs.copy < costs.draw:
        return Placement(Mode.HOST, chunk)
    return Placement(Mode.REGENERATING, chunk)


def fitting_chunk(shape: Shape, room: int) -> int:
    """Scenarios per chunk, a multiple of `SLICE`; half of the room is left for tails. `TooLarge` if no slice fits."""
    if shape.peak(Mode.REGENERATING, SLICE) > room:
        raise TooLarge(
            f"the losses of {shape.count:,} scenarios need {shape.peak(Mode.REGENERATING, SLICE) / 1e9:.1f} GB and "
            f"{room / 1e9:.1f} GB are free; use at most --scenarios {largest(shape, room, Mode.REGENERATING)}"
        )
    per_slice = bytes_needed(SLICE, shape.drivers, shape.periods)
    slices = max(1, (room - shape.vectors) // (4 * per_slice))
    return int(min(slices * SLICE, LARGEST_CHUNK))


def pooled(free: Sequence[int]) -> int:
    """Free bytes of several devices that hold equal shares of the scenarios, their losses and the tails."""
    return len(free) * min(free)


def largest(shape: Shape, room: int, mode: Mode, host_room: int = 0) -> int:
    """The largest count, to two digits, that fits into `room` bytes in a mode; 0 if none does.

    host_room: bytes on the host for scenarios that are chunked from there.
    """
    low, high = 0, 10**12
    while low < high:
        middle = (low + high + 1) // 2
        there = replace(shape, count=middle)
        if there.peak(mode, SLICE) <= room and (mode is not Mode.HOST or there.stored <= host_room):
            low = middle
        else:
            high = middle - 1
    digits: int = 10 ** max(0, len(str(low)) - 2)
    return low // digits * digits
