"""Plans for the tests of the faces: every figure is chosen, every table and its columns are those of a stored plan."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from capmix.models.ledger import Account, Group
from capmix.models.schema.case import Case, Heading
from capmix.models.schema.drivers import Deterministic
from capmix.models.schema.entities import Entity
from capmix.models.schema.financing import Depth, Instrument, Investor, Party, Step
from capmix.models.schema.hardware import Accelerator
from capmix.models.schema.horizon import Horizon
from capmix.models.schema.rules import Cash, Risk
from capmix.models.schema.sites import Layer, Site
from capmix.optimizer.analysis import entity_names, names
from capmix.optimizer.analysis.declared import shape_of
from capmix.optimizer.analysis.entity_names import EntityFigures, EntityRisk
from capmix.optimizer.analysis.names import Bottlenecks, CovenantRisk, Covenants, Drivers, Issuance, LiquidityFan
from capmix.optimizer.analysis.treasury.names import (
    BOOK_BALANCE,
    BOOK_CASH_FLOW,
    CHANGES_IN_EQUITY,
    COVERAGE,
    INCOME_STATEMENT,
    Coverage,
)
from capmix.optimizer.cutting_planes.solution import Passes, Status
from capmix.optimizer.plan import (
    Certificate,
    Device,
    Funding,
    Infeasibility,
    Interval,
    Plan,
    RelaxedLimit,
    RiskFigure,
    ScenarioInfo,
    ShadowPrice,
    Timings,
)
from capmix.optimizer.table import TOTAL, Table

from .stored import stored


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
            Investor(id="pension", title="Pension funds", kind="pension_fund", issuance_capacity=flat),
            Investor(id="vendor", title="NVIDIA as a lender", kind="vendor", party="nvidia", issuance_capacity=flat),
        ),
        instrument=(
            instrument,
            dataclasses.replace(instrument, id="vendor_loan", title="Vendor loan", kind="vendor_finance"),
        ),
        entity=(
            Entity(id="holding", kind="parent", minimum_cash=(0.0,) * periods, reserve=(0.0,) * periods),
            Entity(id="campus", kind="spv", minimum_cash=(0.0,) * periods, reserve=(0.0,) * periods),
        ),
        risk=(Risk(id="liquidity", loss="liquidity", level=0.95, limit=2.0),),
        path="/cases/hand.toml",
        sha256="0" * 64,
    )
    return dataclasses.replace(case, **changes)


def like(name: str, rows: Iterable[Mapping[str, Any]], run: str = "starter") -> Table:
    """A table with the columns of the real one: each row by column name, what it leaves out is empty."""
    real = stored(run).tables[name]
    found = [dict(row) for row in rows]
    for row in found:
        for column in row:
            real.place(column)
    return dataclasses.replace(real, rows=tuple(tuple(row.get(c) for c in real.names) for row in found))


def wide(name: str, rows: Mapping[tuple[str, ...], Any], case: Case) -> Table:
    """A wide table as the real one, with the case's periods. Rows by their text cells: numbers per period, or one.

    Where the rows are the engine's own, the real ones stay, at 0, unless they are given; no others can be.
    """
    real, labels = stored().tables[name], case.horizon.labels
    heads = [column for column in real.columns if column.form == "text"]
    number = next(column for column in real.columns if column.form != "text")
    closing = [column for column in real.columns if column.name == TOTAL]
    known: dict[tuple[str, ...], Any] = {}
    if shape_of(name).labels:
        known = {tuple(str(cell) for cell in row[: len(heads)]): 0.0 for row in real.rows}
        assert rows.keys() <= known.keys(), rows.keys() - known.keys()
    body = []
    for key, values in {**known, **rows}.items():
        cells = np.broadcast_to(np.asarray(values, dtype=float), (len(labels),)).tolist()
        body.append((*key, *cells, *(sum(cells) for _ in closing)))
    periods = tuple(dataclasses.replace(number, name=label) for label in labels)
    return dataclasses.replace(real, columns=(*heads, *periods, *closing), rows=tuple(body))


def make_tables(case: Case) -> dict[str, Table]:
    """Every table of a real plan: those of the summary with chosen rows, the others without any."""
    n = case.horizon.periods
    t = np.arange(n)
    labels = case.horizon.labels
    raised = np.where(t % 2 == 0, 1.5, 0.25)
    cash = 20.0 - 1.9 * t
    before = np.concatenate(([case.cash.opening], cash[:-1]))
    tables = [
        wide(names.PURCHASES, {("gb300", "texas"): np.where(t < n - 2, 240.0 + 1000 * (t == 3), 0.0)}, case),
        wide(
            names.CONSTRUCTION,
            {("texas", "shell"): np.where(t < 4, 30.0, 0.0), ("texas", "power"): np.where(t == 1, 120.0, 0.0)},
            case,
        ),
        wide(names.CONTRACTS, {("cloud_deal", "lab"): np.where(t == 2, 50_000.0, 0.0)}, case),
        wide(
            names.CASH_FLOW,
            {
                (names.cash_flow_of(Group.OPERATING), names.SUM): 0.3 * t,
                (Account.HARDWARE.label, Group.INVESTING.value): -1.0,
                (Account.SITES.label, Group.INVESTING.value): -0.25,
                (names.cash_flow_of(Group.INVESTING), names.SUM): -1.25,
                # what is left, so that the lines add up to the cash
                (Account.INTEREST.label, Group.FINANCING.value): cash - before - 0.3 * t + 1.25,
                (names.CashRow.START, names.OF_CASH): before,
                (names.CashRow.END, names.OF_CASH): cash,
            },
            case,
        ),
        wide(names.DEBT_SERVICE, {(names.DebtRow.PROCEEDS,): raised, (names.DebtRow.SERVICE,): 0.05 * t}, case),
        wide(names.INCOME, {}, case),
        wide(names.MARKET_BALANCE, {}, case),
        *(wide(name, {}, case) for name in (INCOME_STATEMENT, BOOK_CASH_FLOW, BOOK_BALANCE, CHANGES_IN_EQUITY)),
        like(COVERAGE, [{Coverage.YEAR: year} for year in dict.fromkeys(label[:4] for label in labels)]),
        wide(names.COMPUTE, {(names.ComputeRow.SERVED, "PFLOP/s"): 40_000.0 * t}, case),
        like(names.ISSUANCE, [*(_issued("ig_bond_7y", "pension", label, float(raised[i])) for i, label in
                                enumerate(labels)), _issued("vendor_loan", "vendor", labels[1], 3.0)]),
        like(names.LIQUIDITY_FAN, [_fan(label, float(cash[i]), i) for i, label in enumerate(labels)]),
        like(
            names.BOTTLENECKS,
            [
                {Bottlenecks.PERIOD: label, Bottlenecks.SITE: "texas",
                 Bottlenecks.BOTTLENECK: "supply" if i < 3 else "power" if i < 6 else names.NO_LINK}
                for i, label in enumerate(labels)
            ],
        ),
        like(
            names.COVENANTS,
            [
                {Covenants.COVENANT: "leverage", Covenants.PERIOD: label, Covenants.VALUE: 2.0 + 0.1 * i,
                 Covenants.LIMIT: 3.0, Covenants.HEADROOM: 1.0 - 0.1 * i, Covenants.TREATMENT: "maintained"}
                for i, label in enumerate(labels)
            ]
            + [{Covenants.COVENANT: "cover", Covenants.PERIOD: labels[0], Covenants.LIMIT: 5.0,
                Covenants.TREATMENT: "monitored"}],
        ),
        like(
            names.COVENANT_RISK,
            [
                {CovenantRisk.COVENANT: "leverage", CovenantRisk.BREACHED: 0.0625, CovenantRisk.FIRST: labels[-1],
                 CovenantRisk.MINIMUM: -0.75, CovenantRisk.STEP: 0.25, CovenantRisk.COST: 321.0},
                {CovenantRisk.COVENANT: "cover", CovenantRisk.BREACHED: 0.0},
            ],
        ),
        like(
            entity_names.ENTITY_FIGURES,
            [
                {EntityFigures.ENTITY: name, EntityFigures.PERIOD: label, EntityFigures.CASH: 1.0 + i,
                 EntityFigures.DEBT: 2.0, EntityFigures.COVER: 1.5,
                 EntityFigures.DISTRIBUTION: 0.25 if name == "campus" else 0.0, EntityFigures.CONTRIBUTION: 0.0,
                 EntityFigures.MAY: names.NO if i < 2 else names.YES, EntityFigures.TRAPPED: 0.5}
                for name in ("holding", "campus")
                for i, label in enumerate(labels)
            ],
            "group",
        ),
        like(
            entity_names.ENTITY_RISK,
            [
                {EntityRisk.ENTITY: name, EntityRisk.DEFAULT: default}
                for name, default in (("holding", 0.01), ("campus", 0.04), (entity_names.WHOLE_GROUP, 0.045))
            ],
            "group",
        ),
        like(names.DRIVERS, [_drawn(label) for label in labels]),
    ]  # fmt: skip
    empty = {name: dataclasses.replace(table, rows=()) for name, table in stored().tables.items()}
    return empty | {table.name: table for table in tables}


def _issued(instrument: str, holder: str, period: str, face: float) -> dict[str, Any]:
    return {
        Issuance.INSTRUMENT: instrument, Issuance.HOLDER: holder, Issuance.STEP: "1", Issuance.HOW: "issued",
        Issuance.PERIOD: period, Issuance.FUNDED: face, Issuance.COMMITTED: 0.0,
    }  # fmt: skip


def _fan(period: str, cash: float, i: int) -> dict[str, Any]:
    return {
        LiquidityFan.PERIOD: period, LiquidityFan.Q05: cash - 4 - 0.3 * i, LiquidityFan.Q25: cash - 1,
        LiquidityFan.Q50: cash, LiquidityFan.Q75: cash + 1, LiquidityFan.Q95: cash + 3, LiquidityFan.MEAN: cash,
        LiquidityFan.MINIMUM: 2.0, LiquidityFan.BELOW: 0.004 * i,
    }  # fmt: skip


def _drawn(period: str) -> dict[str, Any]:
    return {
        Drivers.DRIVER: "sofr", Drivers.TITLE: "sofr", Drivers.PROCESS: "deterministic", Drivers.PERIOD: period,
        Drivers.MEAN: 0.04, Drivers.Q05: 0.04, Drivers.Q50: 0.04, Drivers.Q95: 0.04,
    }  # fmt: skip


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
        decisions=dataclasses.replace(
            stored().decisions,
            rows=(
                ("order[gb300,texas,2026Q4]", "order", labels[0], 1 / 3, "systems", "accelerator=gb300, site=texas"),
                ("issue[ig_bond_7y,pension,1,2026Q4]", "issue", labels[0], 1.5, "billion", "instrument=ig_bond_7y"),
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
            reason="No plan keeps the risk limit liquidity: the minimum is 2.31; you asked for 2.00.",
            minimum_risk=(("liquidity", 2.0, 2.31, "billion"),),
            relaxations=(RelaxedLimit("cash_minimum", "minimum cash", "2027Q1", 0.4, "billion"),),
        ),
    )
