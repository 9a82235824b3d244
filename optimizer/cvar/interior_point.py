"""A primal-dual interior point for CVaR programs on few rows, with a Newton matrix of the size of the decisions.

    minimise  cost'x + x'Qx / 2 + sum_m price_m C_m     lower <= x <= upper,  row_lower <= A x <= row_upper
    C_m = min_t  (1 - mass_m) t + linear_m'x + constant_m + share_m' max(0, V_m x + o_m - t),  C_m <= limit_m if limited

The linear part is of the rows that are taken to lie in the tail, which need no variable of their own.

Every row of V_m brings one variable and two multipliers into the extensive form. They are eliminated row by row, so a
step costs one product V' D V and one Cholesky factor of (n, n), whatever the number of rows. Predictor and corrector by
Mehrotra 1992, https://doi.org/10.1137/0802028; the elimination as in Gondzio & Grothey 2007,
https://doi.org/10.1007/s10479-006-0139-z. It certifies nothing: `newton` proves what it returns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError
from scipy.sparse import csr_array

from ..arrays import FloatArray
from .interior_program import Centre, Interior, Quadratic, TermRows
from .interior_start import INNER, START, Term, central, cold, kept_within, spread, within
from .newton_matrix import Bordered, Bounds, Gram, normal_matrix
from .tail_weights import Priced, admissible, balanced

IndexArray = NDArray[np.int64]
_State = tuple[FloatArray, FloatArray, FloatArray, FloatArray, list[Term]]

BREAKDOWN = 10.0  # times the least residual so far: more is a step whose equations were not solved,
SOUND = 1e-7  # unless it is small
STEP = 0.995  # share of the way to the nearest bound
CENTRAL = 1e-3  # relative gap down to which the path is followed before its point is kept for a like program,
BALANCINGS = 3  # of the columns that they left a wrong reduced cost
STATIONARY = 1e-13  # of their terms: reduced costs that need no correction
PATH = 30.0  # or this multiple of the tolerance: what is solved roughly is far from the next program


def plain_gram(values: FloatArray, weights: FloatArray) -> FloatArray:
    """values' diag(weights) values."""
    root = values * np.sqrt(weights)[:, None]
    return np.asarray(root.T @ root)


class InteriorPoint:
    """One program.

    start: (n,) where to begin. gram: how V' D V is formed. reach: how far a column without bounds may go from there.
    centre: of a like program, from which to go on; it takes the place of `start`.
    """

    def __init__(
        self,
        program: Quadratic,
        terms: Sequence[TermRows],
        start: FloatArray,
        gram: Gram = plain_gram,
        reach: float = math.inf,
        centre: Centre | None = None,
    ) -> None:
        fixed = np.asarray(program.row_lower == program.row_upper)
        matrix = csr_array(program.matrix)
        self.program = program
        self.gram = gram
        self.fixed, self.loose = np.flatnonzero(fixed), np.flatnonzero(~fixed)
        self.equal = matrix[self.fixed]
        self.right = program.row_lower[fixed]
        loose = self.loose
        free = np.isinf(program.lower) & np.isinf(program.upper)
        self.open = np.flatnonzero(np.isinf(program.lower) | np.isinf(program.upper))
        lower, upper = np.where(free, start - reach, program.lower), np.where(free, start + reach, program.upper)
        self.bounds = Bounds(lower, upper, matrix[loose], program.row_lower[loose], program.row_upper[loose])
        first = within(start, lower, upper)
        gradient = program.cost if program.quadratic is None else program.cost + program.quadratic @ first
        self.size = max(1e-12, float(np.abs(gradient).max(initial=0.0)), *(t.price * spread(t, first) for t in terms))
        if centre is None:
            self.x, self.v = first, np.zeros(self.right.size)
            self.terms = [cold(t, first, self.size) for t in terms]
            room = self.bounds.apply(first) - self.bounds.d
            self.s = np.maximum(room, START * max(1.0, float(np.abs(first).max(initial=0.0))))
            self.y = START * self.size / self.s
        else:
            mean = centre.complementarity
            near = INNER * mean / self.size
            self.x, self.v = kept_within(centre.x, lower, upper, near), centre.equal
            self.terms = [central(t, self.x, mu, mean) for t, mu in zip(terms, centre.limits, strict=True)]
            self.s = np.maximum(self.bounds.apply(self.x) - self.bounds.d, near)
            self.y = mean / self.s
        self.centre = self._centre()
        self.iterations = 0
        self.exact = False  # factor the Newton matrix of the columns, whatever the rows

    def _centre(self) -> Centre:
        mean = self._gap() / max(1, self._pairs())
        return Centre(self.x, self.v, tuple(t.mu for t in self.terms), mean)

    def solve(self, tolerance: float, most: int = 100) -> Interior:
        """Iterate until complementarity and residuals are below `tolerance`, relative to the objective."""
        converged, stuck, kept = False, 0, self._state()
        least, before = math.inf, 0.0
        for _ in range(most):
            gap, residual = self._gap(), self._residuals()
            scale = max(1e-9, abs(self._objective()))
            if not residual <= max(BREAKDOWN * least, SOUND):  # a step that was not one: its equations were not solved
                self._restore(kept)
                if self.exact:
                    break
                self.exact = True
                continue
            least, kept = min(least, residual), self._state()
            if gap >= max(CENTRAL, PATH * tolerance) * scale:
                self.centre = self._centre()
            if gap <= tolerance * scale and residual <= tolerance:
                converged = True
                break
            try:
                with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                    moved = self._iterate()
            except (LinAlgError, FloatingPointError):
                self._restore(kept)
                if self.exact:
                    break
                self.exact = True
                continue
            self.iterations += 1
            stuck = stuck + 1 if moved < min(1e-4, 2.0 * before) else 0
            before = moved
            if stuck >= 3:
                if self.exact:
                    break
                self.exact, stuck = True, 0
        weights = self._tail_weights()
        prices = tuple(t.theta for t in self.terms)
        return Interior(
            self.x.copy(), weights, self._gap(), self.iterations, converged, prices, self._row_prices(), self.centre
        )

    def _state(self) -> _State:
        return self.x, self.v, self.s, self.y, [copy(t) for t in self.terms]

    def _restore(self, state: _State) -> None:
        self.x, self.v, self.s, self.y, self.terms = state

    def _row_prices(self) -> FloatArray:
        out = np.zeros(self.program.row_lower.size)
        out[self.fixed] = self.v
        out[self.loose] = self.bounds.rows(self.y)
        return out

    def _tail_weights(self) -> tuple[FloatArray, ...]:
        """The multipliers of the rows as admissible weights of each tail."""
        p = self.program
        weights = [admissible(t.lam, t.rows.share, 1.0 - t.rows.mass) for t in self.terms]
        if not self.open.size:
            return tuple(weights)
        # a column without a bound on one side may only be left the reduced cost of the other
        reduced = p.cost - self.equal.T @ self.v - self.bounds.matrix.T @ self.bounds.rows(self.y)
        if p.quadratic is not None:
            reduced = reduced + p.quadratic @ self.x
        wanted = self.bounds.back(self.y) - self.bounds.matrix.T @ self.bounds.rows(self.y)
        some = np.zeros(self.x.size, dtype=np.bool_)
        for _ in range(BALANCINGS):
            left, size = reduced.copy(), np.abs(reduced) + self.size
            for t, w in zip(self.terms, weights, strict=True):
                gradient = t.theta * (t.rows.values.T @ w + t.rows.linear)
                left, size = left + gradient, size + np.abs(gradient)
            wrong = np.where(np.isinf(p.upper), np.maximum(-left, 0.0), 0.0)
            wrong += np.where(np.isinf(p.lower), np.maximum(left, 0.0), 0.0)
            if (wrong <= STATIONARY * size).all():
                break
            some |= wrong > 0.0
            weights = self._balanced(np.flatnonzero(some), weights, reduced - wanted)
        return tuple(weights)

    def _balanced(self, some: IndexArray, weights: list[FloatArray], reduced: FloatArray) -> list[FloatArray]:
        tails = [
            Priced(t.theta, t.rows.values[:, some], t.rows.share, 1.0 - t.rows.mass, t.rows.linear[some])
            for t in self.terms
        ]
        return balanced(tails, weights, reduced[some], self.gram)

    # the state

    def _objective(self) -> float:
        p = self.program
        value = p.constant + float(p.cost @ self.x)
        if p.quadratic is not None:
            value += 0.5 * float(self.x @ (p.quadratic @ self.x))
        return value + sum(t.rows.price * t.value(self.x) for t in self.terms)

    def _gap(self) -> float:
        gap = float(self.s @ self.y)
        for t in self.terms:
            gap += float(t.a @ t.lam) + float(t.u @ t.nu) + (t.b * t.mu if t.limited else 0.0)
        return gap

    def _pairs(self) -> int:
        return self.s.size + sum(2 * t.u.size + int(t.limited) for t in self.terms)

    def _residuals(self) -> float:
        """The largest relative residual of the rows, primal and dual."""
        r = self._right_sides()
        size = self.size
        worst = float(np.abs(r.x).max(initial=0.0)) / size
        span = max(1.0, float(np.abs(self.x).max(initial=0.0)))
        worst = max(
            worst, float(np.abs(r.equal).max(initial=0.0)) / max(1.0, float(np.abs(self.right).max(initial=0.0)))
        )
        worst = max(worst, float(np.abs(r.p).max(initial=0.0)) / span)
        for t, (r_a, r_u, r_t, r_b) in zip(self.terms, r.terms, strict=True):
            loss = max(1e-12, abs(t.t), float(np.abs(t.u).mean()))
            worst = max(worst, float(np.abs(r_a).max()) / loss, abs(r_b) / loss)
            worst = max(worst, float(np.abs(r_u).max() / max(t.theta * t.rows.share.max(), 1e-300)))
            worst = max(worst, abs(r_t) / max(t.theta, 1e-300))
        return worst

    def _right_sides(self) -> _Residuals:
        p, x = self.program, self.x
        r_x = p.cost - self.bounds.back(self.y) - self.equal.T @ self.v
        if p.quadratic is not None:
            r_x = r_x + p.quadratic @ x
        terms = []
        for t in self.terms:
            rows = t.rows
            r_x = r_x + rows.values.T @ t.lam + t.theta * rows.linear
            r_a = rows.values @ x + rows.offset - t.t - t.u + t.a
            r_u = t.theta * rows.share - t.lam - t.nu
            r_t = (1.0 - rows.mass) * t.theta - float(t.lam.sum())
            r_b = t.value(x) + t.b - rows.limit if t.limited else 0.0
            terms.append((r_a, r_u, r_t, r_b))
        return _Residuals(r_x, self.equal @ x - self.right, self.bounds.apply(x) - self.s - self.bounds.d, terms)

    # one step

    def _iterate(self) -> float:
        right = self._right_sides()
        factor = _Newton(self)
        mean = self._gap() / max(1, self._pairs())
        affine = factor.direction(right, 0.0, None)
        primal, dual = self._steps(affine, 1.0)
        after = self._gap_after(affine, primal, dual)
        centre = (max(after, 0.0) / max(self._gap(), 1e-300)) ** 3
        step = factor.direction(right, centre * mean, affine)
        primal, dual = self._steps(step, STEP)
        if self.program.quadratic is not None:
            primal = dual = min(primal, dual)
        self._move(step, primal, dual)
        return min(primal, dual)

    def _steps(self, m: _Direction, share: float) -> tuple[float, float]:
        primal, dual = _ratio(self.s, m.s), _ratio(self.y, m.y)
        for t, n in zip(self.terms, m.terms, strict=True):
            primal = min(primal, _ratio(t.u, n.u), _ratio(t.a, n.a))
            dual = min(dual, _ratio(t.lam, n.lam), _ratio(t.nu, n.nu))
            if t.limited:
                primal = min(primal, -t.b / n.b if n.b < 0.0 else math.inf)
                dual = min(dual, -t.mu / n.mu if n.mu < 0.0 else math.inf)
        return min(1.0, share * primal), min(1.0, share * dual)

    def _gap_after(self, m: _Direction, primal: float, dual: float) -> float:
        gap = float((self.s + primal * m.s) @ (self.y + dual * m.y))
        for t, n in zip(self.terms, m.terms, strict=True):
            gap += float((t.a + primal * n.a) @ (t.lam + dual * n.lam))
            gap += float((t.u + primal * n.u) @ (t.nu + dual * n.nu))
            if t.limited:
                gap += (t.b + primal * n.b) * (t.mu + dual * n.mu)
        return gap

    def _move(self, m: _Direction, primal: float, dual: float) -> None:
        self.x = self.x + primal * m.x
        self.v = self.v + dual * m.v
        self.s, self.y = self.s + primal * m.s, self.y + dual * m.y
        for t, n in zip(self.terms, m.terms, strict=True):
            t.t += primal * n.t
            t.u, t.a = t.u + primal * n.u, t.a + primal * n.a
            t.lam, t.nu = t.lam + dual * n.lam, t.nu + dual * n.nu
            if t.limited:
                t.b, t.mu = t.b + primal * n.b, t.mu + dual * n.mu


@dataclass(frozen=True, eq=False)
class _Residuals:
    """x: of stationarity. equal, p: of equalities and bounds. terms: (r_a, r_u, r_t, r_b) of each."""

    x: FloatArray
    equal: FloatArray
    p: FloatArray
    terms: list[tuple[FloatArray, FloatArray, float, float]]


@dataclass(frozen=True, eq=False)
class _TermStep:
    t: float
    u: FloatArray
    a: FloatArray
    lam: FloatArray
    nu: FloatArray
    b: float
    mu: float


@dataclass(frozen=True, eq=False)
class _Direction:
    x: FloatArray
    v: FloatArray
    s: FloatArray
    y: FloatArray
    terms: list[_TermStep]


class _Newton:
    """The equations of one iteration: u, a and the multipliers of the rows eliminated, factored once."""

    def __init__(self, state: InteriorPoint) -> None:
        self.state = state
        for t in state.terms:
            t.e = t.a / t.lam
            t.d = 1.0 / (t.u / t.nu + t.e)
            t.r = 1.0 / (1.0 + (t.nu / t.u) * t.e)
        quadratic, weighted = state.program.quadratic, [(t.rows.values, t.d) for t in state.terms]
        h = normal_matrix(state.bounds, state.y / state.s, weighted, quadratic, state.gram, state.exact)
        n, equal = state.x.size, state.equal.shape[0]
        size = sum(2 if t.limited else 1 for t in state.terms)
        border, corner = np.zeros((n, size + equal)), np.zeros((size + equal, size + equal))
        border[:, size:] = -state.equal.T.toarray()
        k = 0
        for t in state.terms:
            rows = t.rows
            border[:, k] = -(rows.values.T @ t.d)
            corner[k, k] = float(t.d.sum())
            k += 1
            if t.limited:
                border[:, k] = rows.values.T @ (t.r * rows.share) + rows.linear
                corner[k, k - 1] = corner[k - 1, k] = 1.0 - rows.mass - float(t.r @ rows.share)
                corner[k, k] = -(float((rows.share**2 * t.e * t.r).sum()) + t.b / t.mu)
                k += 1
        self.system = Bordered(h, border, corner, equal)

    def direction(self, r: _Residuals, target: float, affine: _Direction | None) -> _Direction:
        """Newton's step to complementarity `target`, with the second-order term of the affine step."""
        state = self.state
        s, y = state.s, state.y
        r_c = s * y - target + (affine.s * affine.y if affine is not None else 0.0)
        right = -r.x - state.bounds.back(r_c / s + (y / s) * r.p)
        z: list[float] = []
        parts = []
        for i, (t, (r_a, r_u, r_t, r_b)) in enumerate(zip(state.terms, r.terms, strict=True)):
            second = affine.terms[i] if affine is not None else None
            c_a = t.a * t.lam - target + (second.a * second.lam if second is not None else 0.0)
            c_u = t.u * t.nu - target + (second.u * second.nu if second is not None else 0.0)
            g = r_a - c_a / t.lam
            q = r_u + c_u / t.u
            both = t.d * g + t.r * q
            right = right - t.rows.values.T @ both
            z.append(-r_t + float(both.sum()))
            c_b = 0.0
            if t.limited:
                c_b = t.b * t.mu - target + (second.b * second.mu if second is not None else 0.0)
                z.append(-r_b + c_b / t.mu - float(t.rows.share @ (t.r * g - t.e * t.r * q)))
            parts.append((c_a, c_u, c_b, g, q))
        dx, dz = self.system.solve(right, np.concatenate((z, r.equal)))
        ds = state.bounds.apply(dx) + r.p
        dy = (-r_c - y * ds) / s
        steps, k = [], 0
        for t, (c_a, c_u, c_b, g, q) in zip(state.terms, parts, strict=True):
            dt = float(dz[k])
            dmu = float(dz[k + 1]) if t.limited else 0.0
            k += 2 if t.limited else 1
            reach = t.rows.values @ dx - dt + g
            push = t.rows.share * dmu + q
            dlam = t.d * reach + t.r * push
            du = t.r * reach - t.e * t.r * push
            da = (-c_a - t.a * dlam) / t.lam
            dnu = (-c_u - t.nu * du) / t.u
            db = (-c_b - t.b * dmu) / t.mu if t.limited else 0.0
            steps.append(_TermStep(dt, du, da, dlam, dnu, db, dmu))
        return _Direction(dx, dz[k:], ds, dy, steps)


def _ratio(value: FloatArray, step: FloatArray) -> float:
    """How far one can go until a value is 0."""
    down = step < 0.0
    return float((-value[down] / step[down]).min()) if down.any() else math.inf
