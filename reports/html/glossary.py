"""Terms that a report explains, from `glossary.toml`: a choice of those of docs/glossary.md, in its words."""

from __future__ import annotations

import tomllib
from importlib import resources


def terms() -> tuple[tuple[str, str], ...]:
    """(term, meaning), in the order of the alphabet."""
    words = tomllib.loads((resources.files(__package__) / "glossary.toml").read_text(encoding="utf-8"))
    return tuple((term, str(meaning)) for term, meaning in words.items())
