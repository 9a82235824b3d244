"""Tables: rows, series and columns by name, errors that name what is close, and the way to pandas."""

from __future__ import annotations

import math
import pickle
import sys
from copy import deepcopy

import pytest
from capmix.optimizer.table import Column, Record, Table, Tables, UnknownName
from hypothesis import given, settings
from hypothesis import strategies as st

FLOWS = Table(
    "cash_flow",
    "Cash flow",
    (Column("line"), Column("section"), Column("2027Q1", "billion", "money"), Column("2027Q2", "billion", "money"),
     Column("total", "billion", "money")),
    (("hardware", "investing", -1.5, 0.0, -1.5), ("closing cash", "cash", 2.0, 1.0, 3.0)),
    frozenset({"sites"}),
)  # fmt: skip
LONG = Table(
    "issuance",
    "Issuance",
    (Column("instrument"), Column("holder"), Column("face", "billion", "money"), Column("systems", "", "count"),
     Column("cost", "", "rate")),
    (("bond", "pension", 1.0, 3, None), ("bond", "banks", 2.0, 4, 0.05), ("loan", "banks", None, 5, None)),
)  # fmt: skip


def test_rows_series_and_columns_by_name() -> None:
    assert FLOWS.series("hardware") == (-1.5, 0.0)
    assert FLOWS.series("closing cash", over=("2027Q2",)) == (1.0,)
    assert FLOWS.series("sites") == (0.0, 0.0)
    assert FLOWS.series("sites", over=("2027Q2",)) == (0.0,)
    assert FLOWS.row("hardware")["section"] == "investing"
    assert LONG.row("bond", "banks") == {
        "instrument": "bond",
        "holder": "banks",
        "face": 2.0,
        "systems": 4,
        "cost": 0.05,
    }
    assert LONG.column("holder") == ("pension", "banks", "banks")
    assert [record.text("instrument") for record in LONG.records()] == ["bond", "bond", "loan"]
    record = LONG.row("loan")
    assert (record.maybe("face"), record.number("systems"), record.text("cost")) == (None, 5.0, "")


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: FLOWS.series("hardwares"), "no row of cash_flow is called 'hardwares'; did you mean 'hardware'?"),
        (lambda: FLOWS.row("sites"), "no row of cash_flow is called 'sites'; there are 'hardware', 'closing cash'"),
        (lambda: FLOWS.series("hardware", over=("2027Q3",)), "no column of cash_flow is called '2027Q3'; did you mean"),
        (lambda: FLOWS.series("sites", over=("2027Q3",)), "no column of cash_flow is called '2027Q3'; did you mean"),
        (lambda: FLOWS.column("sections"), "no column of cash_flow is called 'sections'; did you mean 'section'?"),
        (lambda: FLOWS.row("hardware")["sektion"], "no column of cash_flow is called 'sektion'; did you mean"),
        (lambda: FLOWS.records()[0].number("x"), "no column of cash_flow is called 'x'; there are 'line', 'section'"),
        (lambda: LONG.row("bond", "bank"), "no row of issuance is called 'bond, bank'; did you mean 'bond, banks'"),
        (lambda: Tables({"purchases": FLOWS})["purchase"], "no table is called 'purchase'; did you mean 'purchases'?"),
        (lambda: Tables()["purchase"], "no table is called 'purchase'; there is none at all"),
    ],
)
def test_a_name_that_is_not_there_raises_and_says_what_is_close(ask, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UnknownName) as raised:
        ask()
    assert isinstance(raised.value, KeyError)
    assert str(raised.value).startswith(words)
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.name, again.known) == (str(raised.value), raised.value.name, raised.value.known)


def test_what_is_no_number_or_not_one_row_raises() -> None:
    with pytest.raises(ValueError, match="issuance, column 'face': None where a number must stand"):
        LONG.row("loan").number("face")
    with pytest.raises(ValueError, match="'bond' where a number must stand"):
        LONG.records()[0].maybe("instrument")
    with pytest.raises(ValueError, match="2 rows begin with 'bond'; give more of the row"):
        LONG.row("bond")
    with pytest.raises(ValueError, match="issuance, loan, face: None"):
        LONG.series("loan", over=("face",))
    with pytest.raises(TypeError, match="first cell"):
        LONG.row()
    for bad in (math.nan, math.inf, True):
        with pytest.raises(ValueError, match="where a number must stand"):
            Record("t", [("x", bad)]).number("x")


def test_a_long_error_lists_some_names_only() -> None:
    error = UnknownName("table", "qqq", [f"name {i}" for i in range(40)])
    assert str(error).endswith("and 28 more")


def test_copies_are_the_same() -> None:
    tables = Tables({"cash_flow": FLOWS})
    for again in (pickle.loads(pickle.dumps(tables)), deepcopy(tables)):
        assert again == tables
        with pytest.raises(UnknownName):
            again["x"]
    record = FLOWS.row("hardware")
    again = pickle.loads(pickle.dumps(record))
    assert again == record
    with pytest.raises(UnknownName, match="column of cash_flow"):
        again["x"]


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=6), st.floats(allow_nan=False, allow_infinity=False)), max_size=8))
def test_every_row_is_found_by_its_name_or_told_to_be_one_of_several(rows: list[tuple[str, float]]) -> None:
    table = Table("t", "", (Column("name"), Column("x", "", "number")), tuple(rows))
    names = [name for name, _ in rows]
    for name, value in rows:
        if names.count(name) == 1:
            assert table.series(name) == (value,)
        else:
            with pytest.raises(ValueError, match="rows begin with"):
                table.series(name)
    with pytest.raises(UnknownName):
        table.series("a name of more than six letters")


def test_to_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = LONG.to_pandas()
    assert list(frame.columns) == list(LONG.names)
    assert frame["systems"].tolist() == [3, 4, 5]
    assert frame["face"].dtype == frame["cost"].dtype == "float64"
    assert frame["face"].isna().tolist() == [False, False, True]
    assert frame.loc[frame["holder"] == "banks", "face"].sum() == 2.0
    assert frame.attrs == {"title": "Issuance", "units": {"face": "billion"}}
    empty = Table("t", "", LONG.columns, ()).to_pandas()
    assert list(empty.columns) == list(LONG.names)
    assert isinstance(empty, pandas.DataFrame)


def test_without_pandas_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"needs pandas: pip install pandas; records\(\) does without"):
        LONG.to_pandas()


def test_names_of_columns_are_plain_text() -> None:
    from capmix.optimizer.analysis.names import Issuance

    assert type(Column(Issuance.FUNDED).name) is str
