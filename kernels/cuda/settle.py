"""Settlement on a device: amounts, the waterfall and the sums over scenarios stay there, claims' sums come back."""

from __future__ import annotations

import numpy as np

from ..means import MEAN_GROUP
from ..settling import NOISE, Settling, Tally
from ..store import LANES
from ..tables import FloatArray
from ..waterfall import Waterfall, check_amounts, check_waterfall
from .device import Array, Device
from .pack import pack_settling, pack_waterfall
from .source import THREADS
from .vector import grid_of

ROWS = 1 << 16  # scenarios settled at a time: their amounts are held meanwhile
_WARP = 32


def distribute(device: Device, table: Waterfall, due: FloatArray, pools: FloatArray) -> tuple[FloatArray, FloatArray]:
    """`waterfall.distribute` on a device, for amounts of the host."""
    check_waterfall(table)
    unpaid, held = check_amounts(table, due, pools)
    count = unpaid.shape[0]
    claims, pools_ = (device.upload(np.ascontiguousarray(v.T)) for v in (unpaid, held))
    arguments = (device.upload(pack_waterfall(table)), np.int64(count), np.int64(count), claims, pools_)
    device.launch("waterfall", grid_of(count), THREADS, arguments)
    lost, left = device.download(claims), device.download(pools_)
    return (
        np.ascontiguousarray(lost.reshape(table.claims, count).T),
        np.ascontiguousarray(left.reshape(table.pools, count).T),
    )


class Settlements:
    """Settles scenarios that lie in blocks, and adds up what comes of it, in the order of `settling.Tallying`.

    Args:
        balance, flows: programs of the running balance and of the moving amounts, on the device.
        count: scenarios in all.
    """

    def __init__(self, device: Device, table: Settling, balance: Array, flows: Array | None, count: int) -> None:
        self.device = device
        self._table, self._balance, self._flows = table, balance, flows
        self._packed, self._steps = device.upload(pack_settling(table)), device.upload(pack_waterfall(table.steps))
        claims = table.steps.claims
        self._items = table.width + claims
        self._room = self._items + table.steps.pools + table.fixed.shape[0] - table.owed
        self._columns = device.empty(self._room * min(ROWS, count), np.float64)
        self._final = device.empty(min(ROWS, count), np.float64)
        self._when = device.empty(min(ROWS, count), np.int64)
        self._sums = device.full(self._items, np.float64, 0)
        self._counts = device.full(table.width + table.periods, np.uint64, 0)
        self.bad = device.full(1, np.uint64, 255)
        self.total = device.empty(count, np.float64)

    def add(self, blocks: Array, count: int, factors: int, weights: Array | None, low: int) -> None:
        """Settle the first `count` scenarios of blocks, which are number low, low + 1, ... of all.

        weights: (count,) of theirs, or 1 each. `low` is a multiple of 16,384 but for the last ones.
        """
        device, width = self.device, self._table.width
        dates = self._counts.part(width, self._table.periods)
        for first in range(0, count, ROWS):
            size = min(ROWS, count - first)
            part = blocks.part(first // LANES * factors * LANES, -(-size // LANES) * factors * LANES)
            device.launch(
                "settle_dates", grid_of(size), THREADS,
                (part, np.int64(size), np.int64(factors), self._balance, self._packed, np.int64(low + first),
                 self._final, self._when, dates, self.bad),
            )  # fmt: skip
            device.launch(
                "settle_amounts", grid_of(size), THREADS,
                (part, np.int64(size), np.int64(factors), self._flows, self._packed, self._steps, self._final,
                 self._when, self._columns, np.int64(size), np.int64(low + first), self.bad),
            )  # fmt: skip
            device.launch(
                "share_out", grid_of(size), THREADS,
                (self._packed, self._steps, np.int64(size), self._final, self._columns, np.int64(size),
                 np.int64(low + first), self.total),
            )  # fmt: skip
            groups = -(-size // (LANES * MEAN_GROUP))
            sums = device.empty(groups * self._items, np.float64)
            each = None if weights is None else weights.part(first, size)
            device.launch(
                "column_sums", (grid_of(self._items * _WARP)[0], groups), THREADS,
                (self._columns, np.int64(size), np.int64(size), np.int64(self._items), each, np.int64(width),
                 np.float64(NOISE), sums, self._counts),
            )  # fmt: skip
            arguments = (sums, np.int64(groups), np.int64(self._items), self._sums)
            device.launch("add_groups", grid_of(self._items), THREADS, arguments)

    def tally(self) -> Tally:
        sums, counts = self.device.download(self._sums), self.device.download(self._counts).astype(np.int64)
        width = self._table.width
        return Tally(sums[:width], sums[width:], counts[:width], counts[width:])
