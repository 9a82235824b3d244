"""A vector whose numbers lie on several devices, piece after piece, with the results that one device would give.

Elements are rounded where they lie. Sums are taken in the order of `vector.sum_products`: chunks of 4,096 numbers,
wherever the pieces end, then chunks of their sums. A chunk that lies on two devices is added up on the host.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..cuda.source import CHUNK, THREADS
from ..cuda.vector import Vector
from ..tables import FloatArray
from ..vectors import DeviceVector


class ShardVector(DeviceVector):
    """float64 numbers, or int64 rows of a store's pieces, or uint64 scenario numbers; see `vector.Vector`.

    Attributes:
        pieces: one after the other.
        places: of rows, the piece of the store that each piece counts in; else the pieces' own numbers.
        starts: of rows, the first row of each of these pieces in the whole store; else nothing.
    """

    def __init__(
        self, pieces: Sequence[Vector], places: Sequence[int] | None = None, starts: Sequence[int] = ()
    ) -> None:
        self.pieces = tuple(pieces)
        self.places = tuple(range(len(self.pieces)) if places is None else places)
        self.starts = tuple(starts)

    @property
    def size(self) -> int:
        return sum(p.size for p in self.pieces)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.pieces[0].dtype

    def host(self) -> NDArray[Any]:
        """(n,) copy on the host; of rows, those of the whole store."""
        found = [p.host() for p in self.pieces]
        if self.starts:
            found = [f + start for f, start in zip(found, self.starts, strict=True)]
        return np.concatenate(found)

    def part(self, low: int, high: int) -> ShardVector:
        pieces: list[Vector] = []
        kept: list[int] = []
        at = 0
        for i, piece in enumerate(self.pieces):
            a, b = max(low - at, 0), min(high - at, piece.size)
            if a < b or (i == len(self.pieces) - 1 and not kept):
                pieces.append(piece.part(a, max(a, b)) if a < b else piece.part(0, 0))
                kept.append(i)
            at += piece.size
        starts = [self.starts[i] for i in kept] if self.starts else ()
        return ShardVector(pieces, [self.places[i] for i in kept], starts)

    def _with(self, other: ShardVector | float, operation: Callable[[Vector, Vector | float], Vector]) -> ShardVector:
        if not isinstance(other, ShardVector):
            return ShardVector([operation(p, other) for p in self.pieces], self.places)
        if [p.size for p in other.pieces] != [p.size for p in self.pieces]:
            raise ValueError(f"vectors of {self.size} and {other.size} numbers do not go together, piece by piece")
        return ShardVector([operation(p, q) for p, q in zip(self.pieces, other.pieces, strict=True)], self.places)

    def __add__(self, other: ShardVector | float) -> ShardVector:
        return self._with(other, lambda p, q: p + q)

    def __sub__(self, other: ShardVector | float) -> ShardVector:
        return self._with(other, lambda p, q: p - q)

    def __mul__(self, other: ShardVector | float) -> ShardVector:
        return self._with(other, lambda p, q: p * q)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: float) -> ShardVector:
        return ShardVector([other - p for p in self.pieces], self.places)

    def numbers(self, first: int, known: ShardVector | NDArray[np.uint64] | None = None) -> ShardVector:
        found = []
        for piece, place, start in zip(self.pieces, self.places, self.starts, strict=True):
            if piece.size:
                if isinstance(known, ShardVector):
                    found.append(piece.numbers(first + start, known.pieces[place]))
                else:
                    found.append(piece.numbers(first + start, None if known is None else known[start:]))
        return ShardVector(found)

    def __abs__(self) -> ShardVector:
        return ShardVector([abs(p) for p in self.pieces], self.places)

    def __gt__(self, other: float) -> ShardVector:
        return ShardVector([p > other for p in self.pieces], self.places)

    def __lt__(self, other: float) -> ShardVector:
        return ShardVector([p < other for p in self.pieces], self.places)

    def __getitem__(self, rows: ArrayLike | ShardVector | slice, /) -> ShardVector:
        """(n,) values at rows, which count within the pieces; at rows of the host, they come together in one piece. A
        slice shares the memory.
        """
        if isinstance(rows, slice):
            return self.part(*rows.indices(self.size)[:2])
        if isinstance(rows, ShardVector):
            found = [self.pieces[place][r] for place, r in zip(rows.places, rows.pieces, strict=True)]
            return ShardVector(found)
        r, device = np.asarray(rows), self.pieces[0].device
        out = np.empty(r.size)
        at = 0
        for piece in self.pieces:
            here = np.flatnonzero((r >= at) & (r < at + piece.size))
            if here.size:
                out[here] = piece[r[here] - at].host()
            at += piece.size
        if r.size and (r.min() < 0 or r.max() >= at):
            raise IndexError(f"rows must lie in 0..{at - 1}; got {r.min()}..{r.max()}")
        return ShardVector([Vector.of(device, out, np.float64)])

    def __matmul__(self, other: ShardVector) -> float:
        return ordered_sum(self, other)

    def sum(self) -> float:
        return ordered_sum(self) if self.size else 0.0

    def mean(self) -> float:
        return self.sum() / self.size


def ordered_sum(a: ShardVector, b: ShardVector | None = None) -> float:
    """Sum of a, or of a * b, as one device adds it up."""
    if b is not None and [p.size for p in b.pieces] != [p.size for p in a.pieces]:
        raise ValueError(f"vectors of {a.size} and {b.size} numbers do not go together, piece by piece")
    found: list[FloatArray] = []
    begun: list[FloatArray] = []  # numbers of a chunk that goes on in the next piece
    at = 0
    for i, one in enumerate(a.pieces):
        other = None if b is None else b.pieces[i]
        head = min(-at % CHUNK, one.size)
        body = (one.size - head) // CHUNK * CHUNK
        if head:
            begun.append(_products(one, other, 0, head))
            if (at + head) % CHUNK == 0:
                found.append(chunk_sums(np.concatenate(begun)))
                begun = []
        if body:
            found.append(
                _chunk_sums(one.part(head, head + body), None if other is None else other.part(head, head + body))
            )
        if head + body < one.size:
            begun.append(_products(one, other, head + body, one.size))
        at += one.size
    if begun:
        found.append(chunk_sums(np.concatenate(begun)))
    sums = np.concatenate(found) if found else np.zeros(1)
    while sums.size > 1:
        sums = chunk_sums(sums)
    return float(sums[0])


def _products(a: Vector, b: Vector | None, low: int, high: int) -> FloatArray:
    found = a.part(low, high).host()
    return found if b is None else found * b.part(low, high).host()


def _chunk_sums(a: Vector, b: Vector | None) -> FloatArray:
    device = a.device
    out = device.empty(-(-a.size // CHUNK), np.float64)
    arguments = (a.array, None if b is None else b.array, np.int64(a.size), out)
    device.launch("chunk_sums", (out.size, 1), THREADS, arguments)
    return device.download(out)


def chunk_sums(values: FloatArray) -> FloatArray:
    """(chunks,) what the kernel of that name gives."""
    rows = CHUNK // THREADS
    padded = np.zeros(-(-values.size // CHUNK) * CHUNK)
    padded[: values.size] = values
    each = padded.reshape(-1, rows, THREADS)
    sums = np.zeros((each.shape[0], THREADS))
    for i in range(rows):
        sums += each[:, i]
    half = THREADS // 2
    while half > 0:
        sums[:, :half] += sums[:, half : 2 * half]
        half //= 2
    return sums[:, 0].copy()
