"""`capmix export`: the linear program of a case as a file that other solvers read."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..exits import Exit, OutputError, UsageError, WriteError
from ..options import case_argument, device_option, progress_option, scenarios_option, seed_option, variant_option
from ..text import plural, safe
from .command import Command, Stage
from .execute import Work, execute

if TYPE_CHECKING:
    from ...models.schema.case import Case
    from ..progress import ProgressLine

SUFFIXES = {".lp": "lp", ".mps": "mps"}


class ExportWork(Work[str]):
    """The program's text and its file, which must not exist."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self._path = Path(options.path)
        self._left_out = 0

    def check(self) -> None:
        from ..files.folder import working_directory
        from ..files.new_file import refuse_existing

        path = self._path
        if path.suffix.lower() not in SUFFIXES:
            raise UsageError(f"{path}: the file's ending says its format: .lp (CPLEX LP) or .mps (free MPS)")
        refuse_existing(path)
        if not path.is_absolute():
            working_directory()
        if not path.parent.is_dir():
            raise UsageError(f"{path}: there is no folder {path.parent}; make it first")

    def compute(self, case: Case, scenarios: int, progress: ProgressLine) -> str:
        from ...optimizer.named_model import program_text
        from ...optimizer.setup.risk_losses import all_risks

        form, options = SUFFIXES[self._path.suffix.lower()], self.options
        self._left_out = len(all_risks(case))
        return program_text(case, form, scenarios, options.seed, options.device, progress=progress)

    def keep(self, found: str) -> None:
        from ..files.new_file import write_new

        try:
            write_new(self._path, found.encode("utf-8"))
        except OSError as error:
            raise WriteError(f"cannot write {self._path}: {error.strerror or error}") from None

    def show(self, found: str) -> None:
        from ..streams import display

        del found
        left = f"; {plural(self._left_out, 'risk limit')} left out, as its head says" if self._left_out else ""
        try:
            display(f"{safe(self._path)} written: the linear program of the expected path{left}.\n")
        except OutputError as error:
            raise OutputError(f"{error}; {self._path} is written") from None

    def ending(self, found: str) -> Exit:
        del found
        return Exit.OK


def _arguments(parser: argparse.ArgumentParser) -> None:
    case_argument(parser)
    parser.add_argument("path", metavar="FILE", help="the new file, ending in .lp or .mps")
    variant_option(parser)
    scenarios_option(parser)
    device_option(parser, "where the scenarios are drawn")
    seed_option(parser)
    progress_option(parser)


EXPORT = Command(
    name="export",
    title="write the linear program for another solver",
    description="""\
Write a case's linear program, its expected path without the risk limits, in CPLEX
LP format (.lp) or free MPS (.mps). Never overwrites.""",
    stage=Stage.USE,
    examples=(("capmix export my.toml my.lp", "its linear program for another solver: .lp or .mps"),),
    arguments=_arguments,
    run=lambda options: execute(ExportWork(options)),
    stoppable=True,
)
