"""mpi-sppy, on two-stage form: decisions and quantile first, the excess of one scenario second; its extensive form.

Its decomposition methods need a Pyomo model per scenario and MPI ranks to share them; on one machine its extensive
form, handed to HiGHS, is the plainest of what it offers.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from ..instances import Instance
from .adapter import Answer, CannotState, Options, only_tail

MOST_SCENARIOS = 10_000  # a Pyomo model each: beyond, memory ends before the time does


def solve(instance: Instance, options: Options) -> Answer:
    import mpisppy.utils.sputils as sputils
    import pyomo.environ as pyo
    from mpisppy.opt.ef import ExtensiveForm
    from pyomo.core.expr.numeric_expr import LinearExpression

    only_tail(instance)
    if instance.quadratic is not None:
        raise CannotState("a quadratic objective per scenario is not set up for it here")
    if instance.scenarios > MOST_SCENARIOS:
        raise CannotState(f"a Pyomo model per scenario: at most {MOST_SCENARIOS:,} scenarios are tried")
    tail, n, count = instance.tails[0], instance.columns, instance.scenarios
    share = 1.0 / (1.0 - tail.level)
    if math.isfinite(tail.limit):
        raise CannotState("its scenarios share decisions, not a limit on all of them together")

    def scenario(name: str) -> Any:
        s = int(name.removeprefix("s"))
        model = pyo.ConcreteModel(name)
        bounds = [
            (None if np.isinf(a) else float(a), None if np.isinf(b) else float(b))
            for a, b in zip(instance.lower, instance.upper, strict=True)
        ]
        model.x = pyo.Var(range(n), bounds=lambda _m, j: bounds[j])
        model.t = pyo.Var()
        model.z = pyo.Var(bounds=(0.0, None))
        loss = LinearExpression(
            constant=float(tail.offset[s]), linear_coefs=tail.losses[s].tolist(), linear_vars=list(model.x.values())
        )
        model.excess = pyo.Constraint(expr=model.z >= loss - model.t)
        model.rows = pyo.ConstraintList()
        for row, low, high in zip(instance.matrix, instance.row_lower, instance.row_upper, strict=True):
            body = LinearExpression(linear_coefs=row.tolist(), linear_vars=list(model.x.values()))
            model.rows.add((None if np.isinf(low) else float(low), body, None if np.isinf(high) else float(high)))
        first = LinearExpression(linear_coefs=instance.cost.tolist(), linear_vars=list(model.x.values()))
        first += tail.price * model.t
        model.first = pyo.Expression(expr=first)
        model.objective = pyo.Objective(expr=model.first + tail.price * share * model.z)
        sputils.attach_root_node(model, model.first, [model.x, model.t])
        model._mpisppy_probability = float(instance.probabilities[s])
        return model

    names = [f"s{s}" for s in range(count)]
    begin = time.perf_counter()
    form = ExtensiveForm({"solver": "appsi_highs"}, names, scenario, suppress_warnings=True)
    built = time.perf_counter()
    result = form.solve_extensive_form(solver_options={"time_limit": options.time_limit, "threads": options.threads})
    phases = {"build": built - begin, "solve": time.perf_counter() - built}
    status = str(result.solver.termination_condition)
    if status != "optimal":
        return Answer(None, status, phases=phases)
    root = form.get_root_solution()
    x = np.array([root[f"x[{j}]"] for j in range(n)], dtype=np.float64)
    return Answer(x, status, float(form.get_objective_value()), phases=phases)
