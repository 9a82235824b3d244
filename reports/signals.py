"""Signals that end a run: what is found is kept, the second one ends at once, and no exception breaks into anything.

Python runs its handlers in the main thread, between two steps of the interpreter: too late while that thread is inside
the solver or the compiler, and an exception raised there may leave their locks held. So the handlers do nothing; a
thread reads the numbers of the signals from a socket that the interpreter writes to. Before the search has begun there
is nothing to keep, and the process ends at once. From then on the first signal is a request that the engine hears
(`optimizer/stops.py`), and the run goes on to its end with what is known; the second ends the process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator

from ..optimizer import stops

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
WORDS = {"SIGINT": "interrupted", "SIGBREAK": "interrupted", "SIGTERM": "told to end", "SIGHUP": "hung up"}


class Listener:
    """Receives signals from its start to its end. received: how many; last: the number of the last one."""

    def __init__(self) -> None:
        self.received = 0
        self.last = 0
        self.searching = False
        self._before: dict[int, object] = {}
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._stream = _descriptor()
        self._thread: threading.Thread | None = threading.Thread(target=self._listen, name="signals", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no thread is to be had: the handlers do the work
            self._thread = None
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for name in NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):  # nohup stays nohup
                self._before[number] = signal.signal(number, self._handle)

    def end(self) -> None:
        """Give everything back as it was."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._wakeup)
        self._writer.close()
        if self._thread is not None:
            self._thread.join()
        self._reader.close()

    def close(self) -> None:
        """All is done but the end of the process, which must not change its exit code."""
        for name in ("SIGINT", "SIGHUP", "SIGBREAK"):
            number = getattr(signal, name, None)
            if number in self._before:
                signal.signal(number, signal.SIG_IGN)

    def _handle(self, number: int, _: object) -> None:
        if self._thread is None:
            self._hear(number)

    def _listen(self) -> None:
        while numbers := self._reader.recv(64):
            for number in numbers:
                if number in self._before:
                    self._hear(number)

    def _hear(self, number: int) -> None:
        self.received, self.last = self.received + 1, number
        if self.received > 1 or not self.searching:
            kept = "" if self.searching else "; nothing was written"
            self._say(f"capmix: {word(number)}{', again: ended at once' if self.received > 1 else kept}")
            os._exit(code(number))
        stops.request("interrupted")
        self._say(f"capmix: {word(number)}: stopping, what is found is kept; once more ends at once")

    def _say(self, line: str) -> None:
        """Straight to the descriptor: the main thread may hold the stream's lock."""
        if self._stream is not None:
            with contextlib.suppress(OSError):
                os.write(self._stream, (("\r\x1b[2K" if os.isatty(self._stream) else "") + line + "\n").encode())


_listener: Listener | None = None


@contextlib.contextmanager
def listening(for_good: bool) -> Iterator[None]:
    """Hear signals inside the block; with `for_good` until the process ends. Not in other threads than the main one."""
    global _listener  # noqa: PLW0603
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stops.clear()
    _listener = ours = Listener()
    try:
        yield
    finally:
        if for_good:
            ours.close()
        else:
            ours.end()
            stops.clear()


def search_has_begun() -> None:
    """From now on there may be something to keep."""
    if _listener is not None:
        _listener.searching = True


def interrupted() -> tuple[str, int]:
    """How to call the ending of a run that was interrupted before it had a result, and its exit code."""
    number = int(signal.SIGINT) if _listener is None or not _listener.received else _listener.last
    return word(number), code(number)


def word(number: int) -> str:
    """What happened, in words."""
    return WORDS[signal.Signals(number).name]


def code(number: int) -> int:
    """130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP: as the shell calls the end by a signal."""
    return 128 + (int(signal.SIGINT) if signal.Signals(number).name == "SIGBREAK" else number)


def _descriptor() -> int | None:
    """Of standard error, if it is open: else its number may be that of another file."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if sys.stderr is not None:
            return sys.stderr.fileno()
    return None
