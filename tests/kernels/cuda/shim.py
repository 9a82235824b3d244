"""A device that is not there: the kernels, compiled by g++ against shim.h, on NumPy's memory."""

from __future__ import annotations

import ctypes
import mmap
import shutil
import subprocess
import tempfile
import threading
import weakref
from functools import cache
from pathlib import Path

import numpy as np
from capmix.kernels.cuda.device import Array
from capmix.kernels.cuda.source import SOURCES, constants, flattened, kernels
from capmix.kernels.device_errors import DeviceLost, OutOfDeviceMemory

COMPILER = shutil.which("g++")
FAULTS = {
    1: "threads of a block ended or wait elsewhere while others wait at __syncthreads",
    2: "threads of a warp ended or wait elsewhere while others exchange values",
    3: "a block has between 1 and 1024 threads",
}
QUIET = {"capture_output": True, "text": True, "timeout": 120}
ONE_AT_A_TIME = threading.Lock()  # the shim's threads are the library's own variables
ALIGNED = 16  # bytes: the widest value that a kernel reads at once
SHARED = 48 << 10  # bytes of shared memory that a block gets on every device
POISON = 0xFF  # memory that nobody has written to: not-a-number, -1
GUARDED = 0xA5


def compiled(text: str, names: list[str]) -> ctypes.CDLL:
    """Sources, built against the shim in a folder that is deleted afterwards."""
    if COMPILER is None:
        raise FileNotFoundError("g++ is not installed")
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory(prefix="capmix-shim-") as folder:
        source, library = Path(folder) / "kernels.cpp", Path(folder) / "kernels.so"
        exports = "\n".join(f"EXPORT({name})" for name in names)
        source.write_text(f'#include "shim.h"\n{text}\n{exports}\n', encoding="utf-8")
        flags = ["-std=c++17", "-O2", "-ffp-contract=off", "-fno-fast-math", "-shared", "-fPIC", "-w", f"-I{here}"]
        # a trap, unlike a report, needs no library
        flags += ["-fsanitize=undefined", "-fno-sanitize=vptr", "-fsanitize-undefined-trap-on-error"]
        defines = [f"-D{name}={value}" for name, value in constants().items()]
        done = subprocess.run([COMPILER, *flags, *defines, str(source), "-o", str(library)], check=False, **QUIET)
        if done.returncode:
            raise RuntimeError(f"g++ refuses the kernels:\n{done.stderr[:4000]}")
        return ctypes.CDLL(str(library))


@cache
def library() -> ctypes.CDLL:
    return compiled(flattened(*SOURCES), list(kernels()))


class _Memory:
    """Bytes on the host up to the end of a page, and behind it a page that nobody may touch: who reads or writes there
    ends the process. What is left of the first page, and of the last bytes, is guarded against writes.
    """

    def __init__(self, device: ShimDevice, nbytes: int) -> None:
        self.device, self.nbytes = device, nbytes
        held = -(-max(nbytes, 1) // mmap.PAGESIZE) * mmap.PAGESIZE
        self.bytes = np.frombuffer(mmap.mmap(-1, held + mmap.PAGESIZE), dtype=np.uint8)[:held]
        self.low = (held - nbytes) // ALIGNED * ALIGNED
        self.bytes[:] = GUARDED
        self.bytes[self.low : self.low + nbytes] = POISON
        if ctypes.CDLL(None).mprotect(ctypes.c_void_p(self.address + held), ctypes.c_size_t(mmap.PAGESIZE), 0):
            raise OSError("a page behind an array cannot be closed")
        device.used += nbytes
        device.live.add(self)

    def __del__(self) -> None:
        self.device.used -= self.nbytes

    @property
    def address(self) -> int:
        return self.bytes.ctypes.data

    def intact(self) -> bool:
        return bool(
            (self.bytes[: self.low] == GUARDED).all() and (self.bytes[self.low + self.nbytes :] == GUARDED).all()
        )


class ShimDevice:
    """`device.Device` on the host.

    Args:
        total: bytes that may be used at once.
        backwards: threads and blocks run in reverse order.
    """

    name, arch, processors = "host shim", "host", 4

    def __init__(self, total: int = 1 << 32, backwards: bool = False, kernels=None) -> None:
        self.total, self.backwards = total, backwards
        self.used = 0
        self.live: weakref.WeakSet[_Memory] = weakref.WeakSet()
        self.launched: dict[str, int] = {}
        self.downloaded: list[int] = []
        self.uploaded: list[int] = []
        self.library = library() if kernels is None else kernels

    def empty(self, size, dtype):
        nbytes = size * np.dtype(dtype).itemsize
        if self.used + nbytes > self.total:
            raise OutOfDeviceMemory(f"{nbytes} bytes asked for, {self.total - self.used} are free")
        memory = _Memory(self, nbytes)
        return Array(memory, memory.address + memory.low, size, dtype)

    def full(self, size, dtype, value):
        out = self.empty(size, dtype)
        self._view(out).view(np.uint8)[:] = value
        return out

    def upload(self, values, to=None):
        assert values.flags.c_contiguous
        self.uploaded.append(values.nbytes)
        out = self.empty(values.size, values.dtype) if to is None else to.part(0, values.size)
        self._view(out)[:] = values.reshape(-1)
        return out

    def download(self, array):
        self.downloaded.append(array.nbytes)
        return self._view(array).copy()

    def launch(self, kernel, grid, block, arguments, shared=0):
        assert shared <= SHARED, f"{kernel} asks for {shared} bytes of shared memory"
        assert grid[0] < 2**31, f"{kernel} has a grid of {grid}"
        assert grid[1] < 2**16, f"{kernel} has a grid of {grid}"
        cells = [_cell(a) for a in arguments]
        pointers = (ctypes.c_void_p * len(cells))(*[ctypes.cast(ctypes.pointer(c), ctypes.c_void_p) for c in cells])
        run = getattr(self.library, f"launch_{kernel}")
        with ONE_AT_A_TIME:
            fault = run(
                *map(ctypes.c_uint, (*grid, block)), ctypes.c_size_t(shared), pointers, ctypes.c_int(self.backwards)
            )
        self.launched[kernel] = self.launched.get(kernel, 0) + 1
        if fault:
            raise DeviceLost(f"{kernel}: {FAULTS[fault]}")
        for memory in self.live:
            assert memory.intact(), f"{kernel} writes outside its arrays"

    def memory(self):
        return self.total - self.used, self.total

    @staticmethod
    def _view(array):
        if array.nbytes == 0:
            return np.empty(0, dtype=array.dtype)
        return np.frombuffer((ctypes.c_uint8 * array.nbytes).from_address(array.address), dtype=array.dtype)


def _cell(argument):
    if argument is None:
        return ctypes.c_uint64(0)
    if isinstance(argument, Array):
        return ctypes.c_uint64(argument.address)
    assert isinstance(argument, np.int64 | np.uint64 | np.float64), f"{argument!r} has not 8 bytes"
    kinds = {"i": ctypes.c_int64, "u": ctypes.c_uint64, "f": ctypes.c_double}
    return kinds[argument.dtype.kind](argument.item())
