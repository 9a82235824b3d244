"""Tail and worst rows of a vector that lies on several devices: the rows that one device would find.

Each pass of the selection counts on every device; the counts are added up on the host, where the next digit of the key
follows from them, as it would from one device's. Of equal losses at the border the first pieces' rows come first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..checks import need
from ..cuda import select as cuda_select
from ..cuda.device import Array
from ..cuda.select import BINS, chosen_rows, find_row, union
from ..cuda.source import CHUNK, PASSES, RADIX_BITS, THREADS
from ..cuda.vector import Vector
from ..tables import FloatArray
from ..tail import Tail, tail_mass
from ..tail import tail as host_tail
from .vector import ShardVector, ordered_sum

_LAST_BITS = 64 - RADIX_BITS * (PASSES - 1)


def _borders(pieces: Sequence[Vector], mass: int) -> tuple[list[tuple[Array, bool, bool]], float]:
    """Per piece its border, whether the border's row lies there, and whether any of the border's loss is taken there.

    And the loss at the border.
    """
    devices = [p.device for p in pieces]
    start = np.zeros((PASSES + 1, 1, 2), dtype=np.uint64)
    start[0, 0, 1] = mass
    states = [d.upload(start.reshape(-1)) for d in devices]
    columns = [d.upload(np.zeros(1, dtype=np.int64)) for d in devices]
    counts = [d.full(PASSES * BINS, np.uint64, 0) for d in devices]
    own: list[np.ndarray] = []
    for turn in range(PASSES):
        for p, d, state, column, count in zip(pieces, devices, states, columns, counts, strict=True):
            grid = max(1, min(-(-p.size // CHUNK), 8 * d.processors)), 1
            arguments = (p.array, np.int64(p.size), np.int64(p.size), None, column, np.int64(turn), state, count)
            d.launch("select_rows", grid, THREADS, arguments)
        here = [c.part(turn * BINS, BINS) for c in counts]
        own = [d.download(h) for d, h in zip(devices, here, strict=True)]
        total: NDArray[np.uint64] = np.asarray(np.sum(own, axis=0, dtype=np.uint64))
        for d, h in zip(devices, here, strict=True):
            d.upload(total, h)
    border, loss = devices[0].empty(4, np.uint64), devices[0].empty(1, np.float64)
    devices[0].launch("select_border", (1, 1), THREADS, (states[0], counts[0], np.int64(1), border, loss))
    key, left = (int(n) for n in devices[0].download(border)[:2])
    found = []
    for d, last_counts in zip(devices, own, strict=True):
        ties = int(last_counts[key & ((1 << _LAST_BITS) - 1)])
        taken = min(left, ties)
        # without any of the border's loss, the border is the next key, all of which belongs to the tail
        words = (key, taken, 0, 0) if taken else (key + 1, 0, 2**64 - 1, 0)
        found.append((d.upload(np.array(words, dtype=np.uint64)), 0 < left <= ties, taken > 0))
        left -= taken
    return found, float(devices[0].download(loss)[0])


def _rows(losses: ShardVector, size: int, share: float) -> tuple[ShardVector, ShardVector, ShardVector, float]:
    """Rows of the `size` largest losses, their weights and losses, and the loss at the border.

    share: of the border's row.
    """
    borders, var = _borders(losses.pieces, size)
    rows: list[Vector] = []
    shares: list[Vector] = []
    held: list[Vector] = []
    for piece, (border, last, some) in zip(losses.pieces, borders, strict=True):
        if some:
            find_row(piece.device, piece.array, border, None)
        found = chosen_rows(piece.device, piece.array, border, None, share if last else 1.0, None, None, 1.0)
        for to, array in zip((rows, shares, held), found, strict=True):
            to.append(Vector(piece.device, array))
    return _of_pieces(losses, rows), ShardVector(shares), ShardVector(held), var


def _of_pieces(losses: ShardVector, rows: Sequence[Vector]) -> ShardVector:
    """Rows of each piece of the losses."""
    starts = np.concatenate(([0], np.cumsum([p.size for p in losses.pieces])[:-1]))
    return ShardVector(rows, None, starts.tolist())


def tail(
    losses: ShardVector, level: float, mass: float | None = None, weights: FloatArray | None = None
) -> Tail[ShardVector, ShardVector]:
    """The tail as `tail.tail` finds it, with rows and weights where the losses are.

    With weights on several devices it is found on the host.
    """
    n = losses.size
    need(n > 0, "losses must not be empty")
    if len(losses.pieces) > 1 and weights is not None:
        return _weighted(losses, level, mass, weights)
    if len(losses.pieces) == 1:
        one = cuda_select.tail(losses.pieces[0], level, mass, weights)
        return Tail(_of_pieces(losses, [one.rows]), ShardVector([one.weights]), one.var, one.cvar)
    wanted = tail_mass(float(n), level) if mass is None else float(mass)
    if not 0.0 < wanted <= n * (1.0 + 1e-12):
        raise ValueError(f"the tail's mass must be above 0 and at most the total weight {n:g}; got {wanted:g}")
    size = min(math.ceil(wanted), n)
    rows, shares, held, var = _rows(losses, size, wanted - (size - 1))
    cvar = ordered_sum(shares, held) / ordered_sum(shares)
    if not (math.isfinite(var) and math.isfinite(cvar)):
        raise ValueError("a loss in the tail is not finite")
    return Tail(rows, shares, var, cvar)


def _weighted(
    losses: ShardVector, level: float, mass: float | None, weights: FloatArray
) -> Tail[ShardVector, ShardVector]:
    held = np.concatenate([p.device.download(p.array) for p in losses.pieces])
    found = host_tail(held, level, weights, mass)
    rows, shares, start = [], [], 0
    for piece in losses.pieces:
        low, high = (int(i) for i in np.searchsorted(found.rows, (start, start + piece.size)))
        rows.append(Vector(piece.device, piece.device.upload(found.rows[low:high] - start)))
        shares.append(Vector(piece.device, piece.device.upload(found.weights[low:high])))
        start += piece.size
    return Tail(_of_pieces(losses, rows), ShardVector(shares), found.var, found.cvar)


def worst(losses: ShardVector, count: int, also: ShardVector | None = None) -> ShardVector:
    """Rows of the `count` largest losses, of equal ones at the border the lowest, and those of `also`."""
    need(1 <= count <= losses.size, f"count must lie in 1..{losses.size}; got {count}")
    if len(losses.pieces) == 1:
        known_rows = None if also is None else also.pieces[0]
        return _of_pieces(losses, [cuda_select.worst(losses.pieces[0], count, known_rows)])
    rows = _rows(losses, count, 1.0)[0]
    if also is None:
        return rows
    known = dict(zip(also.places, also.pieces, strict=True))
    joined = []
    for place, (piece, found) in enumerate(zip(losses.pieces, rows.pieces, strict=True)):
        lists = (found.array, known[place].array) if place in known else (found.array,)
        joined.append(Vector(piece.device, union(piece.device, piece.size, lists)))
    return _of_pieces(losses, joined)


def quantile(losses: ShardVector, level: float) -> float:
    """Quantile, interpolated as NumPy does it."""
    place = level * (losses.size - 1)
    low = math.floor(place)
    ranks = low, min(low + 1, losses.size - 1)
    a, b = (_borders(losses.pieces, losses.size - rank)[1] for rank in ranks)
    share = place - low
    return b - (b - a) * (1.0 - share) if share >= 0.5 else a + (b - a) * share
