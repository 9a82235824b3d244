"""What a check has found: lines for the reader, and the faults among them."""

from __future__ import annotations

from collections.abc import Sequence

from ..text import safe

WIDTH = 14


class Findings:
    """Lines are kept until they are shown, since nothing may be printed while the engine runs."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._lines: list[str] = []

    def say(self, word: str, words: str) -> None:
        """A remark."""
        self._lines.append(f"{word:<{WIDTH}}{safe(words)}")

    def check(self, word: str, faults: Sequence[str], good: str) -> None:
        """A remark where nothing is wrong, else each fault."""
        self.faults += faults
        if not faults and good:
            self.say(word, good)
        for fault in faults:
            self.say(word, f"DIFFERS: {fault}")

    def show(self) -> None:
        """Print what has been found since the last time."""
        for line in self._lines:
            print(line, flush=True)
        self._lines.clear()
