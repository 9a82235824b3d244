"""Plans that adapt: recomputed leaf by leaf, against their limits, and what is known when."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from capmix import Status, optimize, review_worth
from capmix.kernels.backend import get_backend
from capmix.kernels.memory.leaves import LeafStore
from capmix.kernels.store import Store
from capmix.models.build import build_program
from capmix.models.schema.case import Case
from capmix.models.schema.reviews import Review
from capmix.models.schema.rules import Covenant
from capmix.optimizer.analysis.reevaluate import Claim, planned_again
from capmix.optimizer.cutting_planes.search import maximise
from capmix.optimizer.cutting_planes.settings import Settings
from capmix.optimizer.reviews.signals import LeafOf, signals
from capmix.optimizer.setup.assemble import liquidity, measured, process_table, risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.driver_order import driver_order
from capmix.optimizer.setup.prepare import PlanningProblem, prepare
from capmix.optimizer.setup.risk_losses import all_risks
from scipy.sparse import csr_array

from ..cases import starter

NUMPY = get_backend("numpy")
COUNT, SEED = 1_500, 2

RENTAL = Review(at=4, signal="rental_let", quantiles=(0.5,), names=("weak", "strong"))
LAB = Review(at=7, signal="lab_alive", levels=(0.5,), names=("dead", "alive"), only_if="strong")
KEPT = Covenant(id="value", kind="ltv", limit=0.5, as_="cvar", level=0.8)


def reviewed(*reviews: Review) -> Case:
    case = starter()
    return replace(case, review=reviews, covenant=(*case.covenant, KEPT))


@cache
def planned(*reviews: Review):
    return optimize(reviewed(*reviews), scenarios=COUNT, seed=SEED, device="cpu")


@cache
def ready(*reviews: Review) -> PlanningProblem:
    return prepare(reviewed(*reviews), choose("cpu"), COUNT, SEED)


def decisions_on_the_way(plan, prepared: PlanningProblem, leaf: int) -> np.ndarray:
    """(N,) the ledger's decisions of a leaf, from the plan's table alone."""
    tree = prepared.adaptive.tree
    names = [tree.nodes[n].name for n in tree.line(leaf)]
    amount = {(row[0], row[6]): row[3] for row in plan.decisions.rows}
    return np.array(
        [
            1.0 if d.block == "fixed" else sum(amount.get((d.key, name), 0.0) for name in names)
            for d in prepared.ledger.decisions
        ]
    )


@pytest.fixture(scope="module")
def whole():
    plan = planned(RENTAL, LAB)
    assert plan.status is Status.CERTIFIED
    return plan, ready(RENTAL, LAB)


def table(plan, name: str, *keys: str) -> dict:
    """Rows of a wide table by the cells under `keys`, as arrays of the periods."""
    heads = [c.name for c in plan.tables[name].columns]
    at = [heads.index(k) for k in keys]
    first = next(i for i, c in enumerate(plan.tables[name].columns) if c.form != "text")
    return {
        tuple(row[i] for i in at): np.array([c for c in row[first:] if c is not None], dtype=float)
        for row in plan.tables[name].rows
    }


def test_losses_are_those_of_the_static_case_leaf_by_leaf(whole):
    """The case's own loss tables, on the NumPy definition, at each leaf's decisions on its own scenarios."""
    plan, prepared = whole
    case = prepared.case
    values = NUMPY.simulate(process_table(case), COUNT, SEED)
    leaf = LeafOf(prepared.adaptive.tree, signals(case, driver_order(case)))(NUMPY, values)
    overall = NUMPY.rates(values, liquidity(case, prepared.ledger).table)
    losses: list[np.ndarray] = [np.full(COUNT, np.nan) for _ in all_risks(case)]
    for place, node in enumerate(prepared.adaptive.tree.leaves):
        rows = np.flatnonzero(leaf == place)
        decided, part = decisions_on_the_way(plan, prepared, node), NUMPY.subset(values, rows)
        means = NUMPY.means(part, prepared.ledger.factors)
        for m, loss in enumerate(measured(case, prepared.ledger, means, overall, prepared.nothing_due)):
            losses[m][rows] = NUMPY.losses(part, [loss.table], [loss.matrix @ decided])[0]
    for figure, loss in zip(plan.risk, losses, strict=True):
        worst = np.sort(loss)[-round((1.0 - figure.level) * COUNT) :]
        assert figure.value == pytest.approx(worst.mean(), rel=1e-6, abs=1e-6), figure.name
        assert figure.value <= figure.limit + 1e-6


def test_rows_and_objective_are_those_of_the_static_case_leaf_by_leaf(whole):
    plan, prepared = whole
    case, tree = prepared.case, prepared.adaptive.tree
    values = NUMPY.simulate(process_table(case), COUNT, SEED)
    leaf = LeafOf(tree, signals(case, driver_order(case)))(NUMPY, values)
    objective, checked = 0.0, 0
    for place, node in enumerate(tree.leaves):
        part = NUMPY.subset(values, np.flatnonzero(leaf == place))
        decided = decisions_on_the_way(plan, prepared, node)
        program = build_program(
            case, prepared.ledger, NUMPY.means(part, prepared.ledger.factors),
            NUMPY.rates(part, liquidity(case, prepared.ledger).table),
        )  # fmt: skip
        n = decided.size
        objective += part.count / COUNT * (program.cost[:n] @ decided + program.offset)
        matrix = csr_array(program.matrix)
        for i, name in enumerate(program.row_names):
            inside = matrix[[i]]
            if name.startswith("cash_balance") or (inside.indices >= n).any():
                continue
            ends = name.rstrip("]").split(",")[-1].split("[")[-1]
            late = ends not in case.horizon.labels or case.horizon.labels.index(ends) >= tree.nodes[node].start
            if late:
                activity, size = (inside[:, :n] @ decided)[0], max(1.0, float(np.abs(inside.data).max(initial=0.0)))
                assert program.row_lower[i] - 1e-6 * size <= activity <= program.row_upper[i] + 1e-6 * size, name
                checked += 1
    assert checked > 300
    assert plan.objective_value == pytest.approx(objective, rel=1e-9)


def test_statements_are_the_mean_of_the_leaves(whole):
    plan, prepared = whole
    tree = prepared.adaptive.tree
    for name in ("cash_flow", "balance_sheet_at_market", "debt_service", "income", "compute"):
        mean = table(plan, name, "line")
        each = table(plan, f"{name}_by_leaf", "leaf", "line")
        for (line,), values in mean.items():
            parts = [
                share * each.get((tree.nodes[leaf].name, line), np.zeros(values.size))
                for leaf, share in zip(tree.leaves, tree.shares, strict=True)
            ]
            if line not in ("loss of the period", "loss carryforward used", "loss carryforward at the end",
                            "taxable profit after losses"):  # fmt: skip
                assert values == pytest.approx(np.sum(parts, axis=0), abs=1e-6), (name, line)


def test_the_books_have_the_cash_of_the_leaves(whole):
    """A product of means is not the mean of the products: interest is each leaf's own, at its rates."""
    plan, labels = whole[0], whole[0].case.horizon.labels
    for book, line, accounts, row in (
        ("cash_flow_statement", "closing cash", "cash_flow", "closing cash"),
        ("balance_sheet", "cash", "cash_flow", "closing cash"),
        ("income_statement", "interest on cash", "cash_flow", "interest on cash"),
    ):
        told, right = (plan.tables[t].series(r, over=labels) for t, r in ((book, line), (accounts, row)))
        assert told == pytest.approx(right, rel=1e-12, abs=1e-13)


def test_a_leaf_s_cash_is_that_of_its_own_scenarios(whole):
    """Cash carried by the leaf's mean deposit rates, from postings at its conditional means, by a plain loop."""
    plan, prepared = whole
    each = table(plan, "cash_flow_by_leaf", "leaf", "line")
    adaptive = prepared.adaptive
    for leaf in adaptive.tree.leaves:
        name = adaptive.tree.nodes[leaf].name
        held = prepared.case.cash.opening
        flows = sum(each[name, f"{group} cash flow"] for group in ("operating", "investing", "financing", "tax"))
        for t in range(flows.size):
            held = held * (1.0 + adaptive.rates[leaf, t]) + flows[t]
            assert each[name, "closing cash"][t] == pytest.approx(held, abs=1e-6)


def test_the_tree_and_its_probabilities(whole):
    plan, prepared = whole
    rows = {row[0]: row for row in plan.tables["review_tree"].rows}
    assert list(rows) == ["", "weak", "strong", "strong/dead", "strong/alive"]
    assert rows["weak"][6] == pytest.approx(0.5)
    assert rows["strong/dead"][6] + rows["strong/alive"][6] == pytest.approx(rows["strong"][6])
    assert rows["weak"][5] == rows["strong"][4] == pytest.approx(prepared.adaptive.tree.reviews[0].levels[0])
    labels = prepared.case.horizon.labels
    assert rows[""][8:10] == (labels[0], labels[3])
    assert rows["strong"][8:10] == (labels[4], labels[6])
    assert rows["weak"][9] == labels[-1]
    values = NUMPY.simulate(process_table(prepared.case), COUNT, SEED).x(np.arange(COUNT))
    order = driver_order(prepared.case)
    signal = values[:, order.index("rental"), 4] * values[:, order.index("utilisation"), 4]
    strong = signal >= rows["strong"][4]
    dead = values[:, order.index("lab_alive"), 7] < 0.5
    assert rows["strong/dead"][7] == np.count_nonzero(strong & dead)
    assert prepared.adaptive.tree.reviews[0].quantiles == ()


def test_conditional_figures_add_up(whole):
    plan, prepared = whole
    rows = {(row[0], row[1]): row for row in plan.tables["node_risk"].rows}
    for figure in plan.risk:
        root = rows["", figure.name]
        assert root[6] == pytest.approx(figure.value, rel=1e-12)
        parts = [
            (rows[name, figure.name], share)
            for name, share in zip(
                (n.name for n in prepared.adaptive.tree.nodes), prepared.adaptive.tree.probabilities, strict=True
            )
        ]
        leaves = [parts[n] for n in prepared.adaptive.tree.leaves]
        assert root[4] == pytest.approx(sum(share * row[4] for row, share in leaves), rel=1e-9)
        assert root[8] == pytest.approx(sum(share * row[8] for row, share in leaves), abs=1e-12)
        assert root[6] <= max(row[6] for row, _ in leaves) + 1e-12, "CVaR of a mixture is at most the worst part's"


def test_figures_are_computed_again_from_the_amounts_alone(whole):
    plan, _ = whole
    claim = Claim(plan.status, plan.certificate.upper_bound, 1e-5, [r.price for r in plan.risk], True, plan.wealth.most)
    again = planned_again(ready(RENTAL, LAB), SEED, plan.evidence, claim)
    assert again.faults == ()
    for name, one in plan.tables.items():
        if name != "scaling":
            assert again.plan.tables[name].rows == one.rows, name


def test_bands_that_never_part_change_nothing():
    far = Review(at=5, signal="rental", levels=(1e3,), names=("low", "high"))
    static, plan = planned(), planned(far)
    assert plan.evidence.columns == static.evidence.columns
    assert plan.evidence.row_prices == static.evidence.row_prices
    assert plan.certificate == static.certificate
    assert {k: t.rows for k, t in plan.tables.items()} == {k: t.rows for k, t in static.tables.items()}
    assert any("no scenario lies in high" in message for message in plan.messages)


def test_more_reviews_and_bands_are_never_worse():
    """Rows of this case that lean on a node's means are far from binding, so each plan is one of the next tree's."""
    static, one, two = planned(), planned(RENTAL), planned(RENTAL, LAB)
    finer = planned(replace(RENTAL, quantiles=(0.25, 0.5), names=("bad", "weak", "strong")))
    assert static.objective_value < one.objective_value * (1.0 - 1e-3), "a review of rentals is worth something"
    for less, more in ((static, one), (one, two), (one, finer)):
        assert more.certificate.upper_bound >= less.objective_value


def test_a_review_in_the_last_period_is_worth_nearly_nothing():
    """What remains to be decided then: rentals of that period, tax, and money raised for it."""
    static = planned()
    last = planned(Review(at=11, signal="rental", quantiles=(0.5,)))
    assert last.certificate.upper_bound >= static.objective_value * (1.0 - 1e-5)
    assert last.objective_value <= static.objective_value * 1.01


def test_the_order_of_scenarios_does_not_matter():
    case = reviewed(RENTAL)
    backend = choose("cpu")
    processes = process_table(case)
    shuffled = backend.redraw(processes, np.random.default_rng(1).permutation(COUNT).astype(np.uint64), SEED)
    other = prepare(case, backend, COUNT, SEED, drawn=[(processes, shuffled)])
    assert [n.count for n in other.adaptive.tree.nodes] == [n.count for n in ready(RENTAL).adaptive.tree.nodes]
    found = maximise(
        other.program, risk_limits(case, other.losses), other.backend, other.store, Settings(gap=1e-6, polish=False)
    )
    plan = planned(RENTAL)
    assert found.status is Status.CERTIFIED
    assert found.objective == pytest.approx(plan.objective_value, rel=2e-5)


def test_the_same_seed_gives_the_same_plan():
    first = planned(RENTAL)
    again = optimize(reviewed(RENTAL), scenarios=COUNT, seed=SEED, device="cpu")
    assert again.decisions == first.decisions
    assert again.certificate == first.certificate


def test_no_decision_knows_what_is_not_yet_seen(whole):
    """Drivers changed after a review leave the scenario in its node, and earlier decisions are one for all leaves."""
    plan, prepared = whole
    case, tree = prepared.case, prepared.adaptive.tree
    values = NUMPY.simulate(process_table(case), 400, SEED, sample=1).x(np.arange(400))
    leaf = LeafOf(tree, signals(case, driver_order(case)))
    before = leaf(NUMPY, Store.from_values(values))
    later = values.copy()
    later[:, :, 8:] *= 0.5
    assert np.array_equal(leaf(NUMPY, Store.from_values(later)), before)
    between = values.copy()
    between[:, :, 5:] = 1.0 - between[:, :, 5:]
    after = leaf(NUMPY, Store.from_values(between))
    weak = tree.leaves.index(next(n.number for n in tree.nodes if n.name == "weak"))
    assert np.array_equal(after == weak, before == weak), "what comes after the first review parts no weak from strong"
    paths = [decisions_on_the_way(plan, prepared, n) for n in tree.leaves]
    for j, decision in enumerate(prepared.ledger.decisions):
        if decision.period < 4 or decision.block == "fixed":
            assert len({path[j] for path in paths}) == 1, decision.key
        elif decision.period < 7:
            assert paths[1][j] == paths[2][j], decision.key


def test_a_perfect_signal_is_wait_and_see():
    """Two scenarios told apart in the first period: the mean of the best plans of each alone, where nothing that
    matters is decided before.
    """
    case = starter()
    late = replace(
        case, risk=(), covenant=(), review=(Review(at=1, signal="rental", quantiles=(0.5,)),),
        instrument=(), variant=(), cash=replace(case.cash, opening=0.5),
    )  # fmt: skip
    backend = choose("numpy")
    together = prepare(late, backend, 2, SEED)
    assert [n.count for n in together.adaptive.tree.nodes] == [2, 1, 1]
    closed = _nothing_at_once(together.program, late)
    found = maximise(closed, [], together.backend, together.store, Settings(polish=False)).objective
    alone = []
    for number in range(2):
        store = backend.redraw(together.processes, np.array([number], dtype=np.uint64), SEED)
        one = prepare(replace(late, review=()), backend, 1, SEED, drawn=[(together.processes, store)])
        alone.append(
            maximise(_nothing_at_once(one.program, late), [], one.backend, one.store, Settings(polish=False)).objective
        )
    assert alone[0] != pytest.approx(alone[1], rel=1e-3)
    assert found == pytest.approx(np.mean(alone), rel=1e-7)


def _nothing_at_once(program, case):
    """The program where nothing is decided in the first period but tax and what is fixed."""
    first = case.horizon.labels[0]
    upper = program.col_upper.copy()
    for j in program.decisions:
        name = program.column_names[j]
        if name.endswith(f"{first}]") and not name.startswith(("tax", "fixed")):
            upper[j] = 0.0
    return replace(program, col_upper=upper)


def test_fresh_scenarios_find_their_leaf_by_the_stored_levels(whole):
    plan, prepared = whole
    store = prepared.backend.simulate(prepared.processes, 3_000, SEED, sample=1)
    assert isinstance(store, LeafStore)
    counts = store.counts() / 3_000
    assert counts == pytest.approx(prepared.adaptive.tree.shares, abs=0.04)
    assert all(figure.out_of_sample is not None for figure in plan.risk)
    assert plan.certificate.sampling_error > 0.0


def test_the_worth_of_reviews():
    case = reviewed(RENTAL)
    worth = review_worth(case, scenarios=COUNT, seed=SEED, device="cpu")
    assert worth.leaves == 2
    assert worth.static.objective == pytest.approx(planned().objective_value, rel=2e-5)
    assert worth.adaptive.objective == pytest.approx(planned(RENTAL).objective_value, rel=2e-5)
    low, high = worth.proven
    assert low <= worth.gain <= high
    assert 0.0 < worth.gain < worth.cost_of_limits
    none = review_worth(replace(case, review=()), scenarios=COUNT, seed=SEED, device="cpu")
    assert (none.leaves, none.gain) == (1, 0.0)
