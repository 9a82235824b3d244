"""Instructions on vectors of lanes, for Numba: what the intrinsics of the passes are made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from ..store import LANES

I32, I64, DOUBLE, SINGLE = ir.IntType(32), ir.IntType(64), ir.DoubleType(), ir.FloatType()


def whole(number: int) -> Any:
    return ir.Constant(I64, number)


class Vectors:
    """Vectors of `width` doubles, or of as many singles, and where they lie in memory.

    Attributes:
        doubles, singles: their types.
    """

    def __init__(self, builder: Any, width: int) -> None:
        self._builder = builder
        self.width = width
        self.doubles, self.singles = ir.VectorType(DOUBLE, width), ir.VectorType(SINGLE, width)
        self._all_first = ir.Constant(ir.VectorType(I32, width), [0] * width)

    def every(self, number: float) -> Any:
        """A constant in all lanes."""
        return ir.Constant(self.doubles, [ir.Constant(DOUBLE, number)] * self.width)

    def spread(self, number: Any) -> Any:
        """A double in all lanes."""
        one = self._builder.insert_element(ir.Constant(self.doubles, ir.Undefined), number, ir.Constant(I32, 0))
        return self._builder.shuffle_vector(one, one, self._all_first)

    def larger(self, a: Any, b: Any) -> Any:
        return self._builder.select(self._builder.fcmp_ordered(">", a, b), a, b)

    def multiplied(self, a: Any, b: Any, c: Any) -> Any:
        """a * b + c, rounded once: the same bits on every processor, though slow on one without the instruction."""
        find: Any = cgutils.get_or_insert_function
        kind = ir.FunctionType(self.doubles, [self.doubles] * 3)
        return self._builder.call(find(self._builder.module, kind, f"llvm.fma.v{self.width}f64"), [a, b, c])

    def place(self, data: Any, row: Any, kind: Any, first: Any = None, length: int = LANES) -> Any:
        """Pointer to a vector of the row of an array (n, length), from its place `first` on."""
        place = self._builder.mul(row, whole(length))
        place = place if first is None else self._builder.add(place, first)
        return self._builder.bitcast(self._builder.gep(data, [place]), kind.as_pointer())

    @contextmanager
    def tiles(self) -> Iterator[Any]:
        """Over all lanes: the first of each vector."""
        with cgutils.for_range(self._builder, whole(LANES // self.width)) as tile:
            yield self._builder.mul(tile.index, whole(self.width))


def at(builder: Any, numbers: Any, place: Any) -> Any:
    """The number at a place of an array."""
    return builder.load(builder.gep(numbers, [place]))


def views(context: Any, builder: Any, kinds: Any, values: Any) -> list[Any]:
    """Arrays among the arguments of an intrinsic."""
    array: Any = cgutils.create_struct_proxy
    return [array(kind)(context, builder, value=value) for kind, value in zip(kinds, values, strict=True)]


def fields(context: Any, builder: Any, kind: Any, value: Any, names: tuple[str, ...]) -> list[Any]:
    """Arrays of a named tuple of arrays."""
    places = [kind.fields.index(name) for name in names]
    return views(
        context, builder, [kind.types[k] for k in places], [builder.extract_value(value, k) for k in places]
    )  # fmt: skip


def size(builder: Any, view: Any, axis: int = 0) -> Any:
    return builder.extract_value(view.shape, axis)


def contiguous(*kinds: Any) -> bool:
    """Whether these types are arrays without gaps, or named tuples of such."""
    arrays = [one for kind in kinds for one in getattr(kind, "types", [kind])]
    return all(isinstance(one, types.Array) and one.layout == "C" for one in arrays)
