"""What a backend offers, and the choice of one.

A backend has stores, losses and rows of its own kinds, and is handed only such as it has made. `EvaluatorOf`,
`BackendOf` and `DeviceBackendOf` name these kinds; `sealed` forgets them, and what is left to the engine is
`Evaluator`, `Backend` and `DeviceBackend`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Protocol, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import environment
from .breaches import Breached
from .settling import Settling, Tally
from .store import Store
from .tables import FloatArray, IntArray, LossTable, ProcessTable
from .tail import Tail
from .vectors import LossVector, RowVector

BACKENDS = ("auto", "numba", "numpy")


class ScenarioStore(Protocol):
    """Scenarios as a backend made them; all but these figures goes through the backend."""

    @property
    def count(self) -> int: ...

    @property
    def drivers(self) -> int: ...

    @property
    def periods(self) -> int: ...

    @property
    def nbytes(self) -> int: ...


S = TypeVar("S", bound=ScenarioStore)
V = TypeVar("V", bound=LossVector)
R = TypeVar("R", bound=RowVector)


class EvaluatorOf(Protocol[S, V, R]):
    """What the search needs: losses of all scenarios, their tails and subgradients. Every method checks its input:
    ValueError, TypeError or IndexError on a fault.
    """

    @property
    def name(self) -> str: ...

    @property
    def threads(self) -> int: ...

    def losses(self, store: S, tables: Sequence[LossTable], exposures: Sequence[ArrayLike]) -> list[V]:
        """(S,) losses of each table, in one pass over the store. FloatingPointError names a scenario that overflows."""
        ...

    def pull_back(
        self, store: S, table: LossTable, exposure: ArrayLike, rows: R | ArrayLike, weights: V | ArrayLike
    ) -> tuple[float, FloatArray]:
        """sum of weights[i] * loss of rows[i], and its (E,) subgradient by the exposures."""
        ...

    def subset(self, store: S, rows: R | ArrayLike) -> S:
        """Store of the given rows, in their order; it remembers their scenario numbers."""
        ...

    def foremost(self, store: S, count: int) -> NDArray[np.int64]:
        """(count,) rows of the `count` scenarios drawn first, ascending: a sample of their own."""
        ...

    def tail(self, losses: V, level: float, mass: float | None = None, weights: FloatArray | None = None) -> Tail[R, V]:
        """The worst rows with weights that sum to (1 - level) times their number, or to `mass`; see `tail.tail`.

        weights: (n,) weight of each row, not negative; 1 each if left out.
        """
        ...

    def worst(self, losses: V, count: int, also: R | None = None) -> R:
        """Rows of the `count` largest losses, of equal ones at the border any, and the rows of `also`, each once.

        In ascending order, where the losses are.
        """
        ...

    def dot(self, losses: V, rows: R | ArrayLike, weights: V | ArrayLike) -> float:
        """sum of weights[i] * losses[rows[i]]."""
        ...

    def at(self, losses: V, rows: R | ArrayLike) -> V:
        """The losses of the rows, in their order."""
        ...

    def size(self, losses: V, rows: R) -> float:
        """Mean absolute loss of the rows."""
        ...

    def above(self, losses: V, limit: float) -> float:
        """Share of the losses that are above the limit."""
        ...

    def recover(self, error: Exception) -> bool:
        """Whether an error of the device has been got over: the stores are still good, vectors of losses are not."""
        ...

    def host(self, losses: V) -> FloatArray:
        """The losses as an array in the host's memory."""
        ...


class BackendOf(EvaluatorOf[S, V, R], Protocol[S, V, R]):
    """All arithmetic on simulated scenarios."""

    @property
    def device_name(self) -> str:
        """Of the devices that it computes on; "" where it is the host."""
        ...

    @property
    def on_device(self) -> DeviceBackendOf[S, V, R] | None:
        """The backend itself, if it computes on a device."""
        ...

    def narrowed(self, threads: int) -> BackendOf[S, V, R] | None:
        """One more of this kind on fewer threads, or None where it cannot be had."""
        ...

    def simulate(self, table: ProcessTable, count: int, seed: int, sample: int = 0, first: int = 0) -> S:
        """Scenarios first .. first + count - 1 of a sample (0: in sample; 1, 2, ...: fresh draws).

        A scenario's values do not depend on first, count or the number of threads. FloatingPointError if one overflows.
        """
        ...

    def means(self, store: S, factors: IntArray) -> FloatArray:
        """(A,) means of products of driver values over all scenarios. factors: (A, F), -1 for an empty slot."""
        ...

    def redraw(self, table: ProcessTable, numbers: NDArray[np.uint64], seed: int, sample: int = 0) -> S:
        """Store of the scenarios with these uint64 numbers, in their order: the bits that `simulate` gives them."""
        ...

    def part(self, store: S, low: int, high: int) -> S:
        """The rows low .. high - 1 of a store, sharing its memory. low: a multiple of 256."""
        ...

    def rates(self, store: S, table: LossTable) -> FloatArray:
        """(periods,) mean over all scenarios of the surplus rate that carries a balance into each period."""
        ...

    def fan(
        self, store: S, table: LossTable, exposure: ArrayLike, levels: Sequence[float], count: int | None = None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Of the balances in the first `count` rows: quantiles (levels, T), means (T,), shares below the floor (T,)."""
        ...

    def concatenate(self, parts: Sequence[V]) -> V:
        """The losses of several stores of this backend as one vector."""
        ...

    def breaches(
        self, store: S, table: LossTable, exposure: ArrayLike, dates: IntArray, rounding: float
    ) -> tuple[V, Breached]:
        """Least flow minus floor of each scenario, and by date how many fall short; see `breaches.breaches`."""
        ...

    def quantile(self, losses: V, level: float) -> float:
        """Quantile of the losses, interpolated as NumPy does it."""
        ...

    def settle(
        self, store: S, table: Settling, rows: R | ArrayLike | None = None, weights: V | ArrayLike | None = None
    ) -> tuple[V, Tally]:
        """Total loss of each given row, or of all, when it is settled, and sums over them; see `settling.Settling`.

        weights: (n,) of the rows, 1 each if left out. FloatingPointError names a scenario that overflows.
        """
        ...

    def values(self, store: S, rows: ArrayLike) -> FloatArray:
        """(n, D, T) driver values of the given rows."""
        ...

    def balances(self, store: S, table: LossTable, exposure: ArrayLike, rows: ArrayLike | None = None) -> FloatArray:
        """(n, periods) running balance (PEAK) or flow (WORST) of the given rows, or of all."""
        ...


class Mover(Protocol[S]):
    """Copies scenarios between a device and the host."""

    def to_host(self, store: S) -> Store:
        """Copy in the host's memory."""
        ...

    def from_host(self, store: Store) -> S:
        """A host's store on the device."""
        ...


class DeviceBackendOf(BackendOf[S, V, R], Protocol[S, V, R]):
    """A backend with a memory of its own."""

    @property
    def mover(self) -> Mover[S] | None:
        """None where scenarios are drawn again rather than copied."""
        ...

    def free(self) -> int:
        """Free bytes of its memory; of several devices, what equal shares can take."""
        ...

    def told(self, count: int, each: int) -> str:
        """For the user: which device has how many of the scenarios, of `each` bytes that are kept; "" where one has
        them all.
        """
        ...

    def every(self, store: S) -> R:
        """All rows of a store, on the device."""
        ...

    def redraw(self, table: ProcessTable, numbers: R | NDArray[np.uint64], seed: int, sample: int = 0) -> S: ...

    def regenerating(self, table: ProcessTable, count: int, seed: int, sample: int = 0, first: int = 0) -> S:
        """The scenarios that `simulate` would give, none of them kept: every pass draws them."""
        ...


SealedTail: TypeAlias = Tail[RowVector, LossVector]
Evaluator: TypeAlias = EvaluatorOf[ScenarioStore, LossVector, RowVector]
Backend: TypeAlias = BackendOf[ScenarioStore, LossVector, RowVector]
DeviceBackend: TypeAlias = DeviceBackendOf[ScenarioStore, LossVector, RowVector]


def sealed_evaluator(backend: EvaluatorOf[S, V, R]) -> Evaluator:
    """The backend itself, for whoever hands it nothing but what it has made."""
    return cast(Evaluator, backend)


def sealed(backend: BackendOf[S, V, R]) -> Backend:
    """As `sealed_evaluator`."""
    return cast(Backend, backend)


def sealed_device(backend: DeviceBackendOf[S, V, R]) -> DeviceBackend:
    """As `sealed_evaluator`."""
    return cast(DeviceBackend, backend)


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

            return sealed(NumbaBackend())
        except ImportError as fault:
            if name == "numba":
                raise
            warnings.warn(f"numba cannot be imported ({fault}); the slow NumPy backend is used", stacklevel=2)
    from .cpu.numpy_backend import NumpyBackend

    return sealed(NumpyBackend())
