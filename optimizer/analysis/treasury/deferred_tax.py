"""Tax that the books owe for later: on what they have earned and tax has not, less what carried losses will offset.

IAS 12.15: a liability for every taxable temporary difference, undiscounted (12.53). Losses carried forward are set
against it as far as the law lets them, and are worth nothing beyond that: a company that has made losses does not know
of profits to use them (12.35; ASC 740-10-30-21). The last period's DEFERRED_TAX is the same figure for early write-offs
alone (`models/blocks/tax.put_off`).
"""

from __future__ import annotations

import numpy as np

from ....models.blocks.tax import put_off
from ...arrays import FloatArray
from ..expected import Amounts


def deferred_tax(amounts: Amounts, before_tax: FloatArray, of_equity: FloatArray) -> FloatArray:
    """(T,) liability of the group at each period's end, billion.

    before_tax: (T,) profit before tax of the books that is taxed here. of_equity: (T,) costs of raising equity that
    tax deducts, which no income of the books ever bears.
    """
    tax, found = amounts.case.tax, amounts.assessed
    if tax is None or found is None:
        return np.zeros(amounts.periods)
    taxable = amounts.taxable_income + amounts.put_off + of_equity
    waiting = tax.opening_interest if tax.interest_limit is not None else 0.0
    ahead = np.cumsum(before_tax - taxable) - waiting
    return np.array([put_off(tax, float(a), float(p)) for a, p in zip(ahead, found.pool, strict=True)])
