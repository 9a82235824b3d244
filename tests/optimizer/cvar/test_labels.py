"""Labels of pandas: aligned where they come in, on the answer where it goes out, named where they do not fit."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from capmix import CvarProgram, CvarTerm, cvar_portfolio, quantile_regression, solve_cvar

pd = pytest.importorskip("pandas", reason="pandas is not installed")

ASSETS = ["AAPL", "MSFT", "NVDA", "TLT", "GLD"]


def losses() -> np.ndarray:
    rng = np.random.default_rng(3)
    return -(0.001 + 0.02 * rng.standard_t(4, (300, 5)) * np.linspace(0.6, 1.4, 5))


def plain() -> CvarProgram:
    values = losses()
    return CvarProgram(
        cost=values.mean(axis=0),
        tails=[CvarTerm(values, 0.9, price=2.0, offset=np.linspace(0.0, 0.01, 300))],
        matrix=np.vstack([np.ones(5), [1.0, 1.0, 1.0, 0.0, 0.0]]),
        row_lower=[1.0, 0.2],
        row_upper=[1.0, 0.7],
        lower=[0.0, 0.05, 0.0, 0.1, 0.0],
        upper=[0.5, 0.5, 0.3, 0.4, 0.9],
        weights=np.linspace(1.0, 2.0, 300),
    )


def labelled(order: list[int]) -> CvarProgram:
    """The same program in pandas, every object but the losses with its labels in another order."""
    p = plain()
    (term,) = p.tails
    days = pd.date_range("2024-01-01", periods=300)
    back = np.arange(300)[::-1]
    names = [ASSETS[j] for j in order]
    return dataclasses.replace(
        p,
        cost=pd.Series(p.cost[order], index=names),
        tails=[
            dataclasses.replace(
                term,
                losses=pd.DataFrame(term.losses, columns=ASSETS, index=days),
                offset=pd.Series(term.offset[back], index=days[back]),
            )
        ],
        matrix=pd.DataFrame(p.matrix[:, order], columns=names, index=["budget", "stocks"]),
        row_lower=pd.Series([0.2, 1.0], index=["stocks", "budget"]),
        row_upper=pd.Series([0.7, 1.0], index=["stocks", "budget"]),
        lower=pd.Series(np.array(p.lower)[order], index=names),
        upper=pd.Series(np.array(p.upper)[order], index=names),
        weights=pd.Series(p.weights[back], index=days[back]),
    )


def test_a_labelled_program_is_the_same_in_any_order_of_its_labels() -> None:
    bare = solve_cvar(plain(), gap=1e-8)
    assert bare.success
    for order in ([0, 1, 2, 3, 4], [4, 2, 0, 1, 3]):
        found = solve_cvar(labelled(order), gap=1e-8)
        assert found.success
        assert list(found.x.index) == ASSETS
        assert found.weights is found.x
        assert list(found.row_duals.index) == ["budget", "stocks"]
        assert list(found.bound_duals.index) == ASSETS
        np.testing.assert_array_equal(found.x.to_numpy(), bare.x)
        np.testing.assert_array_equal(found.row_duals.to_numpy(), bare.row_duals)
    assert isinstance(bare.x, np.ndarray)


def test_labels_that_do_not_fit_are_named_all_at_once() -> None:
    p = labelled([0, 1, 2, 3, 4])
    wrong = dataclasses.replace(
        p,
        cost=pd.Series(0.0, index=["AAPL", "MSFT", "NVDA", "TLT", "SLV"]),
        lower=pd.Series(0.0, index=ASSETS[:4]),
        weights=pd.Series(1.0, index=pd.date_range("2025-01-01", periods=300)),
        upper=pd.Series(1.0, index=["AAPL", "AAPL", "NVDA", "TLT", "GLD"]),
    )
    with pytest.raises(ValueError) as caught:
        solve_cvar(wrong)
    words = str(caught.value)
    for part in ("cost: its columns are not those of tails[0].losses: without 'GLD', with 'SLV'", "lower:", "weights:"):
        assert part in words
    assert "and 295 more" in words
    assert "upper: its columns are not those of tails[0].losses: without 'MSFT'" in words


def test_labels_that_stand_twice_and_columns_of_words_are_named() -> None:
    p = labelled([0, 1, 2, 3, 4])
    twice = pd.DataFrame(losses(), columns=["A", "B", "B", "C", "D"])
    other = pd.Series(0.0, index=["B", "A", "B", "C", "D"])
    with pytest.raises(ValueError, match="'B' stand more than once"):
        solve_cvar(CvarProgram(other, tails=[CvarTerm(twice, 0.9, price=1.0)]))
    frame = pd.DataFrame(losses(), columns=ASSETS).assign(TLT="high")
    with pytest.raises(ValueError, match="'TLT' has the dtype"):
        solve_cvar(dataclasses.replace(p, tails=[CvarTerm(frame, 0.9, price=1.0)], weights=None))
    holes = pd.DataFrame(losses(), columns=ASSETS).astype("Float64")
    holes.iloc[3, 2] = pd.NA
    with pytest.raises(ValueError, match="nan"):
        solve_cvar(dataclasses.replace(p, tails=[CvarTerm(holes, 0.9, price=1.0)], weights=None))


def test_what_pandas_only_counted_is_read_by_position() -> None:
    p = plain()
    (term,) = p.tails
    frame = pd.DataFrame(term.losses, columns=ASSETS)
    mixed = dataclasses.replace(
        p, cost=pd.Series(p.cost), tails=[dataclasses.replace(term, losses=frame)], weights=pd.Series(p.weights)
    )
    found = solve_cvar(mixed)
    assert list(found.x.index) == ASSETS
    (later,) = [dataclasses.replace(term, losses=frame, offset=pd.Series(term.offset, index=range(5, 305)))]
    with pytest.raises(ValueError, match=r"losses: its scenarios are not those of tails\[0\].offset: without 300, 301"):
        solve_cvar(dataclasses.replace(p, tails=[later], weights=None))
    counted = solve_cvar(dataclasses.replace(p, tails=[dataclasses.replace(term, losses=pd.DataFrame(term.losses))]))
    assert list(counted.x.index) == [0, 1, 2, 3, 4]


def test_portfolios_and_regressions_keep_labels() -> None:
    frame = pd.DataFrame(-losses(), columns=ASSETS)
    before = pd.Series(0.2, index=ASSETS[::-1])
    cap = pd.Series([0.9, 0.2, 0.9, 0.9, 0.9], index=["GLD", "AAPL", "TLT", "NVDA", "MSFT"])
    asked = {"upper": cap, "previous": before, "max_turnover": 1.0, "covariance": frame.cov(), "variance_aversion": 1.0}
    found = cvar_portfolio(frame, groups={"metal": (["GLD"], 0.1, 0.3)}, **asked)
    assert found.success
    assert list(found.weights.index) == ASSETS
    assert found.weights["AAPL"] <= 0.2 + 1e-9
    assert 0.1 - 1e-7 <= found.weights["GLD"] <= 0.3 + 1e-7
    with pytest.raises(ValueError, match="previous: its assets are not those of returns: without 'GLD'"):
        cvar_portfolio(frame, previous=before.drop("GLD"))
    with pytest.raises(ValueError, match=r"groups\['x'\]: 'SLV' is no asset"):
        cvar_portfolio(frame, groups={"x": (["SLV"], None, 0.1)})
    counted = pd.DataFrame(-losses(), columns=[10, 20, 30, 40, 50])
    most = cvar_portfolio(counted, groups={"two": ([10, 50], 0.8, None)}).weights
    assert most[[10, 50]].sum() >= 0.8 - 1e-7
    with pytest.raises(ValueError, match=r"groups\['x'\]: 1 is no asset"):
        cvar_portfolio(counted, groups={"x": ([1], None, 0.1)})
    x = frame[["AAPL", "MSFT"]]
    fit = quantile_regression(x, frame["NVDA"], quantile=0.8)
    assert list(fit.coefficients.index) == ["AAPL", "MSFT"]


def test_pandas_is_not_loaded_for_arrays() -> None:
    code = (
        "import sys, numpy as np, capmix\n"
        "r = np.random.default_rng(0).standard_normal((60, 3))\n"
        "capmix.cvar_portfolio(r); capmix.CvarPortfolio().fit(r)\n"
        "print('pandas' in sys.modules, 'sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.split() == ["False", "False"]


def test_a_result_is_one_line_in_a_list_and_a_page_when_printed() -> None:
    found = solve_cvar(labelled([0, 1, 2, 3, 4]))
    assert repr(found).startswith("<CvarResult certified: objective ")
    assert "\n" not in repr(found)
    assert len(repr([found])) < 160
    for word in ("certified", "objective", "proven", "CVaR", "TLT"):
        assert word in str(found)
    p = plain()
    none = solve_cvar(dataclasses.replace(p, row_lower=[3.0, 0.2], row_upper=[3.0, 0.7]))
    assert not none.success
    assert "no point" in repr(none)
    assert "infeasible" in str(none)
