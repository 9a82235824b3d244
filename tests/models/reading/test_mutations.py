"""Whatever is done to a case, reading it gives a case or a CaseError, never another exception."""

from __future__ import annotations

import copy
import datetime
import json
import math
import tomllib
from pathlib import Path
from typing import Any

from capmix.models.reading import CaseError, load_case, starter_case
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BASE: dict[str, Any] = tomllib.loads(starter_case())


def toml(value: Any) -> str:
    """A TOML value on one line; independent of the reader."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007f")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.isoformat() if isinstance(value, datetime.date) else repr(value)


def document(data: dict[str, Any]) -> str:
    return "\n".join(f"{json.dumps(key)} = {toml(value)}" for key, value in data.items())


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        found += places(value, (*path, key))
    return found


PLACES = places(BASE)
IDS = sorted(
    {value for table in BASE.values() if isinstance(table, list) for value in (e.get("id") for e in table) if value}
)

odd = st.one_of(
    st.sampled_from(
        [True, False, 0, -1, 1, 2, 95, 8, 0.5, -0.5, 1e-300, 1e300, math.nan, math.inf, -math.inf, 2**64, -(2**70),
         10**30, "", "one", "0.08", "2027Q1", "1999-02-30", "2190Q4", "=1+1", "\x1b[31m", "a\nb", "none",
         [], [[]], {}, [{}], [1.0, "a"], [0.0] * 12, [[1.0]], {"table": "x.csv", "column": "y"},
         {"table": 1, "column": []}, datetime.date(2028, 5, 1)]
    ),
    st.sampled_from(IDS),
    st.floats(allow_nan=True),
    st.integers(),
    st.text(st.characters(codec="utf-8"), max_size=20),
)  # fmt: skip
mutation = st.tuples(st.sampled_from(PLACES), st.sampled_from(["drop", "set", "rename", "double"]), odd)


def mutate(data: dict[str, Any], path: tuple[Any, ...], action: str, value: Any) -> None:
    parent: Any = data
    try:
        for part in path[:-1]:
            parent = parent[part]
        old = parent[path[-1]]
        if action == "drop":
            del parent[path[-1]]
        elif action == "set":
            parent[path[-1]] = value
        elif action == "double" and isinstance(parent, list):
            parent.append(copy.deepcopy(old))
        elif isinstance(parent, dict):
            parent[f"{path[-1]}x"] = parent.pop(path[-1])
    except (KeyError, IndexError, TypeError):
        return  # an earlier mutation took the place away


def judge(path: Path) -> None:
    """Read the file: a case, or faults that say something and are safe to print."""
    try:
        load_case(path)
    except CaseError as error:
        caught = error
    else:
        return
    assert caught.faults
    assert str(caught).replace("\n", "").isprintable()
    for fault in caught.faults:
        assert fault.allowed or fault.cure


def test_the_writer_of_this_test_keeps_the_case(tmp_path):
    (tmp_path / "a.toml").write_text(document(BASE))
    (tmp_path / "b.toml").write_text(starter_case())
    assert load_case(tmp_path / "a.toml") == load_case(tmp_path / "b.toml")


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(mutation, min_size=1, max_size=4))
def test_mutations_load_or_raise_case_error(tmp_path, mutations):
    data = copy.deepcopy(BASE)
    for path, action, value in mutations:
        mutate(data, path, action, value)
    path = tmp_path / "mutated.toml"
    path.write_text(document(data), encoding="utf-8")
    judge(path)


SUPPLY = "period,s\n" + "".join(f"{y}Q{q},{q}.5\n" for y in (2027, 2028, 2029) for q in (1, 2, 3, 4))
FORMS = [SUPPLY.encode(), SUPPLY.replace(",", ";").replace(".", ",").encode("utf-8-sig"), SUPPLY.encode("utf-16")]
SIGNS = st.text(st.sampled_from('0123456789.,;|\t"-/ %QFYeE\r\n\ufeffü\0'), max_size=6).map(str.encode)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(FORMS), st.integers(0, 200), st.integers(0, 20), st.one_of(SIGNS, st.binary(max_size=6)))
def test_damaged_tables_load_or_raise_case_error(tmp_path, content, start, length, junk):
    path = tmp_path / "case.toml"
    supply = 'supply = { table = "s.csv", column = "s" }'
    path.write_text(starter_case().replace("supply = 60 ", supply + " "), encoding="utf-8")
    (tmp_path / "s.csv").write_bytes(content[:start] + junk + content[start + length :])
    judge(path)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(starter_case()) - 1), st.integers(0, 40), st.binary(max_size=8))
def test_damaged_bytes_load_or_raise_case_error(tmp_path, start, length, junk):
    content = starter_case().encode()
    path = tmp_path / "damaged.toml"
    path.write_bytes(content[:start] + junk + content[start + length :])
    judge(path)
