"""`capmix compare`: the folder, the document, the summary, exit codes and refusals."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import capmix
import pytest
from capmix.models.reading.starter import starter_case
from capmix.reports.cli import main
from capmix.reports.results.comparisons import comparison_document, exit_code
from capmix.reports.summary.side_by_side import render_comparison

FEW = ["--scenarios", "400", "--no-progress"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.toml").write_text(starter_case(), encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    path = tmp_path_factory.mktemp("case") / "my.toml"
    text = starter_case() + '\n[variant.safe]\nset = { "risk.liquidity.limit" = -30 }\n'
    path.write_text(text, encoding="utf-8")
    return capmix.compare(capmix.load_case(path), scenarios=400, out_of_sample=False)


def test_folder_and_document(here, capsysbinary):
    assert main(["compare", "my.toml", *FEW, "--out", "both", "--json"]) == 0
    printed = json.loads(capsysbinary.readouterr().out)
    written = json.loads((here / "both" / "compare.json").read_text(encoding="utf-8"))
    assert printed == written
    assert [v["name"] for v in written["variants"]] == ["own_cash", "debt", "all"]
    assert written["reference"] == "own_cash"
    assert {row["variant"] for row in written["tables"]["comparison"]} == {"own_cash", "debt", "all"}
    for variant in written["variants"]:
        assert json.loads((here / "both" / variant["plan"]).read_text(encoding="utf-8"))["status"] == variant["status"]
    manifest = json.loads((here / "both" / "manifest.json").read_text(encoding="utf-8"))
    for entry in manifest["files"]:
        content = (here / "both" / entry["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert (here / "both" / "case" / "my.toml").read_text(encoding="utf-8") == starter_case()
    assert (here / "both" / "tables" / "milestones.csv").exists()


def test_chosen_variants_and_milestones(here, capsys):
    arguments = ["compare", "my.toml", *FEW, "--variants", "debt,own_cash", "--milestones", "1000,1e9"]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "quarters until 1,000 PFLOP/s" in shown
    assert "0 (2027Q1)" in shown
    assert "never" in shown
    assert shown.index("debt") < shown.index("own_cash")


def test_what_is_missing_is_said(found):
    partial = replace(found, missing=("debt", "all"))
    assert exit_code(found) == 0
    assert exit_code(partial) == 4
    assert comparison_document(partial)["missing"] == ["debt", "all"]
    assert "interrupted: not planned are debt, all" in render_comparison(partial, 100)
    assert "interrupted" not in render_comparison(found, 100)


def test_plan_of_a_variant(here):
    assert main(["plan", "my.toml", *FEW, "--variant", "debt", "--out", "one"]) == 0
    plan = json.loads((here / "one" / "plan.json").read_text(encoding="utf-8"))
    assert plan["case"]["name"].endswith("-debt")
    assert "vendor_credit" not in plan["funding"]["by_instrument"]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["compare", "my.toml", "--variants", "dept"], 'did you mean "debt"'),
        (["compare", "my.toml", "--variants", "debt,"], "names with commas"),
        (["compare", "my.toml", "--milestones", "0"], "above 0"),
        (["plan", "my.toml", "--variant", "dept"], 'did you mean "debt"'),
    ],
)
def test_refused(here, capsys, arguments, words):
    assert main(arguments) == 2
    assert words in capsys.readouterr().err
    assert [p.name for p in here.iterdir()] == ["my.toml"]


@pytest.mark.parametrize("width", [80, 120])
def test_summary_fits_and_says_why(found, width):
    text = render_comparison(found, width)
    assert max(len(row) for row in text.splitlines()) <= width
    assert "infeasible" in text
    assert "safe:" in text
    assert "minimum" in text or "liquidity" in text


def test_limits_are_shown_with_level_unit_and_what_is_allowed(found):
    text = render_comparison(found, 120)
    assert "liquidity, CVaR 95%, bn (maximum 0.3000)" in text
    assert "net_loss, CVaR 95%, bn (maximum 0.6000)" in text


def test_a_limit_that_differs_between_variants_is_shown_without_a_figure(found):
    debt = found.outcomes["debt"]
    other = replace(debt, plan=replace(debt.plan, risk=tuple(replace(f, limit=0.25) for f in debt.plan.risk)))
    text = render_comparison(replace(found, outcomes={**found.outcomes, "debt": other}), 120)
    assert "liquidity, CVaR 95%, bn " in text
    assert "(most" not in text


def test_what_all_plans_remark_is_said_once(found):
    def told(*messages: str):
        plans = [replace(one.plan, messages=m) for one, m in zip(found.outcomes.values(), messages, strict=True)]
        outcomes = {k: replace(o, plan=p) for (k, o), p in zip(found.outcomes.items(), plans, strict=True)}
        return render_comparison(replace(found, outcomes=outcomes), 100)

    planned = [one.capacity is not None for one in found.outcomes.values()]
    both = told(*(("heavy tail",) if p else () for p in planned))
    assert both.count("heavy tail") == 1
    assert ": heavy tail" not in both
    assert "debt: heavy tail" in told(*(("heavy tail",) if name == "debt" else () for name in found.outcomes))


def test_infeasible_alone_ends_with_3(here):
    text = starter_case() + '\n[variant.safe]\nset = { "risk.liquidity.limit" = -30 }\n'
    (here / "my.toml").write_text(text, encoding="utf-8")
    assert main(["compare", "my.toml", *FEW, "--variants", "safe"]) == 3
