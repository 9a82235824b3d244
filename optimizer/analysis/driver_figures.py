"""What the scenarios draw: mean and quantiles of every driver in every period, so that a slip of a unit is seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ...kernels.backend import Backend, ScenarioStore
from ...kernels.memory.leaves import leaves_of
from ...kernels.tables import MAX_FACTORS, LossKind, LossTable, TermTable
from ...models.schema.case import Case
from ..arrays import FloatArray
from ..setup.driver_order import driver_order
from ..table import Cell, Column, Table
from .names import DRIVERS, Drivers
from .tabulate import long, name_of

LEVELS: dict[str, float] = {Drivers.Q05: 0.05, Drivers.Q50: 0.50, Drivers.Q95: 0.95}
DRAWS = 1 << 15  # scenarios whose quantiles are shown: the 5 % then lies between the true 4.9 and 5.1 %
CELLS = 1 << 22  # numbers held at once: 32 MiB


def driver_table(case: Case, backend: Backend, store: ScenarioStore) -> Table:
    """The table drivers: a row per driver and period, in the case's order.

    Means are taken over all scenarios, quantiles over the first 32,768 at most (they are independent draws),
    interpolated as NumPy does it; so they are the same wherever the scenarios lie.
    """
    periods, order = case.horizon.periods, driver_order(case)
    places = np.arange(len(order) * periods, dtype=np.int32)
    means = backend.means(store, places.reshape(-1, 1)).reshape(-1, periods)
    quantiles = np.concatenate(list(_quantiles(backend, store, places)), axis=1)
    quantiles = quantiles.reshape(len(LEVELS), -1, periods)
    at = {name: i for i, name in enumerate(order)}
    rows: list[tuple[Cell, ...]] = [
        (d.id, name_of(d), d.process, label, float(means[at[d.id], t]), *map(float, quantiles[:, at[d.id], t]))
        for d in case.driver
        for t, label in enumerate(case.horizon.labels)
    ]
    columns = (
        Column(Drivers.DRIVER),
        Column(Drivers.TITLE),
        Column(Drivers.PROCESS),
        Column(Drivers.PERIOD),
        Column(Drivers.MEAN, "", "number"),
        *(Column(name, "", "number") for name in LEVELS),
    )
    return long(DRIVERS, f"Drivers over {store.count:,} scenarios, as the plan sees them", columns, rows)


def _quantiles(backend: Backend, store: ScenarioStore, places: NDArray[np.int32]) -> Iterator[FloatArray]:
    """(levels, n) quantiles of the numbers at these places of a scenario, some places at a time."""
    rows = backend.foremost(store, min(store.count, DRAWS))
    step = max(1, CELLS // rows.size)
    for low in range(0, places.size, step):
        some = places[low : low + step]
        values = backend.balances(store, _values(some), np.ones(some.size * leaves_of(backend)), rows)
        yield np.quantile(np.ascontiguousarray(values.T), tuple(LEVELS.values()), axis=1)


def _values(places: Sequence[int] | NDArray[np.int32]) -> LossTable:
    """A loss whose flow in "period" i is the number at places[i], for its flows alone."""
    n = len(places)
    factors = np.full((n, MAX_FACTORS), -1, dtype=np.int32)
    factors[:, 0] = places
    each = np.arange(n + 1, dtype=np.int32)
    return LossTable(LossKind.WORST, TermTable(n, factors, each[:-1], each), np.zeros(n))
