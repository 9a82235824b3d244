"""The case reader: a TOML file and its tables in, a checked `Case` out, or one error with every fault."""

from __future__ import annotations

from .document import shipped_cases
from .faults import CaseError, Fault
from .load import load_case
from .starter import starter_case

__all__ = ["CaseError", "Fault", "load_case", "shipped_cases", "starter_case"]
