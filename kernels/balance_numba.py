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

from .store import LANES
from .tables import LossKind

_WIDTH = 16  # lanes at a time: enough to work on while one waits for its balance

_I32, _I64, _DOUBLE = ir.IntType(32), ir.IntType(64), ir.DoubleType()
_VECTOR, _SINGLES = ir.VectorType(_DOUBLE, _WIDTH), ir.VectorType(ir.FloatType(), _WIDTH)
_FIRST = ir.Constant(ir.VectorType(_I32, _WIDTH), [0] * _WIDTH)
_NUMBERS = ("opening", "surplus", "deficit", "drawn", "dt")


def _whole(number: int) -> Any:
    return ir.Constant(_I64, number)


def _every(number: float) -> Any:
    return ir.Constant(_VECTOR, [ir.Constant(_DOUBLE, number)] * _WIDTH)


class _Loss:
    """A loss of a program as instructions, over some of the lanes at a time.

    Attributes:
        arrays: pointers to the intrinsic's arrays before those of the driver values.
        periods: their number. peak, revolving: whether a balance is carried, and whether a line stands behind it.
        opening: of the balance, in all lanes.
    """

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        """args: arrays (…, 256), driver values and their positions, the program, and the number of the loss."""
        array: Any = cgutils.create_struct_proxy
        *arrays, (kind, program), (_, number) = zip(signature.args, args, strict=True)
        *self.arrays, self._x, self._positions = (array(k)(context, builder, value=v).data for k, v in arrays)
        self.builder, self._first = builder, _whole(0)

        def field(name: str) -> Any:
            k = kind.fields.index(name)
            return array(kind.types[k])(context, builder, value=builder.extract_value(program, k)).data

        self._low, high = (self._at(field("table"), builder.add(number, _whole(k))) for k in (0, 1))
        self.periods = builder.sub(high, self._low)
        self.peak = builder.icmp_signed("==", self._at(field("kind"), number), _whole(int(LossKind.PEAK)))
        self.revolving = builder.icmp_signed("!=", self._at(field("revolver"), number), _whole(0))
        self._rate, self._floor, self._line = self._at(field("rate"), number), field("floor"), field("line")
        self.opening, self._surplus, self._deficit, self._drawn, self._dt = (
            self._spread(self._at(field(name), number)) for name in _NUMBERS
        )

    def _at(self, numbers: Any, place: Any) -> Any:
        return self.builder.load(self.builder.gep(numbers, [place]))

    def _spread(self, number: Any) -> Any:
        one = self.builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, ir.Constant(_I32, 0))
        return self.builder.shuffle_vector(one, one, _FIRST)

    @contextmanager
    def lanes(self) -> Iterator[None]:
        """Over all lanes."""
        with cgutils.for_range(self.builder, _whole(LANES // _WIDTH)) as tile:
            self._first = self.builder.mul(tile.index, _whole(_WIDTH))
            yield

    @contextmanager
    def each_period(self) -> Iterator[Any]:
        with cgutils.for_range(self.builder, self.periods) as period:
            yield period.index

    def variable(self, value: Any) -> Any:
        variable: Any = cgutils.alloca_once_value
        return variable(self.builder, value)

    def _place(self, data: Any, row: Any, kind: Any = _VECTOR) -> Any:
        """Pointer to these lanes of a row of an array (n, 256)."""
        place = self.builder.add(self.builder.mul(row, _whole(LANES)), self._first)
        return self.builder.bitcast(self.builder.gep(data, [place]), kind.as_pointer())

    def load(self, data: Any, row: Any) -> Any:
        return self.builder.load(self._place(data, row), align=8)

    def store(self, value: Any, data: Any, row: Any) -> None:
        self.builder.store(value, self._place(data, row), align=8)

    def larger(self, a: Any, b: Any) -> Any:
        return self.builder.select(self.builder.fcmp_ordered(">", a, b), a, b)

    def short(self, balance: Any, period: Any) -> Any:
        """What the balance of a period, and the line behind it, leave of the floor."""
        floor, line = (self._at(numbers, self.builder.add(self._low, period)) for numbers in (self._floor, self._line))
        return self.builder.fsub(self._spread(self.builder.fsub(floor, line)), self.load(balance, period))

    def _earlier(self, period: Any) -> tuple[Any, Any]:
        """The period before, or the first; and whether it is the first."""
        first = self.builder.icmp_signed("==", period, _whole(0))
        return self.builder.select(first, period, self.builder.sub(period, _whole(1))), first

    def behind(self, period: Any) -> Any:
        """The line behind the balance on its way into a period."""
        earlier, first = self._earlier(period)
        line = self._at(self._line, self.builder.add(self._low, earlier))
        return self._spread(self.builder.select(first, ir.Constant(_DOUBLE, 0.0), line))

    def _seen(self, period: Any) -> Any:
        """The rate seen in a period, 0 for a loss without one."""
        seen, (earlier, _) = self.variable(_every(0.0)), self._earlier(period)
        with self.builder.if_then(self.builder.icmp_signed(">=", self._rate, _whole(0))):
            row = self._at(self._positions, self.builder.add(self._rate, earlier))
            single = self.builder.load(self._place(self._x, row, _SINGLES), align=4)
            self.builder.store(self.builder.fpext(single, _VECTOR), seen)
        return self.builder.load(seen)

    def growth(self, period: Any, before: Any, revolving: bool) -> tuple[Any, Any]:
        """What a balance is multiplied by on its way into a period, and how much of that is for being beyond the
        line.
        """
        b, one, zero, seen = self.builder, _every(1.0), _every(0.0), self._seen(period)
        surplus, deficit, drawn = (
            b.fmul(self._dt, b.fadd(seen, margin)) for margin in (self._surplus, self._deficit, self._drawn)
        )
        surplus = self.larger(surplus, zero)
        deficit = b.fadd(one, self.larger(deficit, surplus))
        surplus = b.fadd(one, surplus)
        positive = b.fcmp_ordered(">=", before, zero)
        if not revolving:
            return b.select(positive, surplus, deficit), zero
        drawn = self.larger(b.fadd(one, drawn), surplus)
        deficit = self.larger(deficit, drawn)
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
                last = loss.variable(loss.opening)
                with loss.each_period() as t:
                    before = builder.load(last)
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
    """worst (1, 256) = max_t (floor[t] - line[t] - balance[t]); nan where a balance is not finite."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        loss = _Loss(context, builder, signature, args)
        to, balances = loss.arrays
        with loss.lanes():
            most, good = loss.variable(_every(-math.inf)), loss.variable(_every(0.0))
            with loss.each_period() as t:
                short = loss.short(balances, t)
                builder.store(loss.larger(short, builder.load(most)), most)
                builder.store(builder.fadd(builder.load(good), builder.fsub(short, short)), good)
            finite = builder.fcmp_ordered("ord", builder.load(good), _every(0.0))
            loss.store(builder.select(finite, builder.load(most), _every(math.nan)), to, _whole(0))
        return context.get_dummy_value()

    return _needed([worst, balance], x, positions, p, m, generate)


def _adjoint(
    _context: Any, slope: Any, by_line: Any, worst: Any, balance: Any, x: Any, positions: Any, p: Any, m: Any
) -> Any:
    """slope, by_line (periods, 256): derivatives of loss m by each flow and line, at the first worst period.

    worst (1, 256): the loss, as from `largest`.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        loss = _Loss(context, builder, signature, args)
        by_flow, lines, largest, balances = loss.arrays
        with loss.lanes():
            left, most = loss.variable(_every(-1.0)), loss.load(largest, _whole(0))
            with loss.each_period() as t:
                hit, still = builder.fcmp_ordered("==", loss.short(balances, t), most), builder.load(left)
                for to in (by_flow, lines):
                    loss.store(builder.select(hit, still, _every(0.0)), to, t)
                builder.store(builder.select(hit, _every(0.0), still), left)
        last = builder.sub(loss.periods, _whole(1))

        def sweep(revolving: bool) -> None:
            with loss.lanes(), cgutils.for_range(builder, last) as back:
                t, before = (builder.sub(builder.sub(last, _whole(k)), back.index) for k in (0, 1))
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
    as_needed = all(kind == double for kind in lanes) and x == single and positions.layout == "C" and m == types.int64
    return (types.void(*lanes, x, positions, p, m), generate) if as_needed else None


carry: Any = intrinsic(_carry)
largest: Any = intrinsic(_largest)
adjoint: Any = intrinsic(_adjoint)
