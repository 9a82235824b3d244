"""What can go wrong with a device: one class per fault, each with one line that says what happened and what to do.

Only names and texts of exceptions are looked at, so that nothing of CUDA is imported here.
"""

from __future__ import annotations

from ..errors import CapmixError


class DeviceFault(CapmixError, RuntimeError):
    """A device cannot be used. The message says what happened and what to do."""


class NoCupy(DeviceFault):
    """CuPy is not installed."""


class BrokenCupy(DeviceFault):
    """CuPy is installed and cannot be imported."""


class BothCupies(DeviceFault):
    """CuPy is installed for more than one CUDA version."""


class NoDriver(DeviceFault):
    """There is no NVIDIA driver."""


class OldDriver(DeviceFault):
    """The driver is older than the CUDA version that CuPy was built for."""


class NoDevice(DeviceFault):
    """The driver finds no device, or the device is not free."""


class NoCompiler(DeviceFault):
    """NVRTC, CUDA's run-time compiler, is missing."""


class UnsupportedArchitecture(DeviceFault):
    """The device is too old or too new for the kernels or the compiler."""


class CacheUnwritable(DeviceFault):
    """Compiled kernels cannot be kept on the disk. Only a remark: they are compiled anew each time."""


class KernelFault(DeviceFault):
    """A kernel could not be compiled or loaded."""


class OutOfDeviceMemory(DeviceFault):
    """The device's memory is used up."""


class DeviceLost(DeviceFault):
    """The device stopped working during a run."""


OLDEST = (7, 5)  # compute capability of Turing
DRIVERS = "https://www.nvidia.com/drivers"

_LOST = (
    "IllegalAddress", "illegal memory access", "LaunchFailure", "unspecified launch failure", "LaunchTimeout",
    "launch timed out",
    "ECCUncorrectable", "uncorrectable ECC", "DevicesUnavailable", "busy or unavailable", "DeviceUninitialized",
    "cudaErrorUnknown", "CUDA_ERROR_UNKNOWN", "HardwareStackError", "MisalignedAddress", "misaligned address",
    "ContextIsDestroyed", "context is destroyed", "InvalidAddressSpace", "NvlinkUncorrectable", "SystemDriverMismatch",
    "device lost", "CUDA_ERROR_DEINITIALIZED", "SystemNotReady", "InvalidPc", "IllegalInstruction",
)  # fmt: skip
_MEMORY = ("cudaErrorMemoryAllocation", "CUDA_ERROR_OUT_OF_MEMORY", "out of memory")
_OURS = (
    "CUDARuntimeError",
    "CUDADriverError",
    "OutOfMemoryError",
    "NVRTCError",
    "CompileException",
    "DynamicLibNotFoundError",
)


def translate(error: BaseException) -> DeviceFault | None:
    """The fault that an exception of CuPy or of the host's allocator means; None if it is neither."""
    if isinstance(error, DeviceFault):
        return error
    kind, text = type(error).__name__, " ".join(str(error).split())
    if isinstance(error, MemoryError) or kind == "OutOfMemoryError":
        return OutOfDeviceMemory("out of memory; use fewer --scenarios, or let nothing else run on the device")
    if kind not in _OURS:
        return (
            no_compiler(text)
            if isinstance(error, RuntimeError | ImportError | OSError) and "nvrtc" in text.lower()
            else None
        )
    if any(words in text for words in _MEMORY):
        return OutOfDeviceMemory("out of memory; use fewer --scenarios, or let nothing else run on the device")
    if "cudaErrorInsufficientDriver" in text:
        return OldDriver(
            f"the NVIDIA driver is too old for this CuPy; install a newer one ({DRIVERS}) or CuPy for CUDA 12"
        )
    if "cudaErrorNoDevice" in text or "CUDA_ERROR_NO_DEVICE" in text:
        return NoDevice("the driver finds no device; check `nvidia-smi` and CUDA_VISIBLE_DEVICES")
    if (
        "NoKernelImageForDevice" in text
        or "NO_BINARY_FOR_GPU" in text
        or "invalid value for --gpu-architecture" in text
    ):
        return UnsupportedArchitecture(
            "no kernel can be made for this device; install the newest CuPy for its architecture"
        )
    if any(words in text for words in _LOST):
        return DeviceLost(f"the device stopped working ({text[:120]}); check `nvidia-smi` and the system log")
    if "nvrtc" in text.lower() or kind in ("NVRTCError", "DynamicLibNotFoundError"):
        if kind == "NVRTCError" and "COMPILATION" in text:
            return KernelFault(f"a kernel cannot be compiled ({text[:120]}); reinstall capmix and CuPy")
        return no_compiler(text)
    if kind == "CompileException":
        return KernelFault(f"a kernel cannot be compiled ({text[:120]}); reinstall capmix and CuPy")
    return DeviceLost(f"the device failed ({text[:120]}); check `nvidia-smi` and the system log")


def no_compiler(text: str) -> NoCompiler:
    return NoCompiler(
        f"CUDA's run-time compiler NVRTC cannot be loaded ({text[:120]}); pip install 'capmix[cuda13]' brings it"
    )
