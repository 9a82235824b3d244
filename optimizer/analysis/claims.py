"""Who is owed what by a plan, and against which assets: its balances per period as claims and pools of value.

A stock is a sum of amounts times products of drivers per period, so a claim whose issue hung on an open market, and
the value of systems, differ from scenario to scenario.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...kernels.tables import MAX_FACTORS, FloatArray, IntArray, LossKind, LossTable, TermTable
from ...kernels.waterfall import Waterfall, waterfall
from ...models.blocks import owners
from ...models.blocks.revenue import to_be_billed, unearned
from ...models.blocks.survival import life
from ...models.ledger import ACCOUNT_NUMBER, Account, Decision, Ledger
from ...models.schema.case import Case
from ...models.schema.revenue import Contract
from ...models.schema.seniority import SENIORITIES, seniority
from ..setup.driver_order import driver_order
from .expected import Amounts
from .tabulate import NEGLIGIBLE

DEBT_RANKS = SENIORITIES[:3]
RESIDUAL = "residual"  # what own shareholders have: behind every claim that others hold, equity among them
RANKS = (*SENIORITIES, RESIDUAL)
OWN, ARREARS, BACKSTOP = "own_equity", "unpaid_at_default", "revolver"
PAYABLES, ADVANCES, SUPPLIERS = "trade_payables", "customer_advances", "suppliers_of_operation"
PREPAYMENTS, UNNAMED = "customer_prepayments", "holders_unnamed"
ESTATE, SYSTEMS, SITES = 0, 1, 2  # pools of one entity, in this order
PER_ENTITY = 3
ASSETS = 3  # stocks of one entity: systems, sites, contracts that another would take over
PARENT = ""
_LIENS = {"none": (), "accelerators": (SYSTEMS,), "sites": (SITES,), "all": (SYSTEMS, SITES)}
_BALANCES = (Account.DEBT, Account.LEASES, Account.EQUITY)


@dataclass(frozen=True)
class Claim:
    """A claim on the company.

    Attributes:
        instrument, holder: ids in the case, or one of the names above.
        party: party of the case that holds it, or "".
        rank: one of RANKS.
        secured_by: collateral as in the case.
        guarantor: party that makes good what is lost, up to `guaranteed` of the claim; "" if nobody.
        entity: ring-fenced company that owes it; PARENT for the company itself.
        recourse: whether the company's owner answers for what the company leaves unpaid of it.
    """

    instrument: str
    holder: str
    party: str
    rank: str
    secured_by: str = "none"
    guarantor: str = ""
    guaranteed: float = 0.0
    entity: str = PARENT
    recourse: bool = False


@dataclass(frozen=True)
class Stocks:
    """Amounts per stock and period: fixed (R, T), plus `table` with `exposure` for the R' stocks `random`.

    The table's periods are (stock, period) pairs: its flow is what the drivers add to the fixed amount.
    """

    fixed: FloatArray
    random: NDArray[np.int64]
    table: LossTable | None
    exposure: FloatArray


@dataclass(frozen=True)
class Claims:
    """Claims whose amounts are stocks, in this order, then the revolver, what is unpaid at default, and
    shareholders' equity; last what each ring-fenced company leaves unpaid at its own default.

    Stocks: the claims; per entity the value of systems, of sites and of contracts that another would take over; the
    survival of each guarantor in `survivals`.
    Pools: per entity its estate, systems and sites; then one per guaranteed claim. The first entity is the company.
    """

    claims: tuple[Claim, ...]
    stocks: Stocks
    entities: tuple[str, ...]
    survivals: tuple[str, ...]
    guaranteed: tuple[int, ...]  # claims with a guarantor
    table: Waterfall
    labels: tuple[str, ...]

    @property
    def owed(self) -> int:
        """Number of claims whose amounts are stocks."""
        return len(self.claims) - 2 - len(self.entities)


class _Entries:
    """Collects (stock, period, factors, amount)."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._rows: list[NDArray[np.int64]] = []
        self._atoms: list[NDArray[np.int64]] = []
        self._values: list[FloatArray] = []
        self._extra: list[int] = []
        self.count = 0

    def post(self, keep: NDArray[np.bool_], decided: FloatArray) -> None:
        """A new stock: the postings in `keep`."""
        ledger, at = self._ledger, np.flatnonzero(keep)
        self._add(ledger.period[at], ledger.atom[at], ledger.coefficient[at] * decided[ledger.decision[at]])

    def alive(
        self, *parts: tuple[FloatArray, int | None], bills: tuple[NDArray[np.bool_], FloatArray] | None = None
    ) -> None:
        """A new stock: amounts (T,) times the driver's value in the same period; times 1 where there is no driver.

        bills: postings that belong to it too, and the decisions.
        """
        at, atoms = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        values = [np.zeros(0)]
        if bills is not None:
            ledger, posted = self._ledger, np.flatnonzero(bills[0])
            at.append(ledger.period[posted].astype(np.int64))
            atoms.append(ledger.atom[posted].astype(np.int64))
            values.append(ledger.coefficient[posted] * bills[1][ledger.decision[posted]])
        for amounts, driver in parts:
            periods = np.flatnonzero(amounts)
            first = self._ledger.factors.shape[0] + len(self._extra)
            if driver is not None:
                self._extra += [driver * self._ledger.periods + int(t) for t in periods]
            at.append(periods)
            atoms.append(np.full(periods.size, -1) if driver is None else np.arange(first, first + periods.size))
            values.append(amounts[periods])
        self._add(np.concatenate(at), np.concatenate(atoms), np.concatenate(values))

    def _add(self, periods: NDArray[np.integer], atoms: NDArray[np.integer], values: FloatArray) -> None:
        self._rows.append(self.count * self._ledger.periods + periods.astype(np.int64))
        self._atoms.append(atoms.astype(np.int64))
        self._values.append(values)
        self.count += 1

    def freeze(self) -> Stocks:
        periods = self._ledger.periods
        row, atom, value = (np.concatenate(v) for v in (self._rows, self._atoms, self._values))
        factors = self._factors()
        constant = np.concatenate([(factors < 0).all(axis=1), [True]])[atom]  # -1, no atom, is the last
        size = self.count * periods
        sums = np.bincount(row[constant], weights=value[constant], minlength=size).astype(np.float64)
        fixed = sums.reshape(self.count, periods)
        row, atom, value = row[~constant], atom[~constant], value[~constant]
        if not row.size:
            return Stocks(fixed, np.zeros(0, dtype=np.int64), None, np.zeros(0))
        random, place = np.unique(row // periods, return_inverse=True)
        row = place.ravel() * periods + row % periods
        pairs, entry = np.unique(row * factors.shape[0] + atom, return_inverse=True)
        exposure = np.bincount(entry.ravel(), weights=value).astype(np.float64)
        used, of = np.unique(pairs % factors.shape[0], return_inverse=True)
        flat = random.size * periods
        terms = TermTable(
            periods=flat,
            factors=np.ascontiguousarray(factors[used]),
            atom=of.ravel().astype(np.int32),
            start=np.searchsorted(pairs // factors.shape[0], np.arange(flat + 1)).astype(np.int32),
        )
        return Stocks(fixed, random, LossTable(LossKind.WORST, terms, np.zeros(flat)), exposure)

    def _factors(self) -> IntArray:
        """Atoms of the ledger, filled slots first, and behind them those that were added."""
        known = -np.sort(-self._ledger.factors, axis=1)
        known = known[:, : max(1, int((known >= 0).sum(axis=1).max(initial=0)))]
        if known.shape[1] > MAX_FACTORS:
            raise ValueError(
                f"a balance is the product of {known.shape[1]} drivers; the kernels take {MAX_FACTORS} at most"
            )
        out = np.full((known.shape[0] + len(self._extra), MAX_FACTORS), -1, dtype=np.int32)
        out[: known.shape[0], : known.shape[1]] = known
        out[known.shape[0] :, 0] = self._extra
        return out


def claims(amounts: Amounts, held: NDArray[np.bool_] | None = None) -> Claims:
    """All claims of a plan that are worth more than nothing in some period, and the steps that share out value.

    held: (N,) the decisions that make claims; those that are taken at all where left out. So the leaves of a plan that
    adapts have the same claims.
    """
    case, ledger = amounts.case, amounts.ledger
    entries = _Entries(ledger)
    found: list[Claim] = []
    held = np.abs(amounts.decided) > NEGLIGIBLE if held is None else held
    _debts(amounts, held, entries, found)
    _prepayments(amounts, held, entries, found)
    _trade(amounts, held, entries, found)
    entities, place = _entities(case)
    owner_of = _places(amounts)
    at = {site.id: entities.index(place(site.entity)) for site in case.site}
    where = np.array([at.get(d.tags.get("site", ""), 0) for d in ledger.decisions])
    for e in range(len(entities)):
        for account in (Account.HARDWARE_VALUE, Account.SITE_VALUE):
            entries.post((ledger.account == ACCOUNT_NUMBER[account]) & (where == e)[ledger.decision], amounts.decided)
        bills = (ledger.account == ACCOUNT_NUMBER[Account.RECEIVABLE]) & (owner_of == entities[e])[ledger.decision]
        entries.alive(*_contracts(amounts, entities[e]), bills=(bills, amounts.decided))
    order, survival = driver_order(case), {p.id: p.survival for p in case.party}
    survivals = tuple(dict.fromkeys(survival[c.guarantor] or "" for c in found if c.guarantor))
    for name in survivals:
        entries.alive((np.ones(amounts.periods), order.index(name) if name else None))
    guaranteed = tuple(k for k, claim in enumerate(found) if claim.guarantor)
    backstop = _backstop(case)
    found += [backstop, Claim(ARREARS, ARREARS, "", "senior"), Claim(OWN, OWN, "", RESIDUAL)]
    found += [Claim(ARREARS, ARREARS, "", "senior", entity=name) for name in entities[1:]]
    owner = {e.id: place(e.parent) for e in case.entity if e.kind == "spv"}
    pools = PER_ENTITY * len(entities) + len(guaranteed)
    table = waterfall(len(found), pools, _steps(found, guaranteed, entities, owner))
    return Claims(tuple(found), entries.freeze(), entities, survivals, guaranteed, table, amounts.labels)


def _entities(case: Case) -> tuple[tuple[str, ...], Callable[[str | None], str]]:
    """The company and its ring-fenced companies; and where what names an entity belongs."""
    spvs = tuple(e.id for e in case.entity if e.kind == "spv")
    return (PARENT, *spvs), lambda name: name if name in spvs else PARENT


def _debts(amounts: Amounts, held: NDArray[np.bool_], entries: _Entries, found: list[Claim]) -> None:
    """Opening debt, and what is outstanding of each instrument with each holder, outside equity included."""
    case, ledger = amounts.case, amounts.ledger
    stock = np.isin(ledger.account, [ACCOUNT_NUMBER[a] for a in _BALANCES])
    parties = {i.id: i.party or "" for i in case.investor}
    place = _entities(case)[1]
    for debt in case.opening.debt:
        claim = Claim(
            debt.id, debt.holder or UNNAMED, parties.get(debt.holder or "", ""), debt.seniority, debt.secured_by,
            entity=place(debt.entity), recourse=debt.recourse,
        )  # fmt: skip
        _held(amounts, held, stock, lambda d, name=debt.id: d.tags.get("debt") == name, claim, entries, found)  # type: ignore[misc]
    for instrument in case.instrument:
        rank = seniority(instrument.kind, instrument.amortisation, instrument.seniority)
        for depth in instrument.depth:
            claim = Claim(
                instrument.id, depth.investor, parties.get(depth.investor, ""), rank, instrument.secured_by,
                instrument.guarantor or "", instrument.guaranteed_share if instrument.guarantor else 0.0,
                place(instrument.issuer), instrument.recourse,
            )  # fmt: skip
            wanted = (instrument.id, depth.investor)
            _held(
                amounts, held, stock, lambda d, w=wanted: (d.tags.get("instrument"), d.tags.get("investor")) == w,  # type: ignore[misc]
                claim, entries, found,
            )  # fmt: skip


def _held(
    amounts: Amounts,
    held: NDArray[np.bool_],
    stock: NDArray[np.bool_],
    chosen: Callable[[Decision], bool],
    claim: Claim,
    entries: _Entries,
    found: list[Claim],
) -> None:
    """Add the claim with its balances, unless nothing of it is in the plan."""
    ledger = amounts.ledger
    mine = np.array([chosen(d) for d in ledger.decisions]) & held
    keep = stock & mine[ledger.decision]
    if keep.any():
        entries.post(keep, amounts.decided)
        found.append(claim)


def _prepayments(amounts: Amounts, held: NDArray[np.bool_], entries: _Entries, found: list[Claim]) -> None:
    """What each customer has prepaid and not yet been credited, while he lives: then it is returned or kept."""
    place = _entities(amounts.case)[1]
    for contract in amounts.case.contract:
        if contract.prepayment > 0.0:
            owed, there = np.zeros(amounts.periods), False
            for decision, amount, counts in zip(amounts.ledger.decisions, amounts.decided.tolist(), held, strict=True):
                if decision.block == "contract" and decision.tags["contract"] == contract.id and counts:
                    earned = unearned(amounts.case, contract, decision.period)
                    owed += max(amount, 0.0) * earned
                    there = there or bool(earned.any())
            if there:
                entries.alive(*_while_alive(amounts.case, contract, owed))
                found.append(
                    Claim(PREPAYMENTS, contract.customer, contract.customer, "senior", entity=place(contract.entity))
                )


def _trade(amounts: Amounts, held: NDArray[np.bool_], entries: _Entries, found: list[Claim]) -> None:
    """What is owed for systems to each supplier and for operation to others, and what customers have paid ahead."""
    ledger, place = amounts.ledger, _places(amounts)
    supplier = [d.tags["vendor"] if d.block == "defer" else "" for d in ledger.decisions]
    customer = [d.tags.get("customer", "") for d in ledger.decisions]
    for account, name, holders in ((Account.PAYABLE, PAYABLES, supplier), (Account.ADVANCES, ADVANCES, customer)):
        stock = (ledger.account == ACCOUNT_NUMBER[account]) & held[ledger.decision]
        who = np.array(holders, dtype=np.str_)
        for holder, entity in dict.fromkeys(
            zip(who[ledger.decision[stock]].tolist(), place[ledger.decision[stock]].tolist(), strict=True)
        ):
            entries.post(stock & ((who == holder) & (place == entity))[ledger.decision], amounts.decided)
            found.append(Claim(name, holder or SUPPLIERS, holder, "senior", entity=entity))


def _places(amounts: Amounts) -> NDArray[np.str_]:
    """(N,) the ring-fenced company that each decision belongs to, or the company itself."""
    owner = owners.decisions_of(amounts.case, amounts.ledger)
    return np.where(np.isin(owner, _entities(amounts.case)[0]), owner, PARENT)


def _contracts(amounts: Amounts, entity: str) -> list[tuple[FloatArray, int | None]]:
    """What the contracts of an entity are worth to another while their customers live."""
    case, place = amounts.case, _entities(amounts.case)[1]
    parts: list[tuple[FloatArray, int | None]] = []
    for contract in case.contract:
        if contract.takeover_share > 0.0 and place(contract.entity) == entity:
            worth = np.zeros(amounts.periods)
            for decision, amount in amounts.decisions("contract", "fixed"):
                if decision.tags.get("contract") == contract.id and amount > NEGLIGIBLE:
                    worth += contract.takeover_share * amount * to_be_billed(case, contract, decision)
            parts += _while_alive(case, contract, worth)
    return parts


def _while_alive(case: Case, contract: Contract, worth: FloatArray) -> list[tuple[FloatArray, int | None]]:
    """An amount (T,) that is there while the contract's customer lives, by his survival driver and a constant."""
    customer = life(case, contract)
    if customer.driver is None:
        return [(worth, None)]
    scale = 1.0 / (1.0 - customer.recovery)
    return [(scale * worth, driver_order(case).index(customer.driver)), (-scale * customer.recovery * worth, None)]


def _backstop(case: Case) -> Claim:
    """What is drawn of the committed line."""
    holder = BACKSTOP if case.revolver is None else case.revolver.holder
    parties = {i.id: i.party or "" for i in case.investor}
    return Claim(BACKSTOP, holder, parties.get(holder, ""), "super_senior")


def _steps(
    found: list[Claim], guaranteed: tuple[int, ...], entities: tuple[str, ...], owner: dict[str, str]
) -> list[tuple[int, list[int], int]]:
    """Per entity, the owned before their owners: collateral by rank, its rest into the estate, the estate by rank.

    What an estate leaves goes to its owner's; a claim with recourse is then one on the owner's estate, too. The
    company's shareholders' equity comes last of all; then guarantees are called.
    """
    steps: list[tuple[int, list[int], int]] = []
    for entity in sorted(entities, key=lambda e: -_depth(e, owner)):
        first = PER_ENTITY * entities.index(entity)
        mine = [k for k, c in enumerate(found) if c.entity == entity]
        for rank in SENIORITIES:
            for pool in (SYSTEMS, SITES):
                members = [k for k in mine if found[k].rank == rank and pool in _LIENS[found[k].secured_by]]
                if members:
                    steps.append((first + pool, members, -1))
        steps += [(first + SYSTEMS, [], first + ESTATE), (first + SITES, [], first + ESTATE)]
        backed = [k for k, c in enumerate(found) if c.recourse and owner.get(c.entity) == entity]
        for rank in RANKS:
            members = [k for k in (*mine, *backed) if found[k].rank == rank]
            if members:
                steps.append((first + ESTATE, members, -1))
        if entity in owner:
            steps.append((first + ESTATE, [], PER_ENTITY * entities.index(owner[entity]) + ESTATE))
    return steps + [(PER_ENTITY * len(entities) + g, [k], -1) for g, k in enumerate(guaranteed)]


def _depth(entity: str, owner: dict[str, str]) -> int:
    """How many owners stand above an entity."""
    return 1 + _depth(owner[entity], owner) if entity in owner else 0
