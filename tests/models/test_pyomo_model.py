"""The named Pyomo model is what the arrays are: Pyomo's own compiler says the same, and so does its way to HiGHS."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import capmix
import numpy as np
import pyomo.environ as pyo
import pytest
from capmix import load_case, optimize, pyomo_model
from capmix.models.build import build_ledger, build_program, declare
from capmix.models.own_limits import OwnLimit
from capmix.models.program import Index, LinearProgram
from capmix.models.pyomo_model import modelled
from capmix.models.schema.case import Case
from capmix.optimizer.named_model import model_of
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import prepare
from hypothesis import given, settings
from hypothesis import strategies as st
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from .test_golden import golden_case
from .test_more_is_never_worse import random_case
from .tiny import known_means

Rows = dict[str, tuple[float, float, dict[str, float]]]


@cache
def starter() -> Case:
    return load_case(str(files("capmix.models.reading") / "starter.toml"))


def name_of(component: Any) -> str:
    """Name of a row or column in the program: its family without the block, and its key."""
    family, key = component.parent_component().local_name, component.index()
    parts = () if key is None else key if isinstance(key, tuple) else (key,)
    return Index(family, tuple(map(str, parts))).name


def of_arrays(lp: LinearProgram) -> tuple[Rows, dict[str, tuple[float, float]], list[dict[str, float]]]:
    rows: Rows = {}
    for i, name in enumerate(lp.row_names):
        some = slice(lp.matrix.indptr[i], lp.matrix.indptr[i + 1])
        terms = {lp.column_names[j]: v for j, v in zip(lp.matrix.indices[some], lp.matrix.data[some], strict=True)}
        rows[name] = (lp.row_lower[i], lp.row_upper[i], terms)
    columns = {n: (lo, up) for n, lo, up in zip(lp.column_names, lp.col_lower, lp.col_upper, strict=True)}
    costs = [{n: v for n, v in zip(lp.column_names, c, strict=True) if v} for c in (lp.cost, lp.value)]
    return rows, columns, costs


def of_pyomo(model: Any) -> tuple[Rows, dict[str, tuple[float, float]], list[dict[str, float]], list[float]]:
    """The same by Pyomo's compiler, which takes the algebra apart on its own."""
    model.value.activate()
    form = LinearStandardFormCompiler().write(model, mixed_form=True, set_sense=None)
    model.value.deactivate()
    names = [name_of(var) for var in form.columns]
    rows: Rows = {}
    matrix = form.A.tocsr()
    for i, (row, bound) in enumerate(zip(form.rows, form.rhs, strict=True)):
        name, kind = name_of(row.constraint), row.bound_type
        low, high = (-np.inf if kind > 0 else bound), (np.inf if kind < 0 else bound)
        some = slice(matrix.indptr[i], matrix.indptr[i + 1])
        terms = {names[j]: v for j, v in zip(matrix.indices[some], matrix.data[some], strict=True)}
        if name in rows:  # a range is compiled to two rows
            assert rows[name][2] == terms
            low, high = max(low, rows[name][0]), min(high, rows[name][1])
        rows[name] = (low, high, terms)
    columns = {}
    for var in model.component_data_objects(pyo.Var):
        low, high = var.bounds
        columns[name_of(var)] = (-np.inf if low is None else low, np.inf if high is None else high)
    dense = form.c.toarray()
    costs = [{n: v for n, v in zip(names, c, strict=True) if v} for c in dense]
    return rows, columns, costs, list(form.c_offset)


def hold_equal(lp: LinearProgram, model: Any) -> None:
    """The one body: same rows, same bounds, same objectives, to the bit."""
    rows, columns, costs = of_arrays(lp)
    theirs, their_columns, their_costs, offsets = of_pyomo(model)
    assert columns == their_columns
    assert {n: r for n, r in rows.items() if r[2]} == theirs
    assert costs == their_costs
    assert offsets == [lp.offset, lp.value_offset]
    assert model.objective.is_minimizing() != lp.maximise
    assert model.objective.active
    assert not model.value.active
    empty = {n for n, r in rows.items() if not r[2]}
    found = {name_of(c) for c in model.component_data_objects(pyo.Constraint)}
    assert found - set(theirs) == empty


@pytest.mark.parametrize("name", ["hyperscaler", "neocloud", "ai_lab", "starter"])
def test_a_case_is_the_same_as_arrays_and_as_algebra(name: str) -> None:
    case = starter() if name == "starter" else load_case(name)
    ready = prepare(case, choose("cpu"), 1_000, 1)
    hold_equal(ready.program, model_of(ready))


@pytest.mark.parametrize("kind", ["compute", "capacity", "cost", "npv"])
def test_every_rule_is_the_same_as_arrays_and_as_algebra(kind: str) -> None:
    case = golden_case(kind)
    ledger = build_ledger(case)
    rates = np.array([0.0075, 0.0075, 0.01, 0.0125])
    own = (OwnLimit("few of them", {"order[gpu,north,2026Q4]": 1.0, "cash[2026Q4]": -2.0}, -5.0, 3.0, "", "2026Q4"),)
    arguments = (case, ledger, known_means(case, ledger), rates)
    hold_equal(build_program(*arguments, own=own), modelled(declare(*arguments, own=own)))


def both(case: Case) -> tuple[LinearProgram, Any]:
    ledger = build_ledger(case)
    arguments = (case, ledger, known_means(case, ledger), np.full(case.horizon.periods, 0.01))
    return build_program(*arguments), modelled(declare(*arguments))


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1))
def test_random_cases_are_the_same_as_arrays_and_as_algebra(seed: int) -> None:
    hold_equal(*both(random_case(seed)[1]))


def test_a_row_that_nothing_can_keep_is_in_both() -> None:
    case = golden_case("cost")
    case = replace(case, accelerator=(), opening=replace(case.opening, fleet=()), contract=(), merchant=None)
    lp, model = both(case)
    assert lp.row_names[-1].startswith("compute_target[")
    assert lp.matrix[[lp.matrix.shape[0] - 1]].nnz == 0
    assert [c.name for c in model.target.component_data_objects(pyo.Constraint)] == ["target." + lp.row_names[-1]]


def test_pyomo_and_highs_find_the_optimum_of_a_plan_without_risk_limits() -> None:
    case = replace(starter(), risk=())
    plan = optimize(case, scenarios=500, gap=1e-7)
    model = pyomo_model(case, scenarios=500)
    found = pyo.SolverFactory("appsi_highs").solve(model)
    assert found.solver.termination_condition == pyo.TerminationCondition.optimal
    assert pyo.value(model.objective) == pytest.approx(plan.objective_value, rel=1e-6)
    assert plan.certificate is not None
    assert pyo.value(model.objective) <= plan.certificate.upper_bound * (1 + 1e-9)


def test_names_and_units_are_those_of_the_field() -> None:
    model = pyomo_model(starter(), scenarios=200)
    label = starter().horizon.labels[0]
    assert model.decisions.order["gb300", "prairie", label].lb == 0.0
    assert model.decisions.order.doc == "order: systems"
    assert model.states.outstanding_balance.doc == "outstanding_balance: billion"
    assert model.hardware.supply["gb300", label].body is not None
    assert model.hardware.supply.doc == "supply of accelerator systems: systems per period"
    assert model.objective.doc == "PFLOP/s-years"


def test_an_index_is_its_name() -> None:
    lp = prepare(starter(), choose("cpu"), 200, 1).program
    labels = starter().horizon.labels
    for names, index in ((lp.row_names, lp.row_index), (lp.column_names, lp.column_index)):
        assert tuple(i.name for i in index) == names
        assert len(set(index)) == len(index)
        assert all(i.period is None or i.parts[-1] == labels[i.period] for i in index)
    assert lp.column_index[lp.columns[f"order[gb300,prairie,{labels[2]}]"]] == Index(
        "order", ("gb300", "prairie", labels[2]), 2
    )
    with pytest.raises(KeyError, match=r"order\[gb300,prairie,"):
        lp.columns["order[gb300,prarie,2027Q1]"]


def test_no_plan_imports_pyomo(tmp_path: Path) -> None:
    script = (
        "import sys, capmix.reports.cli as c; code = c.main(sys.argv[1:]); "
        "print([m for m in sys.modules if m.split('.')[0] == 'pyomo'], code)"
    )
    (tmp_path / "my.toml").write_bytes(Path(starter().path).read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", script, "plan", "my.toml", "--scenarios", "500", "--out", "run"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.stdout.split()[-2:] == ["[]", "0"], done.stderr
    assert capmix.__all__.count("pyomo_model") == 1
