"""Launches of the passes over scenarios: drawing, losses, adjoint, means. Blocks of 256 scenarios throughout."""

from __future__ import annotations

import numpy as np

from ..device_errors import OutOfDeviceMemory
from ..layout import GRADIENT_GROUP
from ..means import MEAN_GROUP
from ..store import LANES, blocks_of
from .device import Array, Device
from .source import DRAW_THREADS, THREADS
from .vector import grid_of

WARP = 32
DRAWING = 4  # blocks of a drawing launch per multiprocessor: each walks over its scenarios, in memory of its own


class Drawing:
    """A process table on the device, and how to draw from it.

    Attributes:
        table: packed processes. width: doubles of working memory per thread.
    """

    def __init__(self, device: Device, table: Array, width: int, factors: int, seed: int, sample: int) -> None:
        self.device = device
        self.table = table
        self.width = width
        self.factors = factors
        self.seed = np.uint64(seed)
        self.sample = np.uint64(sample)

    def draw(self, first: int, numbers: Array | None, count: int, out: Array, bad: Array) -> None:
        """Fill blocks with scenarios first, first + 1, ... or with those of `numbers`."""
        blocks = blocks_of(count)
        grid, scratch = self._memory(blocks * LANES, self.width * 8)
        arguments = (
            self.table, np.uint64(first), numbers, np.int64(count), self.seed, self.sample, out, np.int64(blocks),
            np.int64(self.width), scratch, bad,
        )  # fmt: skip
        self.device.launch("draw_paths", (grid, 1), DRAW_THREADS, arguments)

    def losses(
        self, first: int, count: int, program: Array, out: Array, stride: int, base: int, bad: Array, bad_value: Array
    ) -> None:
        """Losses of scenarios first, ... into the rows base, ... of out (M, stride); nothing else is kept."""
        grid, scratch = self._memory(count, self.width * 8 + self.factors * 4)
        arguments = (
            self.table, np.uint64(first), None, np.int64(count), self.seed, self.sample, np.int64(self.width), scratch,
            program, out, np.int64(stride), np.int64(base), bad, bad_value,
        )  # fmt: skip
        self.device.launch("drawn_losses", (grid, 1), DRAW_THREADS, arguments)

    def _memory(self, rows: int, each: int) -> tuple[int, Array]:
        """Thread blocks that share `rows` scenarios, and `each` bytes for every thread; fewer blocks where memory is
        short.
        """
        grid = min(grid_of(rows, DRAW_THREADS)[0], DRAWING * self.device.processors)
        while True:
            try:
                return grid, self.device.empty(grid * DRAW_THREADS * each, np.uint8)
            except OutOfDeviceMemory:
                if grid == 1:
                    raise
                grid //= 2


def losses(
    device: Device,
    blocks: Array,
    count: int,
    factors: int,
    program: Array,
    out: Array,
    stride: int,
    first: int,
    bad: Array,
) -> None:
    """Losses of `count` scenarios into the rows first, ... of out (M, stride)."""
    arguments = (blocks, np.int64(count), np.int64(factors), program, out, np.int64(stride), np.int64(first), bad)
    device.launch("fused_losses", grid_of(count), THREADS, arguments)


def balances(
    device: Device,
    blocks: Array,
    count: int,
    factors: int,
    program: Array,
    out: Array,
    stride: int,
    first: int,
    bad: Array,
) -> None:
    """Balances of `count` scenarios into the columns first, ... of out (T, stride)."""
    arguments = (blocks, np.int64(count), np.int64(factors), program, out, np.int64(stride), np.int64(first), bad)
    device.launch("balances", grid_of(count), THREADS, arguments)


def add_gradient(
    device: Device, blocks: Array, weights: Array, factors: int, slopes: int, entries: int, program: Array, out: Array
) -> None:
    """Add to out (entries + slopes + 1,) the gradient by each entry and each slope, and the weighted loss.

    slopes: T, one per period's constant, or 2 T, with one per period's line behind them.
    """
    count = weights.size
    number = blocks_of(count)
    lanes = number * LANES
    slope, value = device.empty(lanes * slopes, np.float64), device.empty(lanes, np.float64)
    arguments = (
        blocks, np.int64(count), np.int64(lanes), np.int64(factors), program, np.int64(slopes), weights, slope, value,
    )  # fmt: skip
    device.launch("adjoint", grid_of(lanes), THREADS, arguments)
    items, groups = out.size, -(-number // GRADIENT_GROUP)
    sums = device.empty(groups * items, np.float64)
    device.launch(
        "gradient_sums", (grid_of(items * WARP)[0], groups), THREADS,
        (blocks, np.int64(number), np.int64(factors), program, np.int64(slopes), np.int64(entries), slope, value, sums),
    )  # fmt: skip
    device.launch("add_groups", grid_of(items), THREADS, (sums, np.int64(groups), np.int64(items), out))


def add_products(
    device: Device, blocks: Array, count: int, positions: int, factors: Array, atoms: int, out: Array
) -> None:
    """Add to out (atoms,) the sums over all scenarios of products of values; factors (atoms, slots)."""
    groups = -(-blocks_of(count) // MEAN_GROUP)
    sums = device.empty(groups * atoms, np.float64)
    device.launch(
        "product_sums", (grid_of(atoms * WARP)[0], groups), THREADS,
        (blocks, np.int64(count), np.int64(positions), factors, np.int64(atoms), np.int64(factors.size // atoms), sums),
    )  # fmt: skip
    device.launch("add_groups", grid_of(atoms), THREADS, (sums, np.int64(groups), np.int64(atoms), out))


def add_rates(
    device: Device, blocks: Array, count: int, positions: int, low: int, dt: float, margin: float, out: Array
) -> None:
    """Add to out (periods,) the sums of max(0, dt * (value + margin)) over the positions low, low + 1, ..."""
    groups, periods = -(-blocks_of(count) // MEAN_GROUP), out.size
    sums = device.empty(groups * periods, np.float64)
    arguments = (
        blocks, np.int64(count), np.int64(positions), np.int64(low), np.int64(periods), np.float64(dt),
        np.float64(margin), sums,
    )  # fmt: skip
    device.launch("rate_sums", (grid_of(periods * WARP)[0], groups), THREADS, arguments)
    device.launch("add_groups", grid_of(periods), THREADS, (sums, np.int64(groups), np.int64(periods), out))
