"""Why a linear program has no plan: the rules that must give way, and by how much at least.

Elastic programming: rows, and upper bounds that stand for a rule, may be violated at a price; the cheapest violation
names the rules in conflict (Chinneck 2008, Feasibility and Infeasibility in Optimization, ch. 6,
https://doi.org/10.1007/978-0-387-74932-7). What the user himself has set gives way first: one family of his limits
alone where that is enough, then all of them, then what markets and sites offer. Balances of what is sold and drawn
come after all of these, and rows that only define an amount (equalities) at the very last. Limits that he added in
code (`own_limits`) are named before all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, eye_array, hstack, vstack

from ...models.program import OWN, LinearProgram, Rule
from ..arrays import FloatArray
from .highs import LpResult, LpStatus, Model, SolverError, Unsolved
from .magnitudes import far_apart
from .progress import Monitor, OutOfTime
from .scaling import Scaling, apply, power_of_two, scale
from .solution import Conflict, Relaxation

BoolArray = NDArray[np.bool_]

SMALLEST = 1e-7  # scaled amounts below are rounding
LARGEST = 1e5  # scaled limits above are the unit of all others
OWN_LINKS = frozenset({OWN, "covenant", "budget", "cash", "circularity"})
OWN_RULES = frozenset({"compute_target"})
PRICES = (1.0, 1e2, 1e4, 1e7)  # of each kind, relative to the size of its limit
OTHERS = 0.5  # a covenant is named first unless another limit has to move by less than this share of its move
INFLATED = (1e-7, 1e-6, 1e-5)  # relative: what is added to the amounts so that solver tolerances do not matter


class Kind(IntEnum):
    """Whose a limit is: the user's own, the world's, a balance of the model, or a definition."""

    OWN = 0
    WORLD = 1
    BALANCE = 2
    DEFINITION = 3


@dataclass(frozen=True)
class _Cure:
    """Rows (and, counted behind them, ruled bounds) that give way; `move`: the largest share of its limit any does."""

    relaxations: tuple[Relaxation, ...]
    move: float


def explained(program: LinearProgram, monitor: Monitor, seed: int = 0) -> Conflict:
    """The rules in conflict, the user's own first; other limits of his that would do instead; and whether solving
    again with exactly these relaxed has found a point.

    Raises `SolverError` if relaxing all rows and ruled bounds is not enough: then bounds on columns without a rule
    conflict.
    """
    search = _Search(program, monitor, seed)
    alone = list(search.alone())
    if alone:
        covenants = [name for name, _ in alone if search.is_covenant(name)]
        added = [one for one in alone if one[0] in program.own]
        best = min(added or alone, key=lambda one: one[1].move)
        if covenants and not added and not search.is_covenant(best[0]):
            tightest = min((one for one in alone if one[0] in covenants), key=lambda one: one[1].move)
            best = best if best[1].move < OTHERS * tightest[1].move else tightest
        others = tuple(cure.relaxations for name, cure in alone if name != best[0])
        return Conflict(best[1].relaxations, instead=others, proven=search.proves(best[1].relaxations))
    first = [search.linked(OWN)] if program.own else []
    for allowed in (*first, search.linked("covenant"), *(search.kinds <= kind for kind in Kind)):
        cure = search.cure(allowed)
        if cure is not None:
            return Conflict(cure.relaxations, proven=search.proves(cure.relaxations))
    raise SolverError(
        f"'{program.name}' has no plan even with every rule relaxed: "
        "bounds on amounts contradict the rules' definitions"
    )


def relaxations(program: LinearProgram, monitor: Monitor, seed: int = 0) -> tuple[Relaxation, ...]:
    """The rules in conflict alone, as `explained` finds them."""
    return explained(program, monitor, seed).relaxations


class _Search:
    """One model with a slack on both sides of each row and ruled bound; slacks are at 0 until they may give way."""

    def __init__(self, program: LinearProgram, monitor: Monitor, seed: int) -> None:
        self.program, self._monitor, self._seed = program, monitor, seed
        self._scaling = _in_units(scale(program), program)
        self._count, self._width = program.matrix.shape
        ruled = np.array([bool(rule) for rule in program.bound_rules], dtype=np.bool_) & np.isfinite(program.col_upper)
        self._ruled = np.flatnonzero(ruled)
        picks = csr_array(
            (np.ones(self._ruled.size), (np.arange(self._ruled.size), self._ruled)),
            shape=(self._ruled.size, self._width),
        )
        columns = self._scaling.columns
        self._rows = csr_array(vstack([apply(self._scaling, csr_array(program.matrix)), picks]))
        self._lower = np.append(program.row_lower * self._scaling.rows, np.full(self._ruled.size, -np.inf))
        self._upper = np.append(
            program.row_upper * self._scaling.rows, program.col_upper[self._ruled] / columns[self._ruled]
        )
        self._total = self._count + self._ruled.size
        prefixes = [index.rule for index in program.row_index]
        prefixes += [program.bound_rules[j] for j in self._ruled]
        self._rules = [program.rules.get(prefix) for prefix in prefixes]
        equal = self._lower == self._upper
        self.kinds = np.array([_kind(rule, bool(e)) for rule, e in zip(self._rules, equal, strict=True)])
        self._size = self._sizes()
        self._model = self._elastic()

    def is_covenant(self, name: str) -> bool:
        rule = self.program.rules.get(name)
        return rule is not None and rule.link == "covenant"

    def linked(self, link: str) -> BoolArray:
        """(total,) the rows whose rules are of this kind."""
        return np.array([rule is not None and rule.link == link for rule in self._rules], dtype=np.bool_)

    def alone(self) -> Iterator[tuple[str, _Cure]]:
        """Each family of the user's own limits that is enough on its own, in the order of the rows."""
        own = [rule.name for rule, k in zip(self._rules, self.kinds, strict=True) if rule is not None and k == Kind.OWN]
        for name in dict.fromkeys(own):
            mine = [rule is not None and rule.name == name for rule in self._rules]
            cure = self.cure(np.array(mine, dtype=np.bool_))
            if cure is not None:
                yield name, cure

    def cure(self, allowed: BoolArray) -> _Cure | None:
        """The cheapest relaxation of the rows and bounds that may give way; None if it does not help."""
        for number, limit in enumerate((self._lower, self._upper)):
            first = self._width + number * self._total
            for i in np.flatnonzero(np.isfinite(limit)).tolist():
                self._model.change_column_bounds(first + i, 0.0, np.inf if allowed[i] else 0.0)
        result = self._solved(self._model)
        if result is None:
            return None
        lowered = result.x[self._width : self._width + self._total]
        raised = result.x[self._width + self._total :]
        x, found, move = result.x[: self._width], [], 0.0
        over, under = self._rows.maximum(0.0) @ x, -(self._rows.minimum(0.0) @ x)
        for i in range(self._total):
            for side, amounts, bound in (("upper", raised, self._upper), ("lower", lowered, self._lower)):
                amount = float(amounts[i])
                if amount > SMALLEST * self._size[i]:
                    found.append((i, self._relaxation(i, side, amount)))
                    move = max(move, amount / max(float(over[i]), float(under[i]), abs(float(bound[i])), 1e-12))
        return _Cure(self._ordered(found), move)

    def proves(self, named: Sequence[Relaxation]) -> bool:
        """Whether the program has a point where exactly these give way by their amounts."""
        program, columns = self.program, self._scaling.columns
        for more in INFLATED:
            lower, upper = program.row_lower.copy(), program.row_upper.copy()
            high = program.col_upper.copy()
            for one in named:
                if one.row < 0:
                    high[one.column] += one.amount * (1.0 + more)
                elif one.side == "upper":
                    upper[one.row] += one.amount * (1.0 + more)
                else:
                    lower[one.row] -= one.amount * (1.0 + more)
            model = Model(
                cost=np.zeros(self._width),
                matrix=csr_array(self._rows[: self._count]),
                row_lower=lower * self._scaling.rows,
                row_upper=upper * self._scaling.rows,
                col_lower=program.col_lower / columns,
                col_upper=high / columns,
                seed=self._seed,
            )
            if self._solved(model) is not None:
                return True
        return False

    def _ordered(self, found: Sequence[tuple[int, Relaxation]]) -> tuple[Relaxation, ...]:
        """The user's own limits first, covenants before others; within a kind the family that gives way most."""
        total: dict[str, float] = {}
        for i, one in found:
            name = self._name(i)
            total[name] = total.get(name, 0.0) + one.amount * self._factor[i] / float(self._size[i])

        def key(item: tuple[int, Relaxation]) -> tuple[int, bool, bool, float, str, int]:
            name = self._name(item[0])
            added, tested = name in self.program.own, self.is_covenant(name)
            return int(self.kinds[item[0]]), not added, not tested, -total[name], name, item[0]

        return tuple(one for _, one in sorted(found, key=key))

    def _name(self, i: int) -> str:
        rule = self._rules[i]
        return "" if rule is None else rule.name

    @property
    def _factor(self) -> FloatArray:
        """(total,) scaled units of each limit per unit of its own."""
        return np.append(self._scaling.rows, 1.0 / self._scaling.columns[self._ruled])

    def _relaxation(self, i: int, side: str, amount: float) -> Relaxation:
        program = self.program
        if i < self._count:
            return Relaxation(program.row_names[i], i, -1, side, amount / float(self._scaling.rows[i]))
        j = int(self._ruled[i - self._count])
        return Relaxation(program.column_names[j], -1, j, side, amount * float(self._scaling.columns[j]))

    def _sizes(self) -> FloatArray:
        """(total,) scaled size of each limit: its own, or where it is 0 that of the limits of its unit."""
        bound = np.maximum(
            np.where(np.isfinite(self._lower), np.abs(self._lower), 0.0),
            np.where(np.isfinite(self._upper), np.abs(self._upper), 0.0),
        )
        factor = self._factor
        units = np.array(["" if rule is None else rule.unit.split(" ")[0] for rule in self._rules])
        natural = bound / factor
        for unit in sorted(set(units.tolist())):
            mine = units == unit
            some = natural[mine & (natural > 0.0)]
            usual = float(np.median(some)) if some.size else 1.0
            natural[mine] = usual if unit == "billion" else np.where(natural[mine] > 0.0, natural[mine], usual)
        return np.asarray(np.maximum(natural * factor, 1e-6))

    def _elastic(self) -> Model:
        program, columns = self.program, self._scaling.columns
        price = np.array(PRICES)[self.kinds] / self._size
        inside = np.isin(np.arange(self._width), self._ruled)
        identity = eye_array(self._total)
        return Model(
            cost=np.concatenate([np.zeros(self._width), price, price]),
            matrix=csr_array(hstack([self._rows, identity, -identity])),
            row_lower=self._lower,
            row_upper=self._upper,
            col_lower=np.append(program.col_lower / columns, np.zeros(2 * self._total)),
            col_upper=np.append(np.where(inside, np.inf, program.col_upper / columns), np.zeros(2 * self._total)),
            seed=self._seed,
        )

    def _solved(self, model: Model) -> LpResult | None:
        """The optimum, or None where there is no point. OutOfTime, SolverError for any other end."""
        with self._monitor.solving():
            try:
                result = model.solve(self._monitor.left, self._monitor.heard)
            except Unsolved as fault:
                why = f"made to say why '{self.program.name}' has no plan; {far_apart(self.program)}"
                raise Unsolved(f"{fault}, {why}") from fault
        if result.status is LpStatus.OUT_OF_TIME:
            raise OutOfTime
        if result.status is LpStatus.INFEASIBLE:
            return None
        if result.status is not LpStatus.OPTIMAL:
            raise SolverError(f"'{self.program.name}' could not be explained: {result.status.value}")
        return result


def _in_units(scaling: Scaling, program: LinearProgram) -> Scaling:
    """The scaling with all amounts counted in the largest limit where that is huge: beside it the solver's tolerances
    are nothing.
    """
    rows, columns = scaling.rows, scaling.columns
    limits = np.concatenate([program.row_lower * rows, program.row_upper * rows, program.col_lower / columns])
    size = np.abs(limits[np.isfinite(limits)]).max(initial=0.0)
    if size <= LARGEST:
        return scaling
    unit = power_of_two(float(size) / LARGEST)
    return replace(scaling, rows=rows / unit, columns=columns * unit)


def _kind(rule: Rule | None, equality: bool) -> Kind:
    if equality and (rule is None or rule.link != OWN):
        return Kind.DEFINITION
    if rule is None:
        return Kind.WORLD
    if rule.link in OWN_LINKS or rule.name in OWN_RULES:
        return Kind.OWN
    return Kind.BALANCE if rule.identity else Kind.WORLD
