"""The progress line: bounds, gap, passes, time gone and time left, on one line that is rewritten in place."""

from __future__ import annotations

import math
import os
import shutil
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from .glyphs import UNICODE, glyphs, to_ascii
from .signals import search_has_begun
from .text import figure, seconds, shorten

if TYPE_CHECKING:
    from ..optimizer.cutting_planes.progress import ProgressEvent

EVERY = 0.1
_CLEAR = "\r\x1b[2K"


class ProgressLine:
    """Shows events on a terminal and removes itself at the end; says nothing where the stream is not a terminal."""

    def __init__(self, stream: TextIO | None = None, wanted: bool = True) -> None:
        self._stream = sys.stderr if stream is None else stream
        terminal = self._stream is not None and self._stream.isatty()  # none where the process began without one
        self._shown = wanted and terminal and os.environ.get("TERM") != "dumb"
        self._begin = time.perf_counter()
        self._last = -math.inf
        self._phase = ""

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._write(_CLEAR)

    def __call__(self, event: ProgressEvent) -> None:
        """Show the event, at most ten times a second within one phase."""
        if event.solves:
            search_has_begun()
        now = time.perf_counter()
        if self._shown and (event.phase != self._phase or now - self._last >= EVERY):
            self._last, self._phase = now, event.phase
            self.say(describe(event, now - self._begin))

    def say(self, text: str) -> None:
        """Show a plain remark."""
        if self._shown:
            width = shutil.get_terminal_size().columns - 1
            if glyphs(getattr(self._stream, "encoding", None)) is not UNICODE:
                text = to_ascii(text)
            self._write(_CLEAR + shorten(text, width))

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def describe(event: ProgressEvent, elapsed: float) -> str:
    """The event in one line; `elapsed`: seconds of the whole command, of which the search is a part."""
    parts = [event.phase]
    if math.isfinite(event.lower) and math.isfinite(event.upper):
        parts.append(f"{figure(event.lower, 6)} … {figure(event.upper, 6)}")
    elif math.isfinite(event.upper):
        parts.append(f"at most {figure(event.upper, 6)}")
    elif math.isfinite(event.lower):
        parts.append(f"at least {figure(event.lower, 6)}")
    if math.isfinite(event.gap):
        parts.append(f"gap {event.gap:.1e}")
    if event.full or event.equivalent:
        parts.append(f"passes {event.full} full, {event.equivalent:.1f} in all")
    parts.append(seconds(elapsed))
    if event.eta is not None and event.eta > 0.0:
        parts.append(f"about {seconds(event.eta)} left")
    return " · ".join(parts)
