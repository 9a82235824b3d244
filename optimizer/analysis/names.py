"""What the tables of a plan, their columns and their rows are called: written once, for who makes and who reads.

Those of a group and its companies stand in `entity_names.py`, those of other scenarios and of a user's own limits in
`scenario_names.py`.

A class per table lists the columns that are always there, in their order; a period's column is called by its label.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...models.ledger import Group

DECISIONS = "decisions"
ISSUANCE = "issuance"
FUNDING_BY_INSTRUMENT, FUNDING_BY_HOLDER = "funding_by_instrument", "funding_by_holder"
PURCHASES, CONSTRUCTION, CONTRACTS, RELET, MERCHANT = "purchases", "construction", "contracts", "relet", "merchant"
CASH_FLOW, MARKET_BALANCE, DEBT_SERVICE = "cash_flow", "balance_sheet_at_market", "debt_service"
INCOME, COMPUTE, BEYOND_HORIZON = "income", "compute", "beyond_horizon"
COMPUTE_BY_SYSTEM = "compute_by_system"
COVENANTS, COVENANT_RISK, COVENANT_BREACHES = "covenants", "covenant_risk", "covenant_breaches"
BOTTLENECKS, PRICES, PRICES_BY_PERIOD = "bottlenecks", "prices", "prices_by_period"
LIQUIDITY_FAN, DRIVERS, SCALING = "liquidity_fan", "drivers", "scaling"
CIRCULAR_FLOWS, CIRCULAR_LOOPS = "circular_flows", "circular_loops"
LOSS_BY_CLAIM, LOSS_BY_LIMIT, DEFAULT_DATES = "loss_by_claim", "loss_by_limit", "default_dates"
LOSS_BY_HOLDER, LOSS_BY_INSTRUMENT, LOSS_BY_PARTY = "loss_by_holder", "loss_by_instrument", "loss_by_party"


# ------------------------------------------------------------------------------------------------ what is decided
class Decisions(StrEnum):
    KEY = "key"
    BLOCK = "block"
    PERIOD = "period"
    AMOUNT = "amount"
    UNIT = "unit"
    TAGS = "tags"


PREPAID = "prepaid"
"""In the column `how` of issuance: what a customer pays ahead, which is signed with his contract."""


class Issuance(StrEnum):
    INSTRUMENT = "instrument"
    HOLDER = "holder"
    STEP = "step"
    HOW = "how"
    PERIOD = "period"
    FUNDED = "funded"
    COMMITTED = "committed"


class FundingByInstrument(StrEnum):
    INSTRUMENT = "instrument"
    TITLE = "title"
    KIND = "kind"
    FACE = "face"
    SHARE = "share"


class FundingByHolder(StrEnum):
    HOLDER = "holder"
    TITLE = "title"
    KIND = "kind"
    CIRCULAR = "circular"
    FACE = "face"
    SHARE = "share"


class Purchases(StrEnum):
    ACCELERATOR = "accelerator"
    SITE = "site"


class SystemCompute(StrEnum):
    """Of compute_by_system."""

    ACCELERATOR = "accelerator"
    SITE = "site"


class Construction(StrEnum):
    SITE = "site"
    LAYER = "layer"


class Contracts(StrEnum):
    """Of contracts and relet."""

    CONTRACT = "contract"
    CUSTOMER = "customer"


class Merchant(StrEnum):
    ACCELERATOR = "accelerator"


# ---------------------------------------------------------------------------------------------------- statements
class Lines(StrEnum):
    """Of cash_flow and balance_sheet_at_market, and of the statements of the books."""

    LINE = "line"
    SECTION = "section"


class Line(StrEnum):
    """Of debt_service, income, beyond_horizon and group_cash."""

    LINE = "line"


class ComputeLines(StrEnum):
    LINE = "line"
    UNIT = "unit"


class CashRow(StrEnum):
    """Rows of cash_flow, of entity_cash too where they are there, beside the accounts and the sums of groups."""

    START = "opening cash"
    INTEREST = "interest on cash"
    CHANGE = "net change in cash"
    END = "closing cash"


def cash_flow_of(group: Group) -> str:
    """The row of cash_flow that sums a group's accounts."""
    return f"{group.value} cash flow"


class BalanceRow(StrEnum):
    """Rows of balance_sheet_at_market beside the accounts; an assets row, say, has the section of the same name."""

    CASH = "cash"
    SYSTEMS = "systems at market value"
    SITES = "sites"
    ASSETS = "assets"
    DEBT = "debt"
    LEASES = "lease liabilities"
    LIABILITIES = "liabilities"
    OUTSIDE = "outside equity"
    OWN = "shareholders' equity"
    BEYOND = "value beyond the horizon"
    EQUITY = "equity"
    BOTH = "liabilities and equity"


class DebtRow(StrEnum):
    """Rows of debt_service beside the accounts."""

    PROCEEDS = "gross proceeds"
    SERVICE = "debt service"
    OPERATING = "operating cash flow"
    START = "opening debt"
    OF_DEBT = "gross proceeds of debt"
    ACCRETION = "accretion"
    END = "closing debt"


class IncomeRow(StrEnum):
    """Rows of income beside the accounts."""

    EBITDA = "EBITDA"
    ELSEWHERE = "less EBITDA that is taxed with the rest of the company"
    INTEREST = "interest on cash"
    BEFORE_LIMIT = "income before the interest limit"
    PUT_OFF = "interest disallowed, less later deductions"
    TAXABLE = "taxable income"
    INTEREST_CARRIED = "disallowed interest carried forward"
    LOSS = "loss of the period"
    USED = "loss carryforward used"
    TAXED = "taxable profit after losses"
    CARRIED = "loss carryforward at the end"


class ComputeRow(StrEnum):
    """Rows of compute."""

    SERVED = "compute in service"
    DELIVERED = "compute delivered"
    CUMULATIVE = "cumulative compute delivered"
    SYSTEMS = "systems in service"
    POWER = "IT power"


OF_CASH, SUM = "cash", "sum"
"""Sections of a statement: what is cash itself, and sums; else a group of accounts or a side of the balance sheet."""

CONTRACTS_TO_BILL = "future bills of contracts, discounted: their value with a takeover_share of 1"
"""The row of beyond_horizon beside the accounts."""


# ------------------------------------------------------------------------------------------------------ covenants
class Covenants(StrEnum):
    COVENANT = "covenant"
    KIND = "kind"
    OF = "of"
    PERIOD = "period"
    VALUE = "value"
    LIMIT = "limit"
    HEADROOM = "headroom"
    MONEY = "headroom in billions"
    TREATMENT = "treatment"


class CovenantRisk(StrEnum):
    COVENANT = "covenant"
    KIND = "kind"
    TREATMENT = "treatment"
    ENTITY = "entity"
    LIMIT = "limit"
    BREACHED = "breached"
    FIRST = "median first breach"
    MINIMUM = "minimum headroom, 5th percentile"
    STEP = "tightening step"
    COST = "cost of tightening"
    PRICED = "priced"


FIRST_ORDER = "first order"
"""In the column `priced`: the cost follows from the plan's prices alone."""


class CovenantBreaches(StrEnum):
    COVENANT = "covenant"
    PERIOD = "period"
    FIRST = "first breach here"
    BREACHED = "in breach"
    HEADROOM = "headroom, 5th percentile"


YES, NO = "yes", "no"


# ------------------------------------------------------------------------------------------ what binds, what may be
class Bottlenecks(StrEnum):
    """Between `IT power` and `bottleneck` there is a column per link, called by it."""

    PERIOD = "period"
    SITE = "site"
    POWER = "IT power"
    BOTTLENECK = "bottleneck"
    WHAT = "what"
    PRICE = "price"
    UNIT = "price unit"


NO_LINK, RISK_LINK = "none", "risk limit"
"""In the column `bottleneck`: nothing holds compute back, and no link does but a risk limit."""


class Prices(StrEnum):
    """Of prices and prices_by_period."""

    RULE = "rule"
    LIMIT = "limit"
    WHERE = "where"
    PRICE = "price"
    PER = "per"
    UNIT = "unit"
    LEVEL = "level"


class LiquidityFan(StrEnum):
    PERIOD = "period"
    Q05 = "5%"
    Q25 = "25%"
    Q50 = "50%"
    Q75 = "75%"
    Q95 = "95%"
    MEAN = "mean"
    MINIMUM = "minimum"
    BELOW = "below minimum"


class Drivers(StrEnum):
    DRIVER = "driver"
    TITLE = "title"
    PROCESS = "process"
    PERIOD = "period"
    MEAN = "mean"
    Q05 = "5%"
    Q50 = "50%"
    Q95 = "95%"


class Scaling(StrEnum):
    KIND = "kind"
    SMALLEST_BEFORE = "smallest before"
    LARGEST_BEFORE = "largest before"
    SMALLEST_AFTER = "smallest after"
    LARGEST_AFTER = "largest after"


# --------------------------------------------------------------------------- circular financing, loss allocation
class CircularFlows(StrEnum):
    FROM = "from"
    TO = "to"
    WHAT = "what"
    AMOUNT = "amount"
    CIRCULATING = "circulating"


class CircularLoops(StrEnum):
    LOOP = "loop"
    KIND = "comes back as"
    AMOUNT = "amount"
    SHARE = "share of funding"


STEP = " > "
"""Between the nodes of a loop."""


def investor_node(name: str) -> str:
    """The node of an investor in the graph of money flows."""
    return f"investor {name}"


def party_node(name: str) -> str:
    """The node of a party in the graph of money flows."""
    return f"party {name}"


class LossByClaim(StrEnum):
    """The first column is there in groups alone."""

    ENTITY = "entity"
    INSTRUMENT = "instrument"
    HOLDER = "holder"
    RANK = "rank"
    COLLATERAL = "collateral"
    GUARANTOR = "guarantor"
    CLAIM = "mean claim"
    EXPECTED = "expected loss"
    TAIL = "loss in the tail"
    SHARE = "share of the tail"
    PROBABILITY = "probability of loss"


class Losses(StrEnum):
    """Of loss_by_holder, loss_by_instrument and loss_by_party, after the column of that name."""

    TITLE = "title"
    CLAIM = "mean claim"
    EXPECTED = "expected loss"
    TAIL = "loss in the tail"
    SHARE = "share of the tail"


class LossByLimit(StrEnum):
    LIMIT = "limit"
    LEVEL = "level"
    HOLDER = "holder"
    LOSS = "loss in its tail"
    SHARE = "share"


class DefaultDates(StrEnum):
    PERIOD = "period"
    FIRST = "first default"
    CUMULATIVE = "cumulative"
