"""The ledger: the postings that one unit of each decision causes. The one place where money can be wrong.

A posting is (decision, account, cash period t, coefficient, atom); an atom (column, u, v) says what it is priced
by: the price column observed in period u, times, where `second` is given, a second column observed in v. The LP's
expected rows, the kernels' exposures and every statement are sums over the same postings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from .arrays import FloatArray

IntArray = NDArray[np.int32]


class Group(Enum):
    """Section of the cash flow statement, or what a non-cash account measures."""

    OPERATING = "operating"
    INVESTING = "investing"
    FINANCING = "financing"
    TAX = "tax"
    INTERNAL = "within the group"
    NON_CASH = "non-cash income"
    TERMINAL = "terminal value"
    STOCK = "stock at the period's end"
    PHYSICAL = "physical"


class Account(Enum):
    """Accounts: (label, section, part of EBITDA, part of taxable income, unit). Inflows are positive."""

    CONTRACT_REVENUE = ("contract revenue", Group.OPERATING, True, True, "billion")
    RELET_REVENUE = ("relet revenue after a default", Group.OPERATING, True, True, "billion")
    MERCHANT_REVENUE = ("merchant revenue", Group.OPERATING, True, True, "billion")
    POWER = ("power", Group.OPERATING, True, True, "billion")
    SUPPORT = ("support and spares", Group.OPERATING, True, True, "billion")
    SITE_OPEX = ("site operation", Group.OPERATING, True, True, "billion")
    RENT = ("rent of leased capacity", Group.OPERATING, True, True, "billion")
    DAMAGES = ("damages for unavailable compute", Group.OPERATING, True, True, "billion")
    RECEIVABLES = ("change in receivables and customers' advances", Group.OPERATING, False, False, "billion")
    PAYABLES = ("change in payables for operation", Group.OPERATING, False, False, "billion")
    ORGANIC = ("organic cash flow", Group.OPERATING, False, False, "billion")
    HARDWARE = ("hardware", Group.INVESTING, False, False, "billion")
    SITES = ("sites", Group.INVESTING, False, False, "billion")
    SALVAGE = ("sale of retired systems", Group.INVESTING, False, False, "billion")
    PROCEEDS = ("proceeds of financing", Group.FINANCING, False, False, "billion")
    PREPAYMENT = ("customer prepayments, net of credits", Group.FINANCING, False, False, "billion")
    FEES = ("fees and issue discount", Group.FINANCING, False, True, "billion")
    INTEREST = ("interest", Group.FINANCING, False, True, "billion")
    PRINCIPAL = ("repayment", Group.FINANCING, False, False, "billion")
    DIVIDENDS = ("dividends", Group.FINANCING, False, False, "billion")
    TAX = ("tax", Group.TAX, False, False, "billion")
    RECEIVED_WITHIN = ("received from another entity of the group", Group.INTERNAL, False, False, "billion")
    PAID_WITHIN = ("paid to another entity of the group", Group.INTERNAL, False, False, "billion")
    DEPRECIATION = ("depreciation, less gains on sales", Group.NON_CASH, False, True, "billion")
    ACCRETION = ("accretion (pay-in-kind interest)", Group.NON_CASH, False, True, "billion")
    FEES_SPREAD = ("fees deferred over the life of the debt", Group.NON_CASH, False, True, "billion")
    BAD_DEBTS = ("receivables lost at a default", Group.NON_CASH, True, True, "billion")
    ORGANIC_EBITDA = ("EBITDA of the rest of the company", Group.NON_CASH, True, False, "billion")
    OPEN_BILLS = ("bills that a default leaves open", Group.NON_CASH, False, False, "billion")
    TERMINAL_ASSETS = ("assets at the end", Group.TERMINAL, False, False, "billion")
    TERMINAL_DEBT = ("debt at the end", Group.TERMINAL, False, False, "billion")
    DEFERRED = ("accrued interest at the end beyond the balance", Group.TERMINAL, False, False, "billion")
    REVALUED = ("market value of debt at the end, less its balance", Group.TERMINAL, False, False, "billion")
    DEFERRED_TAX = ("deferred tax at the end", Group.TERMINAL, False, False, "billion")
    RENT_AHEAD = ("rent due beyond the horizon", Group.TERMINAL, False, False, "billion")
    CONTRACTS_AHEAD = ("contracts running beyond the horizon", Group.TERMINAL, False, False, "billion")
    RECEIVABLES_AT_END = ("receivables at the end", Group.TERMINAL, False, False, "billion")
    PAYABLES_AT_END = ("payables at the end", Group.TERMINAL, False, False, "billion")
    CREDIT_LOSS_AHEAD = ("expected loss on receivables at the end", Group.TERMINAL, False, False, "billion")
    DILUTION = ("dilution by conversion", Group.TERMINAL, False, False, "billion")
    DEBT = ("debt outstanding", Group.STOCK, False, False, "billion")
    EQUITY = ("outside equity outstanding", Group.STOCK, False, False, "billion")
    LEASES = ("lease liabilities outstanding", Group.STOCK, False, False, "billion")
    UNEARNED = ("unearned prepayments", Group.STOCK, False, False, "billion")
    WRITTEN_AHEAD = ("tax depreciation ahead of the books", Group.STOCK, False, False, "billion")
    ADVANCES = ("customers' advances", Group.STOCK, False, False, "billion")
    RECEIVABLE = ("receivables", Group.STOCK, False, False, "billion")
    PAYABLE = ("payables", Group.STOCK, False, False, "billion")
    HARDWARE_VALUE = ("market value of systems", Group.STOCK, False, False, "billion")
    SITE_VALUE = ("value of sites", Group.STOCK, False, False, "billion")
    COMPUTE = ("compute in service", Group.PHYSICAL, False, False, "PFLOP/s")
    CONTRACTED = ("compute under contract", Group.PHYSICAL, False, False, "PFLOP/s")
    MERCHANT = ("compute rented out without contract", Group.PHYSICAL, False, False, "PFLOP/s")
    RELET = ("room kept for reletting after a default", Group.PHYSICAL, False, False, "PFLOP/s")
    SYSTEMS = ("systems in service", Group.PHYSICAL, False, False, "systems")
    IT_POWER = ("IT power", Group.PHYSICAL, False, False, "MW")
    SITE_LEASES = ("future rents of leased sites, discounted", Group.STOCK, False, False, "billion")
    SITE_RENT = ("rents of leased sites, part of site operation", Group.NON_CASH, False, False, "billion")

    def __init__(self, label: str, group: Group, ebitda: bool, taxable: bool, unit: str) -> None:
        self.label = label
        self.group = group
        self.ebitda = ebitda
        self.taxable = taxable
        self.unit = unit

    @property
    def cash(self) -> bool:
        return self.group in (Group.OPERATING, Group.INVESTING, Group.FINANCING, Group.TAX, Group.INTERNAL)


CASH_ACCOUNTS: tuple[Account, ...] = tuple(a for a in Account if a.cash)
TERMINAL_ACCOUNTS: tuple[Account, ...] = tuple(a for a in Account if a.group is Group.TERMINAL)
WORKING_CAPITAL_AT_END = (Account.RECEIVABLES_AT_END, Account.PAYABLES_AT_END, Account.CREDIT_LOSS_AHEAD)
OWNED_AT_END = (Account.TERMINAL_ASSETS, Account.CONTRACTS_AHEAD, Account.RECEIVABLES_AT_END)
_FINANCED = (Account.TERMINAL_DEBT, Account.DEFERRED, Account.REVALUED, Account.DEFERRED_TAX, Account.RENT_AHEAD)
OWED_AT_END = (*_FINANCED, Account.PAYABLES_AT_END, Account.CREDIT_LOSS_AHEAD)


@dataclass(frozen=True)
class Decision:
    """One amount the LP chooses. `key` is unique, e.g. "order[gb300,texas,2027Q1]".

    block: its first word; "fixed": value 1, opening balance sheet and exogenous flows. tags: parts of the key by name.
    rule: name of the `Rule` that its upper bound stands for, or "".
    """

    key: str
    block: str
    period: int
    unit: str
    lower: float
    upper: float
    tags: Mapping[str, str]
    rule: str = ""


ONE = "one"
LEAST = 1e-9
"""Smallest amount that counts, in the unit of its account: a dollar, a milliwatt. See `Ledger.without_negligible`."""
UNBOUNDED = 1e4
"""What an amount without an upper bound is taken to reach, billion."""
ROUNDING = 1e-13  # of the sizes of what is summed: less than that is rounding

Scale = tuple[tuple[str, int], ...]
"""Price columns and the periods in which they are observed."""


class LedgerBuilder:
    """Collects decisions and postings, then freezes them into arrays.

    Args:
        columns: drivers of each price column by its name; `one` is always there.
        drivers: ids of all drivers in the order in which they are stored.
        periods: T; postings at or after T are refused: the blocks value what lies beyond in the terminal accounts.
    """

    def __init__(self, columns: Mapping[str, Sequence[str]], drivers: Sequence[str], periods: int) -> None:
        self._position = {name: i for i, name in enumerate(drivers)}
        self._columns = {ONE: (), **{k: tuple(v) for k, v in columns.items()}}
        self._periods = periods
        self._decisions: list[Decision] = []
        self._by_key: dict[str, int] = {}
        self._atoms: dict[tuple[int, ...], int] = {(): 0}
        self._number: dict[tuple[str, str, Scale], int] = {}
        self._postings: list[tuple[int, int, int, NDArray[np.int64], ArrayLike, ArrayLike, ArrayLike]] = []

    def decide(self, decision: Decision) -> int:
        """Declare a decision and return its number. ValueError if the key is taken."""
        if decision.key in self._by_key:
            raise ValueError(f"decision {decision.key} is declared twice")
        self._by_key[decision.key] = len(self._decisions)
        self._decisions.append(decision)
        return len(self._decisions) - 1

    def post(
        self,
        decision: int,
        account: Account,
        periods: ArrayLike,
        coefficients: ArrayLike,
        column: str = ONE,
        observed: ArrayLike | None = None,
        second: str = ONE,
        second_observed: ArrayLike | None = None,
        scaled: Scale = (),
    ) -> None:
        """Post `coefficients` per unit of `decision` in `periods`, priced by `column` in `observed`.

        Arrays are as long as `periods`, or hold one number for all of them. `observed` is the period itself where left
        out, and may not lie after it. With `second`, the price is column[observed] × second[second_observed]. `scaled`:
        columns and periods that multiply all of it, e.g. a market's window at the issue.

        Raises ValueError if a scale lies after a posting.
        """
        t = np.atleast_1d(np.asarray(periods, dtype=np.int64))
        if t.size:
            if any(not 0 <= at <= t.min() for _, at in scaled):
                raise ValueError(f"a posting of {self._decisions[decision].key} is scaled by the future: {scaled}")
            number = self._number.setdefault((column, second, scaled), len(self._number))
            u = t if observed is None else observed
            v = t if second_observed is None else second_observed
            self._postings.append((decision, ACCOUNT_NUMBER[account], number, t, coefficients, u, v))

    def freeze(self) -> Ledger:
        """The ledger as arrays.

        Raises ValueError if nothing was posted, or a posting lies outside the horizon, is priced by a period after its
        own, or is not finite.
        """
        if not self._postings:
            raise ValueError("the ledger has no postings")
        one_each, arrays = zip(*((p[:3], p[3:]) for p in self._postings), strict=True)
        sizes = np.array([a[0].size for a in arrays])
        decision, account, product = (np.repeat(v, sizes) for v in np.array(one_each).T)
        t = np.concatenate([a[0] for a in arrays])
        value = _spread([a[1] for a in arrays], sizes, np.float64)
        u, v = (_spread([a[i] for a in arrays], sizes, np.int64) for i in (2, 3))
        self._refuse(decision, (t < 0) | (t >= self._periods), "outside the horizon")
        self._refuse(
            decision, (u < 0) | (v < 0) | (u > t) | (v > t), "priced by the future or the past before period 0"
        )
        self._refuse(decision, ~np.isfinite(value), "not finite")
        keep = value != 0.0
        decision, account, product, t, value, u, v = (x[keep] for x in (decision, account, product, t, value, u, v))
        atom = self._atoms_of(product, u, v)
        width = max(len(a) for a in self._atoms) if self._atoms else 0
        factors = np.full((len(self._atoms), max(width, 1)), -1, dtype=np.int32)
        for key, i in self._atoms.items():
            factors[i, : len(key)] = key
        return Ledger(
            decisions=tuple(self._decisions),
            periods=self._periods,
            decision=decision.astype(np.int32),
            account=account.astype(np.int32),
            period=t.astype(np.int32),
            coefficient=value,
            atom=atom,
            factors=factors,
        )

    def _refuse(self, decision: NDArray[np.int64], wrong: NDArray[np.bool_], why: str) -> None:
        if wrong.any():
            key = self._decisions[int(decision[np.argmax(wrong)])].key
            raise ValueError(f"a posting of {key} is {why}")

    def _atoms_of(self, product: NDArray[np.int64], u: NDArray[np.int64], v: NDArray[np.int64]) -> IntArray:
        """Atom of each posting; `product` numbers its pair of columns. Each distinct one is looked up once."""
        names = list(self._number)
        constant = np.array([not self._columns[second] for _, second, _ in names])
        v = np.where(constant[product], 0, v)
        distinct, inverse = np.unique((product * self._periods + u) * self._periods + v, return_inverse=True)
        atoms = np.empty(distinct.size, dtype=np.int32)
        for i, code in enumerate(distinct.tolist()):
            rest, q = divmod(code, self._periods)
            number, p = divmod(rest, self._periods)
            column, second, scaled = names[number]
            atoms[i] = self._atom(((column, p), (second, q), *scaled))
        return np.asarray(atoms[inverse.ravel()])

    def _atom(self, product: Scale) -> int:
        factors = [self._position[d] * self._periods + u for column, u in product for d in self._columns[column]]
        key = tuple(sorted(factors))
        return self._atoms.setdefault(key, len(self._atoms))


def reach(lower: FloatArray, upper: FloatArray) -> FloatArray:
    """The largest size of each amount between its bounds, `UNBOUNDED` where it has none."""
    size = np.maximum(np.abs(lower), np.abs(upper))
    return np.where(np.isfinite(size), size, UNBOUNDED)


def _spread(parts: Sequence[ArrayLike], sizes: NDArray[np.int64], kind: type[Any]) -> NDArray[Any]:
    """One array of what each posting gives once or per period."""
    arrays = [np.atleast_1d(np.asarray(part, dtype=kind)) for part in parts]
    given = np.array([a.size for a in arrays])
    if ((given != 1) & (given != sizes)).any():
        raise ValueError("a posting has arrays of different lengths")
    repeats = np.repeat(np.where(given == 1, sizes, 1), given)
    return np.repeat(np.concatenate(arrays), repeats)


@dataclass(frozen=True)
class Ledger:
    """All postings as arrays of equal length, and the atoms that price them.

    Attributes:
        decisions: N decisions.
        decision, account, period, coefficient, atom: (P,) one posting each.
        factors: (A, F) flat positions driver × T + period of each atom's factors, -1 for empty; atom 0 is 1.
    """

    decisions: tuple[Decision, ...]
    periods: int
    decision: IntArray
    account: IntArray
    period: IntArray
    coefficient: FloatArray
    atom: IntArray
    factors: IntArray

    def without_negligible(self, means: FloatArray) -> Ledger:
        """The ledger without the postings that no plan could show: those that come to less than `LEAST` even where
        their decision is at its upper bound. `means` is (A,), the atoms' sample means.

        A solver would weigh such an amount against tolerances that are larger than it, and take its reciprocal for a
        price. Rows, losses and statements are all made from what is left, so a certificate is exact for it; the case as
        written differs by less than `LEAST` for each posting left out.
        """
        keep = np.abs(self.coefficient) * self.reach[self.decision] * np.maximum(1.0, np.abs(means))[self.atom] >= LEAST
        posted = ("decision", "account", "period", "coefficient", "atom")
        return self if keep.all() else replace(self, **{name: getattr(self, name)[keep] for name in posted})

    @cached_property
    def reach(self) -> FloatArray:
        """(N,) the largest amount of each decision."""
        return reach(np.array([d.lower for d in self.decisions]), np.array([d.upper for d in self.decisions]))

    def mask(self, **tags: str) -> NDArray[np.bool_]:
        """(N,) which decisions carry these tags; `block` counts as one."""
        keep = np.ones(len(self.decisions), dtype=np.bool_)
        for name, value in tags.items():
            keep &= self._tags(name) == value
        return keep

    def expected(self, accounts: Sequence[Account], means: FloatArray) -> csr_array:
        """(T, N) expected amount per period and unit of decision; `means` is (A,), the atoms' sample means."""
        keep = self._of(accounts)
        data = self.coefficient[keep] * means[self.atom[keep]]
        shape = (self.periods, len(self.decisions))
        return net(data, self.period[keep], self.decision[keep], shape)

    def exposure(self, accounts: Sequence[Account], weights: FloatArray | None = None) -> Exposure:
        """Entries and the matrix that maps decisions to them.

        Without `weights` an entry is (period, atom) over T periods. With `weights` (T,), periods are summed with these
        weights into one, so that the flow is one number per scenario.
        """
        keep = np.flatnonzero(self._of(accounts))
        period = self.period[keep].astype(np.int64)
        value = self.coefficient[keep]
        if weights is not None:
            value = value * weights[period]
            period = np.zeros_like(period)
        count = self.factors.shape[0]
        entries, row = np.unique(period * count + self.atom[keep], return_inverse=True)
        periods = self.periods if weights is None else 1
        matrix = csr_array((value, (row.ravel(), self.decision[keep])), shape=(len(entries), len(self.decisions)))
        used, atom = np.unique(entries % count, return_inverse=True)
        start = np.searchsorted(entries // count, np.arange(periods + 1))
        return Exposure(
            periods=periods,
            factors=self.factors[used],
            atom=atom.ravel().astype(np.int32),
            start=start.astype(np.int32),
            matrix=matrix,
        )

    def _tags(self, name: str) -> NDArray[np.str_]:
        """(N,) each decision's tag of this name, "" where it has none."""
        if name not in self._tag_arrays:
            of = [d.block if name == "block" else d.tags.get(name, "") for d in self.decisions]
            self._tag_arrays[name] = np.array(of, dtype=np.str_)
        return self._tag_arrays[name]

    @cached_property
    def _tag_arrays(self) -> dict[str, NDArray[np.str_]]:
        return {}

    def _of(self, accounts: Sequence[Account]) -> NDArray[np.bool_]:
        return np.isin(self.account, [ACCOUNT_NUMBER[a] for a in accounts])


def net(values: FloatArray, rows: IntArray, columns: IntArray, shape: tuple[int, int]) -> csr_array:
    """The matrix of the sums of values with the same place; what is left of sums that cancel, by rounding, is nothing.

    A customer who never dies in the sample, or always, would else leave coefficients of 1e-22 in a linear program.
    """
    total, size = (csr_array((v, (rows, columns)), shape=shape) for v in (values, np.abs(values)))
    total.sum_duplicates()
    size.sum_duplicates()
    total.data[np.abs(total.data) <= ROUNDING * size.data] = 0.0
    total.eliminate_zeros()
    return total


@dataclass(frozen=True)
class Exposure:
    """A table of terms (as in kernels.tables.TermTable) with `matrix` (E, N): entries = matrix @ x."""

    periods: int
    factors: IntArray
    atom: IntArray
    start: IntArray
    matrix: csr_array


ACCOUNT_NUMBER: dict[Account, int] = {a: i for i, a in enumerate(Account)}
