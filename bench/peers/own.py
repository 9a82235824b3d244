"""capmix itself, as a user calls it."""

from __future__ import annotations

import time

import numpy as np

from ..instances import Instance
from .adapter import Answer, CannotState, NotAvailable, Options


def solve(instance: Instance, options: Options, engine: str = "auto", gap: str = "") -> Answer:
    """engine: auto, cuts or newton. gap: instead of the run's tolerance."""
    import math

    import capmix

    if not hasattr(capmix, "solve_cvar"):
        raise NotAvailable("this capmix has no solve_cvar")
    begin = time.perf_counter()
    tails = tuple(
        capmix.CvarTerm(
            losses=t.losses,
            level=t.level,
            limit=t.limit if math.isfinite(t.limit) else None,
            price=t.price,
            offset=t.offset if t.offset.any() else None,
        )
        for t in instance.tails
    )
    rows = instance.matrix.shape[0] > 0
    program = capmix.CvarProgram(
        cost=instance.cost,
        quadratic=instance.quadratic,
        tails=tails,
        matrix=instance.matrix if rows else None,
        row_lower=instance.row_lower if rows else None,
        row_upper=instance.row_upper if rows else None,
        lower=instance.lower,
        upper=instance.upper,
        weights=instance.weights,
    )
    built = time.perf_counter()
    try:
        result = capmix.solve_cvar(
            program,
            gap=float(gap) if gap else options.tolerance,
            time_limit=options.time_limit,
            engine=engine,
            threads=options.threads,
        )
    except ValueError as error:
        if engine != "auto" and "engine" in str(error):
            raise CannotState(str(error)) from None
        raise
    phases = {"build": built - begin, "solve": time.perf_counter() - built}
    status = f"{getattr(result.status, 'value', result.status)} ({result.engine})"
    x = None if result.x is None else np.asarray(result.x, dtype=np.float64)
    passes = result.passes
    full = getattr(passes, "full", None)
    counts = {"passes": float(passes)} if full is None else {"passes": float(full)}
    for name in ("equivalent", "solves"):
        if hasattr(passes, name):
            counts[name] = float(getattr(passes, name))
    return Answer(x, status, float(result.objective), float(result.lower), phases, counts)
