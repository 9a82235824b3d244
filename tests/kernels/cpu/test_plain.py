"""The plain twin of the hand-written loops: it holds the same tests, to the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from capmix.kernels import environment

ROOT = Path(__file__).parents[3]
TESTS = ("tests/kernels/test_losses.py", "tests/kernels/test_waterfall.py")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, environment.PLAIN: "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_switch_takes_the_plain_loops() -> None:
    of = "import capmix.kernels.cpu.innermost as i; print({f.__module__ for f in (i.add_flows, i.folded_product)})"
    assert run("-c", of).stdout.strip() == "{'capmix.kernels.cpu.plain'}"


def test_they_pass_the_kernels_own_tests() -> None:
    done = run("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *TESTS)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize(("value", "plain"), [("1", True), ("0", False), (" ", False)])
def test_values_of_the_switch(monkeypatch: pytest.MonkeyPatch, value: str, plain: bool) -> None:
    monkeypatch.setenv(environment.PLAIN, value)
    assert environment.plain_kernels() is plain


def test_without_it_they_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(environment.PLAIN, raising=False)
    assert not environment.plain_kernels()
