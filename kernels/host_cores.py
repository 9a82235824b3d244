"""The host's cores: how many of them this process may use, by its affinity and by the quota of its container."""

from __future__ import annotations

import math
import os
from pathlib import Path, PurePosixPath

_GROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_V1 = ("cpu", "cpu,cpuacct", "cpuacct,cpu")


def cores(groups: Path = _GROUPS, own: Path = _OWN) -> int:
    """Cores that this process may use: those it is bound to, and no more than its control groups give time on.

    groups: where control groups are mounted; own: the file that says in which of them this process is.
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    given = quota(groups, own)
    return bound if given is None else max(1, min(bound, math.ceil(given - 1e-9)))


def quota(groups: Path = _GROUPS, own: Path = _OWN) -> float | None:
    """Cores' worth of time that the control groups give, the least of them; None where none sets a limit.

    Version 2 writes "QUOTA PERIOD" or "max PERIOD" to cpu.max, version 1 to two files, -1 for no limit; both in
    microseconds (https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/scheduler/sched-bwc.html).
    A container sees its own group as the root, or its whole path, so each group on the way up is looked at.
    """
    found = []
    for folder in (groups, *(groups / name for name in _V1)):
        for path in _ways_up(own):
            place = folder / path
            found += [_share(_text(place / "cpu.max"))]
            found += [_share(f"{_text(place / 'cpu.cfs_quota_us')} {_text(place / 'cpu.cfs_period_us')}")]
    return min((share for share in found if share is not None), default=None)


def _ways_up(own: Path) -> set[str]:
    """Relative paths of this process's groups and of all above them."""
    paths = {"."}
    for line in _text(own).splitlines():
        parts = PurePosixPath(line.rpartition(":")[2].lstrip("/")).parts
        if ".." not in parts:
            paths |= {str(PurePosixPath(*parts[:n])) for n in range(1, len(parts) + 1)}
    return paths


def _share(text: str) -> float | None:
    words = text.split()
    if len(words) != 2 or not all(word.isdigit() for word in words):
        return None
    amount, period = map(int, words)
    return amount / period if amount > 0 and period > 0 else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError):
        return ""
