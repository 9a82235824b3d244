"""What is wrong with a case: one fault per mistake, and the error that carries all of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...errors import CapmixError
from ..schema.doubts import CaseWarning

SHOWN = 100
_WIDTH = 60


class _Missing:
    def __repr__(self) -> str:
        return "(missing)"


MISSING: Final = _Missing()


@dataclass(frozen=True)
class Fault:
    """One mistake in a case.

    Attributes:
        file: the TOML file or the table beside it.
        line: line in that file, counted from 1; None where the file as a whole is meant.
        key: dotted path, entries counted from 1, e.g. 'instrument[3] "gpu_ddtl".margin'; "" for the file.
        value: what stands there, safe to print; "(missing)" if nothing does.
        allowed: what may stand there, with its unit.
        cure: what to do.
    """

    file: str
    line: int | None
    key: str
    value: str
    allowed: str
    cure: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        subject = " = ".join(part for part in (self.key, self.value) if part)
        rows = [f"{place}: {subject}" if subject else place]
        if self.allowed:
            rows.append(f"    allowed: {self.allowed}")
        if self.cure:
            rows.append(f"    cure:    {self.cure}")
        return "\n".join(rows)


class CaseError(CapmixError):
    """A case that cannot be used.

    `faults` lists every mistake found, in the order of the file; `warnings` what is doubtful besides.
    """

    def __init__(self, faults: Sequence[Fault], warnings: Sequence[CaseWarning] = ()) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        self.warnings: tuple[CaseWarning, ...] = tuple(warnings)
        super().__init__(self.faults, self.warnings)

    def __str__(self) -> str:
        count = len(self.faults)
        rows = [f"{count} fault{'' if count == 1 else 's'} in the case"]
        rows += [str(fault) for fault in self.faults[:SHOWN]]
        if count > SHOWN:
            rows.append(f"and {count - SHOWN} more")
        rows += [f"warning: {warning}" for warning in self.warnings[:SHOWN]]
        return "\n".join(rows)


def show(value: Any) -> str:
    """`value` as it would be written in TOML, on one line, short, without control characters."""
    if value is MISSING:
        return "(missing)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # repr escapes control characters, ANSI escapes and invisible marks
        shown = '"' + repr(value[: _WIDTH + 1])[1:-1].replace('"', '\\"') + '"'
    elif isinstance(value, dict):
        shown = "{" + ", ".join(f"{_plain(k)} = {show(v)}" for k, v in list(value.items())[:4])
        shown += ", …}" if len(value) > 4 else "}"
    elif isinstance(value, (list, tuple)):
        shown = "[" + ", ".join(show(v) for v in value[:6])
        shown += f", … {len(value)} items]" if len(value) > 6 else "]"
    elif isinstance(value, int) and value.bit_length() > 256:
        shown = f"a whole number of {value.bit_length()} bits"
    else:
        shown = getattr(value, "literal", None) or str(value)
    return shown if len(shown) <= _WIDTH else shown[: _WIDTH - 1] + "…"


def _plain(key: str) -> str:
    return key if key.isidentifier() and key.isascii() else show(key)


def quantity(value: float) -> str:
    """A number without needless digits; whole numbers in full."""
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return str(int(value))
    return f"{value:.10g}"


def foreign(raw: str) -> str:
    """The letters of a name that are none of a to z, since some look the same; "" if there are none."""
    odd = list(dict.fromkeys(c for c in raw if not c.isascii()))
    if not odd:
        return ""
    marked = ", ".join(
        f"{show(c)} is {unicodedata.name(c, 'a letter without name').lower()} (U+{ord(c):04X})" for c in odd[:3]
    )
    return f"{marked}: write letters from a to z"
