"""Variants side by side: the same answers as one by one, and less choice is never more compute."""

from __future__ import annotations

from dataclasses import replace

import capmix
import numba
import pytest
from capmix.models.reading import CaseError
from capmix.models.reading.variants import apply_variant
from capmix.models.schema.case import Case
from capmix.models.schema.variants import Variant
from capmix.optimizer import stops
from capmix.optimizer.comparison.compare import Comparison, compare
from capmix.optimizer.cutting_planes.progress import ProgressEvent
from capmix.optimizer.cutting_planes.solution import Status
from capmix.optimizer.setup import device
from capmix.optimizer.setup.prepare import PlanningProblem, prepare

SCENARIOS = 2_000


@pytest.fixture(scope="module")
def lab() -> Case:
    return capmix.load_case("ai_lab")


@pytest.fixture(scope="module")
def compared(lab: Case) -> Comparison:
    return compare(lab, scenarios=SCENARIOS, out_of_sample=False)


def ready(case: Case, count: int = SCENARIOS, seed: int = 1) -> PlanningProblem:
    return prepare(case, device.choose("auto"), count, seed)


def test_every_variant_is_certified(compared: Comparison) -> None:
    assert list(compared.outcomes) == ["own_cash", "circular", "debt", "all", "adaptive"]
    for one in compared.outcomes.values():
        assert one.plan.status is Status.CERTIFIED
        assert one.plan.certificate is not None
        assert one.plan.certificate.gap <= 1e-5


@pytest.mark.parametrize("threads", [1, 2])
def test_side_by_side_is_what_it_is_alone(lab: Case, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also out of sample, on scenarios that the variants share where several run at a time."""
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", threads)
    found = compare(lab, ["own_cash", "debt"], scenarios=SCENARIOS, device="cpu")
    for name, plan in found.plans.items():
        alone = capmix.optimize(apply_variant(lab, name), scenarios=SCENARIOS, device="cpu")
        assert plan.decisions == alone.decisions
        assert plan.certificate == alone.certificate
        assert plan.risk == alone.risk
        assert all(r.out_of_sample is not None for r in plan.risk)


def test_all_beats_each_part(compared: Comparison) -> None:
    values = {name: plan.objective_value for name, plan in compared.plans.items()}
    assert values["all"] >= max(values["debt"], values["own_cash"]) * (1 - 1e-5)
    assert min(values["debt"], values["circular"]) >= values["own_cash"] * (1 - 1e-5)


def test_removing_an_instrument_never_raises_compute() -> None:
    """Less choice under the same limits is never better, whichever instrument goes. The cap on circular financing is
    lifted: what is removed may be what diluted it."""
    case = capmix.load_case("ai_lab")
    case = replace(case, circularity=replace(case.circularity, cap=1.0))
    one_less = tuple(Variant(id=f"no_{i.id}", remove=(f"instrument.{i.id}",)) for i in case.instrument)
    case = replace(case, variant=(Variant(id="whole", keep=("instrument.*",)), *one_less))
    found = compare(case, scenarios=500, out_of_sample=False)
    whole = found.plans["whole"].objective_value
    values = {name: plan.objective_value / whole for name, plan in found.plans.items()}
    assert max(values.values()) <= 1 + 1e-5, values
    assert min(values.values()) < 1 - 1e-3, "some instrument is worth something"


def test_an_infeasible_variant_is_a_row_that_says_why(lab: Case) -> None:
    case = replace(lab, variant=(*lab.variant[:1], Variant(id="safe", set=(("risk.liquidity.limit", -30),))))
    found = compare(case, scenarios=SCENARIOS, out_of_sample=False)
    assert found.plans["safe"].status is Status.INFEASIBLE
    rows = {row[0]: row for row in found.tables["comparison"].rows}
    assert rows["own_cash"][2] == "certified"
    assert rows["safe"][2] == "infeasible"
    assert "liquidity" in str(rows["safe"][-1])
    assert rows["safe"][3] is None
    assert found.reference == "own_cash"


def test_the_plans_do_not_depend_on_how_many_run_at_a_time(
    lab: Case, compared: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    for threads in (1, 3):
        monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", threads)
        again = compare(lab, scenarios=SCENARIOS, device="cpu", out_of_sample=False)
        for name, plan in again.plans.items():
            before = compared.plans[name]
            assert plan.decisions == before.decisions
            assert plan.certificate == before.certificate
            assert plan.passes == before.passes
            assert plan.tables.keys() == before.tables.keys()
            assert plan.tables["covenant_breaches"] == before.tables["covenant_breaches"]


def test_ctrl_c_among_variants_beside_each_other(lab: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 2)
    heard: list[str] = []

    def press(event: ProgressEvent) -> None:
        name = event.phase.partition(",")[0]
        if not name.startswith("variant "):
            return
        if heard and name != heard[0]:  # the first search has ended, beside which others ran
            raise KeyboardInterrupt
        heard.append(name)

    found = compare(lab, scenarios=SCENARIOS, device="cpu", progress=press)
    assert found.plans[heard[0].removeprefix("variant ")].status is Status.CERTIFIED
    assert set(found.missing) | set(found.plans) == {v.id for v in lab.variant}
    told = [message for plan in found.plans.values() for message in plan.messages]
    assert found.missing or "interrupted" in told  # a search stopped while it polishes keeps its certificate
    assert {row[0] for row in found.tables["comparison"].rows} == set(found.plans)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_request_to_stop_keeps_the_variants_that_are_done(
    lab: Case, compared: Comparison, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", threads)
    named: set[str] = set()

    def press(event: ProgressEvent) -> None:
        if event.phase.startswith("variant "):
            named.add(event.phase.partition(",")[0])
        if len(named) == 2 and not stops.requested():
            stops.request("interrupted")

    try:
        found = compare(lab, scenarios=SCENARIOS, device="cpu", progress=press)
    finally:
        stops.clear()
    done = {name: plan for name, plan in found.plans.items() if plan.status is Status.CERTIFIED}
    assert done
    for name, plan in done.items():
        if "interrupted" in plan.messages:  # while it was polished
            continue
        assert plan.certificate == compared.plans[name].certificate
        assert plan.decisions == compared.plans[name].decisions
        assert any("out of sample" in message for message in plan.messages)
    assert any("interrupted" not in plan.messages for plan in done.values())
    assert found.missing or len(done) < len(found.plans)


def test_a_request_to_stop_before_any_variant_has_a_plan(lab: Case) -> None:
    stops.request("interrupted")
    try:
        with pytest.raises(stops.Interrupted):
            compare(lab, scenarios=SCENARIOS, device="cpu")
    finally:
        stops.clear()


def test_a_time_limit_is_for_all_variants_together(lab: Case) -> None:
    found = compare(lab, scenarios=SCENARIOS, time_limit=1e-3, out_of_sample=False)
    for plan in found.plans.values():
        assert plan.status in (Status.STOPPED, Status.CERTIFIED)
        assert any("time" in message for message in plan.messages)


def test_one_pool_of_scenarios(lab: Case) -> None:
    first = ready(apply_variant(lab, "all"), 500)
    drawn = [(first.processes, first.store)]
    again = prepare(apply_variant(lab, "debt"), first.backend, 500, 1, drawn=drawn)
    assert again.store is first.store


def test_milestones_are_reached_in_order(compared: Comparison) -> None:
    for one in compared.outcomes.values():
        times = [one.reached(mark) for mark in compared.milestones]
        known = [t for t in times if t is not None]
        assert known == sorted(known)
        for mark, t in zip(compared.milestones, times, strict=True):
            if t is None:
                assert one.capacity is not None
                assert one.capacity.max() < mark
    assert len(compared.milestones) == 3


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"variants": ["dept"]}, 'did you mean "debt"'),
        ({"variants": ["debt", "debt"]}, "each variant once"),
        ({"variants": []}, "at least one variant"),
        ({"milestones": [0.0]}, "above 0"),
        ({"scenarios": 0}, "whole number"),
    ],
)
def test_bad_arguments(lab: Case, arguments: dict[str, object], words: str) -> None:
    with pytest.raises(CaseError) as caught:
        compare(lab, **arguments)  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_a_case_without_variants(lab: Case) -> None:
    with pytest.raises(CaseError, match="variant"):
        compare(replace(lab, variant=()))
