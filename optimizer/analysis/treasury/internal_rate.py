"""The internal rate of return of a row of flows: where there is exactly one, and else why there is none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...arrays import FloatArray

NONE_CHANGE = "no rate: the flows never change their sign"
NO_ROOT = "no rate: the flows are worth something at every rate"
BORROWED = "no rate of return: on balance money comes in before it goes out, as of a debt"
SEVERAL = "no one rate: the flows change their sign {changes} times and are worth nothing at {roots} rates"

LEAST, MOST = -0.9, 9.0
"""Rates per period between which more than one root is looked for."""
_GRID = 4_000
_STEPS = 100
_NOISE = 1e-14  # of the largest flow


def internal_rate(flows: Sequence[float] | FloatArray) -> tuple[float | None, str]:
    """Rate per period at which flows, one period apart, are worth nothing, and "" or why there is none.

    Flows that change their sign once have exactly one rate above -100 % (Descartes' rule of signs); with more changes
    it is counted how often the value changes sign between -90 % and 900 % a period. Where that is not once, no one rate
    says what the flows are worth (Norstrøm, J. Financial and Quantitative Analysis 7, 1972, doi:10.2307/2329806). A
    rate is a return where the value falls as it rises: money goes out before it comes in.
    """
    f = np.asarray(flows, dtype=np.float64)
    f = np.where(np.abs(f) > _NOISE * np.max(np.abs(f), initial=0.0), f, 0.0)
    f = np.trim_zeros(f)
    signs = np.sign(f[f != 0.0])
    changes = int((signs[1:] != signs[:-1]).sum())
    if changes == 0:
        return None, NONE_CHANGE
    grid = np.linspace(np.log1p(LEAST), np.log1p(MOST), _GRID)
    if changes == 1:
        grid = np.array([-1.0, 1.0])
        while np.prod(np.sign(_worth(f, grid))) > 0.0:
            grid *= 2.0
    values = _worth(f, grid)
    at = np.flatnonzero(np.sign(values[1:]) != np.sign(values[:-1]))
    if at.size == 0:
        return None, NO_ROOT
    if at.size > 1:
        return None, SEVERAL.format(changes=changes, roots=at.size)
    low, high = float(grid[at[0]]), float(grid[at[0] + 1])
    if values[at[0]] < 0.0:
        return None, BORROWED
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _worth(f, np.array([middle]))[0] > 0.0 else (low, middle)
    return float(np.expm1(0.5 * (low + high))), ""


def _worth(f: FloatArray, log_rates: FloatArray) -> FloatArray:
    """(n,) value of the flows at the rates exp(log_rates) - 1, each scaled so as to stay in range."""
    power = -np.arange(f.size) * log_rates[:, None]
    return np.asarray(np.exp(power - power.max(axis=1, keepdims=True)) @ f)
