"""The run folder: whole or not there, never over an earlier one, and refused before anything is computed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import pytest
from capmix.reports import folder
from capmix.reports.exits import UsageError, WriteError
from capmix.reports.folder import Place, publish, reserve

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
        "from capmix.reports import folder\n"
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
