"""Losses against a scalar recursion, the adjoint against finite differences and the subgradient inequality."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from capmix.kernels.tables import LossKind, LossTable, TermTable
from capmix.kernels.tail import tail
from hypothesis import given, settings
from hypothesis import strategies as st

from .samples import BACKENDS, DT, NUMBA, NUMPY, linear_loss, random_exposure, random_loss, random_store, side_by_side

both = pytest.mark.parametrize("backend", BACKENDS, ids=lambda b: b.name)
kinds = pytest.mark.parametrize("kind", list(LossKind), ids=lambda k: k.name)
kinds_and_revolver = pytest.mark.parametrize(
    "kind, revolver",
    [(LossKind.PEAK, False), (LossKind.PEAK, True), (LossKind.WORST, False)],
    ids=["PEAK", "PEAK-revolver", "WORST"],
)
D, T = 3, 5


def by_hand(x, table, exposure):
    """(balances, loss) of one scenario x (D, T), in plain Python from the words of `LossTable`."""
    terms, balances = table.terms, []
    balance, before = table.opening, 0.0
    lines = exposure[terms.entries :] if table.revolver else np.zeros(terms.periods)
    for t in range(terms.periods):
        flow = 0.0
        for e in range(terms.start[t], terms.start[t + 1]):
            product = 1.0
            for f in terms.factors[terms.atom[e]]:
                if f >= 0:
                    product *= x.flat[f]
            flow += exposure[e] * product
        if table.kind == LossKind.PEAK:
            level = 0.0 if table.rate_driver < 0 else x[table.rate_driver, max(t - 1, 0)]
            surplus = max(0.0, table.dt * (level + table.surplus_margin))
            deficit = max(surplus, table.dt * (level + table.deficit_margin))
            drawn = max(surplus, table.dt * (level + table.revolver_margin))
            owed = max(-balance, 0.0)
            cost = max(deficit, drawn) * owed if table.revolver else deficit * owed
            if table.revolver:
                cost = drawn * min(owed, before) + max(deficit, drawn) * max(owed - before, 0.0)
            balance = balance + surplus * max(balance, 0.0) - cost + flow
            before = lines[t]
            balances.append(balance)
        else:
            balances.append(flow)
    return balances, max(f - c - b for f, c, b in zip(table.floor, lines, balances, strict=True))


@both
@kinds_and_revolver
@pytest.mark.parametrize("rate_driver", [-1, 1])
def test_losses_and_balances_by_hand(backend, kind, revolver, rate_driver):
    rng = np.random.default_rng(1)
    store = random_store(rng, 300, D, T)
    table = random_loss(rng, D, T, kind, rate_driver=rate_driver, revolver=revolver)
    exposure = random_exposure(rng, table)
    rows = np.array([299, 0, 17, 256])
    expected = [by_hand(x, table, exposure) for x in store.x(rows)]
    assert backend.losses(store, [table], [exposure])[0][rows] == pytest.approx([e[1] for e in expected], rel=1e-12)
    balances = backend.balances(store, table, exposure, rows)
    assert balances == pytest.approx(np.array([e[0] for e in expected]), rel=1e-12, abs=1e-12)


@both
@pytest.mark.parametrize("revolver", [False, True])
def test_balances_side_by_side_are_each_carried_alone(backend, revolver):
    """The loss is the largest of theirs, its gradient that of the balance which is worst."""
    rng = np.random.default_rng(4)
    store = random_store(rng, 300, D, T)
    alone = [
        random_loss(rng, D, T, LossKind.PEAK, rate_driver=1, opening=o, revolver=revolver) for o in (0.5, -0.3, 0.1)
    ]
    table, own = side_by_side(alone), [random_exposure(rng, t) for t in alone]
    entries = [t.terms.entries for t in alone]
    parts = [e[:n] for e, n in zip(own, entries, strict=True)] + [e[n:] for e, n in zip(own, entries, strict=True)]
    exposure = np.concatenate(parts)
    each = np.array(backend.losses(store, alone, own))
    [together] = backend.losses(store, [table], [exposure])
    assert (together == each.max(axis=0)).all()
    assert len(set(each.argmax(axis=0))) == 3
    balances = np.hstack([backend.balances(store, t, e) for t, e in zip(alone, own, strict=True)])
    assert (backend.balances(store, table, exposure) == balances).all()
    weights = rng.random(store.count)
    value, gradient = backend.pull_back(store, table, exposure, np.arange(store.count), weights)
    assert value == pytest.approx(weights @ each.max(axis=0), rel=1e-12)
    low = 0
    for k, (t, e) in enumerate(zip(alone, own, strict=True)):
        rows = np.flatnonzero(each.argmax(axis=0) == k)
        _, wanted = backend.pull_back(store, t, e, rows, weights[rows])
        n, line = entries[k], sum(entries) + k * T
        assert gradient[low : low + n] == pytest.approx(wanted[:n], rel=1e-9, abs=1e-9)
        assert gradient[line : line + len(wanted) - n] == pytest.approx(wanted[n:], rel=1e-9, abs=1e-9)
        low += n


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(0, 60), st.integers(1, 7))
def test_numba_equals_the_definition(seed, width, entries, periods):
    rng = np.random.default_rng(seed)
    store = random_store(rng, int(rng.integers(1, 600)), D, periods)
    tables = [
        random_loss(
            rng, D, periods, kind, entries=entries, width=width, rate_driver=int(rng.integers(-1, D)), revolver=r
        )
        for kind, r in ((LossKind.PEAK, False), (LossKind.WORST, False), (LossKind.PEAK, True))
    ]
    exposures = [random_exposure(rng, t) * rng.integers(0, 2, t.entries) for t in tables]
    fast, slow = NUMBA.losses(store, tables, exposures), NUMPY.losses(store, tables, exposures)
    scale = 1e-12 * (1.0 + max((np.abs(s).max() for s in slow), default=0.0))
    for f, s, table, exposure in zip(fast, slow, tables, exposures, strict=True):
        assert np.abs(f - s).max() <= scale
        assert np.abs(NUMBA.balances(store, table, exposure) - NUMPY.balances(store, table, exposure)).max() <= scale
        rows = rng.integers(0, store.count, 30)
        weights = rng.random(30)
        value, gradient = NUMBA.pull_back(store, table, exposure, rows, weights)
        expected, slope = NUMPY.pull_back(store, table, exposure, rows, weights)
        assert value == pytest.approx(expected, rel=1e-12, abs=30 * scale)
        assert gradient.shape == slope.shape == (table.entries,)
        assert gradient == pytest.approx(slope, rel=1e-11, abs=1e-10)


@both
@kinds_and_revolver
def test_adjoint_against_finite_differences(backend, kind, revolver):
    """Piecewise linear, so a central difference away from the kinks is exact but for rounding."""
    rng = np.random.default_rng(2)
    store = random_store(rng, 400, D, T)
    table = random_loss(rng, D, T, kind, rate_driver=0, opening=0.1, revolver=revolver)
    exposure = np.concatenate((rng.standard_normal(table.terms.entries), np.full(T if revolver else 0, 0.4)))
    balances = backend.balances(store, table, exposure)
    if revolver:
        beyond = (balances[:, :-1] < -0.4).mean()
        assert 0.1 < beyond < (balances[:, :-1] < 0.0).mean() - 0.02  # all three slopes occur
    if kind == LossKind.PEAK:
        assert 0.1 < (balances[:, :-1] > 0.0).mean() < 0.9  # surpluses and deficits both occur
    found = tail(backend.losses(store, [table], [exposure])[0], 0.9)
    value, gradient = backend.pull_back(store, table, exposure, found.rows, found.weights)
    assert value / found.mass == pytest.approx(found.cvar, rel=1e-12)

    def weighted(e):
        return found.weights @ NUMPY.losses(store, [table], [e])[0][found.rows]

    for i in range(table.entries):
        h = np.zeros(table.entries)
        h[i] = 1e-7
        slope = (weighted(exposure + h) - weighted(exposure - h)) / 2e-7
        assert gradient[i] == pytest.approx(slope, abs=2e-6, rel=1e-6)


@both
@kinds
def test_value_is_recovered_from_the_gradient_where_opening_and_floor_are_zero(backend, kind):
    """Then the loss is positively homogeneous in the exposures: loss = gradient @ exposure (Euler)."""
    rng = np.random.default_rng(3)
    store = random_store(rng, 700, D, T)
    shape = random_loss(rng, D, T, kind, rate_driver=0)
    table = LossTable(kind, shape.terms, np.zeros(T), 0.0, 0, -0.9, 0.3, DT)
    exposure = rng.standard_normal(shape.terms.entries)
    value, gradient = backend.pull_back(store, table, exposure, np.arange(700), rng.random(700))
    assert gradient @ exposure == pytest.approx(value, rel=1e-11)


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from([(LossKind.PEAK, False), (LossKind.PEAK, True), (LossKind.WORST, False)]))
def test_losses_are_convex_and_the_gradient_supports_them(seed, which):
    kind, revolver = which
    rng = np.random.default_rng(seed)
    store = random_store(rng, 40, D, T, spread=1.5)
    opening = float(rng.standard_normal())
    table = random_loss(rng, D, T, kind, rate_driver=2, opening=opening, revolver=revolver)
    a, b = random_exposure(rng, table), random_exposure(rng, table)
    share = rng.random()
    at_a, at_b, between = (NUMPY.losses(store, [table], [e])[0] for e in (a, b, share * a + (1 - share) * b))
    assert (between <= share * at_a + (1 - share) * at_b + 1e-9).all()
    for row in (0, 39):
        value, gradient = NUMPY.pull_back(store, table, a, [row], [1.0])
        assert at_b[row] >= value + gradient @ (b - a) - 1e-9


@both
def test_tail_cut_is_valid_and_tight(backend):
    rng = np.random.default_rng(4)
    store = random_store(rng, 2000, D, T)
    table = random_loss(rng, D, T, LossKind.PEAK, rate_driver=1)
    a, b = rng.standard_normal((2, table.terms.entries))
    found = tail(backend.losses(store, [table], [a])[0], 0.95)
    value, gradient = backend.pull_back(store, table, a, found.rows, found.weights / found.mass)
    assert value == pytest.approx(found.cvar, rel=1e-12)
    for share in (1e-3, 0.1, 1.0):
        step = share * (b - a)
        cvar = tail(backend.losses(store, [table], [a + step])[0], 0.95).cvar
        assert cvar >= value + gradient @ step - 1e-9


@both
def test_one_period_is_the_textbook_portfolio_problem(backend):
    rng = np.random.default_rng(5)
    values = rng.standard_normal((1000, 20)).astype(np.float32)
    store, table = linear_loss(values)
    x = rng.random(20)
    loss = backend.losses(store, [table], [x])[0]
    assert loss == pytest.approx(-values.astype(float) @ x, rel=1e-12, abs=1e-12)
    found = tail(loss, 0.9)
    _, gradient = backend.pull_back(store, table, x, found.rows, found.weights)
    assert gradient == pytest.approx(-found.weights @ values[found.rows].astype(float), rel=1e-11)


def test_entries_are_added_with_one_rounding_each():
    """In the order of the drivers, 600 scenarios in three blocks, against exact fractions."""
    rng = np.random.default_rng(7)
    values = rng.standard_normal((600, 11)).astype(np.float32)
    store, table = linear_loss(values)
    x = rng.standard_normal(11)
    loss = NUMBA.losses(store, [table], [x])[0]
    for s in range(0, 600, 7):
        flow = 0.0
        for weight, value in zip(x.tolist(), values[s].tolist(), strict=True):
            flow = float(Fraction(weight) * Fraction(value) + Fraction(flow))
        assert loss[s] == -flow


@both
def test_a_loss_without_entries_is_the_floor_over_the_opening(backend):
    store = random_store(np.random.default_rng(6), 10, D, T)
    empty = TermTable(2, np.full((1, 4), -1, np.int32), np.zeros(0, np.int32), np.zeros(3, np.int32))
    table = LossTable(LossKind.PEAK, empty, np.array([0.5, 2.0]), opening=1.25)
    assert (backend.losses(store, [table], [np.zeros(0)])[0] == 0.75).all()
    value, gradient = backend.pull_back(store, table, np.zeros(0), [0, 1], [1.0, 3.0])
    assert value == 3.0
    assert gradient.shape == (0,)


@both
def test_no_rows_give_nothing(backend):
    rng = np.random.default_rng(7)
    store = random_store(rng, 10, D, T)
    table = random_loss(rng, D, T, LossKind.WORST)
    value, gradient = backend.pull_back(store, table, np.ones(30), [], [])
    assert value == 0.0
    assert (gradient == 0.0).all()


@both
def test_overflow_names_the_scenario(backend):
    values = np.ones((300, 1, 1))
    values[258] = 1e38
    store, table = linear_loss(values[:, :, 0])
    with pytest.raises(FloatingPointError, match="scenario 258"):
        backend.losses(store, [table], [[1e300]])
    with pytest.raises(FloatingPointError, match="scenario 258"):
        backend.balances(store, table, [1e300])
    with pytest.raises(FloatingPointError, match="not finite"):
        backend.pull_back(store, table, [1e300], [258], [1.0])


@both
@pytest.mark.parametrize("second", [-1e300, 1e300, 0.0])
def test_overflow_in_one_period_is_not_lost(backend, second):
    """inf - inf is nan, which compares with nothing, and an infinite gain is never the worst: both must be seen."""
    store, _ = linear_loss(np.full((3, 2), 1e38))
    terms = TermTable(2, np.array([[0], [1]], np.int32), np.array([0, 1, 0], np.int32), np.array([0, 2, 3], np.int32))
    table = LossTable(LossKind.WORST, terms, np.zeros(2))
    with pytest.raises(FloatingPointError, match="scenario 0"):
        backend.losses(store, [table], [[1e300, second, 1.0]])


@both
@pytest.mark.parametrize(
    "exposure, word", [(np.ones(29), "shape"), (np.full(30, np.nan), "exposure 0"), (np.full(30, np.inf), "exposure 0")]
)
def test_bad_exposures_are_refused(backend, exposure, word):
    rng = np.random.default_rng(8)
    store = random_store(rng, 10, D, T)
    table = random_loss(rng, D, T, LossKind.WORST)
    with pytest.raises(ValueError, match=word):
        backend.losses(store, [table], [exposure])
    with pytest.raises(ValueError, match=word):
        backend.pull_back(store, table, exposure, [0], [1.0])


@both
@pytest.mark.parametrize(
    "changes, word",
    [
        ({"floor": np.zeros(T + 1)}, "floor"),
        ({"floor": np.full(T, np.nan)}, "floor"),
        ({"opening": np.inf}, "opening"),
        ({"rate_driver": D}, "rate_driver"),
        ({"dt": -1.0}, "dt"),
        ({"kind": 7}, "kind"),
        ({"kind": LossKind.WORST, "revolver": True}, "revolver"),
        ({"revolver_margin": np.nan}, "margins"),
    ],
)
def test_bad_tables_are_refused(backend, changes, word):
    rng = np.random.default_rng(9)
    store = random_store(rng, 10, D, T)
    table = random_loss(rng, D, T, LossKind.PEAK)
    fields = {k: getattr(table, k) for k in table.__dataclass_fields__} | changes
    with pytest.raises(ValueError, match=word):
        backend.losses(store, [LossTable(**fields)], [np.ones(30)])


@both
@pytest.mark.parametrize(
    "changes, word",
    [
        ({"factors": np.full((12, 4), D * T, np.int32)}, "factors"),
        ({"factors": np.full((12, 4), -2, np.int32)}, "factors"),
        ({"atom": np.full(30, 12, np.int32)}, "atoms"),
        ({"start": np.zeros(T + 1, np.int32)}, "start"),
        ({"start": np.zeros(T, np.int32)}, "start"),
    ],
)
def test_bad_terms_are_refused(backend, changes, word):
    rng = np.random.default_rng(10)
    store = random_store(rng, 10, D, T)
    table = random_loss(rng, D, T, LossKind.WORST)
    terms = TermTable(**({k: getattr(table.terms, k) for k in table.terms.__dataclass_fields__} | changes))
    with pytest.raises(ValueError, match=word):
        backend.losses(store, [LossTable(table.kind, terms, table.floor)], [np.ones(30)])


@both
def test_a_line_of_nil_changes_nothing_and_one_that_is_large_is_plain_credit(backend):
    rng = np.random.default_rng(12)
    store = random_store(rng, 300, D, T)
    table = random_loss(rng, D, T, LossKind.PEAK, rate_driver=0, opening=0.1, revolver=True)
    plain = {k: getattr(table, k) for k in table.__dataclass_fields__} | {"revolver": False, "revolver_margin": 0.0}
    terms = rng.standard_normal(table.terms.entries)
    without = backend.losses(store, [LossTable(**plain)], [terms])[0]
    unused = np.concatenate((terms, np.zeros(T)))
    assert backend.losses(store, [table], [unused])[0] == pytest.approx(without, rel=1e-13)
    cheap = LossTable(**(plain | {"deficit_margin": table.revolver_margin}))
    credit = np.full(T, 1e3)
    covered = backend.losses(store, [table], [np.concatenate((terms, credit))])[0]
    assert covered == pytest.approx(backend.losses(store, [cheap], [terms])[0] - 1e3, abs=1e-9)
