"""Small tables that the tests of the kernels share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from capmix.kernels import drivers as dr
from capmix.kernels.backend import get_backend
from capmix.kernels.drivers import Process
from capmix.kernels.store import Store
from capmix.kernels.tables import LossKind, LossTable, ProcessTable, TermTable

NUMBA = get_backend("numba")
NUMPY = get_backend("numpy")
BACKENDS = [NUMPY, NUMBA]
DT = 0.25


def processes(rows, kinds, start, cholesky=None, depends_on=None, dt=DT):
    """Process table of (T, 8) rows."""
    count = len(kinds)
    return ProcessTable(
        kind=np.array(kinds, dtype=np.int32),
        params=np.stack(rows),
        start=np.array(start, dtype=float),
        depends_on=np.full(count, -1, np.int32) if depends_on is None else np.array(depends_on, dtype=np.int32),
        cholesky=np.eye(count) if cholesky is None else cholesky,
        word=np.uint64(0x9E3779B97F4A7C15) * np.arange(1, count + 1, dtype=np.uint64),
        dt=dt,
    )


def every_process(periods=10, dt=DT):
    """Twelve drivers of all processes but the shortfall, shocks correlated, a hazard that another driver moves."""
    flat = np.ones(periods)
    rows = [
        dr.vasicek_row(0.04 * flat, 0.3, 0.01, 0.01, dt),
        dr.cir_row(0.02 * flat, 0.5, 0.08, dt),
        dr.log_ou_row(1.2 * flat, 0.5, 0.3, dt),
        dr.geometric_row(-0.1 * flat, 0.2, 1.5, -0.2, 0.1, dt),
        np.tile(dr.regime_row([0.1, -0.3], [0.1, 0.4], [0.3, 1.0], 0, dt), (periods, 1)),
        dr.survival_row(0.2 * flat, 0.3, 2.0, dt),
        dr.logistic_row(0.7 * flat, 1.0, 0.5, 0.1, 0.9, dt),
        dr.deterministic_row(np.linspace(1.0, 2.0, periods)),
        dr.vasicek_row(0.06 * flat, 0.3, 0.01, None, dt),
        dr.survival_row(0.2 * flat, 0.4, 0.0, dt),
        np.tile(dr.window_row(0.4, 1.5, 0.3, dt), (periods, 1)),
        np.tile(dr.strike_row(1.1), (periods, 1)),
    ]
    kinds = [
        Process.VASICEK, Process.CIR, Process.LOG_OU, Process.GEOMETRIC_JUMPS, Process.TWO_REGIME,
        Process.SURVIVAL, Process.LOGISTIC_SHARE, Process.DETERMINISTIC, Process.VASICEK, Process.SURVIVAL,
        Process.WINDOW, Process.EXCESS,
    ]  # fmt: skip
    correlation = np.eye(12)
    for i, j, value in ((0, 1, 0.4), (3, 5, 0.5), (0, 8, 0.6), (3, 6, 0.3), (2, 4, -0.2), (3, 9, 0.4), (3, 10, 0.3)):
        correlation[i, j] = correlation[j, i] = value
    start = [0.03, 0.025, 1.0, 1.0, 1.0, 1.0, 0.6, 1.0, 0.05, 1.0, 1.0, 0.0]
    depends_on = [-1, -1, -1, -1, -1, 3, -1, -1, -1, -1, -1, 2]
    return processes(rows, kinds, start, np.linalg.cholesky(correlation), depends_on, dt)


def random_store(rng, count, drivers, periods, spread=0.5):
    return Store.from_values(1.0 + spread * rng.standard_normal((count, drivers, periods)))


def random_loss(rng, drivers, periods, kind, *, entries=30, width=4, rate_driver=-1, opening=0.5, revolver=False):
    """Loss table with random atoms of 0 to `width` factors; some periods may be empty."""
    factors = np.full((12, width), -1, dtype=np.int32)
    for row in factors[1:]:
        size = rng.integers(1, width + 1)
        places = rng.permutation(width)[:size]
        row[places] = rng.integers(0, drivers * periods, size)
    when = np.sort(rng.integers(0, periods, entries))
    terms = TermTable(
        periods=periods,
        factors=factors,
        atom=rng.integers(0, len(factors), entries).astype(np.int32),
        start=np.searchsorted(when, np.arange(periods + 1)).astype(np.int32),
    )
    return LossTable(
        kind=kind, terms=terms, floor=0.3 * rng.standard_normal(periods), opening=opening, rate_driver=rate_driver,
        surplus_margin=-0.9, deficit_margin=0.3, dt=DT, revolver=revolver, revolver_margin=-0.4 if revolver else 0.0,
    )  # fmt: skip


def side_by_side(tables):
    """One table with the balances of several PEAK tables, which have the same rates and atoms of their own."""
    first, *others = tables
    atoms = np.cumsum([0, *(t.terms.factors.shape[0] for t in tables)])
    ends = np.cumsum([0, *(t.terms.entries for t in tables)])
    starts = [t.terms.start[1:] + e for t, e in zip(tables, ends, strict=False)]
    terms = TermTable(
        periods=sum(t.terms.periods for t in tables),
        factors=np.concatenate([t.terms.factors for t in tables]),
        atom=np.concatenate([t.terms.atom + a for t, a in zip(tables, atoms, strict=False)]).astype(np.int32),
        start=np.concatenate([[0], *starts]).astype(np.int32),
    )
    floor = np.concatenate([t.floor for t in tables])
    return replace(first, terms=terms, floor=floor, others=tuple(t.opening for t in others))


def random_exposure(rng, table):
    """Exposures of either sign, and lines of up to 0.5, some of them zero."""
    terms = rng.standard_normal(table.terms.entries)
    lines = rng.random(table.entries - table.terms.entries) * 0.5 * rng.integers(0, 2)
    return np.concatenate((terms, lines))


def linear_loss(values, kind=LossKind.WORST):
    """Store and table in which driver d is the d-th asset and the loss is minus exposure times values."""
    assets = values.shape[1]
    store = Store.from_values(values[:, :, None])
    terms = TermTable(
        periods=1,
        factors=np.arange(assets, dtype=np.int32)[:, None],
        atom=np.arange(assets, dtype=np.int32),
        start=np.array([0, assets], dtype=np.int32),
    )
    return store, LossTable(kind=kind, terms=terms, floor=np.zeros(1))
