"""Sparse losses give the bits of full ones, in every format, and are refused where they would not fit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp
from capmix import CvarProgram, CvarTerm, solve_cvar
from capmix.optimizer.cvar import sparse_losses


def program() -> CvarProgram:
    """A scenario tree's kind of losses: in each scenario only some columns count."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((5_000, 12)) * (rng.random((5_000, 12)) < 0.25) - 0.05
    values[np.abs(values + 0.05) < 1e-12] = 0.0
    tail = CvarTerm(values, 0.9, price=1.0)
    return CvarProgram(
        np.zeros(12), tails=[tail], matrix=np.ones((1, 12)), row_lower=1, row_upper=1, lower=0, upper=0.4
    )


@pytest.mark.parametrize("kind", [sp.csr_array, sp.csc_array, sp.coo_array, sp.csr_matrix, sp.lil_array])
def test_every_sparse_format_gives_the_bits_of_the_full_matrix(kind: type) -> None:
    p = program()
    (term,) = p.tails
    dense = solve_cvar(p)
    found = solve_cvar(dataclasses.replace(p, tails=[dataclasses.replace(term, losses=kind(term.losses))]))
    assert found.success
    np.testing.assert_array_equal(found.x, dense.x)
    assert found.lower == dense.lower


def test_single_precision_stays_and_whole_numbers_become_double() -> None:
    faults: list[str] = []
    eye = sp.eye_array(9_000, 3, format="csr")
    assert sparse_losses.full(faults, "t", eye.astype(np.float32)).dtype == np.float32
    assert sparse_losses.full(faults, "t", eye.astype(np.int64)).dtype == np.float64
    np.testing.assert_array_equal(sparse_losses.full(faults, "t", eye), eye.toarray())
    assert faults == []


def test_what_does_not_fit_or_is_no_number_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    p = program()
    (term,) = p.tails
    sparse = dataclasses.replace(p, tails=[dataclasses.replace(term, losses=sp.csr_array(term.losses), name="loss")])
    monkeypatch.setattr(sparse_losses, "memory_available", lambda: 600_000)
    with pytest.raises(ValueError, match=r"tails\[0\] 'loss'.losses: spread out it takes 0.00048 GB, and 0.0006 GB"):
        solve_cvar(sparse)
    huge = sp.csr_array((10**9, 12))
    monkeypatch.undo()
    with pytest.raises(ValueError, match="spread out it takes 96 GB"):
        solve_cvar(dataclasses.replace(p, tails=[CvarTerm(huge, 0.9, price=1.0)]))
    wrong = sp.csr_array(np.eye(12, dtype=complex))
    with pytest.raises(ValueError, match="complex"):
        solve_cvar(dataclasses.replace(p, tails=[CvarTerm(wrong, 0.9, price=1.0)]))
