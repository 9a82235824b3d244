"""What surrounds every computation: the progress line, warnings in a line each, and nothing printed by a library."""

from __future__ import annotations

import argparse
import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import TextIO

from ...kernels.cpu.kernel_cache import when_compiling
from ..progress import ProgressLine
from ..streams import diverted
from ..text import safe

COMPILING = "compiling the kernels, once: about half a minute"


@contextlib.contextmanager
def computing(options: argparse.Namespace) -> Iterator[ProgressLine]:
    """Inside, the engine may run; gives the progress line."""
    with ProgressLine(wanted=not options.no_progress) as progress, diverted(), warnings.catch_warnings():
        warnings.showwarning = show_warning
        progress.say("starting")
        with when_compiling(lambda: progress.say(COMPILING)):
            yield progress


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning as one line, the first, without its place in the sources."""
    del category, filename, lineno, file, line
    if sys.stderr is not None:
        print(f"capmix: warning: {safe(str(message).strip().partition(chr(10))[0])}", file=sys.stderr)
