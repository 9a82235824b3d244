"""The ledger against a plain double loop."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.models.ledger import Account, Decision, Ledger, LedgerBuilder
from hypothesis import given
from hypothesis import strategies as st

PERIODS = 5
COLUMNS = {"a": ("a",), "b": ("b",), "ab": ("a", "b")}


def builder(count: int = 2) -> LedgerBuilder:
    made = LedgerBuilder(COLUMNS, ["a", "b"], PERIODS)
    for j in range(count):
        made.decide(Decision(f"d{j}", "order", 0, "systems", 0.0, 1.0, {}))
    return made


posting = st.tuples(
    st.integers(0, 1),
    st.sampled_from([Account.HARDWARE, Account.POWER, Account.DEBT]),
    st.integers(0, PERIODS - 1),
    st.floats(-10, 10),
    st.sampled_from(["one", "a", "b", "ab"]),
    st.integers(0, PERIODS - 1),
    st.sampled_from(["one", "a", "b"]),
    st.integers(0, PERIODS - 1),
)


@given(st.lists(posting, min_size=1, max_size=30), st.integers(0, 2**32 - 1))
def test_expected_and_exposure_equal_a_double_loop(postings: list[tuple], seed: int) -> None:
    made = builder()
    draws = np.random.default_rng(seed).uniform(0.5, 2.0, (2, PERIODS))
    flow = np.zeros((PERIODS, 2))
    accounts = [Account.HARDWARE, Account.POWER]
    for j, account, t, value, column, u, second, v in postings:
        u, v = min(u, t), min(v, t)
        made.post(j, account, t, value, column, u, second, v)
        price = np.prod([draws["ab".index(d), u] for d in COLUMNS.get(column, ())])
        price *= np.prod([draws["ab".index(d), v] for d in COLUMNS.get(second, ())])
        if account in accounts:
            flow[t, j] += value * price
    ledger = made.freeze()
    atoms = np.append(draws.ravel(), 1.0)[ledger.factors].prod(axis=1)
    np.testing.assert_allclose(ledger.expected(accounts, atoms).toarray(), flow, rtol=1e-12, atol=1e-12)
    exposure = ledger.exposure(accounts)
    prices = np.append(draws.ravel(), 1.0)[exposure.factors].prod(axis=1)[exposure.atom]
    for x in ([1.0, 0.0], [0.3, 2.0]):
        held = exposure.matrix @ np.array(x)
        parts = [slice(exposure.start[t], exposure.start[t + 1]) for t in range(PERIODS)]
        got = [held[p] @ prices[p] for p in parts]
        np.testing.assert_allclose(got, flow @ np.array(x), rtol=1e-12, atol=1e-12)
    weights = np.linspace(1.0, 0.2, PERIODS)
    summed = ledger.exposure(accounts, weights)
    price = np.append(draws.ravel(), 1.0)[summed.factors].prod(axis=1)[summed.atom]
    np.testing.assert_allclose(price @ summed.matrix.toarray(), weights @ flow, rtol=1e-12, atol=1e-12)


def test_equal_products_share_an_atom() -> None:
    made = builder()
    made.post(0, Account.POWER, [1, 2], 1.0, "ab", [1, 1])
    made.post(1, Account.POWER, [3], 1.0, "a", 1, "b", 1)
    made.post(1, Account.POWER, [3], 1.0)
    ledger = made.freeze()
    assert ledger.factors.shape[0] == 2
    assert len(set(ledger.atom.tolist())) == 2


def frozen(*args: object) -> Ledger:
    made = builder()
    made.post(*args)  # type: ignore[arg-type]
    return made.freeze()


@pytest.mark.parametrize(
    "args, words",
    [
        ((0, Account.POWER, [5], 1.0), "d0 is outside the horizon"),
        ((1, Account.POWER, [-1], 1.0), "d1 is outside the horizon"),
        ((0, Account.POWER, [1], 1.0, "a", [2]), "d0 is priced by the future"),
        ((0, Account.POWER, [1], 1.0, "a", [0], "b", [2]), "d0 is priced by the future"),
        ((0, Account.POWER, [1], 1.0, "a", [-1]), "d0 is priced by the future or the past"),
        ((0, Account.POWER, [1], float("nan")), "d0 is not finite"),
        ((0, Account.POWER, [1, 2, 3], [1.0, 2.0]), "different lengths"),
    ],
)
def test_a_wrong_posting_is_refused(args: tuple[object, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        frozen(*args)


def test_a_key_is_declared_once_and_an_empty_ledger_is_refused() -> None:
    made = builder(1)
    with pytest.raises(ValueError, match="d0 is declared twice"):
        made.decide(Decision("d0", "order", 0, "systems", 0.0, 1.0, {}))
    with pytest.raises(ValueError, match="no postings"):
        made.freeze()
