"""The command's entry: from its first step on Ctrl-C ends the process, also while Python imports what it needs."""

from __future__ import annotations

import signal
import threading


def main() -> int:
    """Run the command line of this process and return its exit code."""
    quiet = threading.current_thread() is threading.main_thread()
    if quiet and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # an exception among the imports would be a traceback
    from .cli import main as command_line

    return command_line()
