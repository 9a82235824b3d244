"""What a plan asks of a device: seconds in which its kernels run, and the bytes copied between it and the host."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from capmix.kernels.cuda.cupy_device import CupyDevice

_EVENTS = 20_000  # pairs that may wait to be read


class Meter:
    """Counts while it is entered; on the processor there is nothing to count.

    Attributes:
        seconds: sum over the kernels of the time between their start and their end, as the device's clock has it.
        copies, copied: number and bytes of copies either way.
    """

    def __init__(self, device: str) -> None:
        self._on = device == "cuda"
        self.seconds, self.copies, self.copied = 0.0, 0, 0
        self._cupy: Any = None
        self._pairs: list[tuple[Any, Any]] = []
        self._kept: dict[str, Callable[..., Any]] = {}

    def __enter__(self) -> Meter:
        if self._on:
            self._kept = {name: getattr(CupyDevice, name) for name in ("launch", "upload", "download")}
            for name, call in self._kept.items():
                setattr(CupyDevice, name, self._timed(call) if name == "launch" else self._counted(call))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, call in self._kept.items():
            setattr(CupyDevice, name, call)
        if error is None:
            self._read()

    def _timed(self, launch: Callable[..., Any]) -> Callable[..., Any]:
        def timed(device: CupyDevice, *given: Any, **more: Any) -> Any:
            cupy = self._cupy = device._cupy
            with cupy.cuda.Device(device._number):
                begin, end = cupy.cuda.Event(), cupy.cuda.Event()
                begin.record()
                launch(device, *given, **more)
                end.record()
            self._pairs.append((begin, end))
            if len(self._pairs) >= _EVENTS:
                self._read()

        return timed

    def _counted(self, copy: Callable[..., Any]) -> Callable[..., Any]:
        def counted(device: CupyDevice, values: Any, *more: Any) -> Any:
            self.copies += 1
            self.copied += int(values.nbytes)
            return copy(device, values, *more)

        return counted

    def _read(self) -> None:
        """Seconds of the kernels so far, which this waits for."""
        for begin, end in self._pairs:
            end.synchronize()
            self.seconds += self._cupy.cuda.get_elapsed_time(begin, end) / 1e3
        self._pairs = []

    def words(self, took: float) -> str:
        """Cells of a table: seconds of the kernels, their share of `took`, copies and megabytes."""
        if not self._on:
            return " | | | "
        return f"{self.seconds:.3f} | {self.seconds / took:.0%} | {self.copies:,} | {self.copied / 1e6:,.1f}"
