"""Quantile regression as a CVaR program.

With the constant c at its best, E ρ_τ(y - X b - c) = (1 - τ) (CVaR_τ(y - X b) - E (y - X b)), and c is the VaR of the
residuals y - X b: Rockafellar, Uryasev and Zabarankin 2008, https://doi.org/10.1287/moor.1080.0322.

Without a constant: of the two losses τ r and -(1 - τ) r that each scenario has, exactly one is not negative, so the
worse half of all of them holds one of each scenario, and E ρ_τ(r) is their CVaR at the level 1/2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import FloatArray
from ..cutting_planes.progress import relative_gap
from ..cutting_planes.solution import Status
from .check import real
from .labels import Axis, Labels, is_pandas, matrix, vector
from .solve import CvarProgram, CvarTerm, solve_cvar


@dataclass(frozen=True, eq=False)
class QuantileFit:
    """A quantile regression.

    Attributes:
        status: as of `solve_cvar`. coefficients: (features,); a Series where X has labels; None where there are none.
        intercept: 0 without one. loss: mean pinball loss. lower: no coefficients have a smaller one.
        gap: (loss - lower) / loss.
    """

    status: Status
    coefficients: Any
    intercept: float
    loss: float
    lower: float
    gap: float
    quantile: float
    seconds: float
    messages: tuple[str, ...] = ()

    @property
    def success(self) -> bool:
        """Whether the coefficients are proven to be within the gap asked for."""
        return self.status is Status.CERTIFIED

    def __repr__(self) -> str:
        if self.coefficients is None:
            return f"<QuantileFit {self.status.value}: no coefficients>"
        return (
            f"<QuantileFit {self.status.value}: quantile {self.quantile:g}, {len(self.coefficients)} coefficients, "
            f"loss {self.loss:.6g}, gap {self.gap:.1e}, {self.seconds:.2g} s>"
        )


def pinball(residuals: FloatArray, quantile: float, weights: FloatArray | None = None) -> float:
    """Mean of τ r for r >= 0 and (τ - 1) r below. residuals, weights: (S,)."""
    return float(np.average(np.maximum(quantile * residuals, (quantile - 1.0) * residuals), weights=weights))


def weighted_quantile(values: FloatArray, quantile: float, weights: FloatArray | None = None) -> float:
    """The least value with at least the share τ of the weight at or below it: it minimises the mean pinball loss."""
    order = np.argsort(values, kind="stable")
    each = np.ones(values.size) if weights is None else weights[order]
    total = np.cumsum(each)
    at = int(np.searchsorted(total, quantile * total[-1] * (1.0 - 1e-12)))
    return float(values[order[min(at, values.size - 1)]])


def quantile_regression(
    X: Any,
    y: Any,
    *,
    quantile: float = 0.5,
    fit_intercept: bool = True,
    sample_weight: Any = None,
    gap: float = 1e-5,
    time_limit: float | None = None,
    threads: int | None = None,
) -> QuantileFit:
    """Coefficients of least mean pinball loss at a quantile, with a proof.

    Args:
        X: (S, features); y: (S,); sample_weight: (S,) relative weights, not negative. Arrays, or of pandas.
        gap: relative, of the mean pinball loss. time_limit: seconds. threads: of the passes.

    Raises:
        ValueError: every fault of the data at once.
        SolverError: HiGHS fails.
    """
    x, target, weights, labels = _checked(X, y, quantile, sample_weight)
    p = None if weights is None else weights / weights.sum()
    # the loss falls with the size of y alone; columns of one size and, with a constant, about 0 are better conditioned
    middle = _mean(x, p) if fit_intercept else np.zeros(x.shape[1])
    height = float(_mean(target[:, None], p)[0]) if fit_intercept else 0.0
    spread, tall = _power(np.abs(x - middle).max(axis=0)), float(_power(np.abs(target - height).max(keepdims=True))[0])
    even, level = (x - middle) / spread, (target - height) / tall
    if fit_intercept:
        term = CvarTerm(-even, quantile, price=1.0, offset=level, name="residual")
        program = CvarProgram(_mean(even, p), tails=[term], weights=weights)
        share = 1.0 - quantile
        constant = -float(_mean(level[:, None], p)[0])
    else:
        both = np.concatenate([-quantile * even, (1.0 - quantile) * even])
        offset = np.concatenate([quantile * level, (quantile - 1.0) * level])
        term = CvarTerm(both, 0.5, price=1.0, offset=offset, name="pinball")
        twice = None if weights is None else np.concatenate([weights, weights])
        program = CvarProgram(np.zeros(x.shape[1]), tails=[term], weights=twice)
        share, constant = 1.0, 0.0
    found = solve_cvar(program, gap=gap, time_limit=time_limit, threads=threads)
    lower = tall * share * (found.lower + constant)
    if found.x is None:
        nothing = math.nan
        return QuantileFit(
            found.status, None, nothing, nothing, lower, math.inf, quantile, found.seconds, found.messages
        )
    slopes = tall * np.asarray(found.x) / spread
    residuals = target - x @ slopes
    intercept = weighted_quantile(residuals, quantile, p) if fit_intercept else 0.0
    loss = pinball(residuals - intercept, quantile, p)
    lower = max(0.0, lower)
    reached = 0.0 if loss == 0.0 else relative_gap(-lower / loss, -1.0)
    # a fit without a residual is exact to rounding, and no relative gap can say more
    exact = loss <= 1e-13 * tall
    status = found.status
    if status is Status.CERTIFIED and reached > gap and not exact:
        status = Status.STOPPED
    if exact:
        status = Status.CERTIFIED
    return QuantileFit(
        status=status,
        coefficients=slopes if labels is None else labels.series(slopes, labels.columns, "coefficients"),
        intercept=intercept,
        loss=loss,
        lower=lower,
        gap=0.0 if exact else reached,
        quantile=float(quantile),
        seconds=found.seconds,
        messages=found.messages,
    )


def _checked(
    X: Any, y: Any, quantile: float, sample_weight: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None, Labels | None]:
    faults: list[str] = []
    samples, features = Axis("samples"), Axis("features")
    for owner, value in (("X", X), ("y", y), ("sample_weight", sample_weight)):
        if is_pandas(value):
            samples.see(owner, value.index)
            if value.ndim == 2:
                features.see(owner, value.columns)
    x = _array(faults, "X", matrix(faults, "X", X, samples, features), 2, None)
    target = _array(faults, "y", vector(faults, "y", y, samples), 1, x.shape[0])
    weights = None
    if sample_weight is not None:
        weights = _array(
            faults, "sample_weight", vector(faults, "sample_weight", sample_weight, samples), 1, x.shape[0]
        )
        if (weights < 0.0).any() or not weights.any():
            faults.append("sample_weight: they must not be negative, and not all 0")
    if not (isinstance(quantile, int | float | np.floating) and 0.0 < quantile < 1.0):
        faults.append(f"quantile is {quantile}; it must lie strictly between 0 and 1")
    if faults:
        raise ValueError("the regression has faults:\n  " + "\n  ".join(faults))
    return x, target, weights, None if features.labels is None else Labels(features.labels, None)


def _array(faults: list[str], name: str, value: Any, axes: int, size: int | None) -> FloatArray:
    try:
        found = np.asarray(real(value), dtype=np.float64)
    except (TypeError, ValueError) as fault:
        faults.append(f"{name}: {fault if isinstance(fault, TypeError) else 'it is not made of numbers'}")
        return np.zeros((1, 1) if axes == 2 else size or 1)
    if found.ndim != axes or not found.size or (size is not None and found.shape[0] != size):
        wanted = "(samples, features)" if axes == 2 else f"({size},)"
        faults.append(f"{name} has the shape {found.shape}; it must be {wanted}")
        return np.zeros((1, 1) if axes == 2 else size or 1)
    if not np.isfinite(found).all():
        at = [int(k) for k in np.argwhere(~np.isfinite(found))[0]]
        faults.append(f"{name}{at} is {found[tuple(at)]}; it must be finite")
    return found


def _mean(values: FloatArray, p: FloatArray | None) -> FloatArray:
    found: FloatArray = values.mean(axis=0) if p is None else p @ values
    return found


def _power(size: FloatArray) -> FloatArray:
    """The power of 2 next to each size, so that dividing by it loses no bit; 1 where there is nothing."""
    found: FloatArray = np.where(size > 0.0, 2.0 ** np.round(np.log2(np.where(size > 0.0, size, 1.0))), 1.0)
    return found
