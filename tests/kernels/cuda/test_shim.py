"""The shim notices what goes wrong on a device: missing barriers, memory outside or unwritten, undefined behaviour."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from capmix.kernels.cuda.source import SOURCES, kernels
from capmix.kernels.device_errors import DeviceLost, OutOfDeviceMemory

from .shim import COMPILER, ShimDevice, compiled

pytestmark = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")

BLOCK = 64
BAD = """
typedef long long i64;
#define KERNEL extern "C" __global__ void

KERNEL divergent(double* out) {
    if (threadIdx.x < 16) __syncthreads();
    out[threadIdx.x] = 1.0;
}

KERNEL lonely_shuffle(double* out) {
    double x = 1.0;
    if (threadIdx.x % 32 < 7) x = __shfl_down_sync(0xffffffffu, x, 1);
    out[threadIdx.x] = x;
}

// Sum over a block with its barriers, or without them.
template <bool SAFE>
inline void sum(const double* in, double* out) {
    DYNAMIC_SHARED(double, part);
    part[threadIdx.x] = in[threadIdx.x];
    if (SAFE) __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
        if (SAFE) __syncthreads();
    }
    if (threadIdx.x == 0) out[0] = part[0];
}
KERNEL safe_sum(const double* in, double* out) { sum<true>(in, out); }
KERNEL racing_sum(const double* in, double* out) { sum<false>(in, out); }

// Lanes get the value of the lane `distance` further, their own at the end of the warp.
KERNEL shifted(const double* in, i64 distance, double* out) {
    const double own = in[threadIdx.x];
    out[threadIdx.x] = __shfl_down_sync(0xffffffffu, own, (unsigned)distance);
}

KERNEL outside(double* out, i64 place) { out[place] = 0.0; }
KERNEL seen_outside(const double* in, i64 place, double* out) { out[0] = in[place]; }
KERNEL shift(i64 by, i64* out) { out[0] = 1LL << by; }
KERNEL crooked(const double* in, float4* out) { out[0] = *(const float4*)((const char*)in + 8); }

KERNEL unwritten_shared(double* out) {
    DYNAMIC_SHARED(double, part);
    out[threadIdx.x] = part[threadIdx.x];
}
"""
NAMES = ["divergent", "lonely_shuffle", "safe_sum", "racing_sum", "shifted", "outside", "unwritten_shared"]
NAMES += ["seen_outside", "shift", "crooked"]


@cache
def bad():
    return compiled(BAD, NAMES)


def device(**arguments):
    return ShimDevice(kernels=bad(), **arguments)


@pytest.mark.parametrize(("kernel", "word"), [("divergent", "__syncthreads"), ("lonely_shuffle", "exchange values")])
def test_threads_that_wait_in_vain_are_reported(kernel, word):
    d = device()
    with pytest.raises(DeviceLost, match=word):
        d.launch(kernel, (1, 1), BLOCK, (d.empty(BLOCK, np.float64),))


@pytest.mark.parametrize("reverse", [False, True])
def test_barriers_hold(reverse):
    d, values = device(backwards=reverse), np.arange(float(BLOCK))
    out = d.empty(1, np.float64)
    d.launch("safe_sum", (1, 1), BLOCK, (d.upload(values), out), 8 * BLOCK)
    assert d.download(out)[0] == values.sum()


def test_a_missing_barrier_shows():
    """Without barriers the sum is wrong in at least one order of the threads."""
    values, found = np.arange(1.0, BLOCK + 1), []
    for reverse in (False, True):
        d = device(backwards=reverse)
        out = d.empty(1, np.float64)
        d.launch("racing_sum", (1, 1), BLOCK, (d.upload(values), out), 8 * BLOCK)
        found.append(d.download(out)[0])
    assert not all(sum_ == values.sum() for sum_ in found)


@pytest.mark.parametrize("distance", [1, 7, 16, 31])
@pytest.mark.parametrize("reverse", [False, True])
def test_shuffles_move_values_within_the_warp(distance, reverse):
    d, values = device(backwards=reverse), np.arange(float(BLOCK))
    out = d.empty(BLOCK, np.float64)
    d.launch("shifted", (1, 1), BLOCK, (d.upload(values), np.int64(distance), out))
    lane = np.arange(BLOCK) % 32
    assert np.array_equal(d.download(out), np.where(lane + distance < 32, values + distance, values))


@pytest.mark.parametrize("place", [-1, 5])
def test_writes_outside_are_reported(place):
    d = device()
    out = d.empty(5, np.float64)
    with pytest.raises(AssertionError, match="writes outside"):
        d.launch("outside", (1, 1), 1, (out, np.int64(place)))


CALLS = {
    "a write behind": 'd.launch("outside", (1, 1), 1, (d.empty(10, np.float64), np.int64({wrong})))',
    "a read behind": 'd.launch("seen_outside", (1, 1), 1, (d.empty(10, np.float64), np.int64({wrong}), out))',
    "a shift": 'd.launch("shift", (1, 1), 1, (np.int64(54 + {wrong}), d.empty(1, np.int64)))',
    "a wide value at an odd place": 'd.launch("crooked", (1, 1), 1, (out.part({wrong} - 8, 5), d.empty(16, np.uint8)))',
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_a_device_may_let_pass_ends_the_process(call):
    def ends(wrong):
        lines = ["import numpy as np", "from tests.kernels.cuda.test_shim import device", "d = device()"]
        lines += ["out = d.empty(8, np.float64)", call.format(wrong=wrong), "print('went on')"]
        command = [sys.executable, "-c", "\n".join(lines)]
        return subprocess.run(command, cwd=Path(__file__).parents[3], check=False, capture_output=True, text=True)

    done = ends(10)
    assert (done.returncode < 0, done.stdout) == (True, ""), done.stderr
    done = ends(9)
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr


def test_memory_starts_as_nonsense():
    d = device()
    out = d.full(4, np.float64, 0)
    d.launch("unwritten_shared", (1, 1), 4, (out,), 32)
    assert np.isnan(d.download(out)).all()
    assert np.isnan(d.download(d.empty(3, np.float64))).all()


def test_memory_is_given_back_and_can_run_out():
    d = device(total=1000)
    first = d.empty(100, np.float64)
    part = first.part(50, 10)
    with pytest.raises(OutOfDeviceMemory):
        d.empty(100, np.float64)
    del first
    assert d.memory() == (200, 1000)
    del part
    assert d.memory() == (1000, 1000)


def test_every_kernel_is_found():
    """No kernel escapes the tests by the way it is written."""
    from capmix.kernels.cuda.source import FOLDER

    assert {p.stem for p in FOLDER.glob("*.cu")} == set(SOURCES)
    declared = sum(
        p.read_text("utf-8").count("KERNEL ") - p.read_text("utf-8").count("#define KERNEL")
        for p in FOLDER.glob("*.cu")
    )
    assert declared == len(kernels())
