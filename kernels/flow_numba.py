"""The flows of a loss over 256 lanes in vector registers, for Numba: the sum at the heart of every pass.

Written for LLVM directly: loops over lanes would load and store the running sum at every entry.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .prefetch_numba import prefetch
from .store import LANES, LINE

WIDTH = 32  # lanes whose values stay near the processor, and whose sums in its registers, over all entries
_AT_ONCE = 4  # entries that are added up before they join the sum, in pairs

_I64 = ir.IntType(64)
_SUM, _SINGLES = ir.VectorType(ir.DoubleType(), WIDTH), ir.VectorType(ir.FloatType(), WIDTH)


class _Lanes:
    """The vectors of one set of lanes: values (n, WIDTH) float32, so that more of them stay near; widened when read."""

    def __init__(self, builder: Any, values: Any) -> None:
        self._builder, self._values = builder, values

    def __call__(self, position: Any) -> Any:
        """Values at a position."""
        return self._builder.fpext(self._builder.load(self._at(position), align=4), _SUM)

    def keep(self, position: Any, vector: Any) -> None:
        self._builder.store(vector, self._at(position), align=4)

    def _at(self, position: Any) -> Any:
        return _vector(self._builder, self._values, position, WIDTH, _SINGLES)


def _vector(builder: Any, data: Any, row: Any, length: int, kind: Any, first: Any = None) -> Any:
    """Pointer to a vector of the row of an array (n, length), from its place `first` on."""
    place = builder.mul(row, ir.Constant(_I64, length))
    place = place if first is None else builder.add(place, first)
    return builder.bitcast(builder.gep(data, [place]), kind.as_pointer())


def _aligned(builder: Any, data: Any) -> Any:
    """The next address that is a multiple of a cache line, so that no vector lies across two."""
    up = builder.add(builder.ptrtoint(data, _I64), ir.Constant(_I64, LINE - 1))
    return builder.inttoptr(builder.and_(up, ir.Constant(_I64, -LINE)), data.type)


def _zero() -> Any:
    return ir.Constant(_SUM, [ir.Constant(ir.DoubleType(), 0.0)] * WIDTH)


def _spread(builder: Any, number: Any) -> Any:
    empty = ir.Constant(_SUM, ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(first, empty, mask)


def _add(builder: Any, total: Any, lanes: _Lanes, factor: Any, exposure: Any, low: Any, high: Any) -> None:
    """total += exposure * x[factor] over the entries low..high, four at a time. total: a variable."""

    def term(place: Any) -> Any:
        weight = builder.load(builder.gep(exposure, [place]))
        return builder.fmul(_spread(builder, weight), lanes(builder.load(builder.gep(factor, [place]))))

    def beyond(place: Any, more: int) -> Any:
        return builder.add(place, ir.Constant(_I64, more))

    def add(value: Any) -> None:
        builder.store(builder.fadd(builder.load(total), value), total)

    whole = builder.sub(high, builder.srem(builder.sub(high, low), ir.Constant(_I64, _AT_ONCE)))
    with cgutils.for_range_slice(builder, low, whole, ir.Constant(_I64, _AT_ONCE), _I64) as (e, _):
        pairs = [builder.fadd(term(beyond(e, k)), term(beyond(e, k + 1))) for k in range(0, _AT_ONCE, 2)]
        add(builder.fadd(*pairs))
    with cgutils.for_range_slice(builder, whole, high, ir.Constant(_I64, 1), _I64) as (e, _):
        add(term(e))


def _flows(
    _context: Any, flows: Any, x: Any, positions: Any, values: Any, constant: Any, group: Any, rest: Any, entry: Any,
    factor: Any, exposure: Any, low: Any, high: Any,
) -> Any:  # fmt: skip
    """flows (high - low, 256): flows of the periods low..high in all lanes.

    x: (F, 256) float32; positions: rows of x to which `rest` and `factor` refer by their places; the others as in
    `layout.Program`. values: (positions + 1, WIDTH) float32 scratch.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array: Any = cgutils.create_struct_proxy
        views = [array(k)(context, builder, value=v) for k, v in zip(signature.args[:10], args[:10], strict=True)]
        to, data, rows, scratch, fixed, groups, others, entries, factors, exposures = (view.data for view in views)
        size, width = (builder.extract_value(views[k].shape, n) for k, n in ((2, 0), (6, 1)))
        block = builder.mul(builder.extract_value(views[1].shape, 0), ir.Constant(_I64, LANES))
        one, none = ir.Constant(_I64, 1), ir.Constant(_I64, 0)
        lanes = _Lanes(builder, _aligned(builder, scratch))
        variable: Any = cgutils.alloca_once
        total, inner = variable(builder, _SUM), variable(builder, _SUM)

        def at(numbers: Any, place: Any) -> Any:
            return builder.load(builder.gep(numbers, [place]))

        to_next_block = builder.sub(block, ir.Constant(_I64, LANES - WIDTH))
        with cgutils.for_range(builder, ir.Constant(_I64, LANES // WIDTH)) as tile:
            first = builder.mul(tile.index, ir.Constant(_I64, WIDTH))
            last = builder.icmp_signed("==", tile.index, ir.Constant(_I64, LANES // WIDTH - 1))
            ahead = builder.select(last, to_next_block, ir.Constant(_I64, WIDTH))
            with cgutils.for_range(builder, size) as read:
                single = _vector(builder, data, at(rows, read.index), LANES, _SINGLES, first)
                lanes.keep(read.index, builder.load(single, align=4))
                prefetch(builder, builder.gep(builder.bitcast(single, ir.FloatType().as_pointer()), [ahead]), WIDTH)
            with cgutils.for_range_slice(builder, args[10], args[11], one, _I64) as (t, _):
                builder.store(_spread(builder, at(fixed, t)), total)
                end = at(groups, builder.add(t, one))
                with cgutils.for_range_slice(builder, at(groups, t), end, one, _I64) as (g, _):
                    begin, end = at(entries, g), at(entries, builder.add(g, one))
                    row = builder.mul(g, width)
                    outer = at(others, row)
                    with builder.if_else(builder.icmp_signed("<", outer, none)) as (alone, shared):
                        with alone:
                            _add(builder, total, lanes, factors, exposures, begin, end)
                        with shared:
                            builder.store(_zero(), inner)
                            _add(builder, inner, lanes, factors, exposures, begin, end)
                            with cgutils.for_range_slice(builder, one, width, one, _I64) as (r, _):
                                position = at(others, builder.add(row, r))
                                with builder.if_then(builder.icmp_signed(">=", position, none)):
                                    builder.store(builder.fmul(builder.load(inner), lanes(position)), inner)
                            product = builder.fmul(builder.load(inner), lanes(outer))
                            builder.store(builder.fadd(builder.load(total), product), total)
                out = _vector(builder, to, builder.sub(t, args[10]), LANES, _SUM, first)
                builder.store(builder.load(total), out, align=8)
        return context.get_dummy_value()

    numbers = (positions, values, constant, group, rest, entry, factor, exposure)
    as_needed = flows == types.Array(types.float64, 2, "C") and x == types.Array(types.float32, 2, "C")
    as_needed = as_needed and values == types.Array(types.float32, 2, "C")
    as_needed = as_needed and all(n.layout == "C" for n in numbers) and low == high == types.int64
    return (types.void(flows, x, *numbers, low, high), generate) if as_needed else None


add_flows: Any = intrinsic(_flows)
