"""Tail, worst rows and quantiles of vectors on a device: what leaves it is a number or the rows asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..checks import need
from ..store import RowArray
from ..tables import FloatArray
from ..tail import Tail, tail_mass
from .device import Array, Device
from .source import CHUNK, PASSES, RADIX_BITS, THREADS
from .vector import Vector, grid_of, sum_products

BINS = 1 << RADIX_BITS
_BORDER = 4  # words of a Border in keys.cuh
_UNIT_BITS = 62  # of the total weight in fixed point


def _border(
    device: Device,
    values: Array,
    stride: int,
    count: int,
    columns: Sequence[int],
    masses: Sequence[int],
    weights: Array | None,
) -> tuple[Array, Array]:
    """Border of each query: the key and, in (queries,), the loss at which the rows from the top on add up to its mass.

    values: columns of `count` values, `stride` apart. weights: (count,) uint64, or None for 1 each.
    """
    queries = len(columns)
    start = np.zeros((PASSES + 1, queries, 2), dtype=np.uint64)
    start[0, :, 1] = masses
    states = device.upload(start.reshape(-1))
    where = device.upload(np.asarray(columns, dtype=np.int64))
    histograms = device.full(PASSES * queries * BINS, np.uint64, 0)
    kernel = "select_rows" if weights is None else "select_weighted"
    grid = max(1, min(-(-count // CHUNK), 8 * device.processors)), queries
    for turn in range(PASSES):
        arguments = (values, np.int64(stride), np.int64(count), weights, where, np.int64(turn), states, histograms)
        device.launch(kernel, grid, THREADS, arguments)
    borders, losses = device.empty(queries * _BORDER, np.uint64), device.empty(queries, np.float64)
    device.launch("select_border", (queries, 1), THREADS, (states, histograms, np.int64(queries), borders, losses))
    return borders, losses


def find_row(device: Device, losses: Array, border: Array, weights: Array | None) -> None:
    """The row at which the border's mass is reached, into the border."""
    count, chunks = np.int64(losses.size), -(-losses.size // CHUNK)
    sums = device.empty(chunks, np.uint64)
    device.launch("border_masses", (chunks, 1), THREADS, (losses, count, weights, border, sums))
    device.launch("border_row", (1, 1), THREADS, (losses, count, weights, sums, np.int64(chunks), border))


def chosen_rows(
    device: Device,
    losses: Array,
    border: Array,
    size: int | None,
    share: float,
    weights: Array | None,
    each: Array | None,
    unit: float,
) -> tuple[Array, Array, Array]:
    """Rows from the border up in ascending order, their weights and losses, for a border whose row is known.

    size: their number where it is known.
    """
    count, chunks = np.int64(losses.size), -(-losses.size // CHUNK)
    sums, grid = device.empty(chunks + 1, np.uint64), (chunks, 1)
    device.launch("count_chosen", grid, THREADS, (losses, count, weights, border, sums))
    device.launch("running_counts", (1, 1), THREADS, (sums, np.int64(chunks)))
    if size is None:
        size = int(device.download(sums.part(chunks, 1))[0])
    rows, shares, held = (device.empty(size, dtype) for dtype in (np.int64, np.float64, np.float64))
    arguments = (
        losses, count, weights, each, border, np.float64(share), np.float64(unit), sums, rows, shares, held,
    )  # fmt: skip
    device.launch("write_chosen", grid, THREADS, arguments)
    return rows, shares, held


def tail(
    losses: Vector, level: float, mass: float | None = None, weights: FloatArray | None = None
) -> Tail[Vector, Vector]:
    """The tail as `tail.tail` finds it; its rows and weights are vectors on the device.

    Weights are compared in fixed point, 62 bits for their sum.
    """
    device, n = losses.device, losses.size
    need(n > 0, "losses must not be empty")
    if weights is not None:
        each = np.ascontiguousarray(weights, dtype=np.float64)
        good = each.shape == (n,) and bool(np.isfinite(each).all() and (each >= 0.0).all())
        need(good, f"weights must be finite, not negative and of shape ({n},); got {each.shape}")
    total = float(n) if weights is None else float(np.sum(each))
    wanted = tail_mass(total, level) if mass is None else float(mass)
    if not 0.0 < wanted <= total * (1.0 + 1e-12):
        raise ValueError(f"the tail's mass must be above 0 and at most the total weight {total:g}; got {wanted:g}")
    if weights is None:
        size = min(math.ceil(wanted), n)
        border, at = _border(device, losses.array, n, n, [0], [size], None)
        find_row(device, losses.array, border, None)
        rows, shares, held = chosen_rows(device, losses.array, border, size, wanted - (size - 1), None, None, 1.0)
    else:
        scale = 2.0 ** (_UNIT_BITS - math.frexp(total)[1])
        whole = np.rint(each * scale).astype(np.uint64)
        fixed, given = device.upload(whole), device.upload(each)
        units = max(1, min(round(wanted * scale), int(whole.sum())))
        border, at = _border(device, losses.array, n, n, [0], [units], fixed)
        find_row(device, losses.array, border, fixed)
        rows, shares, held = chosen_rows(device, losses.array, border, None, 0.0, fixed, given, 1.0 / scale)
    found = device.empty(3, np.float64)
    for place, number in enumerate((sum_products(device, shares, held), sum_products(device, shares), at)):
        Vector(device, number).copy_to(found.part(place, 1))
    moment, held_mass, var = (float(number) for number in device.download(found))
    cvar = moment / held_mass
    if not (math.isfinite(var) and math.isfinite(cvar)):
        raise ValueError("a loss in the tail is not finite")
    return Tail(Vector(device, rows), Vector(device, shares), var, cvar)


def worst(losses: Vector, count: int, also: Vector | None = None) -> Vector:
    """Rows of the `count` largest losses, of equal ones at the border the lowest, and those of `also`; ascending."""
    n = losses.size
    need(1 <= count <= n, f"count must lie in 1..{n}; got {count}")
    border, _ = _border(losses.device, losses.array, n, n, [0], [count], None)
    find_row(losses.device, losses.array, border, None)
    rows, _, _ = chosen_rows(losses.device, losses.array, border, count, 1.0, None, None, 1.0)
    return Vector(losses.device, rows if also is None else union(losses.device, n, (rows, also.array)))


def union(device: Device, all_rows: int, lists: Sequence[Array]) -> Array:
    """Rows below `all_rows` that are in one of the lists, ascending."""
    chunks = -(-all_rows // CHUNK)
    marks, sums = device.full(all_rows, np.uint8, 0), device.empty(chunks + 1, np.uint64)
    for rows in lists:
        device.launch("mark_rows", grid_of(rows.size), THREADS, (rows, np.int64(rows.size), marks))
    device.launch("count_marks", (chunks, 1), THREADS, (marks, np.int64(all_rows), sums))
    device.launch("running_counts", (1, 1), THREADS, (sums, np.int64(chunks)))
    out = device.empty(int(device.download(sums.part(chunks, 1))[0]), np.int64)
    device.launch("write_marks", (chunks, 1), THREADS, (marks, np.int64(all_rows), sums, out))
    return out


def quantiles(device: Device, values: Array, count: int, columns: int, levels: Sequence[float]) -> FloatArray:
    """(levels, columns) quantiles of values (columns, count), interpolated as NumPy does it."""
    place = np.asarray(levels, dtype=np.float64) * (count - 1)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, count - 1)
    ranks = np.unique(np.concatenate((low, high)))
    masses = np.tile(count - ranks, columns)
    _, at = _border(
        device, values, count, count, np.repeat(np.arange(columns), ranks.size).tolist(), masses.tolist(), None
    )
    found = device.download(at).reshape(columns, ranks.size)
    a, b = found[:, np.searchsorted(ranks, low)].T, found[:, np.searchsorted(ranks, high)].T
    share = (place - low)[:, None]
    return np.asarray(np.where(share >= 0.5, b - (b - a) * (1.0 - share), a + (b - a) * share))


def beyond(device: Device, values: Array, count: int, limits: FloatArray, below: bool) -> RowArray:
    """(columns,) number of values (columns, count) above (below) each column's limit."""
    counts = device.full(limits.size, np.uint64, 0)
    grid = min(grid_of(count)[0], 8 * device.processors), limits.size
    arguments = (
        values, np.int64(count), np.int64(count), device.upload(np.ascontiguousarray(limits)), np.int64(below), counts,
    )  # fmt: skip
    device.launch("count_beyond", grid, THREADS, arguments)
    return device.download(counts).astype(np.int64)
