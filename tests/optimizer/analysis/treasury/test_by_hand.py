"""The books of a hundred systems and a bond, against sums worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from capmix.models.schema.financing import Opening, OpeningDebt, OpeningFleet
from capmix.optimizer.analysis.treasury.books import Books, added, consolidated
from capmix.optimizer.analysis.treasury.names import BookRow, CashLine, IncomeLine

from .hand import BOND, ORDER, by_hand, with_amounts

FACE = 0.3


def books() -> Books:
    """0.009 of fees go off taxable income at once; 0.062 a quarter is lost then, and the sale brings 0.1."""
    return consolidated(with_amounts(by_hand(), **{ORDER: 100.0, BOND: FACE, "tax[2027Q2]": 0.004775}))


def near(found: object, *wanted: float) -> None:
    assert list(found) == pytest.approx(wanted, abs=1e-14)  # type: ignore[call-overload]


def test_income_by_hand() -> None:
    income = books().income
    near(income[IncomeLine.DEPRECIATION_SYSTEMS], 0, -0.055, -0.055, -0.055, -0.055, 0, 0, 0)
    near(income[IncomeLine.EBITDA], 0, -0.0025, -0.0025, -0.0025, -0.0025, 0, 0, 0)
    near(income[IncomeLine.GAIN], 0, 0, 0, 0, 0, 0.1, 0, 0)
    near(income[IncomeLine.INTEREST], 0, *[-0.0045] * 7)
    near(income[IncomeLine.FEES], 0, *[-0.00075] * 7)
    near(income[IncomeLine.BEFORE_TAX], 0, *[-0.06275] * 4, 0.09475, -0.00525, -0.00525)
    near(income[IncomeLine.TAX], 0, 0, 0, 0, 0, -0.004775, 0, 0)
    # a fifth of what tax has deducted ahead cannot be met by losses: 0.25 x 0.2 x (0.009 - 0.00075 t)
    owed = [0.00045 - 0.0000375 * t for t in range(8)]
    near(income[IncomeLine.DEFERRED], -0.00045, *[0.0000375] * 7)
    near(books().liabilities[BookRow.DEFERRED], *owed)


def test_balance_sheet_by_hand() -> None:
    found = books()
    cash = [1.241, 1.241 - 0.177]  # a quarter of 0.2 is paid and 0.3 less 3 % comes in; 0.17, support, interest
    for _ in range(3):
        cash.append(cash[-1] - 0.007)
    cash += [cash[-1] - 0.0045 + 0.1 - 0.004775]
    cash += [cash[-1] - 0.0045, cash[-1] - 0.009]
    near(found.assets[BookRow.CASH], *cash)
    near(found.assets[BookRow.CONSTRUCTION], 0.05, *[0.0] * 7)
    near(found.assets[BookRow.SYSTEMS], 0, 0.165, 0.11, 0.055, 0, 0, 0, 0)
    near(found.liabilities[BookRow.DEBT], *[0.3] * 8)
    near(found.liabilities[BookRow.FEES], *[-0.009 + 0.00075 * t for t in range(8)])
    profits = [-0.00045, *[-0.06275 + 0.0000375] * 4, 0.09475 - 0.004775 + 0.0000375, *[-0.00525 + 0.0000375] * 2]
    equity = [1.0 + sum(profits[: t + 1]) for t in range(8)]
    near(added(found.owners), *equity)
    near(added(found.assets), *[0.3 - 0.009 + 0.00075 * t + 0.00045 - 0.0000375 * t + equity[t] for t in range(8)])


def test_cash_flow_by_hand() -> None:
    cash = books().cash
    near(cash[CashLine.OPERATING], 0, *[-0.007] * 4, -0.0045 - 0.004775, -0.0045, -0.0045)
    near(cash[CashLine.INVESTING], -0.05, -0.17, 0, 0, 0, 0.1, 0, 0)
    near(cash[CashLine.FINANCING], 0.291, *[0.0] * 7)


def test_an_opening_balance_sheet_by_hand() -> None:
    """A fleet half way through its life at a book value of 0.4, sites of 0.2 over eight quarters, a debt of 0.1."""
    fleet = OpeningFleet(accelerator="gpu", site="north", systems=10.0, age=2, book_value=0.4)
    debt = OpeningDebt(id="old", amount=0.1, rate="fixed", coupon=0.08, maturity=3, amortisation="linear")
    opening = Opening(fleet=(fleet,), debt=(debt,), site_book_value=0.2, site_life=8)
    found = consolidated(with_amounts(replace(by_hand(), opening=opening, tax=None)))
    assert found.opening_equity == pytest.approx(1.0 + 0.4 + 0.2 - 0.1, abs=1e-15)
    near(found.assets[BookRow.SYSTEMS], 0.2, *[0.0] * 7)
    near(found.assets[BookRow.SITES], *[0.2 - 0.025 * t for t in range(1, 9)])
    near(found.liabilities[BookRow.DEBT], 0.075, 0.05, 0.025, *[0.0] * 5)
    near(found.income[IncomeLine.INTEREST], -0.002, -0.0015, -0.001, -0.0005, *[0.0] * 4)
    support, sale = 0.05 * 0.25 * 0.02, 0.02 * 0.5  # of ten systems at 0.002; half the price at a year
    near(
        found.income[IncomeLine.NET_INCOME],
        -0.2 - 0.025 - 0.002 - support, -0.2 - 0.025 - 0.0015 - support, -0.025 - 0.001 + sale, -0.025 - 0.0005,
        *[-0.025] * 4,
    )  # fmt: skip
