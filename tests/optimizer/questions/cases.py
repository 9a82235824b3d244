"""Cases without a plan, each with the limit that is to blame first, and what else cannot be kept with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from capmix import Plan, load_case, optimize
from capmix.models.reading.variants import apply_variant
from capmix.models.schema.case import Case
from capmix.models.schema.entities import Entity
from capmix.models.schema.rules import Covenant

from ..cases import starter, with_risk

COUNT = 300


@dataclass(frozen=True)
class Blamed:
    """conflicts: the keys of each, the first in front, the others in any order. says: what the reason does."""

    case: Case
    conflicts: tuple[tuple[str, ...], ...]
    says: tuple[str, ...] = ()


def rhein(variant: str) -> Case:
    return apply_variant(_rhein(), variant)


@cache
def _rhein() -> Case:
    return load_case(str(Path(__file__).with_name("rhein.toml")))


def with_covenant(covenant: Covenant, case: Case | None = None) -> Case:
    case = case or starter()
    return replace(case, covenant=(*case.covenant, covenant))


def with_cash(*minimum: float) -> Case:
    case = starter()
    return replace(case, cash=replace(case.cash, minimum=minimum if len(minimum) > 1 else minimum * 12))


def with_target(at: int, target: float, case: Case | None = None) -> Case:
    case = case or starter()
    return replace(case, objective=replace(case.objective, kind="cost", at=at, target=target))


def with_budget(total: float, case: Case) -> Case:
    assert case.budget is not None
    return replace(case, budget=replace(case.budget, total=total))


def signed(volume: float) -> Case:
    contract = replace(starter().contract[0], opening_volume=volume, opening_term=4)
    return replace(starter(), contract=(contract,))


def parent_keeps(cash: float) -> Case:
    return replace(starter(), entity=(Entity(id="top", kind="parent", minimum_cash=(cash,) * 12, reserve=(0.0,) * 12),))


def paid_out(dividends: float) -> Case:
    case = starter()
    return replace(case, cash=replace(case.cash, dividends=(0.0,) * 4 + (dividends,) * 8))


@cache
def blamed() -> dict[str, Blamed]:
    """By a name of each."""
    loss = with_risk(starter(), "net_loss", limit=-0.1)
    return {
        "liquidity": Blamed(
            rhein("inf_liq"), (("risk.liquidity.limit", "cash.minimum", "circularity.cap"),)
        ),
        "minimum cash": Blamed(
            rhein("inf_mincash"),
            (("cash.minimum",),),
            ("Minimum cash of at least 0.9 billion cannot be kept from 2027Q1 to 2027Q2: it would have to be 0.567",),
        ),
        "cover": Blamed(rhein("inf_cov"), (("covenant.dscr.limit",),)),
        "two covenants": Blamed(
            rhein("inf_lev"),
            (("covenant.leverage.limit",), ("covenant.dscr.limit",)),
            (
                "2 conflicts, each of which must be resolved. (1) Covenant leverage (net debt / EBITDA) of at most 0x",
                "(2) Covenant dscr (debt service cover) of at least 1.15x cannot be kept from 2027Q1 to 2029Q4",
            ),
        ),
        "target": Blamed(rhein("inf_target"), (("objective.target",),)),
        "cash or cap": Blamed(rhein("cash_or_cap"), (("cash.minimum", "circularity.cap"),)),
        "target or loss": Blamed(rhein("target_or_loss"), (("objective.target", "risk.net_loss.limit"),)),
        "liquidity far": Blamed(rhein("liquidity_far"), (("risk.liquidity.limit",),)),
        "loss": Blamed(rhein("loss"), (("risk.net_loss.limit",),)),
        "own cover": Blamed(
            with_covenant(Covenant(id="dscr", kind="dscr", limit=30.0, from_period=1)), (("covenant.dscr.limit",),)
        ),
        "net worth against loss": Blamed(
            with_covenant(Covenant(id="worth", kind="net_worth", limit=1.3, from_period=8), loss),
            (("covenant.worth.limit", "risk.net_loss.limit"),),
            ("Covenant worth (net worth) of at least 1.3 billion from 2029Q1 to 2029Q4", "fight each other"),
        ),
        "loan to value": Blamed(
            with_covenant(Covenant(id="ltv", kind="ltv", limit=0.02)), (("covenant.ltv.limit",),)
        ),
        "equity": Blamed(
            with_covenant(Covenant(id="equity", kind="terminal_equity", limit=90.0)), (("covenant.equity.limit",),)
        ),
        "cash of one quarter": Blamed(with_cash(0.15, 1.6, *(0.15,) * 10), (("cash.minimum",),)),
        "budget": Blamed(
            with_budget(0.5, with_target(11, 60_000.0)), (("objective.target", "budget.total"),)
        ),
        "date": Blamed(with_target(1, 30_000.0), (("objective.target",),)),
        "loss of a target": Blamed(
            with_target(11, 60_000.0, with_risk(starter(), "net_loss", limit=0.1)),
            (("objective.target", "risk.net_loss.limit"),),
        ),
        "obligation": Blamed(signed(1e5), (("contract.lab_deal.opening_volume",),)),
        "dividends": Blamed(paid_out(3.0), (("cash.dividends",),)),
        "in the tail": Blamed(
            with_covenant(Covenant(id="liq", kind="minimum_liquidity", limit=1.5, as_="cvar", level=0.9)),
            (("covenant.liq.limit",),),
        ),
        "entity": Blamed(parent_keeps(2.5), (("entity.top.minimum_cash",),)),
    }  # fmt: skip


@cache
def planned(name: str) -> Plan:
    return optimize(blamed()[name].case, scenarios=COUNT, out_of_sample=False)
