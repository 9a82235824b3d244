"""Whether a CUDA device can be used, found out step by step such that each fault has its own name."""

from __future__ import annotations

import atexit
import importlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from .. import device_errors as faults
from ..device_errors import DeviceFault

TRIAL = 'extern "C" __global__ void trial(unsigned *out) { out[threadIdx.x] = 3u * threadIdx.x + 1u; }'


@dataclass(frozen=True)
class Found:
    """A device that answers.

    Attributes:
        name: as the driver gives it.
        architecture: compute capability, e.g. (9, 0).
        driver, runtime: CUDA version that the driver supports and that CuPy runs on, e.g. 13000.
        free, total: memory in bytes.
        remarks: faults that do not keep it from working, and of the first device those of the others.
        number: among the devices that CUDA shows.
    """

    name: str
    architecture: tuple[int, int]
    driver: int
    runtime: int
    cupy: str
    free: int
    total: int
    remarks: tuple[str, ...] = ()
    number: int = 0


def version(number: int) -> str:
    """CUDA's 13020 as 13.2."""
    return f"{number // 1000}.{number % 1000 // 10}"


def wheels() -> tuple[str, ...]:
    """Names of the installed distributions of CuPy."""
    names = {str(d.metadata["Name"] or "").lower() for d in distributions()}
    return tuple(sorted(n for n in names if n == "cupy" or n.startswith(("cupy-cuda", "cupy-rocm"))))


def probe(
    load: Callable[[str], Any] = importlib.import_module,
    installed: Callable[[], tuple[str, ...]] = wheels,
) -> Found:
    """The first visible device that works; see `probe_all`."""
    return probe_all(load, installed)[0]


def probe_all(
    load: Callable[[str], Any] = importlib.import_module,
    installed: Callable[[], tuple[str, ...]] = wheels,
) -> tuple[Found, ...]:
    """The visible devices that work, each tried with a kernel.

    Raises `DeviceFault` where none does, of the class that tells what is wrong with the first. Takes about a second
    where there is a device, and next to nothing where CuPy is not installed.
    """
    found = installed()
    if len(found) > 1:
        spare = " ".join(found)
        raise faults.BothCupies(
            f"CuPy is installed {len(found)} times ({', '.join(found)}); pip uninstall {spare}, then install one"
        )
    cupy = _cupy(load, found)
    try:
        runtime = cupy.cuda.runtime
        driver = _driver(runtime)
        current = int(runtime.runtimeGetVersion())
        if driver < current // 1000 * 1000:
            raise faults.OldDriver(
                f"the NVIDIA driver supports CUDA {version(driver)} and CuPy needs {version(current // 1000 * 1000)}; "
                f"install a newer driver ({faults.DRIVERS}), or {_older(found)}"
            )
        count = int(runtime.getDeviceCount())
        if count == 0:
            raise faults.NoDevice("the driver finds no device; check `nvidia-smi` and CUDA_VISIBLE_DEVICES")
    except Exception as error:
        raise _named(error) from error
    remarks, working, broken = _cache(), list[Found](), list[DeviceFault]()
    for number in range(count):
        try:
            working.append(_device(cupy, number, driver, current))
        except DeviceFault as fault:
            broken.append(fault)
            if count > 1:
                remarks = (*remarks, f"device {number} is not used: {fault}")
    if not working:
        raise broken[0]
    return (replace(working[0], remarks=remarks), *working[1:])


def _device(cupy: Any, number: int, driver: int, current: int) -> Found:
    """One device, tried. Raises `DeviceFault`."""
    runtime = cupy.cuda.runtime
    try:
        properties = runtime.getDeviceProperties(number)
        name = properties["name"]
        name = name.decode() if isinstance(name, bytes) else str(name)
        architecture = (int(properties["major"]), int(properties["minor"]))
        if architecture < faults.OLDEST:
            raise faults.UnsupportedArchitecture(
                f"{name} has compute capability {architecture[0]}.{architecture[1]}; the kernels need 7.5 or later "
                "(Turing, 2018): use --device cpu"
            )
        with cupy.cuda.Device(number):
            _try(cupy)
            free, total = (int(n) for n in runtime.memGetInfo())
    except Exception as error:
        raise _named(error) from error
    return Found(name, architecture, driver, current, str(cupy.__version__), free, total, (), number)


def _named(error: Exception) -> DeviceFault:
    return faults.translate(error) or faults.BrokenCupy(
        f"the device cannot be tried ({type(error).__name__}: {str(error)[:120]}); reinstall CuPy"
    )


def _cupy(load: Callable[[str], Any], found: tuple[str, ...]) -> Any:
    try:
        return load("cupy")
    except ModuleNotFoundError as error:
        if not found and (error.name or "").partition(".")[0] == "cupy":
            raise faults.NoCupy(
                "CuPy is not installed; pip install 'capmix[cuda13]' (or cuda12 for an older driver)"
            ) from error
        raise faults.BrokenCupy(
            f"CuPy cannot be imported ({error}); pip install --force-reinstall {' '.join(found) or 'cupy'}"
        ) from error
    except Exception as error:
        text = str(error).strip().partition("\n")[0]
        raise faults.BrokenCupy(
            f"CuPy cannot be imported ({text[:120]}); pip install --force-reinstall {' '.join(found) or 'cupy'}"
        ) from error


def _driver(runtime: Any) -> int:
    try:
        driver = int(runtime.driverGetVersion())
    except Exception:  # a system without the driver's library at all
        driver = 0
    if driver == 0:
        raise faults.NoDriver(f"no NVIDIA driver is loaded; install one ({faults.DRIVERS}), or use --device cpu")
    return driver


def _older(found: tuple[str, ...]) -> str:
    return (
        "pip uninstall " + " ".join(found) + " && pip install 'capmix[cuda12]'"
        if "cupy-cuda13x" in found
        else "an older CuPy"
    )


def cache_folder() -> Path:
    """Where CuPy keeps compiled kernels."""
    return Path(os.environ.get("CUPY_CACHE_DIR", Path.home() / ".cupy" / "kernel_cache"))


def _cache() -> tuple[str, ...]:
    """A remark if compiled kernels cannot be kept; CuPy is then given a folder that lasts as long as this process."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ()
    except OSError as error:
        scratch = tempfile.mkdtemp(prefix="capmix-kernels-")
        atexit.register(shutil.rmtree, scratch, True)
        os.environ["CUPY_CACHE_DIR"] = scratch
        fault = faults.CacheUnwritable(
            f"compiled kernels cannot be kept in {folder} ({error.strerror or error}) and are compiled anew each time; "
            "set CUPY_CACHE_DIR to a folder that can be written to"
        )
        return (str(fault),)


def _try(cupy: Any) -> None:
    """Compile a kernel, run it and read what it wrote."""
    kernel = cupy.RawModule(code=TRIAL, options=("-std=c++17",)).get_function("trial")
    out = cupy.zeros(32, dtype=cupy.uint32)
    kernel((1,), (32,), (out,))
    if out.get().tolist() != [3 * i + 1 for i in range(32)]:
        raise faults.DeviceLost(
            "the device computes wrongly: a trial kernel gave other numbers; check `nvidia-smi` and the system log"
        )
