"""Files that are no case: missing, unreadable, wrongly encoded, not TOML, too large or too deep."""

from __future__ import annotations

import hashlib
import os
import stat

import pytest
from capmix.models.reading import CaseError, document, load_case, shipped_cases, starter_case
from capmix.models.reading.document import MAX_BYTES, MAX_KEYS, MAX_VALUES


@pytest.mark.parametrize(
    "content, words, line",
    [
        (b"", "empty", None),
        (b" \n\n", "empty", None),
        (b"# only a comment\n", "empty", None),
        ("[case]\n".encode("utf-16"), "UTF-16", None),
        ("[case]\n".encode("utf-16-le"), "zero bytes", 1),
        (b"[case]\nname = 'caf\xe9'\n", "byte 0xe9 is not UTF-8, é in Windows-1252 (ANSI); save it as UTF-8", 2),
        (b"[cash]\nopening = 1\nopening = 2\n", "line 2", 3),
        (b"[cash]\nopening = 1\n[tax]\n[cash]\n", "line 1", 4),
        (b"[horizon]\nstart = 2027-02-30\n", "calendar", 2),
        (b"[cash]\nopening = 8 %\n", "TOML", 2),
        (b"[cash]\nopening = None\n", "quotes", 2),
        (b"[cash\n", "TOML", 1),
        (b"[cash]\nopening = " + b"9" * 5000, "digits", None),
        (b"a = " + b"[" * 5000, "flatten", 1),
        (b"a = " + b"{a = " * 5000, "flatten", 1),
        (b"\n" + b".".join([b"a"] * 5000) + b" = 1", "flatten", 2),
        (b"[" + b".".join([b"a"] * 5000) + b"]", "flatten", 1),
    ],
)
def test_bad_file_is_one_clear_fault(raw_fault, content, words, line):
    fault = raw_fault(content)
    assert words in f"{fault.value} {fault.allowed} {fault.cure}"
    assert fault.line == line
    assert fault.file.endswith("raw.toml")


def test_every_repeated_key_is_reported(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("[cash]\nopening = 1\nopening = 2\n[tax]\nrate = 0.1\nrate = 0.2\n")
    with pytest.raises(CaseError) as caught:
        load_case(path)
    assert [(f.line, f.key) for f in caught.value.faults] == [(3, "cash.opening"), (6, "tax.rate")]


def test_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "huge.toml"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(CaseError, match="at most 16 MiB"):
        load_case(path)


ENDLESS = {
    "keys": "".join(f"a{i} = 1\n" for i in range(MAX_KEYS)),
    "tables": "".join(f"[t{i}]\n" for i in range(MAX_KEYS)),
    "lists of tables": "[[t]]\n" * (MAX_KEYS // 2),
    "keys of a table in a line": "x = {" + ", ".join(f"a{i} = 1" for i in range(MAX_KEYS)) + "}\n",
    "values": "x = [" + "1, " * (MAX_VALUES + 1) + "1]\n",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_case_of_endless_entries_is_refused_unparsed(tmp_path, monkeypatch, name):
    def never(*_, **__):
        raise AssertionError("parsed")

    monkeypatch.setattr(document, "LineIndex", never)
    path = tmp_path / "endless.toml"
    path.write_text('[case]\nname = "x"\n' + ENDLESS[name])
    with pytest.raises(CaseError, match=r"(?s)allowed: at most [0-9,]+ .*move long series into tables") as refused:
        load_case(path)
    assert len(refused.value.faults) == 1


def test_remarks_do_not_count(tmp_path):
    path = tmp_path / "remarks.toml"
    path.write_text(starter_case() + ("# " + "=[," * 25 + "\n") * (MAX_VALUES // 20))
    assert path.stat().st_size < MAX_BYTES
    assert load_case(path).case.name == "starter"


def test_folder_missing_file_and_pipe(tmp_path):
    with pytest.raises(CaseError, match="this is a folder"):
        load_case(tmp_path)
    with pytest.raises(CaseError, match="capmix new"):
        load_case(tmp_path / "absent.toml")
    with pytest.raises(CaseError, match="no such file"):
        load_case("a\0b")
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(CaseError, match="regular file"):
        load_case(tmp_path / "pipe.toml")


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() == 0, reason="root reads everything")
def test_unreadable_file(tmp_path):
    path = tmp_path / "secret.toml"
    path.write_text(starter_case())
    path.chmod(stat.S_IWUSR)
    with pytest.raises(CaseError, match="permissions"):
        load_case(path)


def test_misspelt_shipped_name_is_suggested(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = shipped_cases()
    if not names:
        pytest.skip("no case is shipped")
    with pytest.raises(CaseError, match=f"did you mean {names[0]}"):
        load_case(names[0][:-1])


def test_path_and_hash(case):
    loaded = case.load()
    assert loaded.path == str(case.path)
    assert loaded.sha256 == hashlib.sha256(case.path.read_bytes()).hexdigest()
    relative = os.path.relpath(case.path)
    assert load_case(relative) == loaded


def test_hash_covers_the_tables(case):
    case.replace("supply = 60 ", 'supply = { table = "s.csv", column = "x" } ')
    rows = ["5"] * 12
    case.table("s.csv", "x\n" + "\n".join(rows))
    first = case.load()
    case.table("s.csv", "x\n" + "\n".join(["6", *rows[1:]]))
    second = case.load()
    assert first.sha256 != second.sha256
    assert second.accelerator[0].supply == (6.0, *[5.0] * 11)


def test_all_faults_at_once_in_the_order_of_the_file(case):
    case.replace("opening = 0.90", "opening = -1").replace("pue = 1.2", "pue = 0.9").replace("lead = 2\n", "leed = 2\n")
    faults = case.faults()
    assert [f.key for f in faults] == [
        "cash.opening",
        'accelerator[2] "vr200".lead',
        'accelerator[2] "vr200".leed',
        'site[1] "prairie".pue',
    ]
    assert [f.line for f in faults if "lead" not in f.key] == [
        case.line("opening = -1"), case.line("leed"), case.line("pue = 0.9"),
    ]  # fmt: skip
    error = str(CaseError(faults))
    assert error.startswith("4 faults in the case")
    assert 'did you mean "lead"?' in error
