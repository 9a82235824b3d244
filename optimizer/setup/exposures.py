"""Exposures of the ledger as the kernels take them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from ...kernels.tables import MAX_FACTORS, LossTable, TermTable
from ...models.ledger import Exposure


@dataclass(frozen=True)
class MeasuredLoss:
    """A loss as the kernels take it, and the matrix (E, N) that turns decisions into its exposure."""

    name: str
    table: LossTable
    matrix: csr_array


def terms(exposure: Exposure) -> TermTable:
    """The exposure's entries. ValueError if a price is the product of more drivers than the kernels take."""
    factors = exposure.factors
    used = factors[:, (factors >= 0).any(axis=0)] if factors.size else factors[:, :0]
    if used.shape[1] > MAX_FACTORS:
        raise ValueError(f"a price is the product of {used.shape[1]} drivers; the kernels take {MAX_FACTORS} at most")
    padded = np.full((factors.shape[0], MAX_FACTORS), -1, dtype=np.int32)
    padded[:, : used.shape[1]] = used
    return TermTable(exposure.periods, padded, exposure.atom, exposure.start)
