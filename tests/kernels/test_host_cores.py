"""Threads: no more than affinity and the quota of the container allow, unless the environment says how many."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from capmix.kernels import environment, host_cores
from capmix.kernels.backend import get_backend
from capmix.kernels.environment import EnvironmentFault

V1 = "cpu,cpuacct/docker/abc"
OWN = "9:name=systemd:/\n3:cpu,cpuacct:/docker/abc\n0::/pod/box\n"


def machine(folder: Path, files: dict[str, str], own: str = OWN) -> tuple[Path, Path]:
    """A tree of control groups, and the file that says where in it the process is."""
    for name, text in files.items():
        (folder / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup" / name).write_text(text)
    (folder / "own").write_text(own)
    return folder / "cgroup", folder / "own"


@pytest.mark.parametrize(
    "files, quota",
    [
        ({}, None),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "200000 100000\n"}, 2.0),
        ({"cpu.max": "50000 100000\n"}, 0.5),
        ({"pod/cpu.max": "300000 100000", "pod/box/cpu.max": "max 100000"}, 3.0),
        ({"pod/cpu.max": "max 100000", "pod/box/cpu.max": "150000 100000"}, 1.5),
        ({"other/cpu.max": "100000 100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "250000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2.5),
        ({f"{V1}/cpu.cfs_quota_us": "400000", f"{V1}/cpu.cfs_period_us": "50000"}, 8.0),
        ({"cpu.max": "garbage"}, None),
        ({"cpu.max": "0 0"}, None),
        ({"cpu.max": "\xff"}, None),
    ],
)  # fmt: skip
def test_quota(tmp_path, files, quota):
    groups, own = machine(tmp_path, files)
    assert host_cores.quota(groups, own) == quota


@pytest.mark.parametrize(
    "quota, cores", [(None, 8), ("200000", 2), ("150000", 2), ("100001", 2), ("1000", 1), ("1600000", 8)]
)
def test_cores_are_those_bound_and_paid_for(tmp_path, monkeypatch, quota, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    groups, own = machine(tmp_path, {} if quota is None else {"cpu.max": f"{quota} 100000"})
    assert host_cores.cores(groups, own) == cores


def test_no_control_groups_at_all(tmp_path):
    assert host_cores.quota(tmp_path / "none", tmp_path / "none") is None


def test_a_backend_keeps_to_the_quota(monkeypatch):
    monkeypatch.delenv(environment.THREADS, raising=False)
    monkeypatch.setattr(environment, "cores", lambda: 3)
    assert get_backend("numba").threads == 3
    monkeypatch.setenv(environment.THREADS, "5")
    assert get_backend("numba").threads == 5


@pytest.mark.parametrize(
    "name, value",
    [
        *(("NUMBA_NUM_THREADS", v) for v in ("0", "-1", "1.5", "", "many", "100000000")),
        ("NUMBA_DISABLE_JIT", "1"),
        ("NUMBA_CAPTURED_ERRORS", "nonsense"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(EnvironmentFault, match=rf"(?s){name}='{value}' in the environment.*unset it"):
        get_backend("numba")


def test_values_that_can_be_used():
    for value in ("1", " 4 ", "1024"):
        assert environment.faults({"NUMBA_NUM_THREADS": value, "NUMBA_DISABLE_JIT": "0"}) == []
    assert environment.faults({}) == []
    assert len(environment.faults({"NUMBA_NUM_THREADS": "0", "NUMBA_DISABLE_JIT": "1"})) == 2
