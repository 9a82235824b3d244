"""Doubts: what a case may say and is yet hardly meant, one per value; a case is planned with them, and they are told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CaseWarning:
    """A value that is allowed but outside of what is usual.

    Attributes:
        file: name of the TOML file, or of the table beside it.
        line: line in that file, counted from 1; None where the file as a whole is meant.
        key: dotted path, entries counted from 1, e.g. 'driver[3] "rental".volatility'.
        value: what stands there, safe to print.
        usual: what usually stands there, with the reason.
        cure: what may have been meant, or what to do; "" if nothing is known.
        variant: name of the variant that says so; "" for the case itself.
    """

    file: str
    line: int | None
    key: str
    value: str
    usual: str
    cure: str = ""
    variant: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        subject = " = ".join(part for part in (self.key, self.value) if part)
        if self.variant:
            subject = f"variant {self.variant}: {subject}"
        return "; ".join(part for part in (f"{place}: {subject}", self.usual, self.cure) if part)
