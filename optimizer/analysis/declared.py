"""The tables of a plan as they are promised: what each is, its columns and rows, and when it is there.

Reading a run folder, docs/plan-json.md and the tests of the reports stand on it.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...models.ledger import CASH_ACCOUNTS, OWED_AT_END, OWNED_AT_END, Account
from ..table import UnknownName
from . import entity_names as e
from . import names as n
from . import review_names as r
from . import scenario_names as s
from .shape import Shape as Shape
from .statements import AS_BALANCES, NEW_BALANCES, SECTIONS, UNUSUAL
from .treasury.declared import TREASURY


def _wide(name: str, meaning: str, heads: Iterable[str], total: bool = False, always: bool = True) -> Shape:
    return Shape(name, meaning, tuple(heads), periods="all", total=total, always=always)


def _labels(*accounts: Account) -> frozenset[str]:
    return frozenset(a.label for a in accounts)


_EBITDA = tuple(a for a in Account if a.ebitda)
_BELOW = tuple(a for a in Account if a.taxable and not a.ebitda)
_AT_END = (*OWNED_AT_END, *OWED_AT_END, Account.DILUTION)

_STATEMENTS = (
    Shape(
        n.CASH_FLOW, "Expected cash flow, a row per account; accounts without any are left out.", tuple(n.Lines),
        rows=frozenset(n.CashRow) | {n.cash_flow_of(group) for group in SECTIONS},
        zero=_labels(*(a for a in CASH_ACCOUNTS if a.group in SECTIONS)), periods="all",
    ),
    Shape(
        n.MARKET_BALANCE, "Expected balance sheet at market value, at each period's end.", tuple(n.Lines),
        rows=frozenset(n.BalanceRow) | _labels(Account.UNEARNED),
        zero=_labels(Account.CONTRACTS_AHEAD, Account.RECEIVABLE, *NEW_BALANCES)
        | _labels(*(a for a in OWED_AT_END if a not in AS_BALANCES)),
        periods="all",
    ),
    Shape(
        n.DEBT_SERVICE, "Gross proceeds, interest and repayment, and the debt from opening to closing.", tuple(n.Line),
        rows=frozenset(n.DebtRow) | _labels(Account.FEES, Account.INTEREST, Account.PRINCIPAL), periods="all",
    ),
    Shape(
        n.INCOME, "From revenue to EBITDA, taxable income and tax.", tuple(n.Line),
        rows=frozenset({n.IncomeRow.EBITDA, n.IncomeRow.INTEREST, n.IncomeRow.TAXABLE})
        | _labels(*(a for a in _BELOW if a is not Account.FEES_SPREAD), Account.TAX),
        zero=_labels(*_EBITDA, Account.FEES_SPREAD) | {n.IncomeRow.ELSEWHERE},
        perhaps=frozenset(
            {
                n.IncomeRow.BEFORE_LIMIT, n.IncomeRow.PUT_OFF, n.IncomeRow.INTEREST_CARRIED,
                n.IncomeRow.LOSS, n.IncomeRow.USED, n.IncomeRow.TAXED, n.IncomeRow.CARRIED,
            }
        ),
        periods="all",
    ),
    Shape(
        n.COMPUTE, "Compute and systems in service, compute delivered, IT power.", tuple(n.ComputeLines),
        rows=frozenset(n.ComputeRow), periods="all",
    ),
    Shape(
        n.BEYOND_HORIZON, "Assets and liabilities beyond the horizon, besides the balances.", tuple(n.Line),
        rows=_labels(*(a for a in _AT_END if a not in UNUSUAL)) | {n.CONTRACTS_TO_BILL},
        zero=_labels(*UNUSUAL), periods="last",
    ),
)  # fmt: skip

_LONG = (
    Shape(n.COVENANTS, "Each covenant by period, on the expected path; of each node, in plans that adapt.",
          (*n.Covenants, r.NODE), sometimes=frozenset({r.NODE})),
    Shape(n.COVENANT_RISK, "Each covenant over the scenarios: breaches, headroom, cost of a tightening step.",
          tuple(n.CovenantRisk)),
    Shape(n.COVENANT_BREACHES, "Each covenant over the scenarios, by period.", tuple(n.CovenantBreaches)),
    Shape(e.ENTITY_FIGURES, "Each entity by period: cash, debt, cover, distributions.", tuple(e.EntityFigures),
          always=False),
    Shape(e.ENTITY_LIQUIDITY, "Quantiles of each company's own running cash, where some are ring-fenced.",
          tuple(e.EntityLiquidity), always=False),
    Shape(e.ENTITY_RISK, "Each company over the scenarios: default, losses of its creditors, distribution shortfall.",
          tuple(e.EntityRisk), always=False),
    Shape(e.ENTITY_DEFAULT, "When each company defaults, and what it cannot distribute as planned.",
          tuple(e.EntityDefault), always=False),
    Shape(e.OWNERSHIP, "Who owns whom, where anybody does.", tuple(e.Ownership), always=False),
    Shape(n.BOTTLENECKS, "How full each link of the compute chain is, by period and site, and which is the bottleneck.",
          tuple(n.Bottlenecks), others="one per link"),
    Shape(n.PRICES, "What binds, and what more of it is worth: at most 15.", tuple(n.Prices)),
    Shape(n.PRICES_BY_PERIOD, "The shadow price of every limit that binds; of each node, in plans that adapt.",
          (*n.Prices, r.NODE), sometimes=frozenset({r.NODE})),
    Shape(n.LIQUIDITY_FAN, "Quantiles of running cash by period, before any remedy.", tuple(n.LiquidityFan)),
    Shape(n.DRIVERS, "Every driver by period: mean over all scenarios, quantiles over the first 32,768.",
          tuple(n.Drivers)),
    Shape(n.SCALING, "Range of the coefficients before and after scaling.", tuple(n.Scaling)),
    Shape(n.CIRCULAR_FLOWS, "Money flows, and what of them can run in a circle.", tuple(n.CircularFlows)),
    Shape(n.CIRCULAR_LOOPS, "Loops of the largest circulation through the company.", tuple(n.CircularLoops)),
    Shape(n.LOSS_BY_CLAIM, "Loss allocation by claim; in groups, of which company.", tuple(n.LossByClaim),
          sometimes=frozenset({n.LossByClaim.ENTITY})),
    Shape(n.LOSS_BY_HOLDER, "Loss allocation by holder.", ("holder", *n.Losses)),
    Shape(n.LOSS_BY_INSTRUMENT, "Loss allocation by instrument.", ("instrument", *n.Losses)),
    Shape(n.LOSS_BY_PARTY, "Loss allocation by party.", ("party", *n.Losses)),
    Shape(n.LOSS_BY_LIMIT, "Loss allocation in the tail of each risk limit.", tuple(n.LossByLimit)),
    Shape(n.DEFAULT_DATES, "When the company defaults: share of the scenarios by period.", tuple(n.DefaultDates)),
    Shape(s.TAX_BY_SCENARIO, "Tax of the expected income, and the mean of what each scenario would owe on its own.",
          tuple(s.TaxOfScenarios), always=False),
    Shape(s.OWN_LIMITS, "Limits that the user added in code, at the plan; in each node, in plans that adapt.",
          (*s.OwnLimits, r.NODE), sometimes=frozenset({r.NODE}), always=False),
    Shape(s.REPLICATIONS, "The case planned again on other sets of scenarios, where that was asked for.",
          tuple(s.Replicated), others="two per risk limit: the plan's CVaR, the price", always=False),
    Shape(s.REPLICATED_PRICES, "Shadow prices over the replications.", tuple(s.ReplicatedPrices), always=False),
)  # fmt: skip

_REVIEWS = (
    Shape(r.REVIEW_TREE, "The nodes of a plan that adapts at reviews: what has been seen, how likely it is.",
          tuple(r.ReviewTree), always=False),
    Shape(r.REVIEW_WORTH, "The best objective with the reviews, without them, and without them or any limit on risk.",
          tuple(r.ReviewWorth), rows=frozenset({r.WITH}), perhaps=frozenset({r.WITHOUT, r.FREE}), always=False),
    Shape(r.NODE_DIFFERENCES, "What each node decides otherwise than the other bands of its review.",
          tuple(r.NodeDifferences), always=False),
    Shape(r.NODE_RISK, "Each loss among the scenarios of each node.", tuple(r.NodeRisk), always=False),
    *(
        Shape(r.by_leaf(table), f"The table {table} of each leaf, on its own scenarios.", (r.LEAF, *heads),
              periods="all", total=table in r.WITH_TOTAL, always=False)
        for table, heads in (
            (n.CASH_FLOW, n.Lines), (n.MARKET_BALANCE, n.Lines), (n.DEBT_SERVICE, n.Line), (n.INCOME, n.Line),
            (n.COMPUTE, n.ComputeLines), (n.PURCHASES, n.Purchases), (n.CONSTRUCTION, n.Construction),
            (n.CONTRACTS, n.Contracts),
        )
    ),
)  # fmt: skip

DECLARED: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape(
            n.DECISIONS,
            "Every decision that is taken at all; of each node, in plans that adapt.",
            (*n.Decisions, r.NODE),
            sometimes=frozenset({r.NODE}),
        ),
        Shape(n.ISSUANCE, "Issues, draws and prepayments, and commitments.", tuple(n.Issuance)),
        Shape(n.FUNDING_BY_INSTRUMENT, "Funding raised by instrument.", tuple(n.FundingByInstrument)),
        Shape(n.FUNDING_BY_HOLDER, "Funding raised by holder.", tuple(n.FundingByHolder)),
        _wide(n.PURCHASES, "Systems ordered.", n.Purchases, total=True),
        _wide(n.CONSTRUCTION, "Construction started, MW.", n.Construction, total=True),
        _wide(n.CONTRACTS, "Contracts signed, PFLOP/s.", n.Contracts, total=True),
        _wide(n.RELET, "Room kept for reletting after a default, PFLOP/s.", n.Contracts),
        _wide(n.COMPUTE_BY_SYSTEM, "Expected compute in service, by system and site.", n.SystemCompute),
        _wide(n.MERCHANT, "Systems rented out without a contract.", n.Merchant),
        *_STATEMENTS,
        _wide(e.ENTITY_CASH, "Expected cash flow of each entity.", e.EntityCash, always=False),
        Shape(
            e.GROUP_CASH,
            "Cash of the group, and what of it is trapped.",
            tuple(n.Line),
            rows=frozenset(e.GroupCashRow),
            each="trapped in each company",
            begins=e.trapped_in(""),
            periods="all",
            always=False,
        ),
        *_LONG,
        *_REVIEWS,
        *TREASURY,
    )
}


def shape_of(table: str) -> Shape:
    """A table of a plan as it is promised. UnknownName."""
    try:
        return DECLARED[table]
    except KeyError:
        raise UnknownName("table of a plan", table, DECLARED) from None
