"""`capmix cases`: the shipped cases, by the names that other commands take."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..exits import Exit
from ..text import plural, safe
from .command import Command, Needs, Stage

if TYPE_CHECKING:
    from ...models.schema.case import Case

INDENT = 14


def _run(options: argparse.Namespace) -> int:
    """Print two lines for each."""
    from ...models.reading.document import shipped_cases
    from ...models.reading.load import load_case
    from ..streams import display

    del options
    for name in shipped_cases():
        for word, line in zip((name, ""), described(load_case(name)), strict=True):
            display(f"{word:<{INDENT - 1}} {safe(line)}\n")
    return Exit.OK


def described(case: Case) -> tuple[str, str]:
    """What the case is about; its size and its variants."""
    labels, variants = case.horizon.labels, ", ".join(variant.id for variant in case.variant)
    span = f"{plural(case.horizon.periods, case.horizon.step)} {labels[0]}–{labels[-1]}"
    size = f"{span}, {plural(case.simulation.count, 'scenario')}"
    return case.case.title or case.case.name, f"{size}; variants: {variants}" if variants else size


CASES = Command(
    name="cases",
    title="list the shipped cases",
    description="List the shipped cases by the names that other commands take, with what each is about.",
    stage=Stage.BEGIN,
    examples=(("capmix cases", "list the shipped cases, which go by their names"),),
    run=_run,
    needs=Needs.READING,
)
