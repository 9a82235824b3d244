"""Who funds the plan and what it buys: issuance, funding, purchases, construction, contracts, and all decisions."""

from __future__ import annotations

import numpy as np

from ...models.blocks.circularity import circular_investors
from ...models.ledger import Account
from ..arrays import FloatArray
from ..plan import Cell, Column, Funding, Table
from ..table import BILLION
from .expected import LEAST_SIZE, Amounts
from .names import (
    CONSTRUCTION,
    CONTRACTS,
    DECISIONS,
    FUNDING_BY_HOLDER,
    FUNDING_BY_INSTRUMENT,
    ISSUANCE,
    MERCHANT,
    NO,
    PREPAID,
    PURCHASES,
    RELET,
    YES,
    Construction,
    Contracts,
    Decisions,
    FundingByHolder,
    FundingByInstrument,
    Issuance,
    Merchant,
    Purchases,
)
from .tabulate import NEGLIGIBLE, long, name_of, wide

FUNDED = {"issue": "issued", "draw": "drawn"}
COMMITTED = ("commit", "line")
PREPAYMENTS = "customer_prepayments"


def funding(amounts: Amounts) -> Funding:
    """Expected face value placed and drawn, billion, and customers' prepayments.

    Circular is what comes from investors behind whom a supplier or customer stands, and all prepayments.
    """
    behind = circular_investors(amounts.case)
    instruments, holders, circular = dict[str, float](), dict[str, float](), 0.0
    for decision, amount in amounts.raised():
        if amount <= NEGLIGIBLE:
            continue
        instrument, holder = decision.tags["instrument"], decision.tags["investor"]
        instruments[instrument] = instruments.get(instrument, 0.0) + amount
        holders[holder] = holders.get(holder, 0.0) + amount
        circular += amount if holder in behind else 0.0
    prepaid = amounts.prepaid
    total = sum(instruments.values()) + prepaid
    share = (circular + prepaid) / total if total > NEGLIGIBLE else 0.0
    spent = -float(amounts.of(Account.HARDWARE, Account.SITES).sum())
    of_spending = (circular + prepaid) / spent if spent > NEGLIGIBLE else 0.0
    if prepaid > NEGLIGIBLE:
        instruments[PREPAYMENTS] = prepaid
        holders[PREPAYMENTS] = prepaid
    return Funding(instruments, holders, share, total, circular_of_spending=of_spending)


def holdings(amounts: Amounts, raised: Funding) -> dict[str, Table]:
    """The tables issuance, funding_by_instrument, funding_by_holder, purchases, construction, contracts, merchant."""
    tables = (
        _issuance(amounts),
        _by_instrument(amounts, raised),
        _by_holder(amounts, raised),
        _purchases(amounts),
        _construction(amounts),
        _contracts(amounts),
        _relet(amounts),
        _merchant(amounts),
    )
    return {table.name: table for table in tables}


def decision_table(amounts: Amounts) -> Table:
    """Every decision that is taken at all: key, block, period, amount, unit, tags."""
    rows: list[tuple[Cell, ...]] = []
    for decision, amount in zip(amounts.ledger.decisions, amounts.decided, strict=True):
        if decision.block == "fixed" or abs(amount) <= NEGLIGIBLE * LEAST_SIZE:
            continue
        tags = ", ".join(f"{k}={v}" for k, v in decision.tags.items())
        label = amounts.labels[decision.period]
        rows.append((decision.key, decision.block, label, float(amount), decision.unit, tags))
    columns = (
        Column(Decisions.KEY),
        Column(Decisions.BLOCK),
        Column(Decisions.PERIOD),
        Column(Decisions.AMOUNT, "", "number"),
        Column(Decisions.UNIT),
        Column(Decisions.TAGS),
    )
    return long(DECISIONS, "Decisions", columns, rows)


def _issuance(amounts: Amounts) -> Table:
    """What is funded sums to all funding; a commitment is no funding until it is drawn."""
    columns = (
        Column(Issuance.INSTRUMENT),
        Column(Issuance.HOLDER),
        Column(Issuance.STEP),
        Column(Issuance.HOW),
        Column(Issuance.PERIOD),
        Column(Issuance.FUNDED, BILLION, "money"),
        Column(Issuance.COMMITTED, BILLION, "money"),
    )
    funded = {d.key: face for d, face in amounts.raised()}
    prepaid = dict(zip((d.key for d in amounts.ledger.decisions), amounts.prepaid_by_decision.tolist(), strict=True))
    customer = {c.id: c.customer for c in amounts.case.contract}
    rows: list[tuple[Cell, ...]] = []
    for decision, amount in amounts.decisions(*FUNDED, *COMMITTED, "contract"):
        tags, label = decision.tags, amounts.labels[decision.period]
        if decision.block in FUNDED and funded[decision.key] > NEGLIGIBLE:
            how, face, promised = FUNDED[decision.block], funded[decision.key], 0.0
        elif decision.block in COMMITTED and amount > NEGLIGIBLE:
            how, face, promised = "committed", 0.0, amount
        elif decision.block == "contract" and prepaid[decision.key] > NEGLIGIBLE:
            who = customer[tags["contract"]]
            rows.append((PREPAYMENTS, who, tags["contract"], PREPAID, label, prepaid[decision.key], 0.0))
            continue
        else:
            continue
        name = tags.get("instrument", "revolver")
        rows.append((name, tags["investor"], tags.get("step", ""), how, label, face, promised))
    return long(ISSUANCE, "Issues, draws and prepayments (funded), and commitments", columns, rows)


def _by_instrument(amounts: Amounts, raised: Funding) -> Table:
    known = {i.id: i for i in amounts.case.instrument}
    columns = (
        Column(FundingByInstrument.INSTRUMENT),
        Column(FundingByInstrument.TITLE),
        Column(FundingByInstrument.KIND),
        Column(FundingByInstrument.FACE, BILLION, "money"),
        Column(FundingByInstrument.SHARE, "", "share"),
    )
    rows: list[tuple[Cell, ...]] = []
    for name, face in sorted(raised.by_instrument.items(), key=lambda item: -item[1]):
        title, kind = (
            (name_of(known[name]), known[name].kind) if name in known else ("customer prepayments", "prepayment")
        )
        rows.append((name, title, kind, face, face / raised.total))
    return long(FUNDING_BY_INSTRUMENT, "Funding raised by instrument", columns, rows)


def _by_holder(amounts: Amounts, raised: Funding) -> Table:
    known = {i.id: i for i in amounts.case.investor}
    behind = circular_investors(amounts.case)
    columns = (
        Column(FundingByHolder.HOLDER),
        Column(FundingByHolder.TITLE),
        Column(FundingByHolder.KIND),
        Column(FundingByHolder.CIRCULAR),
        Column(FundingByHolder.FACE, BILLION, "money"),
        Column(FundingByHolder.SHARE, "", "share"),
    )
    rows: list[tuple[Cell, ...]] = []
    for name, face in sorted(raised.by_holder.items(), key=lambda item: -item[1]):
        if name in known:
            circular = YES if name in behind else NO
            rows.append((name, name_of(known[name]), known[name].kind, circular, face, face / raised.total))
        else:
            rows.append((name, "customer prepayments", "customer", YES, face, face / raised.total))
    return long(FUNDING_BY_HOLDER, "Funding raised by holder", columns, rows)


def _present(found: dict[tuple[str, ...], FloatArray]) -> list[tuple[tuple[str, ...], FloatArray]]:
    return [(key, values) for key, values in found.items() if np.max(np.abs(values)) > NEGLIGIBLE]


def _purchases(amounts: Amounts) -> Table:
    rows = _present(amounts.by_period("order", ("accelerator", "site")))
    return wide(PURCHASES, "Systems ordered", tuple(Purchases), rows, amounts.labels, "systems", "count", total=True)


def _construction(amounts: Amounts) -> Table:
    rows = _present(amounts.by_period("build", ("site", "layer")))
    title = "Construction started"
    return wide(CONSTRUCTION, title, tuple(Construction), rows, amounts.labels, "MW", "number", total=True)


def _contracts(amounts: Amounts) -> Table:
    customer = {c.id: c.customer for c in amounts.case.contract}
    signed = _present(amounts.by_period("contract", ("contract",)))
    rows = [((contract, customer[contract]), values) for (contract,), values in signed]
    title = "Contracts signed"
    return wide(CONTRACTS, title, tuple(Contracts), rows, amounts.labels, "PFLOP/s", "number", total=True)


def _relet(amounts: Amounts) -> Table:
    customer = {c.id: c.customer for c in amounts.case.contract}
    kept = _present(amounts.by_period("relet", ("contract",)))
    rows = [((contract, customer[contract]), values) for (contract,), values in kept]
    title = "Room kept in the merchant market for reletting after a default"
    return wide(RELET, title, tuple(Contracts), rows, amounts.labels, "PFLOP/s", "number")


def _merchant(amounts: Amounts) -> Table:
    rows = _present(amounts.by_period("merchant", ("accelerator",)))
    title = "Systems rented out without a contract"
    return wide(MERCHANT, title, tuple(Merchant), rows, amounts.labels, "systems", "count")
