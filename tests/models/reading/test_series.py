"""Series: expansion, length, and tables beside the case that are read strictly and never from elsewhere."""

from __future__ import annotations

import pytest

GOOD = "period,systems,note\n" + "".join(f"{y}Q{q},{10 * q}.5,x\n" for y in (2027, 2028, 2029) for q in (1, 2, 3, 4))


@pytest.fixture
def tabled(case):
    """The starter case with one supply taken from a table."""
    case.replace("supply = 60 ", 'supply = { table = "data/s.csv", column = "systems" } ')
    return case.table("data/s.csv", GOOD)


def test_number_list_table_and_default(tabled):
    loaded = tabled.load()
    assert loaded.accelerator[0].supply == (10.5, 20.5, 30.5, 40.5) * 3
    assert loaded.accelerator[1].supply[:4] == (0.0, 0.0, 15.0, 25.0)
    assert loaded.cash.minimum == (0.15,) * 12
    assert loaded.cash.dividends == (0.0,) * 12
    assert loaded.site[0].layer[0].schedule_mw is None


def test_list_of_wrong_length(case):
    fault = case.replace("supply = [0, 0, 15,", "supply = [0, 15,").fault()
    assert fault.key == 'accelerator[2] "vr200".supply'
    assert "12 numbers" in fault.allowed
    assert "11 are given" in fault.cure


def test_bad_elements_are_named_with_their_lines(case):
    case.replace("supply = [0, 0, 15, 25,", 'supply = [\n0, # first\n  nan, 15,\n"25",')
    faults = case.faults()
    assert [(f.key, f.line) for f in faults] == [
        ('accelerator[2] "vr200".supply[2]', case.line("  nan")),
        ('accelerator[2] "vr200".supply[4]', case.line('"25"')),
    ]


@pytest.mark.parametrize(
    "content, line, words",
    [
        (GOOD.replace("2028Q1,10.5,x", "2028Q1,10.5"), 6, "3 cells"),
        (GOOD.replace("2028Q1,10.5,x", "2028Q1,10,5,x"), 6, "4 cells"),
        (GOOD.replace("2028Q1,10.5,x", "2028Q1,,x"), 6, "empty"),
        (GOOD.replace("2028Q1,10.5,x", "2028Q1,NA,x"), 6, "no missing value"),
        (GOOD.replace("2028Q1,10.5,x", "2028Q1,nan,x"), 6, "no missing value"),
        (GOOD.replace("2028Q1,10.5,x", "2028Q1,ten,x"), 6, "plain number"),
        (GOOD.replace("2028Q1,10.5,x", '2028Q1,"1,000",x'), 6, "plain number"),
        (GOOD.replace("2028Q1,10.5,x", "2028Q1,1_000,x"), 6, "plain number"),
        (GOOD.replace("2028Q1,10.5,x", "2028Q1,10 %,x"), 6, "plain number"),
        (GOOD.replace("2028Q1,10.5,x", "2028Q1,=A1,x"), 6, "plain number"),
        (GOOD.replace("2028Q1,10.5,x", "2028Q1,-1,x"), 6, "at least 0"),
        (GOOD.replace("2028Q1,10.5,x", "2028Q1,1e400,x"), 6, "check the unit"),
        (GOOD.replace("2028Q1,10.5,x", "2028Q2,10.5,x"), 6, "2028Q1"),
        (GOOD.replace("2029Q4,40.5,x\n", ""), 12, "12 rows"),
        (GOOD + "2030Q1,1,x\n", 14, "12 rows"),
        (GOOD.replace("systems", "system"), 1, "one of the columns"),
        (GOOD.replace("note", "systems"), 1, "once"),
        (GOOD.replace("note", ""), 1, "none empty"),
        ("", None, "empty"),
        (GOOD.replace("2028Q1,10.5,x", '2028Q1,10.5,"x'), None, ""),
        (GOOD.encode("utf-16"), None, "UTF-8"),
        (GOOD.replace("note", "n\0"), None, "zero bytes"),
    ],
)  # fmt: skip
def test_bad_table(tabled, content, line, words):
    fault = tabled.table("data/s.csv", content).fault()
    assert fault.file == "data/s.csv"
    assert fault.key == 'accelerator[1] "gb300".supply'
    assert words in f"{fault.value} {fault.allowed} {fault.cure}"
    if line is not None:
        assert fault.line == line


def test_every_bad_cell_is_reported(tabled):
    tabled.table("data/s.csv", GOOD.replace("20.5", "NA"))
    assert [f.line for f in tabled.faults()] == [3, 7, 11]


@pytest.mark.parametrize("end", ["", "\r\n", "\n\n\n"])
def test_line_ends(tabled, end):
    content = GOOD.rstrip("\n").replace("\n", "\r\n" if end == "\r\n" else "\n") + end
    assert tabled.table("data/s.csv", content).load().accelerator[0].supply[0] == 10.5


@pytest.mark.parametrize(
    "name",
    ["../s.csv", "/etc/passwd", "data/../../s.csv", "data/absent.csv", "data", "s.txt", "c:s.csv", "data\\\\s.csv", ""],
)
def test_no_file_outside_the_folder(tabled, name):
    fault = tabled.replace("data/s.csv", name).fault()
    assert fault.key == 'accelerator[1] "gb300".supply.table'
    assert fault.cure


def test_no_link_out_of_the_folder(tabled, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "s.csv"
    outside.write_text(GOOD)
    link = tabled.path.parent / "link.csv"
    link.symlink_to(outside)
    fault = tabled.replace("data/s.csv", "link.csv").fault()
    assert "leads out" in fault.cure


@pytest.mark.parametrize(
    "value", ['{ table = "data/s.csv" }', '{ table = "data/s.csv", column = 1 }', '{ tabel = "a", column = "b" }', "{}"]
)
def test_table_reference_needs_both_keys(case, value):
    fault = case.replace("supply = 60 ", f"supply = {value} ").fault()
    assert "table and column" in fault.cure


def test_a_bad_table_used_twice_is_reported_once(tabled):
    tabled.replace("issuance_capacity = 0.40", 'issuance_capacity = { table = "data/s.csv", column = "systems" }')
    tabled.table("data/s.csv", GOOD.replace("2028Q1,10.5,x", "2028Q1,10.5"))
    assert len(tabled.faults()) == 1
