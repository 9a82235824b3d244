"""A point moved onto the rows that it misses by the rounding of a solver, within its bounds."""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, lstsq
from scipy.sparse import csr_array

from ..arrays import FloatArray
from .blas import one_thread
from .program import Checked

STEPS = 4
MOST_ROWS = 2_000  # more are left as they are
EXACT = 1e-14  # of the sizes of a row's terms


def kept(program: Checked, x: FloatArray) -> FloatArray:
    """x (n,) within its bounds, with the rows that it exceeds met by the least move of the columns that have room."""
    x = np.clip(x, program.lower, program.upper)
    matrix = csr_array(program.matrix)
    if not matrix.shape[0] > 0 or not np.isfinite(x).all():
        return x
    size = abs(matrix)
    for _ in range(STEPS):
        activity = matrix @ x
        goal = np.clip(activity, program.row_lower, program.row_upper)
        off = goal - activity
        broken = np.flatnonzero(np.abs(off) > EXACT * (size @ np.abs(x) + np.abs(goal)))
        if not broken.size or broken.size > MOST_ROWS:
            break
        amount = np.maximum(np.abs(x), 1e-6 * float(np.abs(x).max(initial=0.0)) + 1e-12 * program.span)
        move = _move(matrix[broken], off[broken], np.minimum(amount, np.maximum(x - program.lower, program.upper - x)))
        moved = np.clip(x + move, program.lower, program.upper)
        stuck = moved != x + move
        if stuck.any() and not stuck.all():  # what a bound has stopped, the others must do
            left = goal - matrix @ moved
            room = np.where(stuck, 0.0, np.minimum(amount, np.minimum(moved - program.lower, program.upper - moved)))
            moved = np.clip(moved + _move(matrix[broken], left[broken], room), program.lower, program.upper)
        x = moved
    return x


def _move(rows: csr_array, off: FloatArray, room: FloatArray) -> FloatArray:
    """The least move, relative to the room (n,), that changes the rows by `off`."""
    root = np.sqrt(np.maximum(room, 0.0))
    dense = (rows * root).toarray()
    scale = np.maximum(np.abs(dense).max(axis=1, initial=0.0), 1e-300)
    try:
        with one_thread():
            found = lstsq(dense / scale[:, None], off / scale, cond=1e-13, check_finite=False)[0]
    except (LinAlgError, ValueError):
        return np.zeros(room.size)
    return np.asarray(root * found)
