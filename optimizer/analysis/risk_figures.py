"""What the scenarios say about a plan: each risk limit's figures, and the fan of running cash per period."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...kernels.backend import Backend, ScenarioStore
from ...kernels.memory.leaves import of_leaf
from ...kernels.vectors import LossVector
from ...models.schema.losses import LOSS_SPECS
from ...models.schema.rules import Risk
from ..arrays import FloatArray
from ..plan import RiskFigure
from ..setup.assemble import MeasuredLoss
from ..setup.out_of_sample import cvar_interval
from ..setup.risk_losses import SHORTFALL
from ..table import BILLION, Cell, Column, Table
from .names import LIQUIDITY_FAN, LiquidityFan
from .tabulate import long

UNITS = {**{name: spec.unit for name, spec in LOSS_SPECS.items()}, SHORTFALL: BILLION}
QUANTILES: dict[str, float] = {
    LiquidityFan.Q05: 0.05,
    LiquidityFan.Q25: 0.25,
    LiquidityFan.Q50: 0.50,
    LiquidityFan.Q75: 0.75,
    LiquidityFan.Q95: 0.95,
}
FAN_SCENARIOS = 1 << 17


def risk_figures(
    backend: Backend,
    risks: Sequence[Risk],
    losses: Sequence[LossVector],
    prices: Sequence[float],
    fresh: Sequence[FloatArray] | None,
) -> tuple[RiskFigure, ...]:
    """Figures of each limit from its losses in sample (S,), and, where given, out of sample."""
    figures = []
    for i, risk in enumerate(risks):
        result = backend.tail(losses[i], risk.level)
        figures.append(
            RiskFigure(
                name=risk.id,
                loss=risk.loss,
                measure="CVaR",
                level=risk.level,
                limit=risk.limit,
                value=result.cvar,
                var=result.var,
                probability=backend.above(losses[i], risk.limit),
                unit=UNITS[risk.loss],
                price=prices[i],
                out_of_sample=None if fresh is None else cvar_interval(fresh[i], risk.level),
            )
        )
    return tuple(figures)


def liquidity_fan(
    backend: Backend,
    store: ScenarioStore,
    liquidity: MeasuredLoss,
    decided: FloatArray,
    labels: Sequence[str],
    shares: Sequence[float] = (1.0,),
) -> Table:
    """Quantiles of running cash per period, over the first 131,072 scenarios at most (they are independent draws).

    shares: of the scenarios, of each leaf of a plan that adapts; its minimum is the mean of theirs.
    """
    count = min(store.count, FAN_SCENARIOS)
    exposure = liquidity.matrix @ decided
    quantiles, mean, below = backend.fan(store, liquidity.table, exposure, tuple(QUANTILES.values()), count)
    columns = (
        Column(LiquidityFan.PERIOD),
        *(Column(name, BILLION, "money") for name in QUANTILES),
        Column(LiquidityFan.MEAN, BILLION, "money"),
        Column(LiquidityFan.MINIMUM, BILLION, "money"),  # less the revolver's line
        Column(LiquidityFan.BELOW, "", "share"),
    )
    parts = np.asarray(exposure).reshape(len(shares), -1)
    leasts = [of_leaf(liquidity.table, leaf).least(part) for leaf, part in enumerate(parts)]
    floor = leasts[0] if len(leasts) == 1 else np.asarray(shares) @ np.array(leasts)
    rows: list[tuple[Cell, ...]] = [
        (label, *(float(q) for q in quantiles[:, t]), float(mean[t]), float(floor[t]), float(below[t]))
        for t, label in enumerate(labels)
    ]
    title = f"Running cash over {count:,} scenarios, before anything is done about a shortfall"
    return long(LIQUIDITY_FAN, title, columns, rows)
