"""Why a search ended: decided in one place, and read off an enum, not off the words for people."""

from __future__ import annotations

import re
from pathlib import Path

import capmix
import pytest
from capmix.kernels.backend import get_backend
from capmix.optimizer import stops
from capmix.optimizer.cutting_planes.endings import Ending, ended_by
from capmix.optimizer.cutting_planes.progress import Enough, OutOfTime, ProgressEvent
from capmix.optimizer.cutting_planes.search import maximise
from capmix.optimizer.cutting_planes.settings import Settings

from .toy import toy

ROOT = Path(capmix.__file__).parent


@pytest.mark.parametrize(
    ("error", "ending", "message"),
    [
        (KeyboardInterrupt(), Ending.INTERRUPTED, "interrupted"),
        (stops.Interrupted("told to end"), Ending.INTERRUPTED, "interrupted"),
        (Enough("that will do"), Ending.ENOUGH, "that will do"),
        (Enough(), Ending.ENOUGH, "stopped by its caller"),
        (OutOfTime(), Ending.OUT_OF_TIME, "the time limit of 3 s has passed"),
    ],
)
def test_what_ends_a_search(error: BaseException, ending: Ending, message: str) -> None:
    assert ended_by(error, 3.0) == (ending, message)


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (None, Ending.BY_ITSELF),
        (KeyboardInterrupt(), Ending.INTERRUPTED),
        (Enough("not about being interrupted"), Ending.ENOUGH),
        (OutOfTime(), Ending.OUT_OF_TIME),
    ],
)
def test_a_solution_knows_why_its_search_ended(error: BaseException | None, ending: Ending) -> None:
    plan = toy(count=300)

    def tell(event: ProgressEvent) -> None:
        if error is not None and event.phase == "relaxed":
            raise error

    found = maximise(plan.program, plan.risks, get_backend("numpy"), plan.store, Settings(pilot=0), tell)
    assert found.ending is ending
    if ending is Ending.INTERRUPTED:
        with pytest.raises(KeyboardInterrupt):
            found.uninterrupted()
    else:
        assert found.uninterrupted() is found


def test_another_error_is_no_ending() -> None:
    with pytest.raises(ValueError, match="unfit"):
        ended_by(ValueError("unfit"))


def test_nobody_reads_the_words_for_people() -> None:
    """No code asks whether a message is there or holds a word."""
    question = re.compile(r"""(?:["']|[A-Z]{3,}) (?:not )?in (?:\w+\.)*messages?\b|\bmessage\.startswith""")
    for floor in ("optimizer", "reports"):
        for path in (ROOT / floor).rglob("*.py"):
            assert not (found := question.findall(path.read_text(encoding="utf-8"))), f"{path.name}: {found}"
