"""`capmix export`: the linear program of a case as a file that other solvers read."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ..exits import Exit, OutputError, UsageError, WriteError
from ..files.folder import working_directory
from ..memory import shortage
from ..streams import display
from ..text import plural, safe
from .computing import computing
from .doubts import tell_doubts

SUFFIXES = {".lp": "lp", ".mps": "mps"}


def export_command(options: argparse.Namespace) -> int:
    """Write the program to `options.path`, which must not exist; all that can be known to fail is found before."""
    path = Path(options.path)
    form = SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise UsageError(f"{path}: the file's ending says its format: .lp (CPLEX LP) or .mps (free MPS)")
    if os.path.lexists(path):
        raise UsageError(f"{path} exists and is never overwritten; give a new name")
    if not path.is_absolute():
        working_directory()
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; make it first")
    from ...models.reading.load import load_case

    case = load_case(options.case)
    if options.variant is not None:
        from ...models.reading.variants import apply_variant

        case = apply_variant(case, options.variant)
    tell_doubts(case)
    if short := shortage(case, options.scenarios or case.simulation.count):
        raise UsageError(short)
    with computing(options) as progress:
        from ...optimizer.named_model import program_text
        from ...optimizer.setup.risk_losses import all_risks

        text = program_text(case, form, options.scenarios, options.seed, options.device, progress=progress)
    _write(path, text.encode("utf-8"))
    risks = len(all_risks(case))
    left = f"; {plural(risks, 'risk limit')} left out, as its head says" if risks else ""
    try:
        display(f"{safe(path)} written: the linear program of the expected path{left}.\n")
    except OutputError as error:
        raise OutputError(f"{error}; {path} is written") from None
    return Exit.OK


def _write(path: Path, content: bytes) -> None:
    """Write a new file whole or not at all."""
    try:
        with open(path, "xb") as file:
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                path.unlink()
                raise
    except FileExistsError:
        raise UsageError(f"{path} exists and is never overwritten; give a new name") from None
    except OSError as error:
        raise WriteError(f"cannot write {path}: {error.strerror or error}") from None
