"""The standard streams: only results on standard output, whatever a library prints, and no stream that costs a plan.

HiGHS and others print to C's stdout, behind Python's back and sometimes only when the process ends. So where the
process is ours, file descriptor 1 becomes standard error for good, and results go to a copy of what it was. A stream
that the shell has closed (`>&-`) is replaced by the null device, so that no file opened later takes its number.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from .exits import OutputError

CLOSED = "standard output is closed"
_OUT, _ERR = 1, 2


class Output(io.TextIOWrapper):
    """Standard output whose failures are `OutputError`, so that nobody takes them for failures of the disk."""

    closed_by_the_shell = False

    def write(self, text: str, /) -> int:
        if self.closed_by_the_shell:
            raise OutputError(CLOSED)
        with _as_output_error():
            return super().write(text)

    def flush(self) -> None:
        with _as_output_error():
            super().flush()


class Remarks(io.TextIOWrapper):
    """Standard error that never raises: a remark that nobody can read must not cost what it is about."""

    lost = False

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except (OSError, ValueError):
            self.lost = True
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except (OSError, ValueError):
            self.lost = True


def take_over() -> None:
    """Make the streams of this process ours; nothing where somebody has replaced them, as a test runner does."""
    out, err = sys.stdout, sys.stderr
    if out is not sys.__stdout__ or err is not sys.__stderr__ or isinstance(out, Output):
        return
    try:
        if any(s is not None and s.fileno() != n for s, n in ((out, _OUT), (err, _ERR))):
            return
        for number, mode in enumerate((os.O_RDONLY, os.O_WRONLY, os.O_WRONLY)):
            _fill(number, mode)
        copy = os.dup(_OUT)
        os.dup2(_ERR, _OUT)
    except OSError:  # no descriptor is left, or the system has none: the streams stay as they are
        return
    ours = Output(open(copy, "wb"), out.encoding if out else "utf-8", "replace", line_buffering=os.isatty(copy))  # noqa: SIM115
    ours.closed_by_the_shell = out is None
    raw = open(_ERR, "wb", buffering=0, closefd=False)  # noqa: SIM115
    remarks = Remarks(raw, err.encoding if err else "utf-8", "replace", write_through=True)
    remarks.lost = err is None
    sys.stdout = sys.__stdout__ = ours  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = remarks  # type: ignore[misc]


@contextlib.contextmanager
def diverted() -> Iterator[None]:
    """Inside, whatever is printed to standard output, by Python or by C, goes to standard error."""
    nowhere = contextlib.nullcontext()
    with contextlib.redirect_stdout(sys.stderr) if sys.stderr is not None else nowhere:
        if isinstance(sys.__stdout__, Output):  # descriptor 1 is standard error already
            yield
            return
        try:
            _flush_c()
            copy = os.dup(_OUT)
        except OSError:
            yield
            return
        try:
            with contextlib.suppress(OSError):
                os.dup2(_ERR, _OUT)
            yield
        finally:
            _flush_c()  # what C still holds must leave before the descriptor is given back
            os.dup2(copy, _OUT)
            os.close(copy)


def deliver(content: bytes) -> None:
    """Write a document to standard output. OutputError if it does not take it; BrokenPipeError if its reader left."""
    stream = sys.stdout
    if stream is None:
        raise OutputError(CLOSED)
    with _as_output_error():
        stream.write("")  # refuses where the shell has closed it
        stream.flush()
        buffer = getattr(stream, "buffer", None)
        if buffer is None:
            stream.write(content.decode("utf-8", "replace"))
        else:
            buffer.write(content)
            buffer.flush()


def display(text: str) -> None:
    """Write text to standard output at once. OutputError, BrokenPipeError: as for `deliver`."""
    if sys.stdout is None:
        raise OutputError(CLOSED)
    with _as_output_error():
        sys.stdout.write(text)
        sys.stdout.flush()


def flush() -> None:
    """Write out what standard output still holds. OutputError, BrokenPipeError: as for `deliver`."""
    if sys.stdout is not None:
        with _as_output_error():
            sys.stdout.flush()


def complain(line: str, alone: bool = False) -> None:
    """One line on standard error; where that is gone, on standard output, unless a document is to stand there alone."""
    stream: TextIO | None = sys.stderr
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            print(line, file=stream, flush=True)
            if not getattr(stream, "lost", False):
                return
    if not alone:
        with contextlib.suppress(OSError, OutputError):
            display(line + "\n")


def drop_output() -> None:
    """Send what standard output still holds to nowhere, so that the end of the process does not fail over it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def _as_output_error() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write to standard output: {error.strerror or error}") from error


def _fill(number: int, mode: int) -> None:
    """Put nothing in the place of a descriptor that is closed."""
    try:
        os.fstat(number)
    except OSError:
        found = os.open(os.devnull, mode)
        if found != number:  # a lower one is closed too and cannot be filled
            os.dup2(found, number)
            os.close(found)


def _flush_c() -> None:
    """Write out what C's own streams hold."""
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes

        (ctypes.cdll.ucrtbase if sys.platform == "win32" else ctypes.CDLL(None)).fflush(None)
