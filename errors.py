"""The base of every error that capmix raises itself, so that a caller may catch all of them, and of unknown names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

NAMED = 12  # names that an error lists where none of them is close


class CapmixError(Exception):
    """Something that capmix says of a case, an argument, a device, the solver or a file. The message says what to do.

    Each error also keeps the built-in base that fits it (`ValueError`, `RuntimeError`, `MemoryError`). An interrupt
    stays a `KeyboardInterrupt` and is none of these.
    """


class UnknownName(CapmixError, KeyError):
    """A name that is not there: of a table, a column, a row, a decision …; the message says which names are close.

    Attributes:
        kind: "table", "column of cash_flow", "key of 'order'" …
        name: what was asked for. known: what there is.
    """

    def __init__(self, kind: str, name: object, known: Iterable[object] = (), words: str = "") -> None:
        """words: the whole message, where another name would not cure it."""
        self.kind, self.name, self.known = kind, str(name), tuple(str(one) for one in known)
        self._words = words
        super().__init__(self.kind, self.name, self.known, words)

    def __str__(self) -> str:
        return self._words or f"no {self.kind} is called {self.name!r}; {instead(self.name, self.known)}"


def instead(name: str, known: Iterable[object]) -> str:
    """Which names were meant in place of one that is not there: the close ones, else some of all that there are."""
    every = tuple(str(one) for one in known)
    close = difflib.get_close_matches(name, every, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    if not every:
        return "there is none at all"
    more = "" if len(every) <= NAMED else f" and {len(every) - NAMED} more"
    return f"there are {', '.join(map(repr, every[:NAMED]))}{more}"
