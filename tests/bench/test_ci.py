"""Thresholds end a run with the right code, and the JSON is pytest-benchmark's."""

from __future__ import annotations

import json
import math
import statistics

import pytest
from capmix.bench import ci, ci_figures
from capmix.bench.ci_figures import FIGURES, Figure, Measured
from capmix.bench.pytest_json import document, stats
from capmix.bench.thresholds import ThresholdError, breaches, read_thresholds


def entry(figure: str = "copies", **bounds: float) -> str:
    lines = ["[[threshold]]", 'benchmark = "kernel: tail 1000000"', f'figure = "{figure}"']
    return "\n".join([*lines, *(f"{key} = {value}" for key, value in bounds.items())]) + "\n"


@pytest.fixture
def quick(monkeypatch):
    """The tail benchmark made instant: 3 copies, always."""
    found = Figure(lambda name, _: [Measured(name, (0.5, 0.25, 0.75), {"copies": 3.0})], ("copies",))
    monkeypatch.setitem(FIGURES, "kernel: tail 1000000", found)
    monkeypatch.setattr(ci_figures, "Yardstick", lambda: None)


@pytest.mark.parametrize(
    "bounds, code",
    [
        ({"at_most": 3.0}, 0),
        ({"at_least": 3.0}, 0),
        ({"at_most": 2.999}, 1),
        ({"at_least": 3.001}, 1),
        ({"at_least": 1.0, "at_most": 2.0}, 1),
    ],
)
def test_a_falsified_threshold_ends_the_run_with_1(quick, tmp_path, capsys, bounds, code):
    path = tmp_path / "thresholds.toml"
    path.write_text(entry(**bounds))
    out = tmp_path / "out" / "bench.json"
    assert ci.main(["--only", "tail", "--thresholds", str(path), "--json", str(out)]) == code
    assert ("REGRESSION kernel: tail 1000000: copies is 3" in capsys.readouterr().out) == bool(code)
    (benchmark,) = json.loads(out.read_text())["benchmarks"]
    assert benchmark["extra_info"] == {"copies": 3.0}


@pytest.mark.parametrize(
    "text, word",
    [
        ("", "give at least one"),
        ("nonsense", "thresholds.toml"),
        (entry(at_most=1.0).replace("tail 1000000", "no such thing"), "allowed: kernel: factor"),
        (entry("speed", at_most=1.0), "allowed for kernel: tail 1000000: copies"),
        (entry(), "neither at_least nor at_most"),
        (entry(at_least=2.0, at_most=1.0), "above"),
        (entry(at_moist=2.0), "unknown key 'at_moist'"),
        (entry(at_most=math.nan), "finite number"),
        (entry(at_most=1.0).replace("1.0", "true"), "finite number"),
    ],
)
def test_a_wrong_file_ends_the_run_with_2_and_names_the_fault(tmp_path, capsys, text, word):
    path = tmp_path / "thresholds.toml"
    path.write_text(text)
    with pytest.raises(ThresholdError, match=word):
        read_thresholds(path)
    assert ci.main(["--only", "tail", "--thresholds", str(path)]) == 2
    assert word in capsys.readouterr().err


def test_all_faults_of_a_file_come_at_once(tmp_path):
    path = tmp_path / "thresholds.toml"
    path.write_text(entry() + entry("speed", at_most=1.0))
    with pytest.raises(ThresholdError) as caught:
        read_thresholds(path)
    assert str(caught.value).count("thresholds.toml: ") == 2


def test_what_was_to_be_measured_and_was_not_is_a_regression():
    thresholds = read_thresholds(ci.THRESHOLDS)
    name = thresholds[0].benchmark
    assert any("was not measured" in line for line in breaches(thresholds, [], [name]))
    assert breaches(thresholds, [], []) == []
    nothing = Measured(name, (1.0,), {thresholds[0].figure: math.nan})
    assert any("nan" in line for line in breaches(thresholds, [nothing], [name]))


def test_the_shipped_thresholds_are_well_formed_and_about_ratios():
    thresholds = read_thresholds(ci.THRESHOLDS)
    assert {t.benchmark.partition(":")[0] for t in thresholds} == {"kernel", "draws", "plan", "program"}
    assert not any("per_s" in t.figure or "second" in t.figure for t in thresholds)


def test_an_unknown_name_is_refused(capsys):
    assert ci.main(["--only", "no such benchmark"]) == 2
    assert "allowed" in capsys.readouterr().err


def test_the_statistics_are_those_of_the_format():
    seconds = [3.0, 1.0, 2.0, 4.0, 100.0]
    found = stats(seconds)
    assert (found["min"], found["max"], found["rounds"], found["total"]) == (1.0, 100.0, 5, 110.0)
    assert found["mean"] == statistics.fmean(seconds)
    assert found["stddev"] == pytest.approx(statistics.stdev(seconds))
    assert (found["q1"], found["median"], found["q3"], found["iqr"]) == (2.0, 3.0, 4.0, 2.0)
    assert (found["ld15iqr"], found["hd15iqr"], found["iqr_outliers"], found["outliers"]) == (1.0, 4.0, 1, "1;1")
    assert found["ops"] == pytest.approx(1.0 / 22.0)
    assert found["data"] == seconds


def test_the_document_has_every_key_that_a_reader_of_the_format_looks_for():
    found = document([Measured("kernel: tail 1000000", (0.1, 0.2), {"copies": 3.0})])
    assert set(found) == {"machine_info", "commit_info", "benchmarks", "datetime", "version"}
    assert {"id", "time", "dirty", "branch"} <= set(found["commit_info"])
    assert {"node", "cpu", "system", "python_version"} <= set(found["machine_info"])
    (benchmark,) = found["benchmarks"]
    keys = {"group", "name", "fullname", "params", "param", "extra_info", "options", "stats"}
    assert set(benchmark) == keys
    assert json.loads(json.dumps(found)) == found
