"""The assumptions of a case for its report: each entry that says where its figures come from, and how sure they are."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator

from ...models.schema.case import Case
from ...models.schema.fields import Sourced
from .page import Grid, plain

UNSAID = "not said"
ORDER = ("verified", "secondary", "derived", "fitted", "unverified")
"""Confidence, the surest first."""


def sourced(case: Case) -> list[tuple[str, str, str, str, str]]:
    """(kind, name, confidence, source, note) of each entry with any of the last three, in the order of the case."""
    return [entry for part in dataclasses.fields(case) for entry in _within(part.name, getattr(case, part.name))]


def _within(kind: str, value: object) -> Iterator[tuple[str, str, str, str, str]]:
    if isinstance(value, tuple):
        for one in value:
            yield from _within(kind, one)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        if isinstance(value, Sourced) and (value.source or value.confidence or value.note):
            name = str(getattr(value, "title", "") or getattr(value, "id", "") or getattr(value, "name", ""))
            yield kind, name, value.confidence or UNSAID, value.source, value.note
        for part in dataclasses.fields(value):
            below = getattr(value, part.name)
            if isinstance(below, tuple) or dataclasses.is_dataclass(below):
                yield from _within(f"{kind}.{part.name}", below)


def assumptions(case: Case) -> tuple[str, Grid | None]:
    """A sentence that counts them by confidence, and the table; None where the case names no source."""
    rows = sourced(case)
    if not rows:
        return "The case names no source for any of its figures.", None
    count = Counter(confidence for _, _, confidence, _, _ in rows)
    named = sorted(count, key=lambda word: (ORDER.index(word) if word in ORDER else len(ORDER), word))
    sentence = f"{len(rows)} entries of the case name a source: " + ", ".join(f"{count[n]} {n}" for n in named) + "."
    return sentence, plain("Assumptions", ("part", "entry", "confidence", "source", "note"), rows)
