"""Golden linear programs: the rows of each block of a four-quarter case, written out and compared with golden/*.txt.

After a change that is meant, write the files anew with `CAPMIX_REGENERATE_GOLDEN=1 pytest tests/models/test_golden.py`
and read their diff.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from capmix.models.build import build_ledger, build_program
from capmix.models.program import LinearProgram
from capmix.models.schema.case import Case
from capmix.models.schema.financing import Investor, Opening, OpeningDebt, OpeningFleet, Party
from capmix.models.schema.horizon import Horizon
from capmix.models.schema.revenue import Merchant, Organic
from capmix.models.schema.rules import Budget, Cash, Circularity, Covenant, Objective, Tax
from capmix.models.schema.sites import LAYERS, Layer

from .tiny import bond, contract, driver, known_means, series, site, system, tiny

PERIODS = 4
FOLDER = Path(__file__).parent / "golden"

BLOCKS = {
    "hardware": ("supply",),
    "sites": ("site_", "grid", "schedule_", "room_"),
    "revenue": ("compute_balance", "contract_volume", "merchant_", "relet_"),
    "funding_limits": ("issuance_capacity", "holding", "owed", "outstanding", "drawn", "collateral_", "use_", "tied"),
    "cash": ("cash_balance", "minimum_cash"),
    "tax": ("tax_",),
    "budget": ("budget_",),
    "circularity": ("circularity",),
    "covenants": ("covenant_",),
    "objective": ("compute_target",),
}


def golden_case(kind: str = "compute") -> Case:
    """Every rule of the model at least once, on four quarters."""

    def s(value: float) -> tuple[float, ...]:
        return series(value, PERIODS)

    layers = tuple(
        Layer(
            kind=k, cost_per_mw=2.0, cost_per_site=8.0, lead=1, max_mw=20.0, opening_mw=2.0, stages=(0.4, 0.6),
            max_build=s(5.0) if k == "shell" else None,
            schedule_mw=(2.0, 4.0, 8.0, 8.0) if k in ("power", "fibre") else None,
        )
        for k in LAYERS
    )  # fmt: skip
    cheap = replace(bond().depth[0], steps=bond().depth[0].steps[:1])
    covenants = {
        "net_debt_to_ebitda": 4.0, "interest_cover": 2.0, "dscr": 1.2, "ltv": 0.7, "maturity_wall": 0.6,
        "terminal_equity": 0.05, "floating_share": 0.6,
    }  # fmt: skip
    return tiny(
        horizon=Horizon(start="2026Q4", periods=PERIODS),
        objective=Objective(kind=kind, compute_discount=0.02, at=2, target=100.0),
        cash=Cash(opening=1.0, minimum=s(0.1), dividends=s(0.01), rate_driver="money"),
        tax=Tax(rate=0.25, opening_losses=0.2),
        budget=Budget(total=0.5, per_period=s(0.3)),
        circularity=Circularity(cap=0.4),
        organic=Organic(amount=s(0.05), ebitda=s(0.08)),
        merchant=Merchant(column="market", volume=s(200.0), discount=0.1),
        opening=Opening(
            fleet=(OpeningFleet(accelerator="gpu", site="north", systems=10.0, age=1, book_value=0.015),),
            debt=(
                OpeningDebt(id="old", holder="fund", amount=0.4, rate="floating", coupon=0.02, benchmark="money",
                            maturity=2, amortisation="linear", secured_by="accelerators"),
            ),
            site_book_value=0.1,
        ),
        party=(Party(id="maker", role="supplier"), Party(id="buyer", role="customer")),
        driver=(
            driver("market", 1.0, 0.95, 0.9, 0.85, periods=PERIODS),
            driver("money", 0.03, 0.04, 0.05, 0.04, periods=PERIODS),
            driver("alive", 1.0, 0.99, 0.98, 0.97, periods=PERIODS),
            driver("up", 0.9, 0.92, 0.94, 0.96, periods=PERIODS),
        ),
        accelerator=(system(supply=s(50.0), life=2, available_to=2, availability_column="up"),),
        site=(site(layer=layers, power_column="market"), site("south", layer=layers)),
        contract=(contract(survival="alive", relet_share=0.5, term=2, opening_volume=20.0, opening_term=2, sign_to=1),),
        investor=(
            Investor(id="fund", kind="asset_manager", issuance_capacity=s(0.8), max_holding=1.5),
            Investor(id="vendor", kind="vendor", party="maker", issuance_capacity=s(0.3)),
        ),
        instrument=(
            bond(max_outstanding=1.0, tenor=2, issue_to=1),
            bond("ddtl", rate="floating", benchmark="money", margin=0.03, tenor=3, amortisation="linear", grace=1,
                 draw_window=2, commitment_fee=0.01, secured_by="accelerators", advance_rate=0.6, use="accelerators",
                 issue_to=1),
            bond("vendor-loan", secured_by="all", advance_rate=0.5, use="accelerators", tied_to="maker", tied_share=0.5,
                 tenor=2, issue_to=1, depth=(replace(cheap, investor="vendor"),)),
            bond("site-loan", secured_by="sites", advance_rate=0.6, use="sites", tenor=6, amortisation="annuity",
                 annuity_rate=0.08, issue_to=1),
        ),
        covenant=tuple(
            Covenant(id=k.replace("_", "-"), kind=k, limit=v, from_period=1) for k, v in covenants.items()
        ),
    )  # fmt: skip


@cache
def program(kind: str) -> LinearProgram:
    case = golden_case(kind)
    ledger = build_ledger(case)
    return build_program(case, ledger, known_means(case, ledger), np.array([0.0075, 0.0075, 0.01, 0.0125]))


def number(x: float) -> str:
    return f"{x + 0.0:.9g}"


def rows_of(lp: LinearProgram, prefixes: tuple[str, ...]) -> str:
    lines = []
    for i, name in enumerate(lp.row_names):
        if name.startswith(prefixes):
            part = slice(lp.matrix.indptr[i], lp.matrix.indptr[i + 1])
            order = np.argsort(lp.matrix.indices[part])
            terms = [
                f"    {number(c)} {lp.column_names[j]}"
                for j, c in zip(lp.matrix.indices[part][order], lp.matrix.data[part][order], strict=True)
            ]
            lines += [f"{number(lp.row_lower[i])} <= {name} <= {number(lp.row_upper[i])}", *terms]
    return "\n".join(lines) + "\n"


def columns_of(lp: LinearProgram) -> str:
    sense = "maximise" if lp.maximise else "minimise"
    head = f"{sense} offset {number(lp.offset)} {lp.unit}\nvalue offset {number(lp.value_offset)}"
    lines = [
        f"{number(lp.col_lower[j])} <= {name} <= {number(lp.col_upper[j])} cost {number(lp.cost[j])}"
        f" value {number(lp.value[j])} {lp.bound_rules[j]}".rstrip()
        for j, name in enumerate(lp.column_names)
    ]
    return "\n".join([head, *lines]) + "\n"


def compare(name: str, text: str) -> None:
    path = FOLDER / f"{name}.txt"
    if os.environ.get("CAPMIX_REGENERATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{path} differs; see the head of {Path(__file__).name}"


@pytest.mark.parametrize("block", BLOCKS)
def test_rows_of_a_block(block: str) -> None:
    text = rows_of(program("cost" if block == "objective" else "compute"), BLOCKS[block])
    assert len(text) > 1
    compare(block, text)


@pytest.mark.parametrize("kind", ["compute", "capacity", "cost"])
def test_columns_and_objectives(kind: str) -> None:
    compare(f"columns_{kind}", columns_of(program(kind)))


def test_every_row_belongs_to_one_block_and_every_rule_is_registered() -> None:
    lp = program("cost")
    for name in lp.row_names:
        assert sum(name.startswith(prefixes) for prefixes in BLOCKS.values()) == 1, name
        assert name.split("[")[0] in lp.rules
    assert {r for r in lp.bound_rules if r} <= set(lp.rules)
    assert len(set(lp.row_names)) == len(lp.row_names)
    assert len(set(lp.column_names)) == len(lp.column_names)
