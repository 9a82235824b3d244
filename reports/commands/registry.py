"""The commands, in the order of the help. A new one is a file beside this and a line here."""

from __future__ import annotations

from .cases import CASES
from .check import CHECK
from .command import Command
from .compare import COMPARE
from .doctor import DOCTOR
from .export import EXPORT
from .frontier import FRONTIER
from .new import NEW
from .plan import PLAN
from .signals import SIGNALS
from .verify import VERIFY

COMMANDS: tuple[Command, ...] = (
    PLAN,
    COMPARE,
    FRONTIER,
    SIGNALS,
    VERIFY,
    EXPORT,
    CHECK,
    CASES,
    NEW,
    DOCTOR,
)


def called(name: str) -> Command | None:
    """The command of that name; None where there is none."""
    return next((command for command in COMMANDS if command.name == name), None)
