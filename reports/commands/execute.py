"""What every command that computes from a case does, in one order.

All that can be known to fail is found before anything is computed; what was computed is on the disk before anything is
shown.
"""

from __future__ import annotations

import argparse
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from ...models.schema.case import Case
    from ..exits import Exit
    from ..progress import ProgressLine

Found = TypeVar("Found")


class Work(ABC, Generic[Found]):
    """What a command does of its own; `execute` calls the steps from the top to the bottom.

    all_variants: it is about the variants of the case, not about the case or the one that `--variant` names.
    """

    all_variants = False

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options

    @abstractmethod
    def check(self) -> None:
        """Refuse what can be refused before the case is read. UsageError."""

    def reserve(self, case: Case) -> None:
        """Find the place of what will be written and prove it, where the options do not say it. UsageError."""

    @abstractmethod
    def compute(self, case: Case, scenarios: int, progress: ProgressLine) -> Found:
        """Let the engine run. KeyboardInterrupt where it was stopped before there was anything to keep."""

    @abstractmethod
    def keep(self, found: Found) -> None:
        """Write it, with nothing drawn yet."""

    @abstractmethod
    def show(self, found: Found) -> None:
        """Draw it on standard output. OutputError, BrokenPipeError."""

    @abstractmethod
    def ending(self, found: Found) -> Exit:
        """How the command ends."""


def execute(work: Work[Found]) -> int:
    """Do the work and return the exit code.

    Raises:
        UsageError, CaseError: found before anything was computed.
        KeyboardInterrupt: stopped before there was anything to keep; nothing is written.
        OutputError, BrokenPipeError: standard output does not take it; it is written.
        DeviceError, SolverError, MemoryError, WriteError: the computation or the disk failed.
    """
    work.check()
    case = _read(work)
    work.reserve(case)
    scenarios = work.options.scenarios or case.simulation.count
    from ..memory import fitting
    from .computing import computing

    fitting(case, scenarios)
    with computing(work.options) as progress:
        found = work.compute(case, scenarios, progress)
    work.keep(found)
    work.show(found)
    return int(work.ending(found))


def _read(work: Work[Found]) -> Case:
    """The case, or its variant, with its doubts told."""
    from ...models.reading.load import load_case
    from ...models.reading.variants import apply_variant
    from .doubts import tell_doubts

    case = load_case(work.options.case)
    if not work.all_variants and work.options.variant is not None:
        case = apply_variant(case, work.options.variant)
    tell_doubts(case, variants=work.all_variants)
    return case
