"""Every key of every table, fed with every kind of TOML value that it cannot hold: a clear fault each, no exception."""

from __future__ import annotations

import copy
import datetime
import math
import pickle
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import capmix
import pytest
from capmix.models.reading.checks import check
from capmix.models.reading.context import Context
from capmix.models.reading.csvtables import CsvTables
from capmix.models.reading.document import Document
from capmix.models.reading.lines import LineIndex
from capmix.models.reading.starter import starter_case
from capmix.models.reading.walk import read_case, specs
from capmix.models.schema.case import Case
from capmix.models.schema.drivers import PROCESSES

CASES = Path(capmix.__file__).parent / "cases"

WRONG: dict[str, Any] = {
    "list": [], "nested list": [[]], "list of tables": [{}], "table": {}, "filled table": {"a": {"b": [1]}},
    "true": True, "date": datetime.date(2028, 5, 1), "time": datetime.datetime(2028, 5, 1, 12), "text": "\u0430",
    "whole": -(2**70), "nan": math.nan, "inf": math.inf,
}  # fmt: skip

MORE = """
[organic]
amount = 0.1
[revolver]
holder = "banks"
max_commitment = 0.1
margin = 0.02
tenor = 3
[[entity]]
id = "parent"
kind = "parent"
[[party.owns]]
party = "chipmaker"
share = 0.1
[[column]]
id = "twice"
drivers = ["rental", "more_two_regime"]
[[driver]]
id = "more_log_ou"
process = "log_ou"
start = 1.0
mean = 1.0
reversion = 1.0
volatility = 0.1
[[driver]]
id = "more_two_regime"
process = "two_regime"
start = 1.0
drift = [0.1, -0.1]
volatility = [0.1, 0.1]
switch = [1.0, 1.0]
[[driver]]
id = "more_window"
process = "window"
closing = 0.1
reopening = 1.0
[[driver]]
id = "more_excess"
process = "excess"
depends_on = "rental"
strike = 1.25
[[driver]]
id = "more_shortfall"
process = "shortfall"
depends_on = "rental"
strike = 1.25
[[driver]]
id = "more_deterministic"
process = "deterministic"
path = 1.0
[[instrument.grid]]
rating = "A"
margin = 0.01
"""


def sound(raw: dict[str, Any], folder: Path) -> Context:
    context = Context(Document("case.toml", folder / "case.toml", b"", raw, LineIndex("")), CsvTables(folder))
    read_case(context)
    check(context)
    return context


def tables(cls: type, raw: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[type, tuple[Any, ...]]]:
    """Class and path of every table of a case."""
    yield cls, path
    for name, (spec, _) in specs(cls).items():
        value = raw.get(name)
        if value is None:
            continue
        if spec.kind == "table":
            yield from tables(spec.cls, value, (*path, name))
        elif spec.kind in ("tables", "union"):
            for i, entry in enumerate(value):
                inner = spec.classes[entry[spec.tag]] if spec.classes else spec.cls
                yield from tables(inner, entry, (*path, name, i))
        elif spec.kind == "named":
            for key, entry in value.items():
                yield from tables(spec.cls, entry, (*path, name, key))


def fits(kind: str, value: Any) -> bool:
    """Whether a value of WRONG is one of the values that a kind takes."""
    if isinstance(value, str):
        return kind in ("text",) or (value == "" and kind == "choice")
    if isinstance(value, bool):
        return kind == "flag"
    if type(value) is datetime.date:
        return kind == "period"
    if value == []:
        return kind in ("numbers", "matrix", "refs", "several", "targets", "tables", "union")
    if value == {}:
        return kind in ("table", "named")
    return value == [{}] and kind in ("tables", "union")


def place(raw: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        raw = raw[part]
    return raw


EVERY = tomllib.loads(starter_case() + MORE)
FIRST = dict(reversed(list(tables(Case, EVERY))))
PICKLED = pickle.dumps(EVERY)  # several times as fast to copy from
TABLES = ("table", "tables", "union", "named")
ALONE = ("horizon", "id", "process", "preset", "kind", "amortisation")  # what others depend on


def test_the_case_has_every_table(tmp_path):
    assert set(PROCESSES.values()) <= set(FIRST)
    context = sound(copy.deepcopy(EVERY), tmp_path)
    assert {fault.key.split(".")[-1] for fault in context.faults} <= {"offtaker"}, context.faults


def rounds() -> list[list[tuple[tuple[Any, ...], str, str]]]:
    """Keys to be set together: one of each table, those that others depend on alone."""
    found: list[list[tuple[tuple[Any, ...], str, str]]] = []
    alone: list[list[tuple[tuple[Any, ...], str, str]]] = []
    for cls, path in FIRST.items():
        together = [(path, name, spec.kind) for name, (spec, _) in specs(cls).items()]
        single = [one for one in together if "horizon" in path or one[1] in ALONE or one[2] in TABLES]
        alone += [[one] for one in single]
        for i, one in enumerate(one for one in together if one not in single):
            while len(found) <= i:
                found.append([])
            found[i].append(one)
    return found + alone


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_every_key_refuses_what_it_cannot_hold(tmp_path, value):
    for keys in rounds():
        raw = pickle.loads(PICKLED)
        for path, name, _ in keys:
            place(raw, path)[name] = copy.deepcopy(value)
        context = sound(raw, tmp_path)
        for path, name, kind in keys:
            key = context.key((*path, name))
            told = [f for f in context.faults if f.key.startswith(key)]
            assert told or fits(kind, value), f"{key} = {value!r} is accepted"
            assert all(fault.allowed or fault.cure for fault in told)
            assert str(told).isprintable()


@pytest.mark.parametrize("name", ["hyperscaler", "neocloud", "ai_lab"])
def test_tables_of_shipped_cases_with_one_key_after_the_other_at_fault(tmp_path, name):
    """Each table of a shipped case with its n-th key at fault, all tables together: nothing but faults comes of it."""
    base = tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"))
    found = [(cls, path) for cls, path in tables(Case, base) if cls is not Case and path[0] != "horizon"]
    values = list(WRONG.values())
    for turn in range(8):
        raw = copy.deepcopy(base)
        for i, (cls, path) in enumerate(found):
            keys = [key for key, (spec, _) in specs(cls).items() if spec.kind not in TABLES]
            place(raw, path)[keys[(turn + i) % len(keys)]] = values[(turn * 7 + i) % len(values)]
        context = Context(Document(name, CASES / "x", b"", raw, LineIndex("")), CsvTables(CASES))
        read_case(context)
        check(context)
        assert context.faults
