"""A small plan with hardware, fixed and floating bonds, and a rest of the company, on random drivers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from capmix.kernels.store import Store
from capmix.kernels.tables import MAX_FACTORS, LossKind, LossTable, TermTable
from capmix.models.ledger import CASH_ACCOUNTS, TERMINAL_ACCOUNTS, Account, Decision, Exposure, LedgerBuilder
from capmix.models.program import LinearProgram, Rule
from capmix.optimizer.cutting_planes.solution import RiskLimit

DRIVERS = ("base", "spread", "rental", "power", "price", "uptime")
DT = 0.25


@dataclass(frozen=True)
class Toy:
    program: LinearProgram
    risks: tuple[RiskLimit, ...]
    values: np.ndarray
    store: Store


def draw(count: int, periods: int, seed: int) -> np.ndarray:
    """(S, D, T) driver values in single precision: mean reversion, lognormal walks, an uptime between 0 and 1."""
    rng = np.random.default_rng(seed)
    shock = rng.standard_normal((count, len(DRIVERS), periods))
    common = shock[:, :1]
    shock = 0.5 * common + np.sqrt(0.75) * shock
    x = np.empty_like(shock)
    x[:, :, 0] = (0.04, 0.03, 1.0, 1.0, 1.0, 0.97)
    vol = np.array([0.006, 0.08, -0.09, 0.10, 0.05])
    for t in range(1, periods):
        x[:, 0, t] = x[:, 0, t - 1] + 0.1 * (0.04 - x[:, 0, t - 1]) + vol[0] * shock[:, 0, t]
        for d in range(1, 5):
            drift = -0.03 if d in (2, 4) else 0.0
            x[:, d, t] = x[:, d, t - 1] * np.exp(drift + vol[d] * shock[:, d, t])
        x[:, 5, t] = 1.0 - 0.06 / (1.0 + np.exp(-shock[:, 5, t]))
    return x.astype(np.float32).astype(np.float64)


def toy(
    count: int = 1000,
    periods: int = 6,
    kinds: int = 2,
    bonds: int = 3,
    steps: int = 2,
    seed: int = 0,
    level: float = 0.95,
    peak: float = 2.0,
    loss: float = 4.0,
    short: float | None = None,
    maximise: bool = True,
    budget: float | None = None,
) -> Toy:
    """Limits: peak liquidity need, net loss, and with `short` the delivered compute below a target."""
    rng = np.random.default_rng(seed + 1)
    columns = {name: [name] for name in ("base", "power", "price", "uptime")}
    columns |= {"yield": ["spread"], "rent": ["rental", "uptime"]}
    book = LedgerBuilder(columns, DRIVERS, periods)
    life, tenor = max(3, periods - 2), max(2, periods // 2)
    compute, raised = [], []

    def decide(key: str, block: str, t: int, upper: float, lower: float = 0.0) -> int:
        return book.decide(Decision(key, block, t, "unit", lower, upper, {}))

    fixed = decide("fixed[organic]", "fixed", 0, 1.0, 1.0)
    book.post(fixed, Account.ORGANIC, np.arange(periods), np.full(periods, 0.8))
    for k in range(kinds):
        cost, rent, size = 1.0 + 0.3 * k, 0.20 + 0.08 * k, 1.0 + 0.55 * k
        for t in range(periods - 2):
            j = decide(f"order[{k},{t}]", "order", t, 3.0 + float(rng.uniform()))
            book.post(j, Account.HARDWARE, [t, t + 1], [-0.2 * cost, -0.8 * cost], "price", [t, t])
            used = np.arange(t + 1, min(t + 1 + life, periods))
            book.post(j, Account.MERCHANT_REVENUE, used, rent * 0.97 ** (used - t), "rent")
            book.post(j, Account.POWER, used, np.full(used.size, -0.05 * size), "power")
            book.post(j, Account.COMPUTE, used, np.full(used.size, size), "uptime")
            book.post(j, Account.TERMINAL_ASSETS, periods - 1, 0.15 * cost * 0.9 ** (periods - t), "price")
            compute.append((j, size * used.size * DT))
    for b in range(bonds):
        for s in range(steps):
            for t in range(periods - 1):
                j = decide(f"issue[{b},{s},{t}]", "issue", t, 1.0 + 0.5 * b)
                raised.append(j)
                book.post(j, Account.PROCEEDS, t, 0.99)
                paid = np.arange(t + 1, min(t + tenor + b, periods - 1) + 1)
                extra = 0.004 * s + 0.01 * (b % 2)
                if b % 2:
                    book.post(j, Account.INTEREST, paid, np.full(paid.size, -DT), "base", paid - 1)
                    book.post(j, Account.INTEREST, paid, np.full(paid.size, -DT * extra))
                else:
                    book.post(j, Account.INTEREST, paid, np.full(paid.size, -DT), "yield", np.full(paid.size, t))
                    book.post(j, Account.INTEREST, paid, np.full(paid.size, -DT * (0.03 + extra)))
                end = t + tenor + b
                if end < periods:
                    book.post(j, Account.PRINCIPAL, end, -1.0)
                else:
                    book.post(j, Account.TERMINAL_DEBT, periods - 1, -1.0)
    ledger = book.freeze()
    values = draw(count, periods, seed)
    flat = values.reshape(count, -1)
    means = np.array([np.mean(np.prod(flat[:, f[f >= 0]], axis=1)) for f in ledger.factors])

    decisions = len(ledger.decisions)
    cash = ledger.expected(CASH_ACCOUNTS, means)
    disc = 1.03 ** -(DT * np.arange(1, periods + 1))
    # columns: decisions, then the expected cash balance per period
    link = sp.eye_array(periods) - sp.eye_array(periods, k=-1) * (1.0 + DT * 0.03)
    rows = sp.hstack([-cash, link])
    opening = np.zeros(periods)
    opening[0] = 1.5
    total = sp.csr_array((np.ones(len(raised)), (np.zeros(len(raised), int), raised)), shape=(1, decisions + periods))
    cost = np.zeros(decisions + periods)
    for j, amount in compute:
        cost[j] = amount
    worth = disc @ cash + disc[-1] * np.asarray(ledger.expected(TERMINAL_ACCOUNTS, means).sum(axis=0)).ravel()
    needed = sp.csr_array(cost[None, :])
    program = LinearProgram(
        matrix=sp.csr_array(sp.vstack([rows, total] + ([] if maximise else [needed]))),
        cost=cost if maximise else -np.append(worth, np.zeros(periods)),
        offset=0.25,
        maximise=maximise,
        value=np.append(worth, np.zeros(periods)),
        value_offset=1.0,
        row_lower=np.concatenate([opening, [-np.inf]] + ([] if maximise else [[4.0]])),
        row_upper=np.concatenate(
            [opening, [0.6 * periods if budget is None else budget]] + ([] if maximise else [[np.inf]])
        ),
        col_lower=np.append([d.lower for d in ledger.decisions], np.full(periods, 0.25)),
        col_upper=np.append([d.upper for d in ledger.decisions], np.full(periods, np.inf)),
        decisions=np.arange(decisions, dtype=np.int32),
        row_names=(
            *(f"cash[{t}]" for t in range(periods)),
            "budget[all]",
            *(() if maximise else ("target[all]",)),
        ),
        column_names=tuple(d.key for d in ledger.decisions) + tuple(f"balance[{t}]" for t in range(periods)),
        bound_rules=("",) + ("supply",) * (decisions - 1) + ("",) * periods,
        rules={"supply": Rule("supply", "supply", "unit")},
        name="toy",
        unit="units",
    )
    accounts = [*CASH_ACCOUNTS]
    liquidity = ledger.exposure(accounts)
    risks = [
        RiskLimit(
            "liquidity",
            LossTable(LossKind.PEAK, terms(liquidity), np.full(periods, 0.5), 1.5, 0, -0.01, 0.06, DT),
            liquidity.matrix,
            level,
            peak,
        )
    ]
    net = ledger.exposure([*CASH_ACCOUNTS, *TERMINAL_ACCOUNTS], disc)
    risks.append(RiskLimit("net loss", LossTable(LossKind.WORST, terms(net), np.zeros(1)), net.matrix, level, loss))
    if short is not None:
        run = ledger.exposure([Account.COMPUTE])
        floor = np.linspace(0.0, 1.0, periods)
        risks.append(RiskLimit("compute", LossTable(LossKind.WORST, terms(run), floor), run.matrix, level, short))
    return Toy(program, tuple(risks), values, Store.from_values(values))


def terms(exposure: Exposure) -> TermTable:
    factors = np.full((exposure.factors.shape[0], MAX_FACTORS), -1, dtype=np.int32)
    factors[:, : exposure.factors.shape[1]] = exposure.factors
    return TermTable(exposure.periods, factors, exposure.atom, exposure.start)
