"""Checks at the border: what a table must fulfil before a kernel reads it. A failure is a ValueError that says why."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .drivers import DEFINITIONS, SHOWING, SLOTS, Process
from .store import RowArray, Store
from .tables import FloatArray, IntArray, LossKind, LossTable, ProcessTable, TermTable

WORD = 2**64


def need(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def check_draws(count: int, seed: int, sample: int, first: int) -> None:
    """Count of scenarios, key and first counter."""
    for name, value in (("count", count), ("seed", seed), ("sample", sample), ("first", first)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise TypeError(f"{name} must be a whole number; got {value!r}")
    need(count >= 1, f"count must be at least 1; got {count}")
    need(0 <= seed < WORD, f"seed must lie in 0..2^64 - 1; got {seed}")
    need(0 <= sample < WORD, f"sample must lie in 0..2^64 - 1; got {sample}")
    need(first >= 0 and first + count <= WORD, f"first must be at least 0 and first + count at most 2^64; got {first}")


def scenario_numbers(numbers: NDArray[np.uint64], seed: int, sample: int) -> NDArray[np.uint64]:
    """Scenario numbers (n,) to draw anew, at least one."""
    need(numbers.ndim == 1 and numbers.dtype == np.uint64, f"numbers must be (n,) uint64; got {numbers.dtype}")
    check_draws(numbers.size, seed, sample, 0)
    return np.ascontiguousarray(numbers)


def check_processes(table: ProcessTable) -> None:
    """Shapes, finite parameters, starts within the range of their process, unit variance of the shocks."""
    kind, params, start = table.kind, table.params, table.start
    d = kind.shape[0]
    need(kind.ndim == 1 and d >= 1, "kind must hold at least one driver")
    need(params.ndim == 3 and params.shape[0] == d and params.shape[1] >= 1 and params.shape[2] == SLOTS,
         f"params must have the shape ({d}, periods, {SLOTS}); got {params.shape}")  # fmt: skip
    need(start.shape == (d,) and table.depends_on.shape == (d,), f"start and depends_on must have the shape ({d},)")
    need(table.cholesky.shape == (d, d), f"cholesky must have the shape ({d}, {d}); got {table.cholesky.shape}")
    word = table.word
    need(
        word.shape == (d,) and word.dtype == np.uint64,
        f"word must be ({d},) uint64; got {word.dtype} of shape {word.shape}",
    )
    need(np.unique(word).size == d, "word must differ from driver to driver: equal ones would draw the same numbers")
    need(bool(np.isin(kind, list(Process)).all()), f"unknown process in {kind.tolist()}")
    need(bool(np.isfinite(start).all()), "start must be finite")
    lower = table.cholesky
    need(bool(np.isfinite(lower).all()), "cholesky must be finite")
    need(bool((lower == np.tril(lower)).all()), "cholesky must be lower triangular")
    norm = np.abs((lower**2).sum(axis=1) - 1.0)
    need(bool((norm < 1e-6).all()), f"row {int(norm.argmax())} of cholesky has not length 1: its shock is not N(0, 1)")
    for i in range(d):
        _check_process(table, i)


def _check_process(table: ProcessTable, i: int) -> None:
    kind, rows, start = Process(int(table.kind[i])), table.params[i], float(table.start[i])
    name = f"driver {i} ({kind.name})"
    definition = DEFINITIONS[kind]
    finite = np.isfinite(rows)
    for slot, signs in definition.infinite:
        finite[:, slot] |= np.isin(rows[:, slot], signs)
    need(bool(finite.all()), f"{name}: parameters must be finite")
    for good, message in definition.checks(rows, start):
        need(good, f"{name}: {message}")
    other = int(table.depends_on[i])
    unfit = (Process.SURVIVAL, *SHOWING)
    if definition.shows:
        plain = 0 <= other < i and int(table.kind[other]) not in unfit
        need(plain, f"{name}: depends_on must be a driver before it, no survival, excess or shortfall; got {other}")
    if kind == Process.SURVIVAL and other != -1:
        need(0 <= other < table.drivers, f"{name}: depends_on must be -1 or a driver; got {other}")
        need(int(table.kind[other]) not in unfit, f"{name}: must not depend on a survival, an excess or a shortfall")
        need(float(table.start[other]) > 0.0, f"{name}: the driver it depends on must start above 0")


def check_factors(factors: IntArray, positions: int) -> None:
    """Flat positions driver * T + period, or -1."""
    need(factors.ndim == 2 and factors.shape[1] >= 1, f"factors must have the shape (atoms, F); got {factors.shape}")
    if factors.size:
        low, high = int(factors.min()), int(factors.max())
        need(low >= -1 and high < positions, f"factors must lie in -1..{positions - 1}; got {low}..{high}")


def check_terms(terms: TermTable, positions: int) -> None:
    check_factors(terms.factors, positions)
    start = terms.start
    need(terms.periods >= 1, f"periods must be at least 1; got {terms.periods}")
    need(start.shape == (terms.periods + 1,), f"start must have the shape ({terms.periods + 1},); got {start.shape}")
    need(int(start[0]) == 0 and int(start[-1]) == terms.entries and bool((np.diff(start) >= 0).all()),
         f"start must rise from 0 to the number of entries {terms.entries}")  # fmt: skip
    if terms.entries:
        low, high, last = int(terms.atom.min()), int(terms.atom.max()), terms.factors.shape[0] - 1
        need(low >= 0 and high <= last, f"atoms must lie in 0..{last}; got {low}..{high}")


def check_loss(table: LossTable, drivers: int, periods: int) -> None:
    """A loss table against the store's drivers and periods."""
    check_terms(table.terms, drivers * periods)
    need(int(table.kind) in list(LossKind), f"unknown kind of loss {table.kind}")
    need(table.floor.shape == (table.terms.periods,), f"floor must have the shape ({table.terms.periods},)")
    numbers = [table.opening, table.surplus_margin, table.deficit_margin, table.dt, table.revolver_margin]
    need(bool(np.isfinite(table.floor).all()), "floor must be finite")
    need(bool(np.isfinite(numbers).all()), "opening, margins and dt must be finite")
    need(table.kind == LossKind.PEAK or not table.revolver, "only a PEAK loss has a revolver")
    need(table.kind == LossKind.PEAK or not table.others, "only a PEAK loss has other balances")
    need(bool(np.isfinite(table.others).all()), "openings must be finite")
    balances = 1 + len(table.others)
    need(table.terms.periods % balances == 0, f"{table.terms.periods} periods are no {balances} equal balances")
    if table.kind == LossKind.PEAK:
        need(-1 <= table.rate_driver < drivers, f"rate_driver must be -1 or a driver; got {table.rate_driver}")
        within = table.span <= periods or table.rate_driver < 0
        need(within, f"a loss with rates has at most the store's {periods} periods; got {table.span}")
        need(table.dt >= 0.0, f"dt must not be negative; got {table.dt}")


def exposures(table: LossTable, exposure: ArrayLike) -> FloatArray:
    """(E,) exposure as contiguous doubles, checked for shape and finiteness."""
    e = np.ascontiguousarray(exposure, dtype=np.float64)
    need(e.shape == (table.entries,), f"exposure must have the shape ({table.entries},); got {e.shape}")
    if not np.isfinite(e).all():
        raise ValueError(f"exposure {int(np.flatnonzero(~np.isfinite(e))[0])} is not finite")
    return e


def row_weights(store: Store, rows: ArrayLike, weights: ArrayLike) -> tuple[RowArray, FloatArray]:
    """Rows and their weights, of equal length, weights finite."""
    r = store.checked(rows)
    w = np.ascontiguousarray(weights, dtype=np.float64)
    need(w.shape == r.shape, f"weights must have the shape {r.shape}; got {w.shape}")
    need(bool(np.isfinite(w).all()), "weights must be finite")
    return r, w


def finite_losses(store: Store, losses: FloatArray, table: int) -> None:
    """FloatingPointError that names the first scenario whose loss is not finite."""
    good = np.isfinite(losses)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise FloatingPointError(f"loss {table} of scenario {store.scenario(row)} is {losses[row]}; its flows overflow")


def finite_balances(store: Store, rows: RowArray, balances: FloatArray) -> None:
    """FloatingPointError that names the first scenario whose balance is not finite."""
    good = np.isfinite(balances).all(axis=1)
    if not good.all():
        row = int(rows[np.flatnonzero(~good)[0]])
        raise FloatingPointError(f"a balance of scenario {store.scenario(row)} is not finite; its flows overflow")


def finite_store(store: Store) -> None:
    """FloatingPointError that names driver, period and scenario of the first value that is not finite in float32."""
    for i, block in enumerate(store.blocks):
        if not np.isfinite(block).all():
            driver, period, lane = (int(k) for k in np.argwhere(~np.isfinite(block))[0])
            row = min(i * block.shape[2] + lane, store.count - 1)
            raise overflow(driver, period, store.scenario(row))


def overflow(driver: int, period: int, scenario: int) -> FloatingPointError:
    """The error for a driver's value that is not finite in float32."""
    return FloatingPointError(
        f"driver {driver} overflows in period {period} of scenario {scenario}; lower its volatility or drift"
    )


def finite_gradient(total: float, gradient: FloatArray) -> None:
    """FloatingPointError if a weighted loss or its gradient overflowed."""
    if not (np.isfinite(total) and np.isfinite(gradient).all()):
        raise FloatingPointError("the weighted loss or its gradient is not finite: flows of the given rows overflow")
