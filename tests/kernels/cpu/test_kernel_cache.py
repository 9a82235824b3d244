"""Kernels on the disk: whatever happened to their files, a call gives the right number, with one warning at most."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numba
import numpy as np
import pytest
from capmix.kernels.cpu import jit, kernel_cache
from capmix.kernels.cpu.kernel_cache import KernelCache


def triple(x):
    return 3.0 * x


def fourfold(x):
    return 4.0 * x


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(kernel_cache, "_said", set())
    kernel_cache.asked.cache_clear()


def called(*places: Path, function=triple, sources="one"):
    """(hits, result, warnings) of one call through the cache."""
    dispatcher = numba.njit(error_model="numpy", nogil=True)(function)
    dispatcher._cache = KernelCache(function, sources, places)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        result = dispatcher(2.0)
    return sum(dispatcher.stats.cache_hits.values()), result, [str(w.message) for w in said]


def files(place: Path) -> list[Path]:
    return sorted(p for p in place.rglob("*") if p.is_file())


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> tuple[str, bytes]:
    """Name and content of a file as it is written."""
    place = tmp_path_factory.mktemp("good")
    called(place)
    (path,) = files(place)
    return path.name, path.read_bytes()


def test_kept_and_loaded_without_a_word(tmp_path):
    assert called(tmp_path) == (0, 6.0, [])
    assert called(tmp_path) == (1, 6.0, [])
    assert len(files(tmp_path)) == 1  # and no rest of writing


def test_who_waits_is_told_of_compiling_and_of_nothing_else(tmp_path):
    told = []
    with kernel_cache.when_compiling(lambda: told.append("compiling")):
        called(tmp_path)
        assert told == ["compiling"]
        called(tmp_path)
        assert told == ["compiling"]
    called(tmp_path, sources="others")
    assert told == ["compiling"]


def test_code_of_other_sources_is_not_run_and_makes_room(tmp_path):
    called(tmp_path, sources="one")
    assert called(tmp_path, sources="two") == (0, 6.0, [])
    assert called(tmp_path, sources="two") == (1, 6.0, [])
    assert len(files(tmp_path)) == 1


def garbled(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]


def with_header(content: bytes, header: dict) -> bytes:
    return json.dumps(header).encode() + b"\n" + content


class Exploding:
    """Runs when it is unpickled."""

    def __reduce__(self):
        return os._exit, (77,)


NOISE = np.random.default_rng(5).bytes(4000)
HEADER_END = 250
DAMAGE = {
    "empty": lambda c: b"",
    "one byte": lambda c: c[:1],
    "within the header": lambda c: c[:100],
    "header only": lambda c: c[: c.index(b"\n") + 1],
    "half": lambda c: c[: len(c) // 2],
    "last byte gone": lambda c: c[:-1],
    "a byte more": lambda c: c + b"\0",
    "noise": lambda c: NOISE,
    "noise after the header": lambda c: c[: c.index(b"\n") + 1] + NOISE,
    "zeros": lambda c: bytes(len(c)),
    "twice": lambda c: c + c,
    "first byte": lambda c: garbled(c, 0),
    "a byte of the hash": lambda c: garbled(c, c.index(b"\n") - 10),
    "a byte of the pickle": lambda c: garbled(c, c.index(b"\n") + 5),
    "a byte of the machine code": lambda c: garbled(c, len(c) - len(c) // 3),
    "another pickle": lambda c: pickle.dumps("something else"),
    "a program as a pickle": lambda c: pickle.dumps(Exploding()),
    "a program after the header": lambda c: c[: c.index(b"\n") + 1] + pickle.dumps(Exploding()),
    "a header that is a list": lambda c: b"[1]\n" + c,
    "a deep header": lambda c: b"[" * 900 + b"\n" + c,
    "a header without a hash": lambda c: with_header(c, {"format": kernel_cache.FORMAT}),
    "Numba's index": lambda c: pickle.dumps(numba.__version__) + pickle.dumps(("stamp", {})),
    "text": lambda c: "ärger\r\n".encode("utf-16") * 50,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_repaired_with_one_warning_that_names_it(tmp_path, good, damage):
    name, content = good
    path = tmp_path / name
    path.write_bytes(damage(content))
    hits, result, said = called(tmp_path)
    assert (hits, result, len(said)) == (0, 6.0, 1)
    assert str(path) in said[0]
    assert called(tmp_path) == (1, 6.0, [])
    assert files(tmp_path) == [path]


def test_a_valid_hash_over_a_wrong_pickle(tmp_path, good):
    name, content = good
    header = json.loads(content.partition(b"\n")[0])
    wrong = pickle.dumps(("no", "compile", "result"))
    header["sha256"] = hashlib.sha256(wrong).hexdigest()
    (tmp_path / name).write_bytes(with_header(wrong, header))
    hits, result, said = called(tmp_path)
    assert (hits, result, len(said)) == (0, 6.0, 1)
    assert called(tmp_path)[:2] == (1, 6.0)


def test_the_file_of_another_kernel(tmp_path, good):
    called(tmp_path, function=fourfold)
    (other,) = files(tmp_path)
    other.rename(tmp_path / good[0])
    hits, result, said = called(tmp_path)
    assert (hits, result, len(said)) == (0, 6.0, 1)
    assert called(tmp_path) == (1, 6.0, [])


def test_a_folder_in_place_of_the_file(tmp_path, good):
    (tmp_path / "a" / good[0] / "kept").mkdir(parents=True)
    hits, result, said = called(tmp_path / "a", tmp_path / "b")
    assert (hits, result, len(said)) == (0, 6.0, 1)
    assert good[0] in said[0]
    assert called(tmp_path / "a", tmp_path / "b")[:2] == (1, 6.0)  # from the second folder
    assert (tmp_path / "a" / good[0] / "kept").is_dir()


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "cache"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    hits, result, said = called(place)
    assert (hits, result, len(said)) == (0, 6.0, 1)
    assert "NUMBA_CACHE_DIR" in said[0]
    assert str(place) in said[0]
    assert "every plan compiles" in said[0]
    assert called(place)[2] == []  # one warning in a process
    monkeypatch.setattr(kernel_cache, "_said", set())
    hits, result, said = called(place, tmp_path / "second")
    assert (hits, result, len(said)) == (0, 6.0, 1)
    assert str(tmp_path / "second") in said[0]
    assert called(place, tmp_path / "second") == (1, 6.0, [])


def test_a_folder_that_the_user_names_stands_for_itself(tmp_path, monkeypatch):
    called(tmp_path / "second")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "first"))
    places = tmp_path / "first" / "kernels", tmp_path / "second"
    assert called(*places) == (0, 6.0, [])
    assert len(files(tmp_path / "first")) == 1
    assert called(*places) == (1, 6.0, [])


def test_another_folder_is_taken_in_silence_where_nobody_asked_for_the_first(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    (tmp_path / "file").write_text("")
    assert called(tmp_path / "file" / "cache", tmp_path / "second") == (0, 6.0, [])
    assert called(tmp_path / "file" / "cache", tmp_path / "second") == (1, 6.0, [])


@pytest.mark.parametrize("step", ["write", "replace"])
def test_a_full_disk(tmp_path, monkeypatch, step):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        if step == "replace":
            patched.setattr(kernel_cache.os, "replace", full)
        else:
            patched.setattr(kernel_cache.json, "dumps", _once_then(json.dumps, full))
        hits, result, said = called(tmp_path)
    assert (hits, result, len(said)) == (0, 6.0, 1)
    assert "No space left" in said[0]
    assert "NUMBA_CACHE_DIR" in said[0]
    assert files(tmp_path) == []
    assert called(tmp_path)[:2] == (0, 6.0)
    assert called(tmp_path)[:2] == (1, 6.0)


def _once_then(first, later):
    """Names are made by the same function that writes the header."""
    calls = []

    def made(*args, **kwargs):
        calls.append(args)
        return first(*args, **kwargs) if isinstance(args[0], list) else later()

    return made


def test_numba_of_another_make_is_lived_with(tmp_path, monkeypatch):
    from numba.core.compiler import CompileResult

    monkeypatch.delattr(CompileResult, "_reduce")
    hits, result, said = called(tmp_path)
    assert (hits, result, len(said)) == (0, 6.0, 1)


def test_two_processes_at_once(tmp_path):
    script = (
        "import sys, pathlib, numba\n"
        "from capmix.kernels.cpu.kernel_cache import KernelCache\n"
        "def triple(x):\n    return 3.0 * x\n"
        "for turn in range(15):\n"
        "    d = numba.njit(triple)\n"
        "    d._cache = KernelCache(triple, turn // 3, (pathlib.Path(sys.argv[1]),))\n"
        "    assert d(2.0) == 6.0\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", script, str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, b"")
    for path in files(tmp_path):
        kernel_cache.read(path)


def test_only_what_can_be_loaded_is_counted(tmp_path, monkeypatch, good):
    monkeypatch.setattr(kernel_cache, "folders", lambda source: (tmp_path,))
    (state,) = kernel_cache.kept("one", "x.py")
    assert (state.usable, state.damaged, state.fault) == (0, (), "")
    called(tmp_path)
    called(tmp_path, function=fourfold)
    assert kernel_cache.kept("one", "x.py")[0].usable == 2
    assert kernel_cache.kept("two", "x.py")[0].usable == 0
    path = tmp_path / good[0]
    path.write_bytes(garbled(good[1], len(good[1]) // 2))
    (tmp_path / "losses_numba.loss_pass-81.py311.nbi").write_bytes(b"Numba's own")
    (state,) = kernel_cache.kept("one", "x.py")
    assert (state.usable, state.damaged) == (1, (path,))
    (tmp_path / "file").write_text("")
    assert kernel_cache.fault(tmp_path / "file" / "x") == "Not a directory"
    assert kernel_cache.fault(tmp_path / "a" / "b") == ""
    assert not (tmp_path / "a").exists()


def test_every_kernel_is_kept_this_way():
    from capmix.kernels.cpu import losses as losses_numba
    from capmix.kernels.cpu import paths as paths_numba

    for compiled in (losses_numba.loss_pass, paths_numba.simulate_blocks):
        assert isinstance(compiled._cache, KernelCache)
        assert compiled._cache._places == kernel_cache.folders(jit.__file__)
