"""The base of every error that capmix raises itself, so that a caller may catch all of them at once."""

from __future__ import annotations


class CapmixError(Exception):
    """Something that capmix says of a case, an argument, a device, the solver or a file. The message says what to do.

    Each error also keeps the built-in base that fits it (`ValueError`, `RuntimeError`, `MemoryError`). An interrupt
    stays a `KeyboardInterrupt` and is none of these.
    """
