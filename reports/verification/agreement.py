"""Whether two tables or two documents say the same: the written one, and the one that was computed again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..files.read_tables import number_of
from ..files.tables import guarded, plain

if TYPE_CHECKING:
    from ...optimizer.plan import Cell, Table

# The same machine computes the same bits. Another one may round sums over scenarios otherwise: by shares of a figure,
# or of the largest beside it where it is their difference.
OF_ITSELF = 1e-7
OF_LARGEST = 1e-10
SHOWN = 3  # faults per table or document


def same(one: float, other: float, largest: float = 0.0) -> bool:
    """Whether two figures agree; `largest`: size of the figures beside them."""
    difference = abs(one - other)
    return difference <= max(OF_ITSELF * max(abs(one), abs(other)), OF_LARGEST * largest)


def table_faults(name: str, table: Table, written: Sequence[Sequence[Cell]], header: Sequence[str]) -> list[str]:
    """Where a written table differs from the one computed again; cells as `read_table` gives them."""
    heads = [column.name for column in table.columns]
    if list(header) != heads:
        return [f"{name}: its columns are not {', '.join(heads)}"]
    if len(written) != len(table.rows):
        return [f"{name}: {len(written)} rows; computed again {len(table.rows)}"]
    rows = [[plain(cell) for cell in row] for row in table.rows]
    largest = [max((abs(c) for c in column if _number(c)), default=0.0) for column in zip(*rows, strict=True)]
    faults = [
        f"{name}, row {i}, {heads[j]}: {_shown(found)}; computed again {_shown(cell)}"
        for i, (row, line) in enumerate(zip(rows, written, strict=True), 1)
        for j, (cell, found) in enumerate(zip(row, line, strict=True))
        if not _agree(cell, found, largest[j])
    ]
    return short(faults)


def _agree(cell: Cell, found: Cell, largest: float) -> bool:
    """A cell as it is computed and as it was read."""
    if cell is None or isinstance(cell, str):
        return found in (("", None) if cell is None else (cell, guarded(cell)))
    value = number_of(found)
    return value is not None and same(float(cell), value, largest)


def document_faults(name: str, again: Any, written: Any, skipped: Sequence[str] = ()) -> list[str]:
    """Where a written JSON document differs from the one computed again; `skipped`: keys, with dots, left out."""
    return short([f"{name}, {where}" for where in _differences(again, written, "", tuple(skipped), 0.0)])


def _differences(again: Any, written: Any, path: str, skipped: tuple[str, ...], largest: float) -> Iterator[str]:
    if path in skipped:
        return
    if isinstance(again, dict) and isinstance(written, dict):
        for key in [*again, *(key for key in written if key not in again)]:
            there = f"{path}.{key}" if path else key
            if key not in written or key not in again:
                if there not in skipped:
                    yield f"{there}: {'missing' if key not in written else 'not of this plan'}"
            else:
                yield from _differences(again[key], written[key], there, skipped, largest)
    elif isinstance(again, list) and isinstance(written, list):
        if len(again) != len(written):
            yield f"{path}: {len(written)} entries; computed again {len(again)}"
            return
        sizes = _sizes(again)
        for i, (one, other) in enumerate(zip(again, written, strict=True), 1):
            if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
                for key in one:
                    there = f"{path}[{i}].{key}"
                    yield from _differences(one[key], other[key], there, skipped, sizes.get(key, 0.0))
            else:
                yield from _differences(one, other, f"{path}[{i}]", skipped, sizes.get("", 0.0))
    elif _number(again) and _number(written):
        if not same(float(again), float(written), largest):
            yield f"{path}: {written!r}; computed again {again!r}"
    elif again != written or type(again) is not type(written):
        yield f"{path}: {_shown(written)}; computed again {_shown(again)}"


def _sizes(entries: Sequence[Any]) -> dict[str, float]:
    """The largest number under each key of a list's entries; under "" of the entries that are numbers themselves."""
    sizes: dict[str, float] = {}
    for entry in entries:
        items: Mapping[str, Any] = entry if isinstance(entry, dict) else {"": entry}
        for key, value in items.items():
            if _number(value):
                sizes[key] = max(sizes.get(key, 0.0), abs(float(value)))
    return sizes


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: object) -> str:
    text = "nothing" if value in (None, "") else repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def short(faults: Sequence[str]) -> list[str]:
    """The first faults, and how many more there are."""
    more = len(faults) - SHOWN
    return [*faults[:SHOWN], f"{faults[0].partition(',')[0]}: and {more} more"] if more > 0 else list(faults)
