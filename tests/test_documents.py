"""The documents' Python blocks run as they stand, each page from top to bottom, and their answers are certified."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
# what a page shows at full size is run smaller
SMALLER = {"README.md": ("scenarios=20_000", "scenarios=2_000"), "docs/cvar.md": ("(100_000, 100)", "(10_000, 100)")}
LIBRARIES = ("pandas", "sklearn")


def blocks(page: Path) -> list[tuple[int, str]]:
    """Per block its first line and its code."""
    text = page.read_text("utf-8")
    return [(text.count("\n", 0, found.start(1)) + 1, found[1]) for found in BLOCK.finditer(text)]


PAGES = [
    str(page.relative_to(ROOT))
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if "```python" in page.read_text("utf-8")
]


def test_pages_with_blocks_are_found():
    assert {"README.md", "docs/cvar.md", "docs/portfolios.md"} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_runs(page):
    path, space = ROOT / page, {"__name__": "__main__"}
    before, after = SMALLER.get(page, ("", ""))
    assert before in path.read_text("utf-8"), f"{page} no longer has {before!r}"
    for line, code in blocks(path):
        for library in LIBRARIES:
            if f"import {library}" in code and library not in sys.modules:
                pytest.importorskip(library, reason=f"{library} is not installed")
        code = code.replace(before, after) if before else code
        compiled = compile("\n" * (line - 1) + code, str(path), "exec")
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compiled, space)
    answers = {name: value for name, value in space.items() if hasattr(value, "success")}
    assert {name: value for name, value in answers.items() if not value.success} == {}
