"""Ranking of reviews: gains are those of planning by hand, the best come first, a second seed, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from capmix import CaseError, optimize, signal_worth
from capmix.models.schema.reviews import Review
from capmix.optimizer.signal_worth import _border
from capmix.reports.cli import main

from .cases import starter

COUNT, SEED = 300, 4


def test_gains_are_those_of_plans_with_and_without_the_review() -> None:
    case = starter()
    found = signal_worth(case, ["2028Q2", "2029Q1"], ["rental", "sofr"], COUNT, SEED, "cpu", gap=1e-6)
    assert len(found.found) == found.candidates == 4
    gains = [one.gain for one in found.found]
    assert gains == sorted(gains, reverse=True)
    assert found.found[0].signal == "rental"
    assert [one.again is not None for one in found.found] == [True, True, True, False]
    plain = optimize(case, COUNT, SEED, "cpu", 1e-6, out_of_sample=False)
    for one in (found.found[0], found.found[-1]):
        at = case.horizon.labels.index(one.at)
        review = Review(at=at, signal=one.signal, levels=(one.level,), covenants="mean")
        whole = optimize(replace(case, review=(review,)), COUNT, SEED, "cpu", 1e-6, review_worth=False)
        assert one.gain == pytest.approx(
            whole.objective_value - plain.objective_value, abs=3e-6 * plain.objective_value
        )
        assert one.least <= one.gain <= one.most
        assert one.most >= -1e-6 * plain.objective_value  # with covenants on the mean no review loses
        assert whole.tables["review_tree"].records()[1].number("probability") == pytest.approx(one.share)


def test_a_border_parts_a_signal_of_few_values() -> None:
    assert _border(np.array([0.1, 1.0, 1.0, 1.0])) == pytest.approx(0.55)
    assert _border(np.array([0.0, 0.0, 0.0, 1.0])) == pytest.approx(0.5)
    assert _border(np.full(4, 2.0)) == 2.0
    values = np.linspace(0.0, 1.0, 101)
    assert _border(values) == 0.5


def test_what_is_not_there_is_refused_with_what_is() -> None:
    with pytest.raises(CaseError, match="2027Q2 to 2029Q4") as refused:
        signal_worth(starter(), ["2026Q1"], ["rentals"], COUNT, SEED, "cpu")
    assert "a signal that varies: sofr" in str(refused.value)


def test_the_command_ranks_as_json_and_in_words(capsys: pytest.CaptureFixture[str], tmp_path) -> None:
    from importlib.resources import files

    path = tmp_path / "case.toml"
    path.write_text((files("capmix.models.reading") / "starter.toml").read_text(encoding="utf-8"), encoding="utf-8")
    words = ["signals", str(path), "--dates", "2028Q2", "--signals", "rental", "--scenarios", "200", "--no-progress"]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["signal"] for one in told["found"]] == ["rental"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "[[review]]" in said
    assert "second seed" in said
