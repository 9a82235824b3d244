"""Reviews with every block of a case: the extensive form with each, groups leaf by leaf, rows of all covenants."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from capmix import CaseError, Handle, Status, optimize, pyomo_model
from capmix.kernels.backend import get_backend
from capmix.kernels.group_settling import settle_all, settle_apart
from capmix.models.blocks.tax import BORROWING, TAX_EBITDA, TAXABLE
from capmix.models.ledger import CASH_ACCOUNTS, Account
from capmix.models.own_rows import Row
from capmix.models.schema.case import Case
from capmix.models.schema.covenant_kinds import COVENANT_KINDS
from capmix.models.schema.revenue import Organic
from capmix.models.schema.reviews import Review
from capmix.models.schema.rules import Covenant, WriteOff
from capmix.optimizer.analysis.claims import claims
from capmix.optimizer.analysis.group_loss_allocation import group_settling
from capmix.optimizer.analysis.loss_allocation import stock_means
from capmix.optimizer.analysis.tidy import amounts_of
from capmix.optimizer.setup.assemble import liquidity, process_table
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import PlanningProblem, prepare

from ..analysis.test_entities import split
from ..cases import starter
from ..extensive import extensive, solve_highs
from ..test_extensive import lifted
from .oracle import written_out

NUMPY = get_backend("numpy")
COUNT, SEED = 300, 5
RENTAL = Review(at=4, signal="rental", quantiles=(0.5,), names=("weak", "strong"))
LATE = Review(at=8, signal="sofr", quantiles=(0.4,), names=("easy", "tight"), only_if="weak")
OTHER = Organic(amount=(0.004,) * 12, column="rental", ebitda=(0.0,) * 12)
LOSSES = replace(starter().tax, opening_losses=0.02, systems=WriteOff(method="macrs5"))
LIMITED = replace(LOSSES, interest_limit=0.1, opening_interest=0.01)
FEATURES = {
    "tax": {"tax": LOSSES, "organic": OTHER},
    "capacity": {"objective": replace(starter().objective, kind="capacity", at=10)},
    "cost": {"objective": replace(starter().objective, kind="cost", at=9, target=30_000.0), "organic": OTHER},
    "valued at face": {"objective": replace(starter().objective, valuation="face"), "organic": OTHER},
}


def own(program: Handle) -> dict[str, Row]:
    """One that holds in every node of its period, one over the whole way, one on a balance."""
    return {
        "less debt in a quarter": program.decision("issue", period="2028Q3") <= 0.01,
        "little debt": program.decision("issue") <= 0.3,
        "more cash late": program.balance("cash", "2029Q2") >= 0.3,
    }


def matches(case: Case, **more: object) -> None:
    """The plan is certified and worth what the extensive form says."""
    constraints = more.pop("constraints", None)
    plan = optimize(case, COUNT, SEED, "cpu", 1e-7, out_of_sample=False, constraints=constraints)  # type: ignore[arg-type]
    assert plan.status is Status.CERTIFIED
    assert "review_tree" in plan.tables
    ready = prepare(case, choose("cpu"), COUNT, SEED, constraints=constraints)  # type: ignore[arg-type]
    values = NUMPY.simulate(process_table(case), COUNT, SEED).x(np.arange(COUNT))
    form = written_out(case, values, calendars=(ready.closed, ready.nothing_due), own=ready.own)
    program, risks = lifted(form.program, tuple(form.risks))
    oracle, _ = solve_highs(extensive(program, risks, form.values))
    assert plan.objective_value == pytest.approx(oracle if form.program.maximise else -oracle, rel=1e-6)


@pytest.mark.parametrize("name", FEATURES)
def test_the_extensive_form_of_each_feature(name: str) -> None:
    matches(replace(starter(), review=(RENTAL, LATE), **FEATURES[name]))


def test_tax_is_that_of_the_income_of_each_node() -> None:
    """By hand, on the way to each leaf: the plan's own payments, and what its papers say of the income."""
    case = replace(starter(), review=(RENTAL, LATE), tax=LIMITED, organic=OTHER)
    plan = optimize(case, COUNT, SEED, "cpu", 1e-6, out_of_sample=False)
    assert plan.status is Status.CERTIFIED
    ready = prepare(case, choose("cpu"), COUNT, SEED)
    columns = np.array([plan.evidence.columns.get(name, 0.0) for name in ready.program.column_names])
    whole, ledger = ready.adaptive, ready.ledger
    decided = columns[ready.program.decisions]
    for leaf in whole.tree.leaves:
        own = whole.decided(leaf, decided)
        paid = -(ledger.expected((Account.TAX,), whole.means[leaf]) @ own)
        carried, waiting = LIMITED.opening_losses, LIMITED.opening_interest
        for t in range(ledger.periods):
            k = int(whole.tree.at(leaf, ledger.periods)[t])
            path = whole.decided(k, decided)

            def sums(accounts: tuple[Account, ...], k: int = k, path: np.ndarray = path) -> np.ndarray:
                return ledger.expected(accounts, whole.means[k]) @ path

            cash, flow = case.cash.opening, sums(CASH_ACCOUNTS)
            for u in range(t):
                cash += whole.rates[k][u] * cash + flow[u]
            interest = whole.rates[k][t] * cash
            off = max(waiting - sums(BORROWING)[t] - interest - 0.1 * sums(TAX_EBITDA)[t], 0.0)
            income = sums(TAXABLE)[t] + interest + off - waiting
            used = min(LIMITED.loss_use * max(income, 0.0), carried)
            carried, waiting = carried + max(-income, 0.0) - used, off
            assert paid[t] == pytest.approx(LIMITED.rate * (max(income, 0.0) - used), abs=1e-7), (leaf, t)


def test_the_extensive_form_of_a_group() -> None:
    case = split()
    matches(replace(case, review=(RENTAL, LATE), risk=tuple(r for r in case.risk if r.id != "liquidity")))


def test_the_extensive_form_with_limits_of_ones_own() -> None:
    matches(replace(starter(), review=(RENTAL, LATE)), constraints=own)


def test_limits_of_ones_own_are_told_node_by_node() -> None:
    case = replace(starter(), review=(RENTAL, LATE))
    plan = optimize(case, COUNT, SEED, "cpu", out_of_sample=False, constraints=own)
    told = [(r.text("limit"), r.text("node")) for r in plan.tables["own_limits"].records()]
    assert told.count(("less debt in a quarter", "weak")) == told.count(("less debt in a quarter", "strong")) == 1
    assert {node for name, node in told if name == "little debt"} == {"weak/easy", "weak/tight", "strong"}
    assert all(r.number("slack") >= -1e-7 for r in plan.tables["own_limits"].records())


@cache
def group() -> PlanningProblem:
    return prepare(replace(split(), review=(RENTAL, LATE)), choose("cpu"), COUNT, SEED)


def test_a_group_is_settled_leaf_by_leaf() -> None:
    """Each leaf's scenarios, settled as those of a static plan with the leaf's decisions."""
    case = group().case
    plan = optimize(case, COUNT, SEED, "cpu", out_of_sample=False)
    ready = group()
    columns = np.array([plan.evidence.columns.get(name, 0.0) for name in ready.program.column_names])
    amounts = amounts_of(ready, columns[ready.program.decisions])
    held = np.any([np.abs(p.decided) > 1e-9 for p in amounts.paths], axis=0)
    cash = liquidity(case, ready.ledger)
    tables = []
    for leaf, path in enumerate(amounts.paths):
        known = claims(path, held)
        mean = stock_means(known, lambda f, leaf=leaf: ready.backend.leaf_means(ready.store, f)[leaf])
        tables.append(group_settling(path, known, cash, mean))
    total, tally = settle_apart(ready.backend, ready.store, tables)
    values = NUMPY.simulate(process_table(case), COUNT, SEED)
    first, losses = 0, np.empty(COUNT)
    for leaf, (node, segment) in enumerate(zip(ready.adaptive.tree.leaves, ready.store.segments, strict=True)):
        assert ready.adaptive.tree.nodes[node].count == segment.store.count
        rows = ready.store.numbers[first : first + segment.store.count]
        losses[first : first + rows.size] = settle_all(NUMPY, values, tables[leaf], rows)[0]
        first += rows.size
    np.testing.assert_allclose(total, losses, rtol=1e-9, atol=1e-9)
    bearing = plan.tables["entity_risk"].records()
    expected = next(r for r in bearing if r.text("entity") == "campus")
    assert expected.number("default") == pytest.approx(tally.dates[1].sum() / COUNT)


@pytest.mark.parametrize("pooled", [False, True], ids=["node", "mean"])
def test_covenants_in_the_tables_are_the_rows_of_the_nodes(pooled: bool) -> None:
    """Headroom in billions of every kind, by the plan's papers and by the linear program's rows."""
    limits = {
        "dscr": 0.1, "interest_cover": 0.1, "fixed_charge_cover": 0.1, "llcr": 0.1, "net_debt_to_ebitda": 50.0,
        "ltv": 1.4, "borrowing_base": 1.4, "minimum_liquidity": 0.01, "maturity_wall": 5.0,
        "weighted_average_life": 0.01, "floating_share": 0.95, "supplier_concentration": 1.0,
        "offtaker_concentration": 1.0, "holder_concentration": 0.9, "terminal_equity": -5.0, "net_worth": -5.0,
    }  # fmt: skip
    assert set(limits) == set(COVENANT_KINDS)
    more: dict[str, dict[str, object]] = {
        "borrowing_base": {"advance": (0.9, 0.7, 0.5, 0.3)},
    }  # fmt: skip
    case = starter()
    told = tuple(
        Covenant(id=kind, kind=kind, limit=limit, from_period=3, **more.get(kind, {}))  # type: ignore[arg-type]
        for kind, limit in limits.items()
    )
    kept = "mean" if pooled else "node"
    reviews = (replace(RENTAL, covenants=kept), replace(LATE, covenants=kept))
    case = replace(case, covenant=told, review=reviews, organic=OTHER)
    plan = optimize(case, COUNT, SEED, "cpu", out_of_sample=False)
    assert plan.status is Status.CERTIFIED
    ready = prepare(case, choose("cpu"), COUNT, SEED)
    columns = np.array([plan.evidence.columns.get(name, 0.0) for name in ready.program.column_names])
    room = ready.program.row_upper - ready.program.matrix @ columns
    checked = set()
    for record in plan.tables["covenants"].records():
        billions = record.maybe("headroom in billions")
        where = [part for part in (record.text("of"), record.text("period")) if part]
        where = [f"@{record.text('node')}", *where] if record.text("node") else where
        name = f"covenant_{record.text('covenant')}[{','.join(where)}]"
        if billions is None or name not in ready.program.rows:
            continue
        assert room[ready.program.rows[name]] == pytest.approx(billions, abs=2e-6), name
        checked.add((record.text("covenant"), record.text("node")))
    names = {"", "weak", "weak/easy", "weak/tight", "strong"}
    assert {node for _, node in checked} == ({""} if pooled else names)
    alone = {"supplier_concentration"}  # of one only: no row
    assert {kind for kind, _ in checked} == set(limits) - alone


def test_replications_stand_at_the_levels_of_the_run() -> None:
    case = replace(starter(), review=(RENTAL,))
    plan = optimize(case, COUNT, SEED, "cpu", out_of_sample=False, replications=2)
    assert plan.replications is not None
    assert not [m for m in plan.messages if "failed" in m]
    level = plan.tables["review_tree"].records()[1].number("below")
    again = replace(case, review=(replace(RENTAL, quantiles=(), levels=(level,)),))
    for one in plan.replications.each:
        alone = optimize(again, COUNT, one.seed, "cpu", out_of_sample=False)
        assert one.lower - 1e-9 <= alone.certificate.upper_bound
        assert one.upper + 1e-9 >= alone.certificate.lower_bound
        assert one.gap >= -1e-6 * abs(one.objective)


def test_a_named_model_of_reviews_is_refused() -> None:
    with pytest.raises(CaseError, match="review"):
        pyomo_model(replace(starter(), review=(RENTAL,)), COUNT, SEED)
