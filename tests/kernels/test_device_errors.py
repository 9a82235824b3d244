"""Every fault of a device, injected: each has its own class and one line that says what happened and what to do."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from capmix.kernels import device_errors as faults
from capmix.kernels.cuda import probe as cuda_probe
from capmix.kernels.cuda.bandwidth import copy_bandwidth
from capmix.kernels.cuda.probe import probe, probe_all
from capmix.kernels.device_errors import translate


class CUDARuntimeError(Exception):
    """Named as CuPy's."""


class NVRTCError(Exception):
    """Named as CuPy's."""


class CompileException(Exception):
    """Named as CuPy's."""


class OutOfMemoryError(Exception):
    """Named as CuPy's."""


class Array:
    def __init__(self, values):
        self.values = values

    def get(self):
        return self.values


class Event:
    now = 0.0

    def record(self):
        self.at = Event.now

    def synchronize(self):
        pass


class Cupy:
    """As much of CuPy as the probe and the bandwidth touch; a fault is an exception put in a method's place."""

    __version__ = "14.2.0"

    def __init__(self, driver=13_020, runtime=13_000, count=1, major=9, minor=0, **faulty):
        self.uint8 = self.uint32 = None
        self.current = 0
        self._faulty = faulty
        self.cuda = SimpleNamespace(
            runtime=SimpleNamespace(
                driverGetVersion=lambda: self._or("driver", driver),
                runtimeGetVersion=lambda: runtime,
                getDeviceCount=lambda: self._or("count", count),
                getDeviceProperties=lambda number: self._or(
                    f"properties {number}", {"name": b"NVIDIA Test", "major": major, "minor": minor}
                ),
                memGetInfo=lambda: (8_000_000_000, 10_000_000_000),
            ),
            Event=Event,
            Device=self._device,
            get_elapsed_time=lambda a, b: b.at - a.at,
        )

    @contextmanager
    def _device(self, number):
        before, self.current = self.current, number
        yield
        self.current = before

    def _or(self, name, value):
        value = self._faulty.get(name, value)
        if isinstance(value, Exception):
            raise value
        return value

    def RawModule(self, code, options):
        assert "trial" in code
        self._or("compile", None)
        return SimpleNamespace(get_function=lambda _: self._kernel)

    def _kernel(self, grid, block, arguments):
        self._or("launch", None)
        self._or(f"launch {self.current}", None)
        arguments[0].values = self._or_value(np.arange(32) * 3 + 1)

    def _or_value(self, values):
        return values * 0 if self._faulty.get("wrong") else values

    def zeros(self, size, dtype):
        return Array(self._or("zeros", np.zeros(size)))

    empty = ones = zeros

    def copyto(self, target, source):
        Event.now += 2.0  # milliseconds


def probed(cupy, wheels=("cupy-cuda13x",)):
    return probe(load=lambda name: cupy, installed=lambda: wheels)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CUPY_CACHE_DIR", str(tmp_path / "kernels"))
    return tmp_path / "kernels"


def test_a_device_that_works():
    found = probed(Cupy())
    assert (found.name, found.architecture, found.driver, found.remarks) == ("NVIDIA Test", (9, 0), 13_020, ())
    assert (found.free, found.total) == (8_000_000_000, 10_000_000_000)
    assert cuda_probe.version(found.driver) == "13.2"


@pytest.mark.parametrize(
    "cupy, fault, words",
    [
        (Cupy(driver=0), faults.NoDriver, "no NVIDIA driver is loaded; install one"),
        (Cupy(driver=CUDARuntimeError("cudaErrorInsufficientDriver")), faults.NoDriver, "install one"),
        (Cupy(driver=12_040), faults.OldDriver, "supports CUDA 12.4 and CuPy needs 13.0; install a newer driver"),
        (Cupy(count=0), faults.NoDevice, "CUDA_VISIBLE_DEVICES"),
        (Cupy(count=CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device")), faults.NoDevice, "nvidia-smi"),
        (Cupy(count=CUDARuntimeError("cudaErrorInsufficientDriver: insufficient")), faults.OldDriver, "newer one"),
        (Cupy(major=7, minor=0), faults.UnsupportedArchitecture, "7.0; the kernels need 7.5"),
        (Cupy(compile=RuntimeError("libnvrtc.so.13: cannot open")), faults.NoCompiler, r"capmix\[cuda13\]"),
        (Cupy(compile=NVRTCError("NVRTC_ERROR_INTERNAL_ERROR")), faults.NoCompiler, "NVRTC"),
        (Cupy(compile=NVRTCError("NVRTC_ERROR_COMPILATION")), faults.KernelFault, "reinstall"),
        (Cupy(compile=CompileException("error: identifier")), faults.KernelFault, "reinstall"),
        (
            Cupy(compile=NVRTCError("invalid value for --gpu-architecture (-arch)")),
            faults.UnsupportedArchitecture,
            "newest CuPy",
        ),
        (
            Cupy(launch=CUDARuntimeError("cudaErrorNoKernelImageForDevice")),
            faults.UnsupportedArchitecture,
            "newest CuPy",
        ),
        (Cupy(zeros=OutOfMemoryError("Out of memory allocating 512 bytes")), faults.OutOfDeviceMemory, "fewer"),
        (Cupy(zeros=CUDARuntimeError("cudaErrorDevicesUnavailable: busy")), faults.DeviceLost, "nvidia-smi"),
        (Cupy(launch=CUDARuntimeError("cudaErrorIllegalAddress")), faults.DeviceLost, "system log"),
        (Cupy(wrong=True), faults.DeviceLost, "computes wrongly"),
        (Cupy(launch=TypeError("something else")), faults.BrokenCupy, "TypeError: something else"),
    ],
)
def test_probe_names_the_fault(cupy, fault, words):
    with pytest.raises(fault, match=words) as caught:
        probed(cupy)
    assert type(caught.value) is fault
    assert "\n" not in str(caught.value)


OLD_CARD = {"name": b"NVIDIA Old", "major": 6, "minor": 1}


def test_each_device_is_tried():
    """Those that do not work are left out, with a line that says why; the rest is used, whichever number it has."""
    lost = CUDARuntimeError("cudaErrorDevicesUnavailable: busy")
    cupy = Cupy(count=4, **{"properties 0": OLD_CARD, "launch 2": lost})
    found = probe_all(load=lambda name: cupy, installed=lambda: ("cupy-cuda13x",))
    assert [device.number for device in found] == [1, 3]
    assert len(found[0].remarks) == 2
    assert "device 0 is not used: NVIDIA Old has compute capability 6.1" in found[0].remarks[0]
    assert "device 2 is not used: the device stopped working" in found[0].remarks[1]
    assert found[1].remarks == ()
    assert probed(cupy).number == 1


def test_no_device_of_several_works():
    cupy = Cupy(count=2, **{"properties 0": OLD_CARD, "launch 1": CUDARuntimeError("cudaErrorIllegalAddress")})
    with pytest.raises(faults.UnsupportedArchitecture, match="NVIDIA Old"):
        probed(cupy)


def test_both_wheels():
    with pytest.raises(faults.BothCupies, match=r"installed 2 times .cupy-cuda12x, cupy-cuda13x.; pip"):
        probed(Cupy(), ("cupy-cuda12x", "cupy-cuda13x"))


def test_an_old_driver_with_the_newest_wheel_may_take_the_older_one():
    with pytest.raises(faults.OldDriver, match=r"pip uninstall cupy-cuda13x && pip install 'capmix\[cuda12\]'"):
        probed(Cupy(driver=12_080))


@pytest.mark.parametrize(
    "error, wheels, fault, words",
    [
        (ModuleNotFoundError("No module named 'cupy'", name="cupy"), (), faults.NoCupy, r"install 'capmix\[cuda13\]'"),
        (ModuleNotFoundError("No module named 'x'", name="x"), ("cupy",), faults.BrokenCupy, "--force-reinstall cupy"),
        (ImportError("libcuda.so.1: cannot\nmore"), ("cupy-cuda13x",), faults.BrokenCupy, "libcuda.so.1: cannot"),
        (RuntimeError("numpy.core.multiarray failed"), ("cupy-cuda13x",), faults.BrokenCupy, "multiarray"),
    ],
)
def test_cupy_that_cannot_be_imported(error, wheels, fault, words):
    def load(name):
        raise error

    with pytest.raises(fault, match=words) as caught:
        probe(load=load, installed=lambda: wheels)
    assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written_is_a_remark(cache, monkeypatch):
    cache.write_text("a file where the folder should be")
    found = probed(Cupy())
    assert len(found.remarks) == 1
    assert "compiled anew each time; set CUPY_CACHE_DIR" in found.remarks[0]
    instead = Path(os.environ["CUPY_CACHE_DIR"])
    assert instead.is_dir()
    assert instead != cache


@pytest.mark.parametrize(
    "error, fault",
    [
        (MemoryError(), faults.OutOfDeviceMemory),
        (CUDARuntimeError("cudaErrorMemoryAllocation: out of memory"), faults.OutOfDeviceMemory),
        (CUDARuntimeError("cudaErrorECCUncorrectable: uncorrectable ECC error"), faults.DeviceLost),
        (CUDARuntimeError("cudaErrorLaunchTimeout: the launch timed out"), faults.DeviceLost),
        (CUDARuntimeError("cudaErrorOfTomorrow"), faults.DeviceLost),
        (faults.NoDriver("as it is"), faults.NoDriver),
    ],
)
def test_translate(error, fault):
    assert type(translate(error)) is fault


@pytest.mark.parametrize("error", [ValueError("out of memory"), FloatingPointError("loss"), KeyboardInterrupt()])
def test_what_is_no_fault_of_a_device(error):
    assert translate(error) is None


def test_bandwidth_counts_bytes_read_and_written():
    assert copy_bandwidth(load=lambda name: Cupy(), megabytes=100) == pytest.approx(2 * 100e6 / 2e-3)
    # never more than an eighth of the free memory
    assert copy_bandwidth(load=lambda name: Cupy(), megabytes=5_000) == pytest.approx(2 * 1e9 / 2e-3)
    with pytest.raises(faults.OutOfDeviceMemory):
        copy_bandwidth(load=lambda name: Cupy(zeros=OutOfMemoryError("Out of memory")))
