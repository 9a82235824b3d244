"""The backends that the tests of this folder run, each with the same body.

`shim` is the CUDA backend on the host shim; `backwards` the same with threads and blocks in reverse order; both take
chunks as small as they get. `cuda` is the GPU of this machine; CAPMIX_TEST_DEVICE=cuda makes a missing one a failure.
"""

from __future__ import annotations

import os
from functools import cache

import pytest
from capmix.kernels.backend import get_backend
from capmix.kernels.cuda.backend import CudaBackend
from capmix.kernels.device_errors import DeviceFault

from .shim import COMPILER, ShimDevice

SMALLEST_CHUNK = 16_384
CUDA = ("shim", "backwards", "cuda")
ALL = ("numpy", "numba", *CUDA)


@cache
def gpu():
    """The CUDA backend on a GPU, or why there is none."""
    from capmix.kernels.cuda.cupy_device import CupyDevice
    from capmix.kernels.cuda.probe import probe

    try:
        probe()
        return CudaBackend(CupyDevice(), SMALLEST_CHUNK)
    except (DeviceFault, ImportError) as fault:
        if os.environ.get("CAPMIX_TEST_DEVICE") == "cuda":
            raise
        return f"no GPU: {fault}"


@cache
def made(name):
    if name in ("numpy", "numba"):
        return get_backend(name)
    if name == "cuda":
        return gpu()
    if COMPILER is None:
        return "g++ is not installed"
    if name == "backwards":
        return CudaBackend(ShimDevice(backwards=True), SMALLEST_CHUNK)
    return CudaBackend(ShimDevice(), SMALLEST_CHUNK)


def backend_or_skip(name):
    found = made(name)
    if isinstance(found, str):
        pytest.skip(found)
    return found
