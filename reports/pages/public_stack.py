"""CoreWeave's debt of 30 June 2025 as published: what was owed, on which terms, and the principal due by year.

All of it stands in one debt note, so that the pieces and the table are of one date and one definition.
"""

from __future__ import annotations

from dataclasses import dataclass

YEARS = ("2025, second half", "2026", "2027", "2028", "2029", "2030 and later")
PRINCIPAL = (0.986052, 4.218457, 2.833142, 1.010054, 0.123780, 2.000000)
"""Future principal payments of the total debt, billion, in `YEARS`; same note."""
LAST_QUARTER = (2, 6, 10, 14, 18)
"""The last quarter after 30 June 2025 that falls into each of the years but the last."""

INTEREST = 0.250312 + 0.029036
"""Contractual interest and amortised issue costs of the second quarter of 2025, billion, before capitalisation."""
DEBT_BEFORE = 8.8
"""Principal of 31 March 2025, billion, to one decimal (report on the 10-Q of that quarter, tradepost.ai)."""

LOAN_1_FACE = 2.3
LOAN_1_REPAID = 2.012500 - 1.782500
"""DDTL 1.0: its face, and what was repaid in the half-year before: balances of 31 December 2024 and 30 June 2025."""


@dataclass(frozen=True)
class Owed:
    """A piece of the stack on 30 June 2025.

    Attributes:
        amount: principal, billion. rate: published effective rate, fraction per year.
        first, last: quarters from 30 June 2025 to its stated maturity; a range where the note states one, over which
            the piece is cut into as many equal ones, one ending in each quarter.
        amortisation: "bullet" or "linear". balloon: share of the amount due with the last payment.
        remark: what of it is published, and what is read into it.
    """

    name: str
    amount: float
    rate: float
    first: int
    last: int
    amortisation: str
    remark: str
    balloon: float = 0.0


_LOAN_1 = 1.782500
STACK = (
    Owed(
        "DDTL 1.0", _LOAN_1, 0.15, 11, 11, "linear",
        "March 2028; goes on as in the half-year before (0.230 bn, a tenth of its face), the rest at maturity",
        balloon=1.0 - 11 * 0.5 * LOAN_1_REPAID / _LOAN_1,
    ),
    Owed("DDTL 2.0", 4.953967, 0.11, 16, 16, "linear", "May 2029; level parts assumed, the schedules are not public"),
    Owed("9.25 % notes", 2.000000, 0.10, 20, 20, "bullet", "June 2030"),
    Owed("revolver", 0.450000, 0.07, 8, 8, "bullet", "June 2027"),
    Owed(
        "equipment financing", 1.728388, 0.095, 3, 12, "linear",
        "March 2026 to May 2028, 9 to 10 %: ten equal pieces, one ending in each quarter, level parts assumed",
    ),
    Owed(
        "Magnetar loan", 0.256630, 0.12, 4, 4, "bullet",
        "January 2029, but shown as short-term debt: taken as due within a year",
    ),
)  # fmt: skip
