"""Plans that adapt in frontiers, comparisons and verified folders, and reviews that a variant brings."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from capmix import CaseError, Status, compare, frontier, load_case, optimize
from capmix.models.reading.variants import apply_variant
from capmix.models.schema.reviews import Review
from capmix.reports.cli import main

from ..cases import starter, with_risk

COUNT, SEED = 300, 5
RENTAL = Review(at=4, signal="rental", quantiles=(0.5,), names=("weak", "strong"))
TEXT = (files("capmix.models.reading") / "starter.toml").read_text(encoding="utf-8")
VARIANT = """
[variant.adaptive]
title = "reviewed"

[[variant.adaptive.review]]
at = "2028Q1"
signal = "rental"
quantiles = [0.5]
names = ["weak", "strong"]
"""


def read(folder: Path, more: str) -> Path:
    path = folder / "case.toml"
    path.write_text(TEXT + more, encoding="utf-8")
    return path


def test_a_point_of_a_frontier_is_the_plan_at_its_limit() -> None:
    case = replace(starter(), review=(RENTAL,))
    found = frontier(case, "net_loss", 2, 0.5, 0.6, COUNT, SEED, "cpu", out_of_sample=False)
    for point in found.points:
        alone = optimize(
            with_risk(case, "net_loss", limit=point.limit), COUNT, SEED, "cpu", out_of_sample=False, review_worth=False
        )
        assert point.status is Status.CERTIFIED
        assert point.objective == pytest.approx(alone.objective_value, rel=2e-5)


def test_a_variant_brings_reviews_of_its_own(tmp_path: Path) -> None:
    case = load_case(read(tmp_path, VARIANT))
    assert not case.review
    varied = apply_variant(case, "adaptive")
    assert [(r.at, r.signal, r.named(0)) for r in varied.review] == [(4, "rental", ("weak", "strong"))]
    found = compare(case, ("all", "adaptive"), COUNT, SEED, "cpu")
    static, adaptive = (found.plans[name] for name in ("all", "adaptive"))
    assert "review_tree" in adaptive.tables
    assert "review_tree" not in static.tables
    alone = optimize(varied, COUNT, SEED, "cpu", out_of_sample=False, review_worth=False)
    assert adaptive.objective_value == pytest.approx(alone.objective_value, rel=2e-5)


@pytest.mark.parametrize(
    ("was", "put", "words"),
    [
        ('at = "2028Q1"', 'at = "2027Q1"', "a period after the first"),
        ('signal = "rental"', 'signal = "rentl"', "rental"),
        ('names = ["weak", "strong"]', 'names = ["weak"]', "2 names, one for each band"),
    ],
)
def test_reviews_of_a_variant_are_read_as_strictly(tmp_path: Path, was: str, put: str, words: str) -> None:
    with pytest.raises(CaseError, match=r"variant\.adaptive") as refused:
        load_case(read(tmp_path, VARIANT.replace(was, put)))
    assert words in str(refused.value)


def test_a_folder_is_verified_and_planned_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = read(tmp_path, VARIANT), tmp_path / "run"
    words = ["plan", str(path), "--variant", "adaptive", "--scenarios", "300", "--out", str(out), "--no-progress"]
    assert main(words) == 0
    assert "2028Q1: if rental < " in capsys.readouterr().out
    assert main(["verify", str(out), "--replan", "--no-progress"]) == 0
    assert "verdict       verified" in capsys.readouterr().out
