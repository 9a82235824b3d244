"""What the scenarios say about a plan: each risk limit's figures, and the fan of running cash per period."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..kernels.backend import Backend
from ..kernels.store import Store
from ..kernels.tail import tail
from ..models.schema.rules import Risk
from .assemble import Measured
from .out_of_sample import cvar_interval
from .plan import Cell, Column, RiskFigure, Table
from .shortfalls import SHORTFALL
from .tabulate import long

FloatArray = NDArray[np.float64]

UNITS = {"liquidity": "billion", "net_loss": "billion", "compute_shortfall": "PFLOP/s", SHORTFALL: "billion"}
QUANTILES = (0.05, 0.25, 0.50, 0.75, 0.95)
FAN_SCENARIOS = 1 << 17


def risk_figures(
    risks: Sequence[Risk],
    losses: Sequence[FloatArray],
    prices: Sequence[float],
    fresh: Sequence[FloatArray] | None,
) -> tuple[RiskFigure, ...]:
    """Figures of each limit from its losses in sample (S,), and, where given, on fresh draws."""
    figures = []
    for i, risk in enumerate(risks):
        result = tail(losses[i], risk.level)
        figures.append(
            RiskFigure(
                name=risk.id,
                loss=risk.loss,
                measure="CVaR",
                level=risk.level,
                limit=risk.limit,
                value=result.cvar,
                var=result.var,
                probability=float(np.mean(losses[i] > risk.limit)),
                unit=UNITS[risk.loss],
                price=prices[i],
                out_of_sample=None if fresh is None else cvar_interval(fresh[i], risk.level),
            )
        )
    return tuple(figures)


def liquidity_fan(
    backend: Backend, store: Store, liquidity: Measured, decided: FloatArray, labels: Sequence[str]
) -> Table:
    """Quantiles of running cash per period, over the first 131,072 scenarios at most (they are independent draws)."""
    count = min(store.count, FAN_SCENARIOS)
    balances = backend.balances(store, liquidity.table, liquidity.matrix @ decided, rows=np.arange(count))
    quantiles = np.quantile(balances, QUANTILES, axis=0)
    columns = (
        Column("period"),
        *(Column(f"{q:.0%}", "billion", "money") for q in QUANTILES),
        Column("mean", "billion", "money"),
        Column("minimum", "billion", "money"),  # less the revolver's line
        Column("below minimum", "", "share"),
    )
    exposure = liquidity.matrix @ decided
    floor = liquidity.table.floor
    if liquidity.table.revolver:  # cash may fall below the minimum by what is committed
        floor = floor - exposure[liquidity.table.terms.entries :]
    below = (balances < floor).mean(axis=0)
    mean = balances.mean(axis=0)
    rows: list[tuple[Cell, ...]] = [
        (label, *(float(q) for q in quantiles[:, t]), float(mean[t]), float(floor[t]), float(below[t]))
        for t, label in enumerate(labels)
    ]
    title = f"Running cash over {count:,} scenarios, before anything is done about a shortfall"
    return long("liquidity_fan", title, columns, rows)
