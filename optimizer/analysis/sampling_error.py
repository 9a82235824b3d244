"""How far the optimum may lie from that of all conceivable scenarios: the sampling error of the objective.

The certificate holds on the scenarios at hand. Other scenarios give another optimum. To first order it moves as the
Lagrangian does at this plan and these prices, whose mean over N scenarios is asymptotically normal (Shapiro 1991,
Asymptotic analysis of stochastic programs, Annals of Operations Research 30, doi:10.1007/BF02204815). In scenario s
the Lagrangian is

    objective_s - sum over limits m of price_m (VaR_m + max(loss_ms - VaR_m, 0) / (1 - level_m)),

the last term being a scenario's part in CVaR_m. What the expected prices of the rows (supply, collateral, covenants on
the expected path) owe to the sample is not in it: planning again on other seeds shows all of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...kernels.tail import tail
from ..arrays import FloatArray
from ..setup.out_of_sample import Z95


def objective_error(
    objective: FloatArray | None,
    losses: Sequence[FloatArray],
    levels: Sequence[float],
    prices: Sequence[float],
    count: int,
) -> float:
    """Half width of the 95 % confidence interval of the optimum over `count` scenarios, in the objective's unit.

    Args:
        objective: (n,) of the plan in each of n out-of-sample scenarios; None where it is certain.
        losses: (n,) of each risk limit in the same scenarios.
        levels, prices: of each limit; the price is the objective gained per unit more of the limit.
        count: N, the scenarios planned on.

    Raises:
        ValueError: no scenario count, or losses, levels and prices of different number.
    """
    if count < 1:
        raise ValueError(f"a plan is made on at least one scenario; got {count}")
    lagrangian = np.zeros(1) if objective is None else np.asarray(objective, dtype=np.float64)
    for loss, level, price in zip(losses, levels, prices, strict=True):
        if price != 0.0:
            excess = np.maximum(loss - tail(loss, level).var, 0.0)
            lagrangian = lagrangian - price / (1.0 - level) * excess
    return float(Z95 * np.std(lagrangian) / count**0.5)
