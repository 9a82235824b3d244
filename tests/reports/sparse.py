"""Cases that lack what most have: no funding, no revenue, nothing to buy, one period, no plan at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

import capmix
from capmix.models.schema.case import Case
from capmix.models.schema.entities import Entity
from capmix.models.schema.rules import Objective
from capmix.optimizer.plan import Plan

BARE = """
[case]
name = "bare"
currency = "USD"
[horizon]
start = "2026Q4"
periods = {periods}
step = "quarter"
[objective]
kind = "compute"
[cash]
opening = 1.0
[[driver]]
id = "market"
process = "deterministic"
path = 1.0
[[party]]
id = "maker"
role = "supplier"
[[accelerator]]
id = "gpu"
vendor = "maker"
accelerators = 8
bf16_tflops = 1000
fp8_tflops = 2000
it_kw = 100
price = 2.0
available_from = "2026Q4"
supply = 50
lead = 0
life = 4
residual = [0.9, 0.5, 0.1]
rental = 2.0
[[site]]
id = "north"
pue = 1.25
power_price = 80
life = 10
layer = [{layers}]
[merchant]
column = "market"
volume = 1000
[simulation]
count = 200
seed = 1
"""
LAYER = '{{ kind = "{}", cost_per_mw = 2.0, lead = 1, opening_mw = 2.0, max_mw = 20.0 }}'


def bare(periods: int, folder: Path) -> Case:
    """A case with nothing but what a case must have."""
    layers = ", ".join(LAYER.format(kind) for kind in ("shell", "power", "cooling", "security", "fibre"))
    path = folder / "bare.toml"
    path.write_text(BARE.format(periods=periods, layers=layers), encoding="utf-8")
    return capmix.load_case(path)


@cache
def starter() -> Case:
    return capmix.load_case(str(files("capmix.models.reading") / "starter.toml"))


def flat(value: float) -> tuple[float, ...]:
    return (value,) * starter().horizon.periods


def without_instruments() -> Case:
    return replace(starter(), instrument=())


def in_entities(case: Case) -> Case:
    """The case in an SPV under a parent."""
    none = flat(0.0)
    return replace(
        case,
        entity=(
            Entity(id="holding", kind="parent", minimum_cash=none, reserve=none),
            Entity(id="campus", kind="spv", opening_cash=0.5, minimum_cash=none, reserve=none, lock_up=1.3),
        ),
        site=tuple(replace(s, entity="campus") for s in case.site),
        contract=tuple(replace(c, entity="campus") for c in case.contract),
        instrument=tuple(replace(i, issuer="campus") for i in case.instrument),
        opening=replace(case.opening, debt=tuple(replace(d, entity="campus") for d in case.opening.debt)),
        risk=(),
    )


def nothing_ordered(case: Case) -> Case:
    return replace(case, accelerator=tuple(replace(a, supply=flat(0.0)) for a in case.accelerator))


def nothing_built(case: Case) -> Case:
    sites = (
        replace(s, layer=tuple(replace(y, max_mw=y.opening_mw, schedule_mw=None) for y in s.layer)) for s in case.site
    )
    return replace(case, site=tuple(sites))


def with_liquidity(limit: float) -> Case:
    case = starter()
    return replace(case, risk=tuple(replace(r, limit=limit) if r.id == "liquidity" else r for r in case.risk))


def periods(count: int) -> Case:
    with TemporaryDirectory() as folder:
        return bare(count, Path(folder))


SPARSE: dict[str, Callable[[], Case]] = {
    "whole": starter,
    "no instruments": without_instruments,
    "prepayments alone": lambda: replace(
        without_instruments(), circularity=replace(without_instruments().circularity, cap=1.0)
    ),
    "nothing raised": lambda: replace(
        without_instruments(), contract=tuple(replace(c, prepayment=0.0) for c in starter().contract)
    ),
    "no contracts": lambda: replace(starter(), contract=()),
    "no merchant": lambda: replace(starter(), merchant=None),
    "no revenue": lambda: replace(starter(), merchant=None, contract=()),
    "no orders": lambda: nothing_ordered(starter()),
    "nothing built": lambda: nothing_built(starter()),
    "nothing happens": lambda: nothing_ordered(
        nothing_built(
            replace(without_instruments(), contract=(), opening=replace(starter().opening, fleet=(), debt=()))
        )
    ),
    "no risk limits": lambda: replace(starter(), risk=()),
    "no covenants, budget or cap": lambda: replace(
        starter(), covenant=(), budget=None, circularity=replace(starter().circularity, cap=1.0)
    ),
    "two periods": lambda: periods(2),
    "years": lambda: periods(30),
    "entities": lambda: in_entities(starter()),
    "entities without flows": lambda: in_entities(nothing_ordered(replace(without_instruments(), contract=()))),
    "capacity": lambda: replace(starter(), objective=Objective(kind="capacity", at=11)),
    "cost": lambda: replace(starter(), objective=Objective(kind="cost", at=11, target=30_000.0)),
    "infeasible limit": lambda: with_liquidity(-30.0),
    "infeasible target": lambda: replace(starter(), objective=Objective(kind="cost", at=11, target=1e9)),
}


@cache
def planned(name: str) -> Plan:
    """The plan of a sparse case."""
    return capmix.optimize(SPARSE[name](), scenarios=200, device="cpu")
