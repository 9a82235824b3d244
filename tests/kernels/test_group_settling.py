"""Settlement of a group by hand: payments within it, defaults of each company, and who is left with what."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capmix.kernels.group_settling import Companies, GroupSettling, check_group, run, settle_group
from capmix.kernels.tables import LossKind, LossTable, TermTable
from capmix.kernels.waterfall import waterfall

T = 3


def table(**changes):
    """A parent over one company. Amounts: a claim on each, the company's systems, the parent's systems.

    Claims: debt of the parent, debt of the company, line, arrears of the parent, equity, arrears of the company.
    Pools: the parent's estate, its systems, the company's estate, its systems.
    """
    empty = TermTable(T, np.full((1, 1), -1, np.int32), np.zeros(0, np.int32), np.zeros(T + 1, np.int32))
    steps = [
        (3, [], 2), (2, [1, 5], -1), (2, [], 0),  # the company's lenders and suppliers, what is left to its owner
        (1, [], 0), (0, [0, 3], -1), (0, [4], -1),
    ]  # fmt: skip
    companies = Companies(
        opening=np.array([1.0, 2.0]),
        owner=np.array([-1, 0], np.int32),
        up=np.array([[0.0] * T, [0.5] * T]),
        down=np.zeros((2, T)),
        keep=np.array([[0.0] * T, [1.0] * T]),
        gated=np.array([False, False]),
    )
    made = GroupSettling(
        companies=companies,
        table=LossTable(LossKind.PEAK, empty, np.zeros(T)),
        line=np.zeros(T),
        flows=LossTable(
            LossKind.WORST, replace(empty, periods=3 * T, start=np.zeros(3 * T + 1, np.int32)), np.zeros(9)
        ),
        exposure=np.zeros(0),
        fixed=np.array([[3.0] * T, [4.0] * T, [2.0] * T, [1.5] * T]),
        moving=np.zeros(0, np.int64),
        of=np.array([0, 1, 1, 0], np.int32),
        owed=2,
        last=np.array([0.7] * T),
        estate=np.array([0, 2], np.int32),
        share=np.array([0.0, 1.0, 0.0, 1.0]),
        amount=np.array([-1, 3, -1, 2], np.int32),
        factor=np.full(4, -1, np.int32),
        bearers=0,
        steps=waterfall(6, 4, steps),
    )
    made = replace(made, **changes)
    check_group(made)
    return made


def flows(parent, company, gate=None):
    """(1, rows) of one scenario: flows of both, the gate where there is one, and rates of zero."""
    parts = [parent, company, *([] if gate is None else [gate]), [0.0] * T]
    return np.array([np.concatenate(parts)])


def with_companies(**changes):
    base = table()
    companies = replace(base.companies, **changes)
    rows = (2 + int(companies.gated.sum()) + 1) * T
    terms = replace(base.flows.terms, periods=rows, start=np.zeros(rows + 1, np.int32))
    return table(companies=companies, flows=LossTable(LossKind.WORST, terms, np.zeros(rows)))


def test_a_distribution_is_what_there_is_above_what_must_be_kept():
    went = run(table(), flows([0.0, 0.0, 0.0], [0.0, -0.8, 0.0]))
    assert went.paid[0, 1] == pytest.approx([0.5, 0.0, 0.0])  # 2.0, then 1.5 - 0.8 is less than 1 to keep
    assert went.balance[0, 1] == pytest.approx([1.5, 0.7, 0.7])
    assert went.balance[0, 0] == pytest.approx([1.5, 1.5, 1.5])
    part = run(table(), flows([0.0, 0.0, 0.0], [-0.8, 0.0, 0.4]))
    assert part.paid[0, 1] == pytest.approx([0.2, 0.0, 0.4])


def test_a_gate_that_is_not_passed_stops_it():
    went = run(with_companies(gated=np.array([False, True])), flows([0.0] * T, [1.0] * T, [-0.1, 0.0, -1e-3]))
    assert went.paid[0, 1] == pytest.approx([0.0, 0.5, 0.0])


def test_an_owner_is_not_paid_by_a_company_in_default_and_does_not_pay_it():
    """The company falls to -0.5 in the second period: its owner neither gets 0.5 nor gives 0.1 from then on."""
    down = np.array([[0.0] * T, [0.1] * T])
    went = run(with_companies(down=down), flows([0.0] * T, [0.0, -2.2, 5.0]))
    assert went.defaulted[0].tolist() == [False, True]
    assert went.date[0].tolist() == [2, 1]
    assert went.final[0, 1] == pytest.approx(2.0 + 0.1 - 0.5 + 0.1 - 2.2)
    assert went.paid[0, 1] == pytest.approx([0.5, 0.0, 0.0])
    assert went.balance[0, 0] == pytest.approx([1.0 - 0.1 + 0.5, 1.3, 1.3])


def test_a_company_is_run_on_when_its_owner_defaults():
    went = run(table(), flows([-1.6, 0.0, 0.0], [0.0] * T))
    assert went.defaulted[0].tolist() == [True, False]
    assert went.date[0].tolist() == [0, 2]
    assert went.final[0, 0] == pytest.approx(1.0 - 1.6 + 0.5)
    assert went.paid[0, 1] == pytest.approx([0.5, 0.0, 0.0])
    assert went.final[0, 1] == pytest.approx(1.5)


def test_a_company_s_lenders_have_its_own_assets_only():
    """In default with -0.3 it owes 4.0 + 0.3 against systems of 2.0; the parent has 2.5 + 1.5 for 3.0 + 0.7."""
    one, _ = settle_group(table(), flows([1.0, 0.0, 0.0], [0.0, -1.8, 0.0]))
    share = 1.0 - 2.0 / 4.3
    assert one.due[0] == pytest.approx([3.0, 4.0, 0.0, 0.0, 0.7, 0.3])
    assert one.losses[0] == pytest.approx([0.0, 4.0 * share, 0.0, 0.0, 0.0, 0.3 * share])
    assert one.left[0] == pytest.approx(2.5 + 1.5 - 3.7)
    assert one.total[0] == pytest.approx(one.due.sum() - (one.value[0] - one.left[0]))


def test_what_a_company_leaves_is_its_owner_s():
    """Systems of 6.0 and cash of 1.5 pay its debt of 4.0; the parent, short of 0.1, gets the other 3.5."""
    rich = table(fixed=np.array([[3.0] * T, [4.0] * T, [6.0] * T, [0.0] * T]))
    one, _ = settle_group(rich, flows([-1.6, 0.0, 0.0], [0.0] * T))
    assert one.losses[0] == pytest.approx([0.0, 0.0, 0.0, 0.0, 0.7 - (3.5 - 3.0 - 0.1), 0.0])
    assert one.date[0] == 0
    assert one.defaulted[0]


def test_with_recourse_the_owner_s_estate_answers():
    """The company's debt then shares the parent's estate with the parent's own, each the same part of what is due."""
    steps = [(3, [], 2), (2, [1, 5], -1), (2, [], 0), (1, [], 0), (0, [0, 3, 1], -1), (0, [4], -1)]
    one, _ = settle_group(table(steps=waterfall(6, 4, steps)), flows([1.0, 0.0, 0.0], [0.0, -1.8, 0.0]))
    unpaid = 4.0 * (1.0 - 2.0 / 4.3)
    part = 1.0 - 4.0 / (3.0 + unpaid)
    assert one.losses[0] == pytest.approx([3.0 * part, unpaid * part, 0.0, 0.0, 0.7, 0.3 * (1.0 - 2.0 / 4.3)])


def test_the_line_is_the_first_company_s():
    rates = replace(table().table, revolver=True, revolver_margin=0.08, deficit_margin=0.2, dt=0.25)
    lined = table(line=np.array([0.4] * T), table=rates)
    one, went = settle_group(lined, flows([-1.3, 0.0, -2.0], [-1.0, 0.0, 0.0]))
    assert went.defaulted[0].tolist() == [True, False]
    assert went.date[0, 0] == 2
    final = -0.3 * 1.02 * 1.02 - 2.0
    assert went.final[0, 0] == pytest.approx(final)
    assert one.due[0, 2:4] == pytest.approx([0.4, -final - 0.4])


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"of": np.zeros(2, np.int32)}, "company"),
        ({"owed": 1}, "claims"),
        ({"line": -np.ones(T)}, "negative"),
    ],
)
def test_a_table_that_does_not_fit_itself_is_refused(changes, word):
    with pytest.raises(ValueError, match=word):
        table(**changes)
