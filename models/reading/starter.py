"""The starter case: a small, complete, commented case to begin from."""

from __future__ import annotations

from pathlib import Path


def starter_case() -> str:
    """TOML text of the starter case; it loads and can be planned. Its figures are illustrations."""
    return Path(__file__).with_name("starter.toml").read_text(encoding="utf-8")
