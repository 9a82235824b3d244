"""What a command is: its words, its arguments, what it needs of the machine, and what it does."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum


class Needs(Enum):
    """What a command cannot do without; it is refused before it begins where the machine does not give it."""

    NOTHING = "nothing"
    READING = "memory enough to read a case"
    PLANNING = "memory enough for the smallest plan, and settings with which one can be made"


class Stage(IntEnum):
    """Where a command stands on the way from a first case to the use of a plan. The help's examples follow it."""

    BEGIN = 1
    CHECK = 2
    PLAN = 3
    USE = 4
    MACHINE = 5


@dataclass(frozen=True)
class Command:
    """A command of the command line.

    name: the word that calls it. title: what it does, in the list of commands. description: the head of its own help.
    stage: its place among the examples. examples: (the words, what they do). run: does it, gives the exit code; what
    is heavy is imported there. arguments: adds what it takes to a parser. needs: of the machine. stoppable: the first
    Ctrl-C is a request to stop that keeps what is found; if there was nothing yet, nothing was written.
    """

    name: str
    title: str
    description: str
    stage: Stage
    examples: tuple[tuple[str, str], ...]
    run: Callable[[argparse.Namespace], int]
    arguments: Callable[[argparse.ArgumentParser], None] = lambda _: None
    needs: Needs = Needs.PLANNING
    stoppable: bool = False
