"""A case on disk that a test may change before it is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from capmix.models.reading import CaseError, Fault, load_case, starter_case


class CaseFolder:
    """The starter case in a folder of its own, with changes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "case.toml"
        self.text = starter_case()
        self.changed = 0  # line in which the last replacement ends

    def replace(self, old: str, new: str) -> CaseFolder:
        assert self.text.count(old) >= 1, f"not in the starter case: {old}"
        before, after = self.text.split(old, 1)
        self.changed = (before + new).count("\n") + 1
        self.text = before + new + after
        return self

    def append(self, text: str) -> CaseFolder:
        self.text += "\n" + text
        return self

    def table(self, name: str, content: str | bytes) -> CaseFolder:
        path = self.path.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self

    def load(self):
        self.path.write_text(self.text, encoding="utf-8")
        return load_case(self.path)

    def faults(self) -> tuple[Fault, ...]:
        with pytest.raises(CaseError) as caught:
            self.load()
        return caught.value.faults

    def fault(self) -> Fault:
        """The one and only fault."""
        faults = self.faults()
        assert len(faults) == 1, "\n".join(str(fault) for fault in faults)
        return faults[0]

    def line(self, text: str) -> int:
        """Line of the first occurrence of `text`."""
        return self.text[: self.text.index(text)].count("\n") + 1


@pytest.fixture
def case(tmp_path: Path) -> CaseFolder:
    return CaseFolder(tmp_path)


@pytest.fixture
def raw_fault(tmp_path: Path) -> Callable[[bytes], Fault]:
    """Reads a file of these bytes and returns its first fault."""

    def read(content: bytes) -> Fault:
        path = tmp_path / "raw.toml"
        path.write_bytes(content)
        with pytest.raises(CaseError) as caught:
            load_case(path)
        return caught.value.faults[0]

    return read
