"""Peers that need a CUDA device: cuOpt and cuPDLPx, on the extensive form."""

from __future__ import annotations

import time

import numpy as np

from ..instances import Instance
from .adapter import Answer, CannotState, Options
from .highs import extensive


def solve(instance: Instance, options: Options, peer: str) -> Answer:
    """peer: cuopt or cupdlpx."""
    if instance.quadratic is not None:
        raise CannotState("a linear program only")
    begin = time.perf_counter()
    program = extensive(instance)
    built = time.perf_counter()
    if peer == "cupdlpx":
        from cupdlpx import Model

        model = Model(
            objective_vector=program["cost"],
            constraint_matrix=program["matrix"],
            constraint_lower_bound=program["low"],
            constraint_upper_bound=program["high"],
            variable_lower_bound=program["lower"],
            variable_upper_bound=program["upper"],
        )
        model.setParams(OutputFlag=False, TimeLimit=options.time_limit, OptimalityTol=options.tolerance)
        model.optimize()
        x, status, objective = model.X, str(model.Status), float(model.ObjVal)
    else:
        from cuopt.linear_programming import DataModel, Solve, SolverSettings

        data, matrix = DataModel(), program["matrix"]
        data.set_csr_constraint_matrix(matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32))
        data.set_objective_coefficients(program["cost"])
        data.set_constraint_lower_bounds(program["low"])
        data.set_constraint_upper_bounds(program["high"])
        data.set_variable_lower_bounds(program["lower"])
        data.set_variable_upper_bounds(program["upper"])
        settings = SolverSettings()
        settings.set_optimality_tolerance(options.tolerance)
        settings.set_parameter("time_limit", options.time_limit)
        found = Solve(data, settings)
        x, status = found.get_primal_solution(), str(found.get_termination_reason())
        objective = float(found.get_primal_objective())
    phases = {"build": built - begin, "solve": time.perf_counter() - built}
    values = None if x is None else np.asarray(x, dtype=np.float64)[: instance.columns]
    return Answer(values, status, objective, phases=phases)
