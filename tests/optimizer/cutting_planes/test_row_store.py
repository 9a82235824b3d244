"""Rows of a growing program against the same rows in one dense matrix."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from capmix.optimizer.cutting_planes.row_store import RowStore
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), base=st.integers(0, 9), columns=st.integers(1, 9))
def test_rows_come_and_go_as_in_a_dense_matrix(seed: int, base: int, columns: int) -> None:
    rng = np.random.default_rng(seed)

    def some(count: int) -> np.ndarray:
        return np.where(rng.random((count, columns)) < 0.4, rng.normal(size=(count, columns)), 0.0)

    dense = some(base)
    store = RowStore(sp.csr_array(dense), np.full(base, -1.0), np.full(base, 2.0))
    for _ in range(4):
        for row in some(int(rng.integers(0, 20))):
            index = np.flatnonzero(row).astype(np.int32)
            store.add(-3.0, 4.0, index, row[index])
            dense = np.vstack([dense, row])
        gone = [i for i in range(base, store.count) if rng.random() < 0.3]
        store.delete(gone)
        dense = np.delete(dense, gone, axis=0)
        assert store.count == dense.shape[0] == store.lower.size == store.upper.size
        x, weights = rng.normal(size=columns), rng.normal(size=store.count)
        rows = rng.permutation(store.count)[: int(rng.integers(0, store.count + 1))]
        chosen = rng.permutation(columns)[: int(rng.integers(1, columns + 1))]
        assert store.activity(rows, x) == pytest.approx(dense[rows] @ x)
        assert store.combined(weights) == pytest.approx(dense.T @ weights)
        assert store.part(rows, chosen).toarray().tolist() == dense[np.ix_(rows, chosen)].tolist()
        norms = np.linalg.norm(dense, axis=1)
        assert store.size == pytest.approx(np.where(norms > 0.0, norms, 1.0))
        assert store.length.tolist() == np.count_nonzero(dense, axis=1).tolist()
        for i in rows:
            index, value = store.row(int(i), chosen)
            spelled = np.zeros(chosen.size)
            spelled[index] = value
            assert spelled.tolist() == dense[i, chosen].tolist()
            assert (value != 0.0).all()
