"""Runs in processes of their own: verdicts, limits, and what the records say."""

from __future__ import annotations

import math
import sys

import pytest
from capmix.bench import runner
from capmix.bench.instances import make
from capmix.bench.run import main, row
from capmix.bench.runner import Plan, settle, sizes_of, subjects_of


def plan(*subjects: str, **changes) -> Plan:
    return Plan(("factor",), ((200, 5),), subjects, **({"time_limit": 20.0} | changes))


def test_a_run_judges_what_the_process_answers():
    (record,) = runner.compare(make("factor", 200, 5), plan("highs-dual-simplex"))
    assert record["outcome"] == "answered"
    assert record["right"]
    assert record["bound_by"] == "judge"
    assert abs(record["gap"]) < 1e-9
    assert record["seconds"] > 0.0
    assert len(record["runs"]) == 3
    assert "right" in row(record)
    assert f"{record['gap']:.1e}" in row(record)


def ended(monkeypatch: pytest.MonkeyPatch, code: str, **changes) -> dict:
    """The record of a worker replaced by `code`; sys.argv[1] is its folder."""
    monkeypatch.setattr(runner, "COMMAND", ("-c", code))
    (record,) = runner.compare(make("factor", 200, 5), plan("highs-dual-simplex", **changes))
    return record


def test_who_outlives_the_limit_is_ended_and_said_not_to_have_finished(monkeypatch):
    monkeypatch.setattr(runner, "GRACE", 0.2)
    code = "import pathlib, sys, time; pathlib.Path(sys.argv[1], 'begin').touch(); time.sleep(600)"
    record = ended(monkeypatch, code, time_limit=0.2)
    assert record["outcome"] == "did not finish"
    assert "DNF" in row(record)
    assert not record["right"]


def test_who_takes_more_memory_than_allowed_is_ended(monkeypatch):
    record = ended(monkeypatch, "import time; x = bytearray(300_000_000); time.sleep(600)", memory_limit=150e6)
    assert record["outcome"] == "out of memory"


def test_a_crash_is_a_row_with_its_last_words(monkeypatch):
    record = ended(monkeypatch, "import sys; print('deep trouble', file=sys.stderr); sys.exit(3)")
    assert record["outcome"] == "failed"
    assert "3" in record["status"]
    assert "deep trouble" in row(record)


def test_what_is_not_installed_is_said(monkeypatch):
    code = (
        "import sys, pathlib; from bench import peers, worker; from bench.peers.adapter import Subject;"
        "peers.SUBJECTS['highs-dual-simplex'] = Subject('g', 'G', 'highs', ('no-such-distribution',));"
        "sys.exit(worker.main(pathlib.Path(sys.argv[1])))"
    )
    record = ended(monkeypatch, code)
    assert record["outcome"] == "not available"
    assert "no-such-distribution" in row(record)


def told(objective: float | None, bound: float | None, claim: float | None = None, violation: float = 0.0) -> dict:
    return {
        "subject": "s",
        "outcome": "answered",
        "objective": objective,
        "bound": bound,
        "claimed_bound": claim,
        "violation": violation if objective is not None else None,
    }


def test_the_best_proven_bound_counts_for_all():
    records = [told(1.0, 0.5), told(1.00001, 0.999999), told(0.99, None, violation=0.1)]
    settle(records, 1e-4)
    assert [r["best_bound"] for r in records] == [0.999999] * 3
    assert [r["right"] for r in records] == [True, True, False]
    assert records[2]["gap"] < 0.0
    bought = [told(1.0, 1.0), told(0.99, None, violation=5e-5)]
    settle(bought, 1e-4)
    assert [r["right"] for r in bought] == [True, False]


def test_a_claimed_bound_above_a_feasible_answer_is_contradicted():
    records = [told(1.0, 0.9), told(1.2, None, claim=1.1)]
    settle(records, 1e-4)
    assert [r["claim_contradicted"] for r in records] == [False, True]


def test_without_a_proof_the_best_claim_is_used_and_named():
    records = [told(1.0, None, claim=0.99999), told(2.0, None)]
    settle(records, 1e-4)
    assert records[0]["bound_by"] == "s"
    assert records[0]["right"]
    settle([bare := told(1.0, None)], 1e-4)
    assert bare["gap"] is None
    assert not bare["right"]


def test_sizes_and_subjects_are_read_strictly():
    assert sizes_of("1e3x100,20000x5") == ((1_000, 100), (20_000, 5))
    with pytest.raises(ValueError, match="1e3:5"):
        sizes_of("1e3:5")
    assert "capmix" not in subjects_of(["peers"])
    assert subjects_of(["clarabel", "all"])[0] == "clarabel"
    with pytest.raises(ValueError, match="allowed: all, peers"):
        subjects_of(["nobody"])


@pytest.mark.parametrize("words", [["--family", "nothing"], ["--sizes", "7"], ["--subjects", "nobody"]])
def test_the_command_refuses_what_it_does_not_know(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert "allowed" in (told := capsys.readouterr().err) or "SCENARIOSxCOLUMNS" in told


def test_an_answer_that_is_no_number_is_a_failure(monkeypatch):
    code = (
        "import json, pathlib, sys, numpy as np; f = pathlib.Path(sys.argv[1]);"
        "np.save(f / 'x.npy', np.full(5, np.nan));"
        "(f / 'result.json').write_text(json.dumps({'outcome': 'answered', 'status': 'Optimal', 'version': '1',"
        " 'claimed': 0.1, 'claimed_bound': -1e400, 'seconds': 1.0}))"
    )
    record = ended(monkeypatch, code)
    assert record["outcome"] == "failed"
    assert record["claimed_bound"] is None
    assert not math.isnan(record["claimed"])


def test_the_interpreter_of_the_run_is_the_first_that_is_asked():
    assert Plan((), (), ()).pythons[0] == sys.executable
