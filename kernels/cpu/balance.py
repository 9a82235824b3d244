"""Running balances, the loss they make and its adjoint over 256 lanes in vector registers, for Numba: as in `losses`.

Written for LLVM directly: loops over lanes would branch lane by lane, and keep each balance in memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..tables import LossKind
from .vector import DOUBLE, Vectors, at, contiguous, fields, views, whole

_WIDTH = 16  # lanes at a time: enough to work on while one waits for its balance

_NUMBERS = ("surplus", "deficit", "drawn", "dt")


class _Loss:
    """A loss of a program as instructions, over some of the lanes at a time.

    Attributes:
        arrays: pointers to the intrinsic's arrays before those of the driver values.
        periods: their number. peak, revolving: whether a balance is carried, and whether a line stands behind it.
    """

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        """args: arrays (…, 256), driver values and their positions, the program, and the number of the loss."""
        *arrays, x, positions = (view.data for view in views(context, builder, signature.args[:-2], args[:-2]))
        number = args[-1]
        self.arrays, self._x, self._positions = arrays, x, positions
        self.builder, self.vectors, self._first = builder, Vectors(builder, _WIDTH), whole(0)

        def of(*names: str) -> list[Any]:
            return [view.data for view in fields(context, builder, signature.args[-2], args[-2], names)]

        [table] = of("table")
        self._low, high = (at(builder, table, builder.add(number, whole(k))) for k in (0, 1))
        self.periods = builder.sub(high, self._low)
        kind, revolver, self._rate = (at(builder, one, number) for one in of("kind", "revolver", "rate"))
        self.peak = builder.icmp_signed("==", kind, whole(int(LossKind.PEAK)))
        self.revolving = builder.icmp_signed("!=", revolver, whole(0))
        self._floor, self._line, self._begins, self._opening, self._seen_at = of(
            "floor", "line", "begins", "opening", "seen"
        )
        self._surplus, self._deficit, self._drawn, self._dt = (
            self.vectors.spread(at(builder, one, number)) for one in of(*_NUMBERS)
        )

    @contextmanager
    def lanes(self) -> Iterator[None]:
        """Over all lanes."""
        with self.vectors.tiles() as self._first:
            yield

    @contextmanager
    def each_period(self) -> Iterator[Any]:
        with cgutils.for_range(self.builder, self.periods) as period:
            yield period.index

    def variable(self, value: Any) -> Any:
        variable: Any = cgutils.alloca_once_value
        return variable(self.builder, value)

    def _place(self, data: Any, row: Any) -> Any:
        """Pointer to these lanes of a row of an array (n, 256)."""
        return self.vectors.place(data, row, self.vectors.doubles, self._first)

    def load(self, data: Any, row: Any) -> Any:
        return self.builder.load(self._place(data, row), align=8)

    def store(self, value: Any, data: Any, row: Any) -> None:
        self.builder.store(value, self._place(data, row), align=8)

    def short(self, balance: Any, period: Any) -> Any:
        """What the balance of a period, and the line behind it, leave of the floor."""
        floor, line = (
            at(self.builder, numbers, self.builder.add(self._low, period)) for numbers in (self._floor, self._line)
        )
        return self.builder.fsub(self.vectors.spread(self.builder.fsub(floor, line)), self.load(balance, period))

    def begins(self, period: Any) -> Any:
        """Whether a balance begins with a period."""
        return self.builder.icmp_signed("!=", at(self.builder, self._begins, self._number(period)), whole(0))

    def before(self, period: Any, last: Any) -> Any:
        """What a balance brings into a period: where one begins its opening, else `last`."""
        opening = self.vectors.spread(at(self.builder, self._opening, self._number(period)))
        return self.builder.select(self.begins(period), opening, last)

    def _number(self, period: Any) -> Any:
        """A period's number among those of the whole program."""
        return self.builder.add(self._low, period)

    def behind(self, period: Any) -> Any:
        """The line behind the balance on its way into a period."""
        first = self.begins(period)
        earlier = self.builder.select(first, period, self.builder.sub(period, whole(1)))
        line = at(self.builder, self._line, self.builder.add(self._low, earlier))
        return self.vectors.spread(self.builder.select(first, ir.Constant(DOUBLE, 0.0), line))

    def _seen(self, period: Any) -> Any:
        """The rate seen in a period, 0 for a loss without one."""
        vectors, behind = self.vectors, at(self.builder, self._seen_at, self._number(period))
        seen = self.variable(vectors.every(0.0))
        with self.builder.if_then(self.builder.icmp_signed(">=", self._rate, whole(0))):
            row = at(self.builder, self._positions, self.builder.add(self._rate, behind))
            single = self.builder.load(vectors.place(self._x, row, vectors.singles, self._first), align=4)
            self.builder.store(self.builder.fpext(single, vectors.doubles), seen)
        return self.builder.load(seen)

    def growth(self, period: Any, before: Any, revolving: bool) -> tuple[Any, Any]:
        """What a balance is multiplied by on its way into a period, and how much of that is for being beyond the
        line.
        """
        b, one, zero, seen = self.builder, self.vectors.every(1.0), self.vectors.every(0.0), self._seen(period)
        surplus, deficit, drawn = (
            b.fmul(self._dt, b.fadd(seen, margin)) for margin in (self._surplus, self._deficit, self._drawn)
        )
        surplus = self.vectors.larger(surplus, zero)
        deficit = b.fadd(one, self.vectors.larger(deficit, surplus))
        surplus = b.fadd(one, surplus)
        positive = b.fcmp_ordered(">=", before, zero)
        if not revolving:
            return b.select(positive, surplus, deficit), zero
        drawn = self.vectors.larger(b.fadd(one, drawn), surplus)
        deficit = self.vectors.larger(deficit, drawn)
        beyond = b.fcmp_ordered("<", before, b.fneg(self.behind(period)))
        within = b.select(positive, surplus, drawn)
        return b.select(beyond, deficit, within), b.select(beyond, b.fsub(deficit, drawn), zero)

    def where_carried(self, sweep: Callable[[bool], None]) -> None:
        """sweep(whether a line stands behind the balance), where one is carried."""
        with self.builder.if_then(self.peak), self.builder.if_else(self.revolving) as (with_line, without):
            with with_line:
                sweep(True)
            with without:
                sweep(False)


def _carry(_context: Any, balance: Any, x: Any, positions: Any, p: Any, m: Any) -> Any:
    """balance (periods, 256) of loss m: from flows to running balances where it is PEAK.

    x (F, 256): driver values; positions: rows of x to which those of the program `p` refer by their places.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        loss = _Loss(context, builder, signature, args)
        [to] = loss.arrays

        def sweep(revolving: bool) -> None:
            with loss.lanes():
                last = loss.variable(loss.vectors.every(0.0))
                with loss.each_period() as t:
                    before = loss.before(t, builder.load(last))
                    factor, dearer = loss.growth(t, before, revolving)
                    carried = builder.fmul(before, factor)
                    if revolving:
                        carried = builder.fadd(carried, builder.fmul(loss.behind(t), dearer))
                    carried = builder.fadd(carried, loss.load(to, t))
                    loss.store(carried, to, t)
                    builder.store(carried, last)

        loss.where_carried(sweep)
        return context.get_dummy_value()

    return _needed([balance], x, positions, p, m, generate)


def _largest(_context: Any, worst: Any, balance: Any, x: Any, positions: Any, p: Any, m: Any) -> Any:
    """worst (n, 256): its first row = max_t (floor[t] - line[t] - balance[t]); nan where a balance is not finite."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        loss = _Loss(context, builder, signature, args)
        to, balances = loss.arrays
        with loss.lanes():
            most, good = loss.variable(loss.vectors.every(-math.inf)), loss.variable(loss.vectors.every(0.0))
            with loss.each_period() as t:
                short = loss.short(balances, t)
                builder.store(loss.vectors.larger(short, builder.load(most)), most)
                builder.store(builder.fadd(builder.load(good), builder.fsub(short, short)), good)
            finite = builder.fcmp_ordered("ord", builder.load(good), loss.vectors.every(0.0))
            loss.store(builder.select(finite, builder.load(most), loss.vectors.every(math.nan)), to, whole(0))
        return context.get_dummy_value()

    return _needed([worst, balance], x, positions, p, m, generate)


def _adjoint(
    _context: Any, slope: Any, by_line: Any, worst: Any, balance: Any, x: Any, positions: Any, p: Any, m: Any
) -> Any:
    """slope, by_line (periods, 256): derivatives of loss m by each flow and line, at the first worst period.

    worst (n, 256): the loss in its first row, as from `largest`.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        loss = _Loss(context, builder, signature, args)
        by_flow, lines, largest, balances = loss.arrays
        with loss.lanes():
            left, most = loss.variable(loss.vectors.every(-1.0)), loss.load(largest, whole(0))
            with loss.each_period() as t:
                hit, still = builder.fcmp_ordered("==", loss.short(balances, t), most), builder.load(left)
                for to in (by_flow, lines):
                    loss.store(builder.select(hit, still, loss.vectors.every(0.0)), to, t)
                builder.store(builder.select(hit, loss.vectors.every(0.0), still), left)
        last = builder.sub(loss.periods, whole(1))

        def sweep(revolving: bool) -> None:
            with loss.lanes(), cgutils.for_range(builder, last) as back:
                t, before = (builder.sub(builder.sub(last, whole(k)), back.index) for k in (0, 1))
                with builder.if_then(builder.not_(loss.begins(t))):
                    slope = loss.load(by_flow, t)
                    factor, dearer = loss.growth(t, loss.load(balances, before), revolving)
                    changes = ((by_flow, factor), (lines, dearer))
                    for to, change in changes if revolving else changes[:1]:
                        loss.store(builder.fadd(loss.load(to, before), builder.fmul(slope, change)), to, before)

        loss.where_carried(sweep)
        return context.get_dummy_value()

    return _needed([slope, by_line, worst, balance], x, positions, p, m, generate)


def _needed(lanes: list[Any], x: Any, positions: Any, p: Any, m: Any, generate: Any) -> Any:
    """Types and code of an intrinsic, None where these types are none for it."""
    double, single = types.Array(types.float64, 2, "C"), types.Array(types.float32, 2, "C")
    as_needed = all(kind == double for kind in lanes) and x == single and contiguous(positions, p) and m == types.int64
    return (types.void(*lanes, x, positions, p, m), generate) if as_needed else None


carry: Any = intrinsic(_carry)
largest: Any = intrinsic(_largest)
adjoint: Any = intrinsic(_adjoint)
