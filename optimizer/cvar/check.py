"""Every fault of a CVaR program at once, and its numbers as arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, issparse

from ...kernels.matrix import Part
from ..arrays import FloatArray
from .blas import one_thread
from .program import Checked, CvarProgram, CvarTerm
from .sparse_losses import full

REAL = "biuf"  # NumPy's letters for the kinds of numbers that are real; objects are tried one by one


def checked(program: CvarProgram) -> Checked:
    """Raise ValueError that names every fault of the program at once."""
    faults: list[str] = []
    cost = _vector(faults, "cost", program.cost, None)
    n = cost.size
    if n == 0:
        faults.append("cost: it has no entries; give one number per decision")
    lower = _vector(faults, "lower", _or(program.lower, -np.inf), n, infinite=True)
    upper = _vector(faults, "upper", _or(program.upper, np.inf), n, infinite=True)
    matrix = _matrix(faults, program.matrix, n)
    rows = matrix.shape[0]
    row_lower = _vector(faults, "row_lower", _or(program.row_lower, -np.inf), rows, infinite=True)
    row_upper = _vector(faults, "row_upper", _or(program.row_upper, np.inf), rows, infinite=True)
    _crossed(faults, "lower", lower, "upper", upper)
    _crossed(faults, "row_lower", row_lower, "row_upper", row_upper)
    if program.matrix is None and (program.row_lower is not None or program.row_upper is not None):
        faults.append("row_lower, row_upper: there is no matrix that they bound")
    quadratic = _quadratic(faults, program.quadratic, n)
    terms = _terms(faults, program.tails)
    parts, count = [], -1
    for i, term in enumerate(terms):
        where = f"tails[{i}]" + (f" '{term.name}'" if term.name else "")
        part = _part(faults, where, term, n)
        if part is not None and count not in (-1, part.values.shape[0]):
            faults.append(f"{where}: {part.values.shape[0]} scenarios, but the terms before have {count}")
        if part is not None:
            count = part.values.shape[0]
            parts.append(part)
        _numbers(faults, where, term)
    weights = None
    if program.weights is not None:
        weights = _vector(faults, "weights", program.weights, count if count > 0 else None)
        if (weights < 0.0).any() or not weights.any():
            faults.append("weights: they must not be negative, and not all 0")
    if faults:
        raise ValueError("the CVaR program has faults:\n  " + "\n  ".join(faults))
    if weights is not None:
        parts, weights = _weighed(parts, weights)
    return Checked(
        cost=cost,
        quadratic=quadratic,
        parts=tuple(parts),
        names=tuple(t.name or f"tails[{i}]" for i, t in enumerate(terms)),
        levels=tuple(float(t.level) for t in terms),
        limits=tuple(math.inf if t.limit is None else float(t.limit) for t in terms),
        prices=tuple(float(t.price) for t in terms),
        matrix=matrix,
        row_lower=row_lower,
        row_upper=row_upper,
        lower=lower,
        upper=upper,
        weights=weights,
    )


def _weighed(parts: Sequence[Part], weights: FloatArray) -> tuple[list[Part], FloatArray | None]:
    """The scenarios that weigh something, with a mean of 1, and None where all weigh the same."""
    some = weights > 0.0
    if not some.all():
        kept = np.flatnonzero(some)
        parts = [Part(p.values[kept], None if p.offset is None else p.offset[kept]) for p in parts]
        weights = weights[kept]
    if (weights == weights[0]).all():
        return list(parts), None
    weights = weights / float(weights.max())
    return list(parts), weights * (weights.size / math.fsum(weights))


def _terms(faults: list[str], tails: Any) -> list[CvarTerm]:
    if isinstance(tails, CvarTerm):
        faults.append("tails: it is one CvarTerm; give a list of them")
        return [tails]
    if not isinstance(tails, Sequence):
        faults.append(f"tails is a {type(tails).__name__}; it must be a list of CvarTerm")
        return []
    if not tails:
        faults.append("tails: there is none; without a CVaR the program needs no capmix")
    for i, term in enumerate(tails):
        if not isinstance(term, CvarTerm):
            faults.append(f"tails[{i}] is a {type(term).__name__}; it must be a CvarTerm")
    return [term for term in tails if isinstance(term, CvarTerm)]


def _numbers(faults: list[str], where: str, term: CvarTerm) -> None:
    """The level, the limit and the price of a term."""
    level, limit, price = term.level, term.limit, term.price
    if not _number(level):
        faults.append(f"{where}.level is {level!r}; it must be one number strictly between 0 and 1")
    elif not 0.0 < level < 1.0:
        faults.append(f"{where}.level is {level}; it must lie strictly between 0 and 1")
    if limit is not None and not (_number(limit) and math.isfinite(limit)):
        faults.append(f"{where}.limit is {limit!r}; it must be one finite number, or None for no limit")
    if not (_number(price) and math.isfinite(price) and price >= 0.0):
        faults.append(f"{where}.price is {price!r}; it must be one finite number, not negative; 0 for none")
    elif limit is None and price == 0.0:
        faults.append(f"{where}: it has neither a limit nor a price, so it would change nothing")


def _number(value: object) -> bool:
    """Whether it is one real number, NumPy's own included; arrays and truth values are none."""
    return isinstance(value, int | float | np.floating | np.integer) and not isinstance(value, bool)


def _or(value: ArrayLike | None, default: float) -> ArrayLike:
    return default if value is None else value


def real(value: Any) -> NDArray[Any]:
    """An array of real numbers, single or double precision kept. TypeError with the reason where it is none."""
    value = value.get() if hasattr(value, "__cuda_array_interface__") and hasattr(value, "get") else value
    if isinstance(value, np.ma.MaskedArray):
        if np.ma.is_masked(value):
            raise TypeError("it has masked entries; fill them or leave their scenarios out")
        value = value.data
    array = np.asarray(value)
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            raise TypeError("it is not a list of numbers") from None
    if array.dtype.kind not in REAL:
        raise TypeError(f"it holds {array.dtype}; it must hold real numbers")
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _vector(faults: list[str], name: str, value: Any, size: int | None, infinite: bool = False) -> FloatArray:
    try:
        array = np.asarray(real(value), dtype=np.float64)
    except (TypeError, ValueError) as fault:
        faults.append(f"{name}: {fault if isinstance(fault, TypeError) else 'it is not a list of numbers'}")
        return np.zeros(size or 0)
    if array.ndim == 0 and size is not None:
        array = np.full(size, float(array))
    if array.ndim != 1 or (size is not None and array.size != size):
        faults.append(f"{name} has the shape {array.shape}; it must be ({size if size is not None else 'n'},)")
        return np.zeros(size or 0)
    bad = np.isnan(array) if infinite else ~np.isfinite(array)
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        faults.append(f"{name}[{i}] is {array[i]}; it must be {'a number' if infinite else 'finite'}")
        return np.where(bad, 0.0, array)
    return np.ascontiguousarray(array)


def _crossed(faults: list[str], low_name: str, low: FloatArray, high_name: str, high: FloatArray) -> None:
    wrong = (low > high) | (low == np.inf) | (high == -np.inf)
    if wrong.any():
        i = int(np.flatnonzero(wrong)[0])
        faults.append(f"{low_name}[{i}] is {low[i]} and {high_name}[{i}] is {high[i]}; no number lies between them")


def _matrix(faults: list[str], matrix: Any, n: int) -> csr_array:
    if matrix is None:
        return csr_array((0, n))
    try:
        if issparse(matrix):
            real(matrix.data if hasattr(matrix, "data") and isinstance(matrix.data, np.ndarray) else 0.0)
            found = csr_array(matrix, dtype=np.float64)
        else:
            found = csr_array(np.atleast_1d(real(matrix)), dtype=np.float64)
    except (TypeError, ValueError) as fault:
        faults.append(f"matrix: {fault if isinstance(fault, TypeError) else 'it is not a matrix of numbers'}")
        return csr_array((0, n))
    if found.ndim != 2 or found.shape[1] != n:
        faults.append(f"matrix has the shape {found.shape}; it must be (rows, {n})")
        return csr_array((0, n))
    if not np.isfinite(found.data).all():
        faults.append("matrix: it holds a number that is not finite")
    return found


def _quadratic(faults: list[str], quadratic: Any, n: int) -> FloatArray | None:
    if quadratic is None:
        return None
    try:
        q = np.asarray(real(quadratic.toarray() if issparse(quadratic) else quadratic), dtype=np.float64)
    except (TypeError, ValueError) as fault:
        faults.append(f"quadratic: {fault if isinstance(fault, TypeError) else 'it is not a matrix of numbers'}")
        return None
    if q.shape != (n, n):
        faults.append(f"quadratic has the shape {q.shape}; it must be ({n}, {n})")
        return None
    if not np.isfinite(q).all():
        faults.append("quadratic: it holds a number that is not finite")
        return None
    if not q.any():
        return None
    # each entry beside those of its diagonal: columns may be in very different units
    unit = np.sqrt(np.abs(np.diagonal(q)))
    unit[unit == 0.0] = max(float(unit.max(initial=0.0)), float(np.sqrt(np.abs(q).max())))
    scaled = q / unit / unit[:, None]
    if float(np.abs(scaled - scaled.T).max(initial=0.0)) > 1e-10 * max(1.0, float(np.abs(scaled).max())):
        faults.append("quadratic is not symmetric; give (Q + Q') / 2, which has the same value")
        return None
    scaled = 0.5 * (scaled + scaled.T)
    try:
        with one_thread():
            np.linalg.cholesky(scaled + 1e-9 * n * np.eye(n))
    except np.linalg.LinAlgError:
        with one_thread():
            least = float(np.linalg.eigvalsh(0.5 * (q + q.T))[0])
        faults.append(
            f"quadratic has the eigenvalue {least:.3g}; it must be positive semidefinite, or nothing is convex"
        )
        return None
    return np.asarray(0.5 * (q + q.T), dtype=np.float64)


def _part(faults: list[str], where: str, term: CvarTerm, n: int) -> Part | None:
    try:
        values = real(full(faults, where, term.losses))
    except (TypeError, ValueError) as fault:
        why = fault if isinstance(fault, TypeError) else "it is not a matrix of numbers"
        faults.append(f"{where}.losses: {why}")
        return None
    if values.ndim != 2 or values.shape[0] == 0 or values.shape[1] != n:
        faults.append(f"{where}.losses has the shape {values.shape}; it must be (scenarios, {n})")
        return None
    if n == 0:
        return None
    offset = None
    if term.offset is not None:
        offset = _vector(faults, f"{where}.offset", term.offset, values.shape[0])
    return Part(np.ascontiguousarray(values), offset)
