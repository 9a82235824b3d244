"""Too little time: before there are scenarios, while they are drawn, and what is said and written of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import capmix
import pytest
from capmix import Status, optimize
from capmix.optimizer import stops
from capmix.optimizer.cutting_planes.progress import OutOfTime, ProgressEvent
from capmix.optimizer.cutting_planes.settings import Settings
from capmix.optimizer.setup.lockup_calendar import closed_periods
from capmix.optimizer.setup.prepare import Clock, prepare
from capmix.reports.cli import main

from .analysis.test_entities import split
from .cases import starter

COUNT = 500


def test_no_time_at_all_is_said_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "my.toml"]) == 0
    assert main(["plan", "my.toml", "--time-limit", "0.001", "--no-progress", "--out", "run"]) == 4
    document = json.loads((tmp_path / "run" / "plan.json").read_text())
    assert document["status"] == "stopped"
    assert any("the time limit of 0.001 s has passed" in message for message in document["messages"])


def test_the_limit_asked_for_is_named_not_what_was_left() -> None:
    late: list[str] = []

    def slow(event: ProgressEvent) -> None:  # the search begins with a little of the limit left, and ends on it
        late.append(event.phase)

    plan = optimize(starter(), scenarios=COUNT, time_limit=1e-6, progress=slow, out_of_sample=False)
    assert plan.status is Status.STOPPED
    assert "the time limit of 1e-06 s has passed while building the ledger: nothing was planned" in plan.messages
    assert replace(Settings(time_limit=60.0), time_limit=12.3456).asked == 60.0
    assert Settings().asked is None


def test_a_clock_says_what_was_being_done() -> None:
    clock = Clock(None, 1e-9)
    clock.tell("drawing 7 scenarios")
    with pytest.raises(OutOfTime, match=r"limit of 1e-09 s has passed while drawing 7 scenarios: nothing was planned"):
        clock.check()
    with pytest.raises(OutOfTime, match="building the ledger"):
        prepare(starter(), capmix.optimizer.setup.device.choose("cpu"), COUNT, 1, clock)


def test_a_request_ends_what_prepares_a_plan() -> None:
    stops.request("the terminal was closed")
    try:
        with pytest.raises(stops.Interrupted, match="the terminal was closed"):
            optimize(starter(), scenarios=COUNT)
    finally:
        stops.clear()


def test_without_time_there_is_no_calendar() -> None:
    ready = prepare(split(), capmix.optimizer.setup.device.choose("cpu"), COUNT, 1)
    with pytest.raises(OutOfTime):
        closed_periods(ready.case, ready.ledger, ready.means, ready.deposit_rates, 0.0)


def test_the_same_seed_gives_the_same_plan_of_a_group() -> None:
    """To the bit, calendar and all: tests that bind, so that some periods are closed."""
    case = split(lock_up=3.0, reserve=(0.2,) * starter().horizon.periods)
    one, other = (optimize(case, scenarios=COUNT, seed=3, out_of_sample=False) for _ in range(2))
    assert one.objective_value == other.objective_value
    assert one.decisions.rows == other.decisions.rows
    assert one.messages == other.messages
    assert any("distributes nothing" in message for message in one.messages)
