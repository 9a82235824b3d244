"""A new file is whole or not there, and no file of the user's is ever touched."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from capmix.models.reading.starter import starter_case
from capmix.reports.cli import main
from capmix.reports.exits import UsageError
from capmix.reports.files.new_file import write_new


def test_it_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_new(path, b"one")
    with pytest.raises(UsageError, match="never overwritten"):
        write_new(path, b"two")
    assert path.read_bytes() == b"one"


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    with pytest.raises(UsageError, match="never overwritten"):
        write_new(tmp_path / "a", b"one")
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_of_one_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(_: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)):
        write_new(tmp_path / "a", b"one")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [(["new", "a.toml"], 2), (["export", "my.toml", "a.lp", "--scenarios", "100", "--no-progress"], 5)],
    ids=lambda v: v[0] if isinstance(v, list) else "",
)
def test_a_full_disk_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], code: int
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "my.toml").write_text(starter_case(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        assert main(words) == code
    name = next(word for word in words if word.startswith("a."))
    assert capsys.readouterr().err == f"capmix: cannot write {name}: No space left on device\n"
    assert [path.name for path in tmp_path.iterdir()] == ["my.toml"]
