"""Tables as one run of bytes each, so that one copy brings them to a device: offsets first, then the arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..drivers import DRAWING, initial_level, initial_state
from ..layout import Program
from ..paths import used_shocks
from ..settling import Settling
from ..tables import ProcessTable
from ..waterfall import Waterfall

_ALIGNED = 16
_DRIVER = np.dtype([*((n, np.float64) for n in ("state", "level", "start")), ("word", np.uint64),
                    *((n, np.int32) for n in ("kind", "depends_on", "used", "slot"))])  # fmt: skip
_LOSS = np.dtype([*((n, np.float64) for n in ("surplus", "drawn", "deficit", "dt")),
                  *((n, np.int32) for n in ("kind", "rate", "low", "high"))])  # fmt: skip
_PERIOD = np.dtype([*((n, np.float64) for n in ("least", "line", "constant", "opening")),
                    *((n, np.int32) for n in ("low", "high", "begins", "seen"))])  # fmt: skip
_GROUP = np.dtype([("low", np.int32), ("high", np.int32), ("period", np.int32), ("alone", np.int32)])
_ENTRY = np.dtype([("exposure", np.float64), ("factor", np.int32), ("group", np.int32)])
_STEP = np.dtype([(n, np.int32) for n in ("source", "target", "low", "high")])


def _pack(numbers: Sequence[int], arrays: Sequence[NDArray[Any]]) -> NDArray[np.uint8]:
    """int64 numbers, int64 offsets of the arrays, and the arrays."""
    offset = -(-(len(numbers) + len(arrays)) * 8 // _ALIGNED) * _ALIGNED
    offsets = []
    for array in arrays:
        offsets.append(offset)
        offset += -(-array.nbytes // _ALIGNED) * _ALIGNED
    out = np.zeros(offset + _ALIGNED, dtype=np.uint8)
    head = np.array([*numbers, *offsets], dtype=np.int64)
    out[: head.nbytes] = head.view(np.uint8)
    for start, array in zip(offsets, arrays, strict=True):
        out[start : start + array.nbytes] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return out


def pack_processes(table: ProcessTable) -> NDArray[np.uint8]:
    """For `processes_of` in processes.cuh."""
    kinds = [int(k) for k in table.kind]
    params = np.ascontiguousarray(table.params, dtype=np.float64)
    start = np.ascontiguousarray(table.start, dtype=np.float64)
    draws = np.isin(table.kind, DRAWING)
    drivers = _records(
        _DRIVER,
        table.drivers,
        state=np.array([initial_state(k, params[d, 0], start[d]) for d, k in enumerate(kinds)]),
        level=np.array([initial_level(k, params[d, 0], start[d]) for d, k in enumerate(kinds)]),
        start=start,
        word=table.word,
        kind=table.kind,
        depends_on=table.depends_on,
        used=used_shocks(table),
        slot=np.where(draws, np.cumsum(draws) - 1, -1),
    )
    cholesky = np.ascontiguousarray(table.cholesky, dtype=np.float64)
    return _pack((table.drivers, table.periods, int(draws.sum())), (drivers, cholesky, params))


def work_width(table: ProcessTable) -> int:
    """Doubles that a thread needs to simulate a scenario: `Work` in processes.cuh."""
    drawing = int(np.isin(table.kind, DRAWING).sum())
    return 6 * table.drivers + 5 * drawing


def pack_program(program: Program) -> NDArray[np.uint8]:
    """For `program_of` in program.cuh."""
    p = program
    drawn = np.where(p.revolver != 0, p.drawn, -np.inf)  # then the surplus rate, the least that it can be
    losses = _records(_LOSS, p.kind.size, surplus=p.surplus, drawn=drawn, deficit=p.deficit, dt=p.dt,
                      kind=p.kind, rate=p.rate, low=p.table[:-1], high=p.table[1:])  # fmt: skip
    periods = _records(_PERIOD, p.floor.size, least=p.floor - p.line, line=p.line, constant=p.constant,
                       opening=p.opening, low=p.group[:-1], high=p.group[1:], begins=p.begins, seen=p.seen)  # fmt: skip
    lengths = np.diff(p.entry)
    owner = np.repeat(np.arange(p.floor.size), np.diff(p.group))
    groups = _records(_GROUP, lengths.size, low=p.entry[:-1], high=p.entry[1:], period=owner, alone=p.rest[:, 0] < 0)
    member = np.repeat(np.arange(lengths.size), lengths)
    entries = _records(_ENTRY, p.factor.size, exposure=p.exposure, factor=p.factor, group=member)
    return _pack((p.kind.size, p.rest.shape[1]), (losses, periods, groups, entries, p.rest.astype(np.int32)))


def _records(record: np.dtype[Any], count: int, /, **fields: NDArray[Any]) -> NDArray[Any]:
    """Records of the given fields."""
    out = np.empty(count, dtype=record)
    for name, values in fields.items():
        out[name] = values
    return out


def pack_waterfall(table: Waterfall) -> NDArray[np.uint8]:
    """For `steps_of` in waterfall.cu."""
    steps = _records(_STEP, table.source.size, source=table.source, target=table.target, low=table.start[:-1],
                     high=table.start[1:])  # fmt: skip
    return _pack((table.claims, table.pools, table.source.size), (steps, table.member.astype(np.int32)))


def pack_settling(table: Settling) -> NDArray[np.uint8]:
    """For `settling_of` in waterfall.cu."""
    amounts, periods = table.fixed.shape
    moving = np.full(amounts, -1, dtype=np.int32)
    moving[table.moving] = np.arange(table.moving.size)
    doubles = [
        np.asarray(v, np.float64)
        for v in (table.fixed, table.line, table.least, table.last, table.surplus, table.share)
    ]
    indices = [moving, table.amount.astype(np.int32), table.factor.astype(np.int32)]
    return _pack((table.owed, amounts, periods, table.bearers), (*doubles, *indices))
