"""All treasury tables of a plan: the books, the debt, what covers it, and returns."""

from __future__ import annotations

from ...table import Table
from ..expected import Amounts
from .coverage import coverage_tables
from .debt import portfolio
from .debt_tables import debt_tables
from .postings import Postings
from .returns import return_tables
from .statements import book_tables


def treasury_tables(amounts: Amounts) -> dict[str, Table]:
    """Each by its name. StatementError if the books or a balance do not close."""
    own = Postings(amounts)
    held = portfolio(own)
    return {
        **book_tables(amounts),
        **debt_tables(own, held),
        **coverage_tables(amounts, held),
        **return_tables(own),
    }
