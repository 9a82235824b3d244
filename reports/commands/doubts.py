"""Doubts about a case on the error stream, one line each, before anything is computed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..text import safe

if TYPE_CHECKING:
    from ...models.schema.case import Case

SHOWN = 20


def tell_doubts(case: Case, *, variants: bool = False) -> None:
    """Say what the case, and with `variants` each of its variants, is warned about; the plan's messages have it too."""
    if sys.stderr is None:
        return
    warnings = case.warnings if variants else case.doubts
    for warning in warnings[:SHOWN]:
        print(f"capmix: warning: {safe(warning)}", file=sys.stderr)
    if len(warnings) > SHOWN:
        print(f"capmix: warning: and {len(warnings) - SHOWN} more; `capmix check` lists them", file=sys.stderr)
