"""A device that is none: the compiled backend of the host with a memory of a given size and faults on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from capmix.kernels.cpu.numba_backend import NumbaBackend
from capmix.kernels.memory.placement import Shape
from capmix.kernels.store import Store


class OutOfMemoryError(Exception):
    """Named as CuPy's."""


class CUDARuntimeError(Exception):
    """Named as CuPy's."""


class FakeDevice(NumbaBackend):
    """Counts the bytes of the stores it makes and refuses what does not fit; `fail` is called before every pass.

    Attributes:
        room: bytes of its memory.
        calls: names of the methods called.
        copied: stores moved between the host and the device.
    """

    name = "cuda"

    def __init__(self, room: int, fail: Callable[[str, int], None] | None = None) -> None:
        super().__init__(threads=1)
        self.room = room
        self.calls: list[str] = []
        self.copied = 0
        self._fail = fail

    device_name = "NVIDIA Test"

    @property
    def on_device(self) -> FakeDevice:
        return self

    @property
    def mover(self) -> FakeDevice:
        return self

    def narrowed(self, threads: int) -> None:
        del threads

    def free(self) -> int:
        return self.room

    def told(self, count: int, each: int) -> str:
        return ""

    def every(self, store: Store) -> Any:
        return np.arange(store.count)

    def regenerating(self, table: Any, count: int, seed: int, sample: int = 0, first: int = 0) -> Store:
        return self.simulate(table, count, seed, sample, first)

    def _enter(self, name: str, count: int, shape: tuple[int, int] | None) -> None:
        self.calls.append(name)
        if self._fail is not None:
            self._fail(name, len(self.calls))
        if shape is not None and Shape(count, *shape).stored > self.room:
            raise OutOfMemoryError(f"Out of memory allocating {Shape(count, *shape).stored:,} bytes")

    def simulate(self, table: Any, count: int, seed: int, sample: int = 0, first: int = 0) -> Store:
        self._enter("simulate", count, (table.drivers, table.periods))
        return super().simulate(table, count, seed, sample, first)

    def redraw(self, table: Any, numbers: Any, seed: int, sample: int = 0) -> Store:
        self._enter("redraw", numbers.size, (table.drivers, table.periods))
        return super().redraw(table, numbers, seed, sample)

    def subset(self, store: Store, rows: Any) -> Store:
        self._enter("subset", np.size(rows), (store.drivers, store.periods))
        return super().subset(store, rows)

    def losses(self, store: Store, tables: Sequence[Any], exposures: Sequence[Any]) -> Any:
        self._enter("losses", store.count, None)
        return super().losses(store, tables, exposures)

    def tail(self, losses: Any, level: float, mass: float | None = None, weights: Any = None) -> Any:
        self._enter("tail", losses.size, None)
        return super().tail(losses, level, mass, weights)

    def pull_back(self, store: Store, table: Any, exposure: Any, rows: Any, weights: Any) -> Any:
        self._enter("pull_back", np.size(rows), None)
        return super().pull_back(store, table, exposure, rows, weights)

    def to_host(self, store: Store) -> Store:
        self.copied += 1
        return Store(store.blocks.copy(), store.count, store.first, store.numbers)

    def from_host(self, store: Store) -> Store:
        self._enter("from_host", store.count, (store.drivers, store.periods))
        self.copied += 1
        return Store(store.blocks.copy(), store.count, store.first, store.numbers)
