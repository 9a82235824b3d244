"""What a backend offers, and the choice of one."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import environment
from .breaches import Breached
from .settling import Settling, Tally
from .tables import FloatArray, IntArray, LossTable, ProcessTable
from .tail import Tail

BACKENDS = ("auto", "numba", "numpy")

# Losses of all rows as one vector of the backend's own kind, on the host or on a device: + and - of two of them, * with
# a number, [rows]; everything else goes through the backend.
Losses = Any

# Scenarios as the same backend made them: `count`, `drivers`, `periods`, `nbytes`; everything else goes through the
# backend.
Held = Any


class Evaluator(Protocol):
    """What the search needs: losses of all scenarios, their tails and subgradients. Every method checks its input:
    ValueError, TypeError or IndexError on a fault.
    """

    @property
    def name(self) -> str: ...

    @property
    def threads(self) -> int: ...

    def losses(self, store: Held, tables: Sequence[LossTable], exposures: Sequence[ArrayLike]) -> list[Losses]:
        """(S,) losses of each table, in one pass over the store. FloatingPointError names a scenario that overflows."""
        ...

    def pull_back(
        self, store: Held, table: LossTable, exposure: ArrayLike, rows: ArrayLike, weights: ArrayLike
    ) -> tuple[float, FloatArray]:
        """sum of weights[i] * loss of rows[i], and its (E,) subgradient by the exposures."""
        ...

    def subset(self, store: Held, rows: ArrayLike) -> Held:
        """Store of the given rows, in their order; it remembers their scenario numbers."""
        ...

    def foremost(self, store: Held, count: int) -> NDArray[np.int64]:
        """(count,) rows of the `count` scenarios drawn first, ascending: a sample of their own."""
        ...

    def tail(self, losses: Losses, level: float, mass: float | None = None, weights: FloatArray | None = None) -> Tail:
        """The worst rows with weights that sum to (1 - level) times their number, or to `mass`; see `tail.tail`.

        weights: (n,) weight of each row, not negative; 1 each if left out.
        """
        ...

    def worst(self, losses: Losses, count: int, also: Any = None) -> Any:
        """Rows of the `count` largest losses, of equal ones at the border any, and the rows of `also`, each once.

        In ascending order: an array, or a vector where the losses are; so are the rows of `also`.
        """
        ...

    def dot(self, losses: Losses, rows: ArrayLike, weights: ArrayLike) -> float:
        """sum of weights[i] * losses[rows[i]]."""
        ...

    def above(self, losses: Losses, limit: float) -> float:
        """Share of the losses that are above the limit."""
        ...

    def recover(self, error: Exception) -> bool:
        """Whether an error of the device has been got over: the stores are still good, vectors of losses are not."""
        ...

    def host(self, losses: Losses) -> FloatArray:
        """The losses as an array in the host's memory."""
        ...


class Backend(Evaluator, Protocol):
    """All arithmetic on simulated scenarios."""

    def simulate(self, table: ProcessTable, count: int, seed: int, sample: int = 0, first: int = 0) -> Held:
        """Scenarios first .. first + count - 1 of a sample (0: in sample; 1, 2, ...: fresh draws).

        A scenario's values do not depend on first, count or the number of threads. FloatingPointError if one overflows.
        """
        ...

    def means(self, store: Held, factors: IntArray) -> FloatArray:
        """(A,) means of products of driver values over all scenarios. factors: (A, F), -1 for an empty slot."""
        ...

    def redraw(self, table: ProcessTable, numbers: Any, seed: int, sample: int = 0) -> Held:
        """Store of the scenarios with these uint64 numbers, in their order: the bits that `simulate` gives them."""
        ...

    def part(self, store: Held, low: int, high: int) -> Held:
        """The rows low .. high - 1 of a store, sharing its memory. low: a multiple of 256."""
        ...

    def rates(self, store: Held, table: LossTable) -> FloatArray:
        """(periods,) mean over all scenarios of the surplus rate that carries a balance into each period."""
        ...

    def fan(
        self, store: Held, table: LossTable, exposure: ArrayLike, levels: Sequence[float], count: int | None = None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Of the balances in the first `count` rows: quantiles (levels, T), means (T,), shares below the floor (T,)."""
        ...

    def concatenate(self, parts: Sequence[Losses]) -> Losses:
        """The losses of several stores of this backend as one vector."""
        ...

    def breaches(
        self, store: Held, table: LossTable, exposure: ArrayLike, dates: IntArray, rounding: float
    ) -> tuple[Losses, Breached]:
        """Least flow minus floor of each scenario, and by date how many fall short; see `breaches.breaches`."""
        ...

    def quantile(self, losses: Losses, level: float) -> float:
        """Quantile of the losses, interpolated as NumPy does it."""
        ...

    def settle(
        self, store: Held, table: Settling, rows: ArrayLike | None = None, weights: ArrayLike | None = None
    ) -> tuple[Losses, Tally]:
        """Total loss of each given row, or of all, when it is settled, and sums over them; see `settling.Settling`.

        weights: (n,) of the rows, 1 each if left out. FloatingPointError names a scenario that overflows.
        """
        ...

    def balances(self, store: Held, table: LossTable, exposure: ArrayLike, rows: ArrayLike | None = None) -> FloatArray:
        """(n, periods) running balance (PEAK) or flow (WORST) of the given rows, or of all."""
        ...


def get_backend(name: str = "auto") -> Backend:
    """The backend of that name. "auto" is numba, or numpy (slow) with a warning where numba cannot be imported.

    Raises:
        ValueError: unknown name.
        EnvironmentFault: a variable of the environment that Numba reads has a value with which it cannot be used.
        ImportError: numba was asked for and cannot be imported.
    """
    if name not in BACKENDS:
        raise ValueError(f"unknown backend {name!r}; allowed: {', '.join(BACKENDS)}")
    if name != "numpy":
        environment.check()
        try:
            from .cpu.numba_backend import NumbaBackend

            return NumbaBackend()
        except ImportError as fault:
            if name == "numba":
                raise
            warnings.warn(f"numba cannot be imported ({fault}); the slow NumPy backend is used", stacklevel=2)
    from .cpu.numpy_backend import NumpyBackend

    return NumpyBackend()
