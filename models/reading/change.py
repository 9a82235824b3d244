"""What a variant names: entries by id, figures by path, in the tables of a case on its way to its dataclass."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import CapmixError
from ..schema.aliases import present_key
from ..schema.fields import Spec
from ..schema.horizon import Horizon
from ..schema.variants import TARGETS
from .context import BAD, Node
from .faults import show
from .lines import KeyPath
from .values import nearest
from .walk import specs

FIXED = ("case", "horizon", "simulation", "variant")
"""Tables that are the same in every variant."""

_LABELS = ("id", "investor", "kind", "accelerator")
_ALL = "*"


class NotThereError(CapmixError):
    """A variant names what the case does not have: what is allowed, and the cure."""

    def __init__(self, allowed: str, cure: str) -> None:
        super().__init__(allowed, cure)
        self.allowed = allowed
        self.cure = cure


@dataclass(frozen=True)
class Place:
    """A plain value in a table: the table, the field's name and its spec."""

    node: Node
    name: str
    spec: Spec


def named_by(target: str, names: Mapping[str, Sequence[str]]) -> tuple[str, frozenset[str]]:
    """Table and ids that a target stands for. NotThereError if there are none, or it fits two tables."""
    table, dot, wanted = target.rpartition(".")
    if dot:
        if table not in TARGETS:
            raise NotThereError(f"the table {_listed(TARGETS)}", nearest(table, TARGETS))
        known = names.get(table, ())
        if wanted == _ALL and known:
            return table, frozenset(known)
        if wanted not in known:
            raise NotThereError(f"id of an {table}: {_listed(known)}", nearest(wanted, known))
        return table, frozenset((wanted,))
    found = [t for t in TARGETS if wanted in names.get(t, ())]
    if not found:
        every = [name for t in TARGETS for name in names.get(t, ())]
        raise NotThereError(f"id of an instrument, an investor or a contract: {_listed(every)}", nearest(wanted, every))
    if len(found) > 1:
        both = " or ".join(show(f"{t}.{wanted}") for t in found)
        raise NotThereError("an id that only one table has", f"write {both}")
    return found[0], frozenset((wanted,))


def places(root: Node, path: str) -> list[Place]:
    """The plain values that a dotted path stands for. NotThereError if it leads nowhere or to what stays fixed."""
    parts = path.split(".")
    if parts[0] in FIXED:
        raise NotThereError(f"a path that does not begin with {_listed(FIXED)}", "these are the same in every variant")
    if parts[-1] in ("id", "preset"):
        raise NotThereError("a path to a figure", f"{parts[-1]} names an entry and cannot be set")
    return list(_under(root, parts))


def _under(node: Node, parts: Sequence[str]) -> Iterator[Place]:
    known = {name: spec for name, (spec, _) in specs(node.cls).items()}
    name, rest = present_key(node.cls, parts[0]), parts[1:]
    if name not in known:
        raise NotThereError(f"one of the keys {', '.join(known)}", nearest(name, known) or f"there is no {show(name)}")
    spec, value = known[name], node.values.get(name)
    if spec.kind not in ("table", "tables", "union", "named"):
        if rest:
            raise NotThereError(f"a path that ends with {show(name)}", f"{name} holds no further keys")
        yield Place(node, name, spec)
    elif value is BAD:  # reported where it stands
        return
    elif spec.kind == "table":
        if value is None or not isinstance(value, Node):
            raise NotThereError(f"a table that the case has; it has no [{name}]", f"add [{name}] to the case")
        yield from _into(value, rest, name)
    else:
        yield from _entries(value or (), rest, name)


def _into(node: Node, rest: Sequence[str], name: str) -> Iterator[Place]:
    if not rest:
        raise NotThereError(f"a path to a figure: {name} is a table with the keys {', '.join(specs(node.cls))}", "")
    yield from _under(node, rest)


def _entries(entries: Sequence[Node], rest: Sequence[str], name: str) -> Iterator[Place]:
    labels = [_label(entry) for entry in entries]
    if not rest:
        raise NotThereError(f"a path to a figure: {name} holds the entries {_listed(labels)}", "name one of them, or *")
    wanted = rest[0]
    chosen = [e for i, (e, label) in enumerate(zip(entries, labels, strict=True))
              if wanted in (_ALL, label, str(i + 1))]  # fmt: skip
    if not chosen:
        raise NotThereError(f"an entry of {name}: {_listed(labels)}", nearest(wanted, labels))
    for entry in chosen:
        yield from _into(entry, rest[1:], f"{name}.{wanted}")


def _label(entry: Node) -> str:
    return next((v for key in _LABELS if isinstance(v := entry.values.get(key), str)), "")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", …" if len(names) > 12 else "") if names else "none is given"


def opened(item: Any, path: KeyPath = ()) -> Node:
    """A dataclass of the case as a table again, with its sub-tables; variants stay as they are."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(item):
        if "spec" not in field.metadata:
            continue
        key = field.name.removesuffix("_")
        value, here = getattr(item, field.name), (*path, key)
        if isinstance(value, tuple) and value and field.metadata["spec"].kind in ("tables", "union"):
            value = tuple(opened(entry, (*here, i)) for i, entry in enumerate(value))
        elif dataclasses.is_dataclass(value) and not isinstance(value, Horizon):
            value = opened(value, here)
        values[key] = value
    return Node(type(item), path, values)


def without(root: Node, table: str, gone: frozenset[str]) -> None:
    """Take entries out of a table of the case. An investor class leaves every depth curve, and instruments that nobody
    takes any more go with it; its own entry stays, for the debt it holds already."""
    if table != "investor":
        root.values[table] = tuple(e for e in root.values[table] if e.values["id"] not in gone)
        return
    left = []
    for instrument in root.values["instrument"]:
        depth = tuple(d for d in instrument.values["depth"] if d.values["investor"] not in gone)
        instrument.values["depth"] = depth
        if depth:
            left.append(instrument)
    root.values["instrument"] = tuple(left)
