"""The flows of a loss over 256 lanes in vector registers, for Numba: the sum at the heart of every pass.

Written for LLVM directly: loops over lanes would load and store the running sum at every entry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..store import LANES, LINE
from .prefetch import prefetch
from .vector import I64, Vectors, at, contiguous, fields, size, views, whole

WIDTH = 32  # lanes whose values stay near the processor, and whose sums in its registers, over all entries
_AT_ONCE = 4  # entries between two steps towards the next block
_AHEAD = 64  # lanes asked for at once
_FIELDS = ("constant", "group", "rest", "entry", "factor", "exposure")


class _Near:
    """The values of one set of lanes: (n, WIDTH) float32, so that more of them stay near; widened when read."""

    def __init__(self, builder: Any, vectors: Vectors, scratch: Any) -> None:
        self._builder, self._vectors = builder, vectors
        # from the next multiple of a cache line on, so that no vector lies across two
        up = builder.add(builder.ptrtoint(scratch, I64), whole(LINE - 1))
        self._values = builder.inttoptr(builder.and_(up, whole(-LINE)), scratch.type)

    def __call__(self, position: Any) -> Any:
        """Values at a position."""
        return self._builder.fpext(self._builder.load(self._at(position), align=4), self._vectors.doubles)

    def keep(self, position: Any, vector: Any) -> None:
        self._builder.store(vector, self._at(position), align=4)

    def _at(self, position: Any) -> Any:
        return self._vectors.place(self._values, position, self._vectors.singles, length=WIDTH)


class _Ahead:
    """Memory of the next block, asked for little by little while this one is worked on: all at once it is waited for.

    steps: how often `step` is called at least. size: number of rows of a block that are read, at `positions`.
    """

    def __init__(self, builder: Any, data: Any, to_next: Any, positions: Any, size: Any, steps: Any) -> None:
        variable: Any = cgutils.alloca_once_value
        self._builder, self._data, self._to_next, self._positions = builder, data, to_next, positions
        self._pieces, self._steps = builder.mul(size, whole(LANES // _AHEAD)), steps
        self._asked, self._credit = variable(builder, whole(0)), variable(builder, whole(0))

    def step(self) -> None:
        """Ask for this step's share of the pieces."""
        b, credit = self._builder, self._credit
        b.store(b.add(b.load(credit), self._pieces), credit)
        ask, body, done = (b.append_basic_block(name) for name in ("ask", "ask.body", "ask.done"))
        b.branch(ask)
        b.position_at_end(ask)
        due = b.icmp_signed(">=", b.load(credit), self._steps)
        b.cbranch(b.and_(due, b.icmp_signed("<", b.load(self._asked), self._pieces)), body, done)
        b.position_at_end(body)
        piece = b.load(self._asked)
        row = b.mul(at(b, self._positions, b.sdiv(piece, whole(LANES // _AHEAD))), whole(LANES))
        place = b.add(row, b.mul(b.srem(piece, whole(LANES // _AHEAD)), whole(_AHEAD)))
        prefetch(b, b.gep(self._data, [b.add(self._to_next, place)]), _AHEAD)
        b.store(b.add(piece, whole(1)), self._asked)
        b.store(b.sub(b.load(credit), self._steps), credit)
        b.branch(ask)
        b.position_at_end(done)


def _add(
    builder: Any, vectors: Vectors, total: Any, near: _Near, factor: Any, exposure: Any, low: Any, high: Any,
    step: Callable[[], None],
) -> None:  # fmt: skip
    """total += exposure * x[factor] over the entries low..high, each rounded once. total: a variable."""

    def add(place: Any) -> None:
        weight = vectors.spread(at(builder, exposure, place))
        value = near(at(builder, factor, place))
        builder.store(vectors.multiplied(weight, value, builder.load(total)), total)

    fours = builder.sub(high, builder.srem(builder.sub(high, low), whole(_AT_ONCE)))
    with cgutils.for_range_slice(builder, low, fours, whole(_AT_ONCE), I64) as (e, _):
        step()
        for k in range(_AT_ONCE):
            add(builder.add(e, whole(k)))
    with cgutils.for_range_slice(builder, fours, high, whole(1), I64) as (e, _):
        add(e)


def _flows(_context: Any, flows: Any, x: Any, positions: Any, values: Any, p: Any, stored: Any) -> Any:
    """flows (periods, 256) of all losses of the program `p`.

    x: (F, 256) float32; positions: rows of x to which those of `p` refer by their places. values: (positions + 1,
    WIDTH) float32 scratch. stored: 1 where x is a block of a store, whose next one follows in memory, else 0.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        to, data, rows, scratch = views(context, builder, signature.args[:4], args[:4])
        constant, group, rest, entry, factor, exposure = fields(context, builder, signature.args[4], args[4], _FIELDS)
        read, others = size(builder, rows), size(builder, rest, 1)
        vectors, variable = Vectors(builder, WIDTH), cast(Any, cgutils.alloca_once)
        near = _Near(builder, vectors, scratch.data)
        total, inner = variable(builder, vectors.doubles), variable(builder, vectors.doubles)
        # a group takes one step, and one more for each whole four of its entries
        steps = builder.sdiv(builder.add(size(builder, factor), size(builder, rest)), whole(_AT_ONCE))
        ahead = _Ahead(
            builder, data.data, builder.mul(size(builder, data), whole(LANES)), rows.data, builder.mul(read, args[5]),
            builder.mul(builder.add(steps, whole(1)), whole(LANES // WIDTH)),
        )  # fmt: skip
        with vectors.tiles() as first:
            with cgutils.for_range(builder, read) as position:
                row = at(builder, rows.data, position.index)
                single = vectors.place(data.data, row, vectors.singles, first)
                near.keep(position.index, builder.load(single, align=4))
            with cgutils.for_range(builder, size(builder, constant)) as period:
                t = period.index
                builder.store(vectors.spread(at(builder, constant.data, t)), total)
                groups_end = at(builder, group.data, builder.add(t, whole(1)))
                with cgutils.for_range_slice(builder, at(builder, group.data, t), groups_end, whole(1), I64) as (g, _):
                    ahead.step()
                    low, high = (at(builder, entry.data, builder.add(g, whole(k))) for k in (0, 1))
                    own = builder.mul(g, others)
                    outer = at(builder, rest.data, own)

                    def add(to: Any, low: Any = low, high: Any = high) -> None:
                        _add(builder, vectors, to, near, factor.data, exposure.data, low, high, ahead.step)

                    with builder.if_else(builder.icmp_signed("<", outer, whole(0))) as (alone, shared):
                        with alone:
                            add(total)
                        with shared:
                            builder.store(vectors.every(0.0), inner)
                            add(inner)
                            with cgutils.for_range_slice(builder, whole(1), others, whole(1), I64) as (r, _):
                                position = at(builder, rest.data, builder.add(own, r))
                                with builder.if_then(builder.icmp_signed(">=", position, whole(0))):
                                    builder.store(builder.fmul(builder.load(inner), near(position)), inner)
                            product = vectors.multiplied(builder.load(inner), near(outer), builder.load(total))
                            builder.store(product, total)
                builder.store(builder.load(total), vectors.place(to.data, t, vectors.doubles, first), align=8)
        return context.get_dummy_value()

    as_needed = flows == types.Array(types.float64, 2, "C") and x == values == types.Array(types.float32, 2, "C")
    as_needed = as_needed and contiguous(positions, p) and stored == types.int64
    return (types.void(flows, x, positions, values, p, stored), generate) if as_needed else None


add_flows: Any = intrinsic(_flows)
