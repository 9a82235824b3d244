"""The host's memory: what the machine or its container has, and what of it is free."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_CGROUP_USED = ("/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory/memory.usage_in_bytes")


def memory_total() -> int | None:
    """Memory of the machine or of the container it runs in, bytes; None where the system does not say."""
    total = _proc("/proc/meminfo", "MemTotal") or _sysconf("SC_PHYS_PAGES")
    limit = _first_number(_CGROUP_LIMITS)
    return min((n for n in (total, limit) if n is not None), default=None)


def memory_available() -> int | None:
    """Memory that can still be had without swapping, bytes; None where the system does not say."""
    free = _proc("/proc/meminfo", "MemAvailable") or _sysconf("SC_AVPHYS_PAGES")
    limit, used = _first_number(_CGROUP_LIMITS), _first_number(_CGROUP_USED)
    left = None if limit is None or used is None else max(0, limit - used)
    return min((n for n in (free, left, *rooms().values()) if n is not None), default=None)


def rooms() -> dict[str, int]:
    """Bytes that this process may still take under its own limits, by the letter that `ulimit` calls a limit by.

    v: addresses, used or not; d: memory of its own. Empty where no limit is set.
    """
    try:
        import resource
    except ImportError:  # Windows
        return {}
    left = {}
    for letter, kind, used in (("v", "RLIMIT_AS", "VmSize"), ("d", "RLIMIT_DATA", "VmData")):
        limit = resource.getrlimit(getattr(resource, kind))[0] if hasattr(resource, kind) else resource.RLIM_INFINITY
        if limit != resource.RLIM_INFINITY:
            left[letter] = max(0, limit - (_proc("/proc/self/status", used) or 0))
    return left


def _proc(path: str, key: str) -> int | None:
    """A line "KEY:  NUMBER kB" of a file of Linux, in bytes."""
    try:
        lines = Path(path).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(key + ":")), None)


def _sysconf(pages: str) -> int | None:
    try:
        return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return _windows_memory(available=pages == "SC_AVPHYS_PAGES")


def _windows_memory(available: bool) -> int | None:
    if sys.platform != "win32":
        return None
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong)
            for name in ("total", "free", "page", "page_free", "virtual", "virtual_free", "extended")
        ]

    status = Status(length=ctypes.sizeof(Status))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(status.free if available else status.total)


def _first_number(paths: tuple[str, ...]) -> int | None:
    for path in paths:
        try:
            text = Path(path).read_text(encoding="ascii").strip()
        except (OSError, UnicodeError):
            continue
        if text.isdigit() and int(text) < 1 << 60:  # version 1 writes a huge number for "no limit"
            return int(text)
    return None
