"""Exit codes of the command line, and the errors that the faces raise themselves."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from ..errors import CapmixError


class Exit(IntEnum):
    """How a command ended, for the shell and for CI."""

    OK = 0  # a certified plan, a good case, a sound installation
    UNVERIFIED = 1  # a run folder that is not as it was written, or whose figures do not follow from it
    USAGE = 2  # wrong arguments, a bad case, a place that cannot be written
    INFEASIBLE = 3  # no plan meets the limits
    STOPPED = 4  # a feasible plan whose gap was not met, or none where the time was too short for one
    FAILURE = 5  # the device, the solver, the disk or standard output failed, or memory ran out
    INTERRUPTED = 130  # Ctrl-C before there was any plan


def of_several(statuses: Iterable[str], whole: bool) -> Exit:
    """How several plans together end.

    STOPPED where one was stopped, or some are missing (not `whole`); INFEASIBLE where none has a plan; OK where each is
    certified or proven infeasible.
    """
    found = set(statuses)
    if "stopped" in found or not whole:
        return Exit.STOPPED
    return Exit.INFEASIBLE if found == {"infeasible"} else Exit.OK


class UsageError(CapmixError):
    """Something the user can put right before anything is computed; the message says how."""


class WriteError(CapmixError):
    """The run folder could not be written; the plan itself stands."""


class OutOfRoom(CapmixError, MemoryError):
    """A limit on the process leaves too little memory to begin; the message says how much it takes."""


class OutputError(CapmixError):
    """Standard output does not take what was asked for; what was computed stands."""
