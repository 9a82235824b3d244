"""The linear program of a case as a named Pyomo model, and limits written in Pyomo read back. Alone imports Pyomo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC
from pyomo.core.expr.numeric_expr import LinearExpression
from pyomo.repn import generate_standard_repn

from .own_rows import OwnLimitError, Row
from .program import Index

if TYPE_CHECKING:
    from .blocks.assembly import Assembly, DeclaredRows
    from .blocks.objective import Goal
    from .build import Declared

DECISIONS, STATES = "decisions", "states"


def modelled(said: Declared) -> Any:
    """A ConcreteModel of what the blocks have declared.

    `decisions` and `states` are blocks of variables, a Var per family: `m.decisions.order["gb300", "texas", "2027Q1"]`.
    Every block of rows is named as its file in models/blocks (that of the compute target: `target`, of limits of one's
    own: `own_limits`) and holds a Constraint per rule:
    `m.hardware.supply["gb300", "2027Q1"]`. `m.objective` is the case's. `m.value`, the expected value that decides
    ties, is deactivated. Units stand in the doc strings.
    """
    a = said.assembly
    with PauseGC():
        model = pyo.ConcreteModel(name=a.case.case.name, doc=f"{a.case.case.title or a.case.case.name}, expected path")
        variables = _variables(model, a)
        blocks: dict[str, dict[str, list[DeclaredRows]]] = {}
        for rows in (*a.declared, *a.broken):
            blocks.setdefault(rows.block, {}).setdefault(rows.rule.name, []).append(rows)
        for name, families in blocks.items():
            block = pyo.Block(doc=f"rows of {name.replace('_', ' ')}")
            model.add_component(name, block)
            for family, parts in families.items():
                _rows(block, family, parts, variables)
        model.objective = _objective(said.goal, variables, a.reach)
        model.value = _objective(said.value, variables, a.reach)
        model.value.deactivate()
    return model


def _variables(model: Any, a: Assembly) -> list[Any]:
    """The Var of each column, in order."""
    found: list[Any] = [None] * len(a.columns)
    for group, decided, doc in (
        (DECISIONS, True, "amounts that a plan chooses"),
        (STATES, False, "expected balances that follow from them"),
    ):
        block = pyo.Block(doc=doc)
        model.add_component(group, block)
        families: dict[str, list[int]] = {}
        for j, column in enumerate(a.columns):
            if column.decided == decided:
                families.setdefault(column.index.rule, []).append(j)
        for family, mine in families.items():
            keys = [_key(a.columns[j].index) for j in mine]
            bounds = {
                key: tuple(None if np.isinf(v) else v for v in (a.columns[j].lower, a.columns[j].upper))
                for key, j in zip(keys, mine, strict=True)
            }
            units = dict.fromkeys(a.columns[j].unit or "1" for j in mine)
            var = pyo.Var(_set(keys), bounds=lambda _, *key, b=bounds: b[key if len(key) > 1 else key[0]], dense=True)
            var.doc = f"{family}: {', '.join(units)}"
            block.add_component(family, var)
            for key, j in zip(keys, mine, strict=True):
                found[j] = var[key]
    return found


def _key(index: Index) -> Any:
    """The key of a row or column in its family, as Pyomo has it."""
    return None if not index.parts else index.parts[0] if len(index.parts) == 1 else index.parts


def _set(keys: Sequence[Any]) -> Any:
    """The keys in their order; some families have keys of several lengths."""
    widths = {len(key) if isinstance(key, tuple) else 1 for key in keys}
    return keys if len(widths) == 1 else pyo.Set(initialize=keys, dimen=None)


def _rows(block: Any, family: str, parts: Sequence[DeclaredRows], variables: Sequence[Any]) -> None:
    made: dict[Any, tuple[Any, Any, Any]] = {}
    for rows in parts:
        matrix = rows.matrix
        for i, index in enumerate(rows.index):
            some = slice(matrix.indptr[i], matrix.indptr[i + 1])
            body = LinearExpression(
                constant=0.0,
                linear_coefs=matrix.data[some].tolist(),
                linear_vars=[variables[j] for j in matrix.indices[some].tolist()],
            )
            low, high = (None if np.isinf(v) else float(v) for v in (rows.lower[i], rows.upper[i]))
            made[_key(index)] = (low, body, high)
    rule = parts[0].rule
    doc = f"{rule.title}: {rule.unit or '1'}"
    if list(made) == [None]:
        block.add_component(family, pyo.Constraint(expr=made[None], doc=doc))
        return
    keys = list(made)
    block.add_component(
        family, pyo.Constraint(_set(keys), rule=lambda _, *key: made[key if len(key) > 1 else key[0]], doc=doc)
    )


def _objective(goal: Goal, variables: Sequence[Any], size: Any) -> Any:
    from .blocks.assembly import without_negligible

    cost = without_negligible(goal.cost, size)
    used = np.flatnonzero(cost)
    body = LinearExpression(
        constant=float(goal.offset), linear_coefs=cost[used].tolist(), linear_vars=[variables[j] for j in used.tolist()]
    )
    return pyo.Objective(expr=body, sense=pyo.maximize if goal.maximise else pyo.minimize, doc=goal.unit)


@dataclass(frozen=True)
class _Before:
    """What a model held before a user's function saw it."""

    rows: Mapping[int, tuple[str, Any, bool]]
    columns: Mapping[int, tuple[str, str, Any, Any, bool]]
    objectives: Mapping[int, tuple[str, Any, bool]] = field(default_factory=dict)


def rows_written(said: Declared, write: Callable[[Any], object]) -> list[Row]:
    """The rows that `write` adds to the case's Pyomo model as Constraint objects.

    Raises OwnLimitError, with the component's name, for a constraint that is not linear, that holds no variable of the
    model or a foreign one, and for anything else that is added to the model or changed in it.
    """
    model = modelled(said)
    names = {id(var): column.name for var, column in zip(_in_order(model, said), said.assembly.columns, strict=True)}
    before = _state(model)
    write(model)
    _unchanged(before, model)
    return list(_new_rows(model, before, names))


def _in_order(model: Any, said: Declared) -> Iterator[Any]:
    for column in said.assembly.columns:
        group = getattr(model, DECISIONS if column.decided else STATES)
        yield group.component(column.index.rule)[_key(column.index)]


def _state(model: Any) -> _Before:
    rows = {id(c): (c.name, c.expr, c.active) for c in model.component_data_objects(pyo.Constraint)}
    columns = {id(v): (v.name, v.domain.name, v.lb, v.ub, v.fixed) for v in model.component_data_objects(pyo.Var)}
    goals = {id(o): (o.name, o.expr, o.active) for o in model.component_data_objects(pyo.Objective)}
    return _Before(rows, columns, goals)


def _unchanged(before: _Before, model: Any) -> None:
    """Raises OwnLimitError where anything but constraints was added, or what was there is no longer as it was."""
    after = _state(model)
    for was, now in ((before.rows, after.rows), (before.objectives, after.objectives)):
        for key, (name, expression, active) in was.items():
            there = now.get(key)
            if there is None or there[1] is not expression or there[2] != active:
                raise OwnLimitError(f"'{name}' is the case's and was changed: limits of one's own can only add rows")
    for key, found in before.columns.items():
        if after.columns.get(key) != found:
            raise OwnLimitError(
                f"variable '{found[0]}' is the case's and was changed: write a Constraint instead of a bound or a value"
            )
    for kind, new in (
        ("a variable", after.columns.keys() - before.columns.keys()),
        ("an objective", after.objectives.keys() - before.objectives.keys()),
    ):
        for key in new:
            name = (after.columns if kind == "a variable" else after.objectives)[key][0]
            raise OwnLimitError(f"'{name}' is {kind}: limits of one's own are linear rows over the case's decisions")
    plain = {pyo.Constraint, pyo.Var, pyo.Objective, pyo.Block, pyo.Param, pyo.Set, pyo.Expression, pyo.RangeSet}
    for component in model.component_objects(active=True, descend_into=pyo.Block):
        if component.ctype not in plain and "Set" not in component.ctype.__name__:
            raise OwnLimitError(
                f"'{component.name}' is a {component.ctype.__name__}: limits of one's own are linear Constraint objects"
            )


def _new_rows(model: Any, before: _Before, names: Mapping[int, str]) -> Iterator[Row]:
    for one in model.component_data_objects(pyo.Constraint, active=True):
        if id(one) in before.rows:
            continue
        form = generate_standard_repn(one.body, compute_values=True, quadratic=False)
        if not form.is_linear():
            raise OwnLimitError(f"constraint '{one.name}' is not linear")
        if not form.linear_vars:
            raise OwnLimitError(f"constraint '{one.name}' holds no decision")
        foreign = [var.name for var in form.linear_vars if id(var) not in names]
        if foreign:
            raise OwnLimitError(f"constraint '{one.name}': '{foreign[0]}' is no variable of this case's model")
        low, high = (None if v is None else float(pyo.value(v)) for v in (one.lower, one.upper))
        constant = float(form.constant)
        terms: dict[str, float] = {}
        for var, value in zip(form.linear_vars, form.linear_coefs, strict=True):
            terms[names[id(var)]] = terms.get(names[id(var)], 0.0) + float(value)
        yield Row(
            terms,
            -np.inf if low is None else low - constant,
            np.inf if high is None else high - constant,
            one.name.replace("[", "(").replace("]", ")"),
        )
