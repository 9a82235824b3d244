"""A CUDA device through CuPy, imported here only. Kernels are compiled at their first launch and kept by CuPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..device_errors import translate
from .device import Argument, Array
from .source import flattened, kernels, options

R = TypeVar("R")


class CupyDevice:
    """`device.Device` on one GPU of this machine.

    Args:
        number: of the device, among those that CUDA shows.

    Raises `device_errors.DeviceFault` where it cannot be used.
    """

    def __init__(self, number: int = 0) -> None:
        self._number = number
        self._modules: dict[str, Any] = {}
        self._functions: dict[str, Any] = {}

        def properties() -> dict[str, Any]:
            import cupy

            self._cupy = cupy
            return dict(cupy.cuda.runtime.getDeviceProperties(number))

        self._properties = _faults_named(properties)

    @property
    def name(self) -> str:
        name = self._properties["name"]
        return name.decode() if isinstance(name, bytes) else str(name)

    @property
    def arch(self) -> str:
        return f"sm_{self._properties['major']}{self._properties['minor']}"

    @property
    def processors(self) -> int:
        return int(self._properties["multiProcessorCount"])

    def empty(self, size: int, dtype: DTypeLike) -> Array:
        return self._on_device(lambda: self._allocated(size, dtype))

    def full(self, size: int, dtype: DTypeLike, value: int) -> Array:
        def make() -> Array:
            array = self._allocated(size, dtype)
            if array.nbytes:
                array.owner.memset_async(value, array.nbytes, self._cupy.cuda.get_current_stream())
            return array

        return self._on_device(make)

    def upload(self, values: NDArray[Any], to: Array | None = None) -> Array:
        flat = np.ascontiguousarray(values).reshape(-1)

        def copy() -> Array:
            array = self._allocated(flat.size, flat.dtype) if to is None else to.part(0, flat.size)
            if flat.nbytes:
                runtime = self._cupy.cuda.runtime
                runtime.memcpy(array.address, flat.ctypes.data, flat.nbytes, runtime.memcpyHostToDevice)
            return array

        return self._on_device(copy)

    def download(self, array: Array) -> NDArray[Any]:
        def copy() -> NDArray[Any]:
            out = np.empty(array.size, dtype=array.dtype)
            if out.nbytes:
                runtime = self._cupy.cuda.runtime
                runtime.memcpy(out.ctypes.data, array.address, out.nbytes, runtime.memcpyDeviceToHost)
            return out

        return self._on_device(copy)

    def launch(
        self, kernel: str, grid: tuple[int, int], block: int, arguments: Sequence[Argument], shared: int = 0
    ) -> None:
        def run() -> None:
            self._function(kernel)(grid, (block,), tuple(_word(a) for a in arguments), shared_mem=shared)

        self._on_device(run)

    def memory(self) -> tuple[int, int]:
        def ask() -> tuple[int, int]:
            free, total = self._cupy.cuda.runtime.memGetInfo()
            return int(free) + int(self._cupy.get_default_memory_pool().free_bytes()), int(total)

        return self._on_device(ask)

    def _allocated(self, size: int, dtype: DTypeLike) -> Array:
        memory = self._cupy.cuda.alloc(max(1, size * np.dtype(dtype).itemsize))
        return Array(memory, int(memory.ptr), size, dtype)

    def _function(self, kernel: str) -> Any:
        if kernel not in self._functions:
            source = kernels()[kernel]
            if source not in self._modules:
                self._modules[source] = self._cupy.RawModule(code=flattened(source), options=options())
            self._functions[kernel] = self._modules[source].get_function(kernel)
        return self._functions[kernel]

    def _on_device(self, call: Callable[[], R]) -> R:
        """The call, with this device as the present one and CuPy's exceptions as `DeviceFault`."""

        def there() -> R:
            with self._cupy.cuda.Device(self._number):
                return call()

        return _faults_named(there)


def _word(argument: Argument) -> Any:
    """A parameter as CuPy passes it: eight bytes."""
    if argument is None:
        return np.uint64(0)
    return np.uint64(argument.address) if isinstance(argument, Array) else argument


def _faults_named(call: Callable[[], R]) -> R:
    try:
        return call()
    except Exception as error:
        fault = translate(error)
        if fault is None or fault is error:
            raise
        raise fault from error
