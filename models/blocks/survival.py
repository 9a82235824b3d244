"""What hangs on a customer's survival: postings while he lives, and those of the period in which he defaults."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..ledger import ONE, Account, LedgerBuilder
from ..schema.case import Case
from ..schema.drivers import Survival
from ..schema.revenue import Contract
from .quantities import PeriodArray


@dataclass(frozen=True)
class Life:
    """A customer's life as his survival driver S shows it: 1 before his default, `recovery` from it on.

    (S - recovery) / (1 - recovery) is 1 while he lives and 0 afterwards. `driver` is None where he cannot default.
    """

    driver: str | None
    recovery: float

    def while_alive(
        self,
        builder: LedgerBuilder,
        decision: int,
        account: Account,
        periods: PeriodArray,
        amounts: ArrayLike,
        observed: PeriodArray | None = None,
        column: str = ONE,
        priced: PeriodArray | None = None,
    ) -> None:
        """Post amounts × column in `periods` where he is alive in `observed`, which is the period where left out.

        `priced`: periods in which the column is observed; the period itself where left out.
        """
        value = np.broadcast_to(np.asarray(amounts, dtype=np.float64), periods.shape)
        if self.driver is None:
            builder.post(decision, account, periods, value, column, priced)
            return
        seen = periods if observed is None else observed
        scale = 1.0 / (1.0 - self.recovery)
        builder.post(decision, account, periods, scale * value, column, priced, self.driver, seen)
        if self.recovery > 0.0:
            builder.post(decision, account, periods, -self.recovery * scale * value, column, priced)

    def while_dead(
        self,
        builder: LedgerBuilder,
        decision: int,
        account: Account,
        periods: PeriodArray,
        amounts: ArrayLike,
        column: str = ONE,
    ) -> None:
        """Post amounts × column in the periods from his default on."""
        if self.driver is not None:
            value = np.broadcast_to(np.asarray(amounts, dtype=np.float64), periods.shape) / (1.0 - self.recovery)
            builder.post(decision, account, periods, value, column)
            builder.post(decision, account, periods, -value, column, None, self.driver)

    def died(
        self,
        builder: LedgerBuilder,
        decision: int,
        account: Account,
        periods: PeriodArray,
        amounts: ArrayLike,
        since: PeriodArray,
        column: str = ONE,
        priced: PeriodArray | None = None,
    ) -> None:
        """Post amounts × column in `periods` where he was alive in `since` and is so no more."""
        if self.driver is not None:
            value = np.broadcast_to(np.asarray(amounts, dtype=np.float64), periods.shape) / (1.0 - self.recovery)
            builder.post(decision, account, periods, value, self.driver, since, column, priced)
            builder.post(decision, account, periods, -value, self.driver, None, column, priced)


def life(case: Case, contract: Contract) -> Life:
    """Life of a contract's customer.

    The recovery is the float32 that the scenarios hold, so that what is left after a default is exactly nothing. A
    driver that shows 1 after a default shows none.
    """
    driver = next((d for d in case.driver if d.id == contract.survival), None)
    if driver is None:
        return Life(None, 0.0)
    recovery = float(np.float32(driver.recovery)) if isinstance(driver, Survival) else 0.0
    return Life(None, 0.0) if recovery >= 1.0 else Life(driver.id, recovery)
