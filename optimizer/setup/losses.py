"""The losses that a case can limit as tables of the kernels, one builder each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...kernels.tables import LossKind, LossTable
from ...models.blocks.idle import idle, wealth_weights
from ...models.flows import Flow
from ...models.flows import exposure as exposed
from ...models.ledger import CASH_ACCOUNTS, TERMINAL_ACCOUNTS, Account, Exposure, Ledger
from ...models.schema.case import Case
from ...models.schema.rules import Risk
from ..arrays import FloatArray
from .exposures import MeasuredLoss, terms
from .liquidity import liquidity_of, worst_liquidity


@dataclass(frozen=True, eq=False)
class Ground:
    """What a loss is built on.

    means: (A,) sample means of the ledger's atoms. rates: (T,) mean deposit rates. idle_tax: (T,) of doing nothing;
    made from these where left out.
    """

    case: Case
    ledger: Ledger
    means: FloatArray
    rates: FloatArray
    idle_tax: FloatArray | None = None


def _liquidity(on: Ground, risk: Risk) -> MeasuredLoss:
    if risk.entity is not None:
        return liquidity_of(on.case, on.ledger, risk.entity, risk.id)
    return worst_liquidity(on.case, on.ledger, risk.id)


def _net_loss(on: Ground, risk: Risk) -> MeasuredLoss:
    """Discounted wealth at the end that doing nothing leaves, less what the plan leaves, both in the same scenario.

    Flows wait for the end at the mean deposit rate: discounting each at the (higher) discount rate instead would let a
    plan lower its loss by borrowing idle cash. What is fixed stands on both sides and is left out; of doing nothing the
    tax remains, which a plan pays on all of its income.
    """
    weights = wealth_weights(on.case, on.rates)
    exposure = given_up(on.ledger, weights)
    tax = idle(on.case, on.ledger, on.means, on.rates).tax if on.idle_tax is None else on.idle_tax
    untouched = float(weights @ tax)
    return MeasuredLoss(risk.id, LossTable(LossKind.WORST, terms(exposure), np.array([-untouched])), exposure.matrix)


def given_up(ledger: Ledger, weights: FloatArray) -> Exposure:
    """What the plan's own decisions leave at the end, by period times `weights` (T,), as one number per scenario."""
    chosen = ~ledger.mask(block="fixed")[ledger.decision]
    accounts = (*CASH_ACCOUNTS, *TERMINAL_ACCOUNTS)
    flow = Flow(accounts, share=chosen.astype(np.float64), window=weights[None, :])
    return exposed(ledger, [((flow,), (0,))])


def _compute_shortfall(on: Ground, risk: Risk) -> MeasuredLoss:
    weights = np.zeros(on.ledger.periods)
    weights[on.ledger.periods - 1 if risk.at is None else risk.at] = 1.0
    exposure = on.ledger.exposure((Account.COMPUTE,), weights)
    floor = np.array([0.0 if risk.target is None else risk.target])
    return MeasuredLoss(risk.id, LossTable(LossKind.WORST, terms(exposure), floor), exposure.matrix)


LOSSES: dict[str, Callable[[Ground, Risk], MeasuredLoss]] = {
    "liquidity": _liquidity,
    "net_loss": _net_loss,
    "compute_shortfall": _compute_shortfall,
}
"""Every loss of `models/schema/losses.py`, under its name."""
