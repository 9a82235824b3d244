"""Tables as files: nothing a spreadsheet could run, nothing lost on the way back."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
from capmix.optimizer.plan import Column, Table
from capmix.reports.files.tables import csv_bytes, parquet_bytes
from hypothesis import given
from hypothesis import strategies as st


def table(rows, columns="abc"):
    return Table("t", "t", tuple(Column(c) for c in columns), tuple(rows))


def read(content: bytes):
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2", "@SUM(A1)", "\tx", "\rx", "\nx", '=HYPERLINK("a","b")'])
def test_formulas_are_disarmed(text):
    assert read(csv_bytes(table([(text, 1.0, None)])))[1] == ["'" + text, "1.0", ""]


def test_numbers_stay_numbers():
    row = (-2.5, -3, np.float64(-1e-300))
    assert read(csv_bytes(table([row])))[1] == ["-2.5", "-3", "-1e-300"]
    assert read(csv_bytes(table([(np.int64(7), True, math.nan)])))[1] == ["7", "true", ""]


def test_rfc_4180():
    assert (
        csv_bytes(table([('say "a", b', "line\r\nbreak", "ü")]))
        == 'a,b,c\r\n"say ""a"", b","line\r\nbreak",ü\r\n'.encode()
    )


def test_header_is_disarmed():
    assert csv_bytes(table([], ["=x"])) == b"'=x\r\n"


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_floats_read_back_to_the_same_bits(values):
    rows = read(csv_bytes(table([(v,) for v in values], "a")))[1:]
    assert [float(row[0]).hex() for row in rows] == [v.hex() for v in values]


def test_parquet_keeps_types_units_and_gaps():
    pq = pytest.importorskip("pyarrow.parquet")
    columns = (
        Column("name"),
        Column("face", "billion", "money"),
        Column("count", "systems", "count"),
        Column("none", "", "number"),
    )
    written = Table("t", "t", columns, (("=a", 0.1 + 0.2, 3, math.nan), (None, 1, 4, None)))
    loaded = pq.read_table(io.BytesIO(parquet_bytes(written)))
    assert loaded.to_pydict() == {"name": ["=a", None], "face": [0.1 + 0.2, 1.0], "count": [3, 4], "none": [None, None]}
    assert [str(f.type) for f in loaded.schema] == ["string", "double", "int64", "double"]
    assert loaded.schema.field("face").metadata == {b"unit": b"billion"}
