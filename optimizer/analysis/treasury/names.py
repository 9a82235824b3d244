"""What the treasury tables, their columns and their rows are called, as `analysis/names.py` has it of others."""

from __future__ import annotations

from enum import StrEnum

INCOME_STATEMENT, BOOK_CASH_FLOW, BOOK_BALANCE = "income_statement", "cash_flow_statement", "balance_sheet"
CHANGES_IN_EQUITY = "changes_in_equity"
ENTITY_INCOME, ENTITY_BOOK_CASH_FLOW = "entity_income_statement", "entity_cash_flow_statement"
ENTITY_BALANCE, ENTITY_CHANGES = "entity_balance_sheet", "entity_changes_in_equity"


class EntityLines(StrEnum):
    """Of the statements of each entity."""

    ENTITY = "entity"
    LINE = "line"
    SECTION = "section"


class Section(StrEnum):
    """Of a statement's rows: a section's last row is its sum and bears the section `sum`."""

    EBITDA = "EBITDA"
    OPERATING_PROFIT = "operating profit"
    BEFORE_TAX = "profit before tax"
    NET_INCOME = "net income"
    ASSETS = "assets"
    LIABILITIES = "liabilities"
    EQUITY = "equity"
    OPERATING = "cash from operating activities"
    INVESTING = "cash from investing activities"
    FINANCING = "cash from financing activities"
    CASH = "cash"


class IncomeLine(StrEnum):
    """Rows of income_statement below the accounts of EBITDA."""

    EBITDA = "EBITDA"
    DEPRECIATION_SYSTEMS = "depreciation of systems"
    DEPRECIATION_SITES = "depreciation of sites"
    GAIN = "gain on the sale of systems"
    LEASES = "add back rent of leases on the balance sheet"
    REST = "rest of the company, cash flow less EBITDA"
    OPERATING_PROFIT = "operating profit"
    INTEREST = "interest on debt"
    LEASE_INTEREST = "interest on leases"
    ACCRETION = "accretion (pay-in-kind interest)"
    FEES = "amortisation of fees and issue discount"
    COMMITMENT = "commitment fees"
    ON_CASH = "interest on cash"
    FROM_COMPANIES = "dividends from companies of the group"
    BEFORE_TAX = "profit before tax"
    TAX = "current tax"
    DEFERRED = "deferred tax"
    NET_INCOME = "net income"


class BookRow(StrEnum):
    """Rows of balance_sheet."""

    CASH = "cash"
    RECEIVABLES = "receivables"
    SYSTEMS = "systems, at cost less depreciation"
    SITES = "sites, at cost less depreciation"
    CONSTRUCTION = "construction in progress and deposits on systems"
    RIGHTS = "rights to use leased sites"
    COMPANIES = "investments in companies of the group"
    ASSETS = "total assets"
    PAYABLES = "payables"
    ADVANCES = "customers' advances"
    UNEARNED = "unearned prepayments"
    DEBT = "debt"
    FEES = "less unamortised fees and issue discount"
    LEASES = "lease liabilities"
    SITE_LEASES = "lease liabilities of sites"
    DEFERRED = "deferred tax liability"
    LIABILITIES = "total liabilities"
    OUTSIDE = "outside equity"
    AT_START = "shareholders' equity at the start"
    CONTRIBUTED = "contributions less distributions since the start"
    RETAINED = "retained earnings since the start"
    EQUITY = "closing equity"
    BOTH = "total liabilities and equity"


class CashLine(StrEnum):
    """Rows of cash_flow_statement."""

    NET_INCOME = "net income"
    DEPRECIATION = "add back depreciation"
    GAIN = "less gain on the sale of systems"
    ACCRETION = "add back accretion"
    FEES = "add back amortisation of fees and issue discount"
    DEFERRED = "add back deferred tax"
    RECEIVABLES = "change in receivables and customers' advances"
    BAD_DEBTS = "add back bad debts"
    PAYABLES = "change in payables for operation"
    UNEARNED = "change in unearned prepayments"
    OPERATING = "cash from operating activities"
    SYSTEMS = "systems"
    SITES = "sites"
    SALES = "sale of retired systems"
    TO_COMPANIES = "contributions to companies of the group"
    INVESTING = "cash from investing activities"
    DRAWN = "debt issued and drawn"
    LEASED = "leases drawn"
    ISSUED = "outside equity issued"
    FEES_PAID = "upfront fees and issue discount"
    ISSUE_COSTS = "costs of issuing equity"
    REPAID = "repayment of debt"
    LEASES_REPAID = "repayment of leases"
    DIVIDENDS = "dividends"
    CONTRIBUTED = "contributions from its owner"
    DISTRIBUTED = "distributions to its owner"
    FINANCING = "cash from financing activities"
    CHANGE = "net change in cash"
    START = "opening cash"
    END = "closing cash"


class EquityLine(StrEnum):
    """Rows of changes_in_equity."""

    START = "opening equity"
    NET_INCOME = "net income"
    DIVIDENDS = "dividends"
    ISSUED = "outside equity issued"
    ISSUE_COSTS = "costs of issuing equity"
    CONTRIBUTED = "contributions from its owner"
    DISTRIBUTED = "distributions to its owner"
    END = "closing equity"


# -------------------------------------------------------------------------------------------------------- debt
DEBT, DEBT_BY_STEP, DEBT_SCHEDULE, DEBT_BY_YEAR = "debt", "debt_by_step", "debt_schedule", "debt_by_year"
MATURITIES, DEBT_PORTFOLIO, COVERAGE = "maturities", "debt_portfolio", "coverage"
RETURNS, RETURN_FLOWS = "returns", "return_flows"


class Claim(StrEnum):
    """What an instrument is to the company, in the column `claim`."""

    DEBT = "debt"
    LEASE = "lease"
    EQUITY = "equity"
    OPENING = "opening debt"


class Debt(StrEnum):
    INSTRUMENT = "instrument"
    TITLE = "title"
    KIND = "kind"
    CLAIM = "claim"
    ISSUER = "issuer"
    RATE = "rate"
    BENCHMARK = "benchmark"
    MARGIN = "margin"
    COUPON = "coupon, mean"
    COMMITTED = "committed"
    ISSUED = "issued"
    DRAWN = "drawn"
    PROCEEDS = "gross proceeds"
    UPFRONT = "upfront fees and discount"
    RUNNING = "commitment fees"
    COST = "all-in cost"
    FIRST = "first issue"
    LAST = "last issue"
    MATURITY = "maturity"
    LIFE = "weighted life"
    OUTSTANDING = "closing balance"


class DebtByStep(StrEnum):
    INSTRUMENT = "instrument"
    HOLDER = "holder"
    STEP = "step"
    SPREAD = "step spread"
    MARGIN = "margin"
    COMMITTED = "committed"
    PROCEEDS = "gross proceeds"
    COST = "all-in cost"


class DebtSchedule(StrEnum):
    """opening + gross proceeds + accreted - repaid = closing; of debt_by_year with `year` for `period`."""

    INSTRUMENT = "instrument"
    CLAIM = "claim"
    PERIOD = "period"
    OPENING = "opening"
    PROCEEDS = "gross proceeds"
    ACCRETED = "accreted"
    REPAID = "repaid"
    CLOSING = "closing"
    INTEREST = "interest"
    FEES = "fees"


YEAR = "year"


class Maturities(StrEnum):
    INSTRUMENT = "instrument"
    CLAIM = "claim"
    YEAR = "year"
    REPAID = "repaid"


class DebtPortfolio(StrEnum):
    PERIOD = "period"
    DEBT = "debt"
    FIXED = "fixed-rate debt"
    FLOATING = "floating-rate debt"
    SHARE = "floating share"
    RATE = "interest rate, mean"
    LIFE = "weighted average life"


class Coverage(StrEnum):
    YEAR = "year"
    PERIODS = "periods"
    REVENUE = "revenue"
    EBITDA = "EBITDA"
    AVAILABLE = "cash flow available for debt service"
    INTEREST = "interest"
    REPAID = "repayment"
    SERVICE = "debt service"
    INTEREST_COVER = "interest cover"
    DSCR = "debt service cover"
    DEBT = "closing debt"
    NET_DEBT = "closing net debt"
    LEVERAGE = "net debt to EBITDA"


class Returns(StrEnum):
    MEASURE = "measure"
    NPV = "NPV"
    RATE = "discount rate"
    IRR = "IRR"
    NOTE = "note"
    WHAT = "what"


class Measure(StrEnum):
    """Rows of returns, and of return_flows, where the value at the end has a row of its own."""

    PLAN = "plan, before financing"
    EQUITY = "equity, as cash arises"
    OWNERS = "owners, as the company keeps its cash"


AT_END = "value at the end: "
"""Before a measure's name in return_flows."""
