"""Quantities that several blocks need: windows, hours, survival and resale by age, compute of a system."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import FloatArray
from ..schema.case import Case
from ..schema.hardware import Accelerator
from ..schema.horizon import Horizon

PeriodArray = NDArray[np.int64]

HOURS_PER_YEAR = 8760.0
MILLION = 1e-3  # billions per million
DOLLAR = 1e-9  # billions per unit of the currency

WIDER = 1.01
"""A bound that only repeats a row is this much wider, so that the row, not the bound, carries the shadow price."""


def excess_of(driver: str, strike: float) -> str:
    """Name of the driver that shows what another stands above a floor."""
    return f"{driver}_over_{strike:.9g}"


def hours(horizon: Horizon) -> float:
    """Hours in a period."""
    return HOURS_PER_YEAR * horizon.dt


def window(first: int | None, last: int | None, periods: int) -> range:
    """Periods from `first` to `last` (both included, open where None) that lie in the horizon."""
    return range(max(0, first or 0), periods if last is None else min(last + 1, periods))


def surviving(accelerator: Accelerator, ages: PeriodArray, dt: float) -> FloatArray:
    """Share of the systems still alive `ages` periods after they entered service."""
    return np.asarray((1.0 - accelerator.failure_rate) ** (np.asarray(ages, dtype=np.float64) * dt))


def resale_share(accelerator: Accelerator, ages: PeriodArray, dt: float) -> FloatArray:
    """Resale value over the price in period 0 at `ages` periods; linear between whole years, then constant."""
    years = np.arange(len(accelerator.residual), dtype=np.float64)
    return np.asarray(np.interp(np.asarray(ages, dtype=np.float64) * dt, years, accelerator.residual))


def system_compute(accelerator: Accelerator, metric: str) -> float:
    """Dense compute of one system, PFLOP/s."""
    tflops = accelerator.bf16_tflops if metric == "bf16" else accelerator.fp8_tflops
    return accelerator.accelerators * tflops * 1e-3


def accelerators_by_id(case: Case) -> dict[str, Accelerator]:
    return {a.id: a for a in case.accelerator}


def money_discount(case: Case) -> FloatArray:
    """(T,) discount factors of money: flows fall at the period's end."""
    t = np.arange(case.horizon.periods)
    return np.asarray((1.0 + case.objective.money_discount) ** (-(t + 1) * case.horizon.dt))


def compute_discount(case: Case) -> FloatArray:
    """(T,) discount factors of compute, 1 in period 0."""
    t = np.arange(case.horizon.periods)
    return np.asarray((1.0 + case.objective.compute_discount) ** (-t * case.horizon.dt))
