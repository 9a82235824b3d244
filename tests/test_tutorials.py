"""The tutorials' notebooks run as they stand, and say what they say in the repository.

After a change that is meant, run them anew and store what they show: `CAPMIX_REGENERATE_TUTORIALS=1 pytest -n 0
tests/test_tutorials.py`, and read the diff.
"""

from __future__ import annotations

import html
import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "tutorials"
REGENERATE = bool(os.environ.get("CAPMIX_REGENERATE_TUTORIALS"))
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
CLOSE = 0.02
"""Of a figure, or so much: another processor rounds sums over scenarios otherwise, and a search may end at another plan
of the same worth. Words are the same."""
NOTEBOOKS = ("first-plan", "adaptive-plan", "your-own-case")


def executed(name: str, folder: Path) -> Any:
    """The notebook after a run in an empty folder."""
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times
    notebook.metadata.pop("language_info", None)  # version of Python
    return notebook


def told(cell: Any) -> str:
    """What a cell shows as text; of a page its words, of a picture that there is one."""
    parts = []
    for output in cell.get("outputs", ()):
        assert output.output_type != "error"
        assert output.get("name") != "stderr", output
        if output.output_type == "stream":
            parts.append(output.text)
            continue
        data = output.data
        if "image/svg+xml" in data:
            assert data["image/svg+xml"].count("<path") > 5
            parts.append("a picture")
            continue
        parts.append(data["text/plain"])
        parts.append(html.unescape(re.sub(r"<[^>]+>", " ", data.get("text/html", ""))))
    return re.sub(r"gap \S+", "gap", "\n".join(parts))  # as small as it happens to be


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_shows_what_it_shows_in_the_repository(name: str, tmp_path: Path) -> None:
    run = executed(name, tmp_path)
    if REGENERATE:
        nbformat.write(run, FOLDER / f"{name}.ipynb")
    stored = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    for number, (now, then) in enumerate(zip(run.cells, stored.cells, strict=True), 1):
        new, old = told(now), told(then)
        assert NUMBER.sub("#", new) == NUMBER.sub("#", old), number
        for one, other in zip(NUMBER.findall(new), NUMBER.findall(old), strict=True):
            value, was = (float(text.replace(",", "")) for text in (one, other))
            assert value == pytest.approx(was, rel=CLOSE, abs=CLOSE), (number, new)


def test_every_notebook_is_run_and_shows_something() -> None:
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(NOTEBOOKS)
    for name in NOTEBOOKS:
        text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
        assert len(text) < 600_000
        assert not re.search(r"/tmp/|/home/|/root/|cdn\.|\]\(", text)  # the site moves no links in notebooks
        notebook = nbformat.reads(text, as_version=4)
        assert [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"] == list(
            range(1, sum(cell.cell_type == "code" for cell in notebook.cells) + 1)
        )
        assert sum(bool(told(cell)) for cell in notebook.cells) >= 5
