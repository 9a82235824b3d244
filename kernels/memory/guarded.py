"""What is done with losses by the backend that made them, errors of its device named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from numpy.typing import ArrayLike

from ..backend import Backend, SealedTail
from ..device_errors import translate
from ..tables import FloatArray
from ..vectors import LossVector, RowVector

R = TypeVar("R")


class Guarded:
    """See `backend.Backend` for the methods. Errors of the device come as `DeviceFault`.

    Attributes:
        inner: computes; another one where its device is lost.
    """

    on_device = None

    def __init__(self, inner: Backend) -> None:
        self.inner = inner

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def threads(self) -> int:
        return self.inner.threads

    def _guarded(self, call: Callable[[], R]) -> R:
        """Errors of the device as `DeviceFault`."""
        try:
            return call()
        except Exception as error:
            fault = translate(error)
            if fault is None or fault is error:
                raise
            raise fault from error

    def quantile(self, losses: LossVector, level: float) -> float:
        return self._guarded(lambda: self.inner.quantile(losses, level))

    def tail(
        self, losses: LossVector, level: float, mass: float | None = None, weights: FloatArray | None = None
    ) -> SealedTail:
        return self._guarded(lambda: self.inner.tail(losses, level, mass, weights))

    def worst(self, losses: LossVector, count: int, also: RowVector | None = None) -> RowVector:
        return self._guarded(lambda: self.inner.worst(losses, count, also))

    def dot(self, losses: LossVector, rows: RowVector | ArrayLike, weights: LossVector | ArrayLike) -> float:
        return self._guarded(lambda: self.inner.dot(losses, rows, weights))

    def at(self, losses: LossVector, rows: RowVector | ArrayLike) -> LossVector:
        return self._guarded(lambda: self.inner.at(losses, rows))

    def size(self, losses: LossVector, rows: RowVector) -> float:
        return self._guarded(lambda: self.inner.size(losses, rows))

    def concatenate(self, parts: Sequence[LossVector]) -> LossVector:
        return self._guarded(lambda: self.inner.concatenate(parts))

    def above(self, losses: LossVector, limit: float) -> float:
        return self._guarded(lambda: self.inner.above(losses, limit))

    def host(self, losses: LossVector) -> FloatArray:
        return self._guarded(lambda: self.inner.host(losses))
