"""Plans made by hand, for the tests of the faces: every figure is chosen, none is computed."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from capmix.models.schema.case import Case, Heading
from capmix.models.schema.drivers import Deterministic
from capmix.models.schema.financing import Depth, Instrument, Investor, Party, Step
from capmix.models.schema.hardware import Accelerator
from capmix.models.schema.horizon import Horizon
from capmix.models.schema.rules import Cash, Risk
from capmix.models.schema.sites import Layer, Site
from capmix.optimizer.cutting_planes.solution import Passes, Status
from capmix.optimizer.plan import (
    Certificate,
    Column,
    Device,
    Fault,
    Funding,
    Infeasibility,
    Interval,
    Plan,
    RiskFigure,
    ScenarioInfo,
    ShadowPrice,
    Table,
    Timings,
)


def make_case(periods: int = 8, **changes: Any) -> Case:
    flat = (0.5,) * periods
    instrument = Instrument(
        id="ig_bond_7y",
        title="Investment-grade bond, 7 years",
        kind="bond",
        rate="fixed",
        benchmark="sofr",
        tenor=28,
        amortisation="bullet",
        depth=(Depth(investor="pension", steps=(Step(size=2.0, spread=0.0),)),),
    )
    case = Case(
        case=Heading(name="hand", title="A plan made by hand"),
        horizon=Horizon(start="2026Q4", periods=periods),
        cash=Cash(opening=20.0, minimum=(2.0,) * periods),
        party=(Party(id="nvidia", title="NVIDIA", role="supplier"),),
        driver=(Deterministic(id="sofr", process="deterministic", path=(0.04,) * periods),),
        accelerator=(
            Accelerator(
                id="gb300",
                title="GB300 NVL72",
                vendor="nvidia",
                accelerators=72,
                bf16_tflops=2500.0,
                fp8_tflops=5000.0,
                it_kw=140.0,
                price=3.9,
                available_from=0,
                supply=(500.0,) * periods,
                lead=2,
                life=20,
                residual=(1.0, 0.5),
            ),
        ),
        site=(
            Site(
                id="texas",
                title="Texas campus",
                pue=1.2,
                power_price=50.0,
                life=80,
                layer=tuple(
                    Layer(kind=kind, cost_per_mw=2.0, lead=2, max_mw=500.0)
                    for kind in ("shell", "power", "cooling", "security", "fibre")
                ),
            ),
        ),
        investor=(
            Investor(id="pension", title="Pension funds", kind="pension_fund", appetite=flat),
            Investor(id="vendor", title="NVIDIA as a lender", kind="vendor", party="nvidia", appetite=flat),
        ),
        instrument=(
            instrument,
            dataclasses.replace(instrument, id="vendor_loan", title="Vendor loan", kind="vendor_finance"),
        ),
        risk=(Risk(id="liquidity", loss="liquidity", level=0.95, limit=2.0),),
        path="/cases/hand.toml",
        sha256="0" * 64,
    )
    return dataclasses.replace(case, **changes)


def wide(
    name: str,
    heads: tuple[str, ...],
    rows: dict[tuple[str, ...], Any],
    case: Case,
    unit: str = "billion",
    form: str = "money",
) -> Table:
    columns = tuple(Column(h) for h in heads) + tuple(Column(label, unit, form) for label in case.horizon.labels)
    body = tuple(
        (*key, *(float(v) for v in np.broadcast_to(np.asarray(values, dtype=float), (case.horizon.periods,))))
        for key, values in rows.items()
    )
    return Table(name, name.replace("_", " "), columns, body)


def long(name: str, columns: str, rows: list[tuple[Any, ...]]) -> Table:
    return Table(name, name.replace("_", " "), tuple(Column(c) for c in columns.split("|")), tuple(rows))


def make_tables(case: Case) -> dict[str, Table]:
    n = case.horizon.periods
    t = np.arange(n)
    labels = case.horizon.labels
    raised = np.where(t % 2 == 0, 1.5, 0.25)
    cash = 20.0 - 1.9 * t
    tables = [
        wide(
            "purchases",
            ("accelerator", "site"),
            {("gb300", "texas"): np.where(t < n - 2, 240.0 + 1000 * (t == 3), 0.0)},
            case,
            "systems",
            "count",
        ),
        wide(
            "construction",
            ("site", "layer"),
            {("texas", "shell"): np.where(t < 4, 30.0, 0.0), ("texas", "power"): np.where(t == 1, 120.0, 0.0)},
            case,
            "MW",
            "number",
        ),
        wide(
            "contracts",
            ("contract", "customer"),
            {("cloud_deal", "lab"): np.where(t == 2, 50_000.0, 0.0)},
            case,
            "PFLOP/s",
            "number",
        ),
        wide(
            "cash_flow",
            ("line", "section"),
            {
                ("operating cash flow", "sum"): 0.3 * t,
                ("hardware", "investing"): -1.0,
                ("sites", "investing"): -0.25,
                ("investing cash flow", "sum"): -1.25,
                ("cash at the end", "cash"): cash,
            },
            case,
        ),
        wide("debt_service", ("line",), {("raised",): raised, ("debt service",): 0.05 * t}, case),
        wide("compute", ("line", "unit"), {("compute in service", "PFLOP/s"): 40_000.0 * t}, case, "", "number"),
        long(
            "issuance",
            "instrument|holder|step|how|period|funded|committed",
            [("ig_bond_7y", "pension", "1", "placed", label, float(raised[i]), 0.0) for i, label in enumerate(labels)]
            + [("vendor_loan", "vendor", "1", "placed", labels[1], 3.0, 0.0)],
        ),
        long(
            "liquidity_fan",
            "period|5%|25%|50%|75%|95%|mean|minimum|below minimum",
            [
                (label, cash[i] - 4 - 0.3 * i, cash[i] - 1, cash[i], cash[i] + 1, cash[i] + 3, cash[i], 2.0, 0.004 * i)
                for i, label in enumerate(labels)
            ],
        ),
        long(
            "chain",
            "period|site|IT power|power|supply|least link|what|price|price unit",
            [
                (label, "texas", 10.0, 1.0, 0.5, "supply" if i < 3 else "power" if i < 6 else "none", "", 0.0, "")
                for i, label in enumerate(labels)
            ],
        ),
        long(
            "covenants",
            "covenant|kind|period|value|limit|headroom",
            [
                ("leverage", "net_debt_to_ebitda", label, 2.0 + 0.1 * i, 3.0, 1.0 - 0.1 * i)
                for i, label in enumerate(labels)
            ]
            + [("cover", "interest_cover", labels[0], None, 5.0, None)],
        ),
        long(
            "covenant_risk",
            "covenant|kind|kept|entity|limit|breached|median first breach|least headroom, 5th percentile|notch"
            "|cost of a notch",
            [("leverage", "net_debt_to_ebitda", "hard", "", 3.0, 0.0625, labels[-1], -0.75, 0.25, 321.0)],
        ),
        long(
            "entity_figures",
            "entity|period|cash|debt|debt service cover|distribution|contribution|may distribute|trapped cash",
            [
                (name, label, 1.0 + i, 2.0, 1.5, 0.25 if name == "campus" else 0.0, 0.0, "no" if i < 2 else "yes", 0.5)
                for name in ("holding", "campus")
                for i, label in enumerate(labels)
            ],
        ),
        long("entity_risk", "entity|default", [("holding", 0.01), ("campus", 0.04), ("the group", 0.045)]),
    ]
    return {table.name: table for table in tables}


def make_plan(case: Case | None = None, **changes: Any) -> Plan:
    """A certified plan; `changes` replace its fields."""
    case = case or make_case()
    labels = case.horizon.labels
    plan = Plan(
        case=case,
        status=Status.CERTIFIED,
        objective_name="compute_delivered",
        objective_value=1_234_567.25,
        objective_unit="PFLOP/s-years",
        certificate=Certificate(upper_bound=1_234_571.5, lower_bound=1_234_567.25, gap=3.4425e-6, tolerance=1e-5),
        risk=(
            RiskFigure(
                name="liquidity",
                loss="liquidity",
                measure="CVaR",
                level=0.95,
                limit=2.0,
                value=2.0,
                var=0.1 + 0.2,
                probability=0.021,
                unit="billion",
                price=812.0,
                out_of_sample=Interval(2.013, 1.951, 2.075),
            ),
        ),
        scenarios=ScenarioInfo(count=100_000, seed=2**64 - 1, bytes=100_096 * 4 * case.horizon.periods),
        device=Device(backend="numba", name="A processor", threads=2),
        timings=Timings(simulate_s=0.41, evaluate_s=1.2, master_s=2.5, total_s=11.4, build_s=0.7),
        passes=Passes(full=7, equivalent=9.25, solves=143, cuts=88),
        funding=Funding({"ig_bond_7y": 7.0, "vendor_loan": 3.0}, {"pension": 7.0, "vendor": 3.0}, 0.3, 10.0),
        decisions=Table(
            "decisions",
            "Decisions",
            (
                Column("key"),
                Column("block"),
                Column("period"),
                Column("amount", "", "number"),
                Column("unit"),
                Column("tags"),
            ),
            (
                ("order[gb300,texas,2026Q4]", "order", labels[0], 1 / 3, "systems", "accelerator=gb300, site=texas"),
                ("place[ig_bond_7y,pension,1,2026Q4]", "place", labels[0], 1.5, "billion", "instrument=ig_bond_7y"),
            ),
        ),
        tables=make_tables(case),
        prices=(
            ShadowPrice(
                "depth",
                "depth of an instrument",
                "Investment-grade bond, 7 years, Pension funds, 2026Q4–2028Q3 (8 periods)",
                4321.0,
                1.0,
                "billion per period",
                2.0,
            ),
            ShadowPrice("risk", "risk limit liquidity", "CVaR 0.95", 812.0, 1.0, "billion", 2.0),
            ShadowPrice("site_power", "power at a site", "texas, 2027Q2", 120.5, 100.0, "MW", 120.0),
        ),
        messages=("The contract cloud_deal is signed in full.",),
        versions={"highspy": "1.15.0"},
    )
    return dataclasses.replace(plan, **changes)


def infeasible_plan() -> Plan:
    empty = make_plan().decisions
    return make_plan(
        status=Status.INFEASIBLE,
        objective_value=math.nan,
        certificate=None,
        risk=(),
        funding=Funding({}, {}, 0.0, 0.0),
        decisions=dataclasses.replace(empty, rows=()),
        tables={},
        prices=(),
        infeasibility=Infeasibility(
            reason="No plan keeps the risk limit liquidity: the least possible is 2.31; you asked for 2.00.",
            least=(("liquidity", 2.0, 2.31, "billion"),),
            faults=(Fault("cash_minimum", "minimum cash", "2027Q1", 0.4, "billion"),),
        ),
    )
