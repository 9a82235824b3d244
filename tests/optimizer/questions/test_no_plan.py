"""Where there is no plan, the user's own limits are named, no more than are needed, with amounts that are enough."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from capmix import Plan, Status, optimize
from capmix.models.schema.case import Case
from capmix.models.schema.reviews import Review
from capmix.optimizer import stops
from capmix.optimizer.cutting_planes.progress import ProgressEvent
from capmix.optimizer.cutting_planes.search import maximise
from capmix.optimizer.cutting_planes.settings import Settings
from capmix.optimizer.plan import Infeasibility, LimitInConflict
from capmix.optimizer.questions import inquiry
from capmix.optimizer.questions.catalogue import limits_of
from capmix.optimizer.questions.infeasible import why_no_plan
from capmix.optimizer.questions.limits import Limit
from capmix.optimizer.setup.assemble import risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import prepare
from capmix.reports.files.document import document
from capmix.reports.files.load import _infeasibility
from capmix.reports.summary.terminal import render

from .cases import COUNT, blamed, planned

NAMES = tuple(blamed())
ACCOUNTS = ("carried on", "issuance capacity", "taxable", "at most compute in service")


def infeasibility(plan: Plan) -> Infeasibility:
    assert plan.status is Status.INFEASIBLE
    assert plan.infeasibility is not None
    return plan.infeasibility


def limit_of(case: Case, key: str) -> Limit:
    return next(limit for limit in limits_of(case, ()) if limit.key == key)


def moved(case: Case, told: LimitInConflict, amount: float) -> Case:
    """The case with a limit at that amount, as its user would write it."""
    limit = limit_of(case, told.key)
    return limit.change(case, (), abs(amount - told.asked))[0]


def status(case: Case) -> Status:
    """Of a search for a plan of the case, on the same scenarios."""
    ready = prepare(case, choose("cpu"), COUNT, case.simulation.seed)
    settings = Settings(gap=1e-2, polish=False, explain=False)
    return maximise(ready.program, risk_limits(case, ready.losses), ready.backend, ready.store, settings).status


@pytest.mark.parametrize("name", NAMES)
def test_the_right_limit_is_named_with_an_amount_that_is_enough_and_no_more(name: str) -> None:
    case, found = blamed()[name].case, infeasibility(planned(name))
    assert found.whole
    told = [[limit.key for limit in conflict.limits] for conflict in found.conflicts]
    wanted = blamed()[name].conflicts
    assert [keys[0] for keys in told] == [keys[0] for keys in wanted]
    assert [sorted(keys) for keys in told] == [sorted(keys) for keys in wanted]
    assert found.conflicts[0].limits[0].title[1:] in found.reason
    assert all(words in found.reason for words in blamed()[name].says)
    assert not any(word in found.reason for word in ACCOUNTS)
    for number, conflict in enumerate(found.conflicts):
        rest = case
        for other in (c.limits[0] for k, c in enumerate(found.conflicts) if k != number):
            rest = limit_of(case, other.key).change(rest, (), np.inf)[0]
        for limit in conflict.limits[:2]:
            _is_enough_and_no_more(rest, limit)
    if sum(map(len, told)) > 1:
        both = case
        for limit in (limit for conflict in found.conflicts for limit in conflict.limits):
            assert limit.together is not None
            both = moved(both, limit, limit.together)
        assert status(both) is Status.CERTIFIED


def _is_enough_and_no_more(rest: Case, limit: LimitInConflict) -> None:
    assert limit.alone is not None
    assert limit.refused is not None
    assert status(moved(rest, limit, limit.alone)) is Status.CERTIFIED
    little = 2e-3 * abs(limit.alone - limit.asked)
    less = limit.refused + (little if limit.at_least else -little)
    assert status(moved(rest, limit, less)) is Status.INFEASIBLE
    scale = max(abs(limit.alone), 0.03 * abs(limit.alone - limit.asked))
    assert abs(limit.alone - limit.refused) <= 4e-3 * max(scale, 0.5 * abs(limit.alone - limit.asked))
    if limit.later:
        labels, only = rest.horizon.labels, limit_of(rest, limit.key)
        assert only.later is not None
        t = labels.index(limit.later)
        assert status(only.later(rest, (), t)[0]) is not Status.INFEASIBLE
        assert status(only.later(rest, (), t - 1)[0]) is Status.INFEASIBLE


def test_dates_are_told() -> None:
    (conflict,) = infeasibility(planned("date")).conflicts
    assert (conflict.limits[0].first, conflict.limits[0].later) == ("2027Q2", "2027Q4")
    assert "or be met in 2027Q4" in infeasibility(planned("date")).reason


def test_what_time_did_not_suffice_for_is_left_open() -> None:
    case = blamed()["budget"].case
    ready = prepare(case, choose("cpu"), COUNT, 1)
    nothing = why_no_plan(ready, Infeasibility("no plan"), 1, 0.0)
    assert (nothing.reason, nothing.conflicts, nothing.whole) == ("no plan", (), False)


def test_what_searches_did_not_suffice_for_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    case = blamed()["budget"].case
    ready = prepare(case, choose("cpu"), COUNT, 1)
    some = why_no_plan(ready, Infeasibility("no plan"), 1)
    assert some.whole
    for searches in range(1, 60, 5):
        monkeypatch.setattr(inquiry, "SEARCHES", searches)
        found = why_no_plan(ready, Infeasibility("no plan"), 1)
        if found.whole:
            assert found == some
            break
        if found.conflicts:
            (conflict,) = found.conflicts
            assert {limit.key for limit in conflict.limits} == {"objective.target", "budget.total"}
            assert "cannot be kept together" in found.reason
            assert "Not every question about this was answered" in found.reason
            assert all(limit.asked_alone or limit.alone is None for limit in conflict.limits)
    else:
        raise AssertionError("never whole")


def test_it_is_written_and_read_again() -> None:
    plan = planned("budget")
    found = json.loads(json.dumps(document(plan)["infeasibility"]))
    assert _infeasibility(found) == plan.infeasibility
    text = render(plan, 110)
    assert "objective.target" in text
    assert "all at once" in text


def test_with_reviews_the_limits_are_told_too() -> None:
    case = replace(
        blamed()["budget"].case,
        review=(Review(at=6, signal="rental", levels=(0.9,), names=("weak", "strong")),),
    )
    plan = optimize(case, scenarios=COUNT, out_of_sample=False)
    found = infeasibility(plan)
    assert found.whole
    (conflict,) = found.conflicts
    assert {limit.key for limit in conflict.limits} == {"objective.target", "budget.total"}
    for limit in conflict.limits:
        assert limit.alone is not None
        assert status(moved(case, limit, limit.alone)) is Status.CERTIFIED


def test_a_request_to_stop_keeps_that_there_is_no_plan() -> None:
    """Asked for while conflicts are sought: what is known by then is told, with a remark."""

    def stop(event: ProgressEvent) -> None:
        if event.phase.startswith("why there is no plan,"):
            stops.request("enough")

    try:
        plan = optimize(blamed()["budget"].case, scenarios=COUNT, out_of_sample=False, progress=stop)
    finally:
        stops.clear()
    assert infeasibility(plan).reason
    assert "interrupted before all conflicts of limits were found" in plan.messages
