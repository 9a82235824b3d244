"""The line index agrees with tomllib on what stands where."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from capmix.models.reading import starter_case
from capmix.models.reading.lines import LineIndex, TooDeepError
from hypothesis import given
from hypothesis import strategies as st

TRICKY = '''# [not.a.table]
"quoted key" = 1 # x = [
'a.b'."c" = """
x = 1
\\""" [still] text
"""
lit = \'\'\'
# no comment ' ''
\'\'\'
list = [ # comment ]
  1, "]", [2,
   3], # [
  { a = 1, b.c = "}" },
]
[table] # comment
when = 2027-01-01T10:00:00
inline = { x = [1,
 2], y = "#" }

[[entry]]
id = "first"
[[entry.sub]]
v = 1
[[entry.sub]]
v = 2
[entry.deep.er]
z = 1
[[entry]]
id = "second"
  [[entry.sub]]
  v = -1e5'''


def paths(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from paths(value, (*path, key))


@pytest.mark.parametrize(
    "path, line",
    [
        (("quoted key",), 2),
        (("a.b", "c"), 3),
        (("lit",), 7),
        (("list",), 10),
        (("list", 0), 11),
        (("list", 2, 1), 12),
        (("list", 3, "b", "c"), 13),
        (("table",), 15),
        (("table", "when"), 16),
        (("table", "inline", "x", 1), 18),
        (("table", "inline", "y"), 18),
        (("entry", 0), 20),
        (("entry", 0, "sub", 1, "v"), 25),
        (("entry", 0, "deep", "er", "z"), 27),
        (("entry", 1, "id"), 29),
        (("entry", 1, "sub", 0, "v"), 31),
        (("entry", 1, "missing"), 28),
        (("nowhere",), None),
    ],
)
def test_lines_of_tricky_toml(path, line):
    assert LineIndex(TRICKY).line(path) == line


@pytest.mark.parametrize("text", [TRICKY, starter_case()])
def test_every_path_of_the_data_is_found_on_a_line_that_names_it(text):
    index, rows = LineIndex(text), text.split("\n")
    for path in paths(tomllib.loads(text)):
        if path and isinstance(path[-1], str):
            line = index.line(path)
            assert line is not None
            assert path[-1] in rows[line - 1], path


@given(st.text(alphabet="a.b\"'[]{}=#,\n\\ 1", max_size=60))
def test_any_text_is_indexed_or_too_deep(text):
    try:
        index = LineIndex(text)
        data = tomllib.loads(text)
    except (TooDeepError, tomllib.TOMLDecodeError):
        return
    for path in paths(data):
        assert not path or index.line(path) is not None
