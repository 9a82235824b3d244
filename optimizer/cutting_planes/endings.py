"""Why a search ended, and what people are told of it: the one place that decides."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from ..stops import INTERRUPTED
from .progress import Enough, OutOfTime, time_is_up


class Ending(Enum):
    """Why a search ended. Whether its plan is certified is its `Status`; messages are for people and decide nothing."""

    BY_ITSELF = "by itself"  # the bounds met or stopped moving, or there is no plan
    INTERRUPTED = "interrupted"
    OUT_OF_TIME = "out of time"
    ENOUGH = "enough"  # its caller had enough


class Ended(NamedTuple):
    """An ending, and a message."""

    ending: Ending
    message: str


ENDS: Final = (KeyboardInterrupt, Enough, OutOfTime)
"""What ends a search that did not end by itself."""


def ended_by(error: BaseException, limit: float | None = None) -> Ended:
    """How a search ends by one of `ENDS`; any other error is raised again. limit: of time, seconds, as asked for."""
    if isinstance(error, KeyboardInterrupt):
        return Ended(Ending.INTERRUPTED, INTERRUPTED)
    if isinstance(error, OutOfTime):
        return Ended(Ending.OUT_OF_TIME, time_is_up(limit))
    if isinstance(error, Enough):
        return Ended(Ending.ENOUGH, str(error) or "stopped by its caller")
    raise error
