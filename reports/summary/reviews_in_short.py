"""Reviews in the short summary: what differs between the nodes, and what the reviews are worth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...optimizer.analysis.review_names import NODE_DIFFERENCES, REVIEW_TREE, REVIEW_WORTH
from .layout import heading, note
from .review_sentences import sentences
from .reviews import TITLE, adapts, worth_in_words
from .section import Section, View

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """What differs between the nodes, and what the reviews are worth."""
    yield from heading(TITLE, "decided when they come; the tree stands in the report and in --full")
    for sentence in sentences(plan, view.money):
        yield note(sentence, "")
    if worth := worth_in_words(plan):
        yield note(worth, "")


SECTION = Section("reviews_in_short", TITLE, (REVIEW_TREE, NODE_DIFFERENCES, REVIEW_WORTH), _render, adapts)
