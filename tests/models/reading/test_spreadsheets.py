"""Tables as spreadsheets write them: read where the whole file is so, else named with a cure that helps if followed."""

from __future__ import annotations

import re

import pytest
from capmix.models.reading.dialects import rows_of

LABELS = [f"{y}Q{q}" for y in (2027, 2028, 2029) for q in (1, 2, 3, 4)]
GOOD = "period,systems\n" + "".join(f"{label},{i + 0.5}\n" for i, label in enumerate(LABELS))
GERMAN = GOOD.replace(",", ";").replace(".", ",")
RIGHT = tuple(i + 0.5 for i in range(12))


@pytest.fixture
def tabled(case):
    case.replace("supply = 60 ", 'supply = { table = "s.csv", column = "systems" } ')
    return case.table("s.csv", GOOD)


def dated(form: str) -> str:
    """GOOD with its periods in another form: %Y year, %q quarter, %m and %d last month and day of the quarter."""
    text = GOOD
    for label in LABELS:
        year, quarter = label.split("Q")
        month, day = {"1": ("03", "31"), "2": ("06", "30"), "3": ("09", "30"), "4": ("12", "31")}[quarter]
        new = form.replace("%Y", year).replace("%q", quarter).replace("%m", month).replace("%d", day)
        text = text.replace(label, new)
    return text


@pytest.mark.parametrize(
    "content, remarks",
    [
        (GERMAN, ["semicolons between cells, decimal commas"]),
        (GERMAN.encode("utf-8-sig"), ["semicolons"]),
        (GERMAN.replace("\n", "\r\n"), ["semicolons"]),
        ("sep=;\n" + GERMAN, ["semicolons"]),
        (GOOD.replace(",", ";"), ["semicolons between cells, decimal points"]),
        (GOOD.replace(",", "\t"), ["tabs"]),
        (GOOD.encode("utf-8-sig"), []),
        (GOOD + ",\n,\n\n", []),
        (GOOD.replace("\n", ",,\n"), []),
        (GOOD.replace("period", "Period"), []),
        (GOOD.replace("period", " PERIOD "), []),
        (GOOD.replace("period", "Quarter"), []),
        (GOOD.replace("period", "Datum"), []),
        (GOOD.replace("period", "perod"), []),
        (GOOD.replace("period", "Zeitpunkt"), []),
        (dated("%Y-Q%q"), ["periods written as", "2027Q1"]),
        (dated("Q%q %Y"), ["periods written as"]),
        (dated("%Y-%m"), []),
        (dated("%Y-%m-%d"), []),
        (dated("%Y-%m-%d 00:00:00"), ["periods written as"]),
        (dated("%d.%m.%Y"), ["periods written as", "2027Q1"]),
    ],
)
def test_what_is_read(tabled, content, remarks):
    loaded = tabled.table("s.csv", content).load()
    assert loaded.accelerator[0].supply == RIGHT
    assert not loaded.warnings
    assert len(loaded.remarks) == (1 if remarks else 0)
    assert all(words in loaded.remarks[0] for words in remarks)


@pytest.mark.parametrize("header", ["Period", "PERIOD", "Quarter", "quarters", "date", "Monat", "Perriod", "when"])
@pytest.mark.parametrize(
    "change, cure",
    [
        (lambda t: re.sub(r"20(27|28|29)Q", lambda m: f"20{int(m[1]) - 1}Q", t), "4 periods too early"),
        (lambda t: t.replace("2027Q1,", "X,").replace("2027Q2,", "2027Q1,").replace("X,", "2027Q2,"), "in the order"),
        (lambda t: t.replace("2027Q2,", "2027Q1,"), "already in line 2"),
        (lambda t: t.replace("2027Q2,", "2031Q1,"), "outside the horizon"),
        (lambda t: t + "2030Q1,1\n", "keep the rows from 2027Q1 to 2029Q4"),
    ],
)
def test_the_order_is_checked_whatever_the_header(tabled, header, change, cure):
    faults = tabled.table("s.csv", change(GOOD).replace("period", header)).faults()
    assert cure in faults[0].cure
    assert faults[0].file == "s.csv"


def followed(content: str, faults) -> str:
    """The table after the cures that name what to write."""
    lines = content.splitlines()
    for fault in faults:
        new = None
        if m := re.search(
            r'write (?:it as |the year first: |the month in digits: )?"?([^",; ]+(?:,[0-9]+)?)"?', fault.cure
        ):
            new = m[1]
        if fault.allowed.startswith('"20'):  # a period: what must stand there
            new = fault.allowed.strip('"')
        assert new is not None, fault
        old = fault.value.strip('"')
        assert old in lines[fault.line - 1], (fault, lines[fault.line - 1])
        lines[fault.line - 1] = lines[fault.line - 1].replace(f'"{old}"', new).replace(old, new)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "content, words",
    [
        (GOOD.replace(",0.5", ',"0,5"'), "decimal point; write 0.5"),
        (GOOD.replace(",0.5", ',"1,000"'), "write 1000"),
        (GOOD.replace(",0.5", ',"1,234.5"'), "write 1234.5"),
        (GOOD.replace(",0.5", ",1 234.5"), "write 1234.5"),
        (GOOD.replace(",0.5", ",1'234"), "write 1234"),
        (GOOD.replace(",0.5", ",5 %"), "write 0.05"),
        (GERMAN.replace(";0,5", ";0.5"), "decimal comma; write 0,5"),
        (GERMAN.replace(";0,5", ";1.234,5"), "write 1234,5"),
        (GERMAN.replace(";0,5", ";1.234"), "write 1234"),
        (re.sub(r";\d+,5", ";1.234,5", GERMAN), "write 1234,5"),
        (GERMAN.replace(",", ".").replace(";0.5", ";1,234.5"), "write 1234.5"),
        (GERMAN.replace(";0,5", ";5 %"), "write 0,05"),
        (dated("%m/%d/%Y"), "year first"),
        (dated("%d/%m/%Y"), "year first"),
        (dated("%m/%Y"), "year first"),
        (dated("FY%YQ%q"), "fiscal year"),
        (dated("%Y-%m-%d 12:00:00"), "time of day"),
        (dated("%Y"), "write it as"),
        (GOOD.replace("2027Q2", "2027-05"), "neither begins nor ends"),
    ],
)  # fmt: skip
def test_a_cure_helps_when_followed(tabled, content, words):
    for _ in range(3):
        faults = tabled.table("s.csv", content).faults()
        assert words in faults[0].cure
        content = followed(content, faults)
        try:
            loaded = tabled.table("s.csv", content).load()
        except Exception:  # another cell of the same kind
            continue
        break
    assert loaded.accelerator[0].supply[1:] in (RIGHT[1:], (1234.5,) * 11)


@pytest.mark.parametrize(
    "content, line, words",
    [
        (GOOD.replace(",0.5", ",0,5"), 2, "write a point instead"),
        (GOOD.replace(",1.5", ";1.5"), 3, "this row semicolons"),
        (GERMAN.replace(";1,5", ";1;5"), 3, "a cell is too many"),
        (GOOD.replace(",1.5", ""), 3, "a cell is missing"),
        (GOOD.replace("2027Q2,1.5\n", "\n2027Q2,1.5\n"), 3, "take the empty row out"),
        (GOOD.replace("2027Q3,2.5\n", ""), 4, "2027Q3 is missing"),
        (
            GOOD.encode().replace(b"period", b"Zeitraum \xfc"),
            1,
            "ü in Windows-1252 (ANSI); save the table as CSV in UTF-8",
        ),
        (GOOD.encode("utf-16"), None, "UTF-16"),
        (GOOD.replace("systems", "Systems"), 1, 'did you mean "Systems"?'),
        (GOOD.replace("systems", "sytems"), 1, 'did you mean "sytems"?'),
    ],
)
def test_what_is_refused(tabled, content, line, words):
    fault = tabled.table("s.csv", content).faults()[0]
    assert words in f"{fault.allowed} {fault.cure}"
    assert fault.line == line


def test_all_grouped_thousands_are_not_guessed(tabled):
    """1.234 in every cell of a table with semicolons: thousands or decimals, the table does not say."""
    content = "period;systems\n" + "".join(f"{label};1.{i + 100}\n" for i, label in enumerate(LABELS))
    faults = tabled.table("s.csv", content).faults()
    assert len(faults) == 12
    assert "write 1100, or 1.1000 if the . stands before decimals" in faults[0].cure
    loaded = tabled.table("s.csv", content.replace("1.100", "1.1000")).load()
    assert loaded.accelerator[0].supply[:2] == (1.1, 1.101)
    loaded = tabled.table("s.csv", content.replace(";1.", ";1")).load()
    assert loaded.accelerator[0].supply[:2] == (1100.0, 1101.0)


def test_a_first_column_of_numbers_is_no_period(tabled):
    content = "demand,systems\n" + "".join(f"{40000 + i},{i + 0.5}\n" for i in range(12))
    assert tabled.table("s.csv", content).load().accelerator[0].supply == RIGHT


def test_a_table_without_periods_is_said(tabled):
    content = "note,systems\n" + "".join(f"x,{i + 0.5}\n" for i in range(12))
    loaded = tabled.table("s.csv", content).load()
    assert loaded.remarks == ("s.csv names no periods: its rows are taken in their order",)


def test_dates_in_other_columns_are_free(tabled):
    content = GOOD.replace("\n", ",2024-05-17\n").replace("systems,2024-05-17", "systems,seen")
    assert tabled.table("s.csv", content).load().accelerator[0].supply == RIGHT


def test_separator_is_that_of_the_header():
    assert rows_of("a;b, c;d\n1;2,5;3\n")[0].separator == ";"
    assert rows_of('"a;b",c\n1,2\n')[0].separator == ","
    assert rows_of("a\n1\n")[0].separator == ","


def test_byte_order_mark_of_a_case(case):
    case.path.write_bytes(case.text.encode("utf-8-sig"))
    from capmix.models.reading import load_case

    assert load_case(case.path).case.name == "starter"
