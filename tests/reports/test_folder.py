"""The run folder: whole or not there, never over an earlier one, and refused before anything is computed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import pytest
from capmix.reports.exits import UsageError, WriteError
from capmix.reports.files import folder
from capmix.reports.files.folder import Place, publish, reserve

NOW = time.struct_time((2026, 11, 22, 20, 15, 0, 6, 326, 0))
FILES = {"plan.json": b"{}", "tables/a.csv": b"a\r\n"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_default_place(here):
    place = reserve(None, "hand", NOW)
    assert place == Place(here / "runs" / "hand-20261122-201500", numbered=True)
    assert list(here.iterdir()) == []


def test_default_never_overwrites(here):
    place = reserve(None, "hand", NOW)
    paths = [publish(place, FILES) for _ in range(3)]
    assert [p.name for p in paths] == [f"hand-20261122-201500{s}" for s in ("", "-2", "-3")]
    assert sorted(p.name for p in (here / "runs").iterdir()) == sorted(p.name for p in paths)
    assert (paths[2] / "tables" / "a.csv").read_bytes() == b"a\r\n"


def test_new_or_empty_folder_is_taken(here):
    (here / "empty").mkdir()
    for name in ("empty", "new"):
        assert publish(reserve(name, "hand"), FILES) == here / name
        assert (here / name / "plan.json").read_bytes() == b"{}"
    assert sorted(p.name for p in here.iterdir()) == ["empty", "new"]


@pytest.mark.parametrize("out", ["full", "file", "no/such/parent", "file/x", "", "a\0b"])
def test_bad_places_are_refused_and_left_alone(here, out):
    (here / "full").mkdir()
    (here / "full" / "kept").write_text("kept")
    (here / "file").write_text("kept")
    with pytest.raises(UsageError):
        reserve(out, "hand")
    assert sorted(p.name for p in here.iterdir()) == ["file", "full"]
    assert [p.name for p in (here / "full").iterdir()] == ["kept"]


def test_unwritable_place_is_refused(here, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(folder.tempfile, "mkdtemp", refuse)
    for out in (None, "new"):
        with pytest.raises(UsageError, match="Permission denied"):
            reserve(out, "hand")


def test_runs_that_is_a_file(here):
    (here / "runs").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        reserve(None, "hand")


@pytest.mark.parametrize("numbered", [True, False])
def test_disk_full_leaves_nothing(here, monkeypatch, numbered):
    real, calls = os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(folder.os, "fsync", full)
    with pytest.raises(WriteError, match="No space left"):
        publish(Place(here / "out", numbered), FILES)
    assert list(here.iterdir()) == []


def test_place_taken_meanwhile(here):
    place = reserve("out", "hand")
    (here / "out").mkdir()
    (here / "out" / "other").write_text("kept")
    with pytest.raises(WriteError):
        publish(place, FILES)
    assert [p.name for p in (here / "out").iterdir()] == ["other"]
    assert [p.name for p in here.iterdir()] == ["out"]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_killed_while_writing_leaves_no_folder_that_looks_whole(here):
    script = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from capmix.reports.files import folder\n"
        "real = folder._write\n"
        "def write(path, content):\n"
        "    real(path, content)\n"
        "    if path.name == 'b': os.kill(os.getpid(), signal.SIGKILL)\n"
        "folder._write = write\n"
        "folder.publish(folder.Place(Path('out').absolute(), False), {'a': b'1', 'b': b'2', 'c': b'3'})\n"
    )
    done = subprocess.run([sys.executable, "-c", script], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    left = [p.name for p in here.iterdir()]
    assert len(left) == 1
    assert left[0].startswith(".out.partial-")


def test_a_link_that_leads_nowhere_is_found_before_anything_is_computed(here):
    for target in (here / "nowhere" / "x", here / "runs"):
        (here / "runs").symlink_to(target)
        with pytest.raises(UsageError, match=r"link that leads nowhere; .*--out"):
            reserve(None, "hand")
        (here / "runs").unlink()


@pytest.mark.parametrize("length", [1, 200, 240, 255])
def test_any_name_that_the_system_takes(here, length):
    name = "n" * length
    assert publish(reserve(name, "hand"), FILES) == here / name
    assert [p.name for p in here.iterdir()] == [name]


@pytest.mark.parametrize("out", ["n" * 256, "n" * 5000, "\u00e9" * 200, "d/" * 3000])
def test_a_longer_name_is_refused_before_anything_is_computed(here, out):
    with pytest.raises(UsageError, match=r"(?s)(too long|does not exist).*another place") as refused:
        reserve(out, "hand")
    assert len(str(refused.value)) < 1500
    assert list(here.iterdir()) == []


def test_names_of_any_characters(here):
    for name in ("a b", "[bold]", "-x", "~", "'", "\udcff", "a\nb", "日本"):
        assert publish(reserve(name, "hand"), FILES).name == name


def test_a_working_directory_that_is_gone(here, monkeypatch):
    (here / "gone").mkdir()
    monkeypatch.chdir(here / "gone")
    (here / "gone").rmdir()
    for out in (None, "new"):
        with pytest.raises(UsageError, match=r"working directory no longer exists.*--out"):
            reserve(out, "hand")
    assert publish(reserve(str(here / "there"), "hand"), FILES) == here / "there"


@pytest.mark.parametrize("out", [None, "new", "empty"])
def test_a_disk_without_room_is_found_before_anything_is_computed(here, monkeypatch, out):
    """Folders can still be made on it, and small files written."""
    (here / "empty").mkdir()
    monkeypatch.setattr(folder.os, "urandom", lambda n: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
    with pytest.raises(UsageError, match=r"No space left; choose another place .* --out /.*capmix-hand"):
        reserve(out, "hand")
    assert [p.name for p in here.iterdir()] == ["empty"]


@pytest.mark.skipif(os.name == "nt", reason="a limit on the size of files")
def test_a_limit_on_files_is_found_before_anything_is_computed(here):
    script = (
        "import resource\n"
        "from capmix.reports.files.folder import reserve\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "reserve('new', 'hand')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert "File too large; choose another place" in done.stderr
    assert list(here.iterdir()) == []


def test_files_are_added_in_one_step_each(here, monkeypatch):
    place = publish(reserve("out", "hand"), FILES)
    folder.add(place, {"plan.json": b"new", "summary.txt": b"text"})
    assert (place / "plan.json").read_bytes() == b"new"
    monkeypatch.setattr(folder.os, "replace", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "broken")))
    with pytest.raises(OSError, match="broken"):
        folder.add(place, {"plan.json": b"newer"})
    assert sorted(p.name for p in place.iterdir()) == ["plan.json", "summary.txt", "tables"]
    assert (place / "plan.json").read_bytes() == b"new"
