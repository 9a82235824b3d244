"""Variants: what they take away, keep and set, and one clear error for each way to name what is not there."""

from __future__ import annotations

import dataclasses

import pytest
from capmix.models.reading import CaseError, load_case
from capmix.models.reading.variants import apply_variant

TAIL = '[variant.all]\nkeep = ["instrument.*"]'
NEW = '\n[variant.new]\nsource = "test"\n'


def test_own_cash_leaves_no_instrument(case):
    loaded = case.load()
    changed = apply_variant(loaded, "own_cash")
    assert changed.instrument == ()
    assert [c.prepayment for c in changed.contract] == [0.0]
    assert loaded.contract[0].prepayment > 0.0
    assert changed.investor == loaded.investor
    assert changed.case.name == f"{loaded.case.name}-own_cash"
    assert (changed.path, changed.sha256) == (loaded.path, loaded.sha256)


def test_keeping_everything_changes_the_name_only(case):
    loaded = case.load()
    assert dataclasses.replace(apply_variant(loaded, "all"), case=loaded.case) == loaded


@pytest.mark.parametrize("name", ["hyperscaler", "neocloud"])
def test_shipped_cases_carry_the_four(name):
    loaded = load_case(name)
    assert {v.id for v in loaded.variant} >= {"own_cash", "circular", "debt", "all"}
    everything = {i.id for i in loaded.instrument}
    used = {v.id: {i.id for i in apply_variant(loaded, v.id).instrument} for v in loaded.variant}
    assert used["own_cash"] == set()
    assert used["all"] == everything
    assert used["circular"].isdisjoint(used["debt"])


def test_a_change_made_to_the_case_stays(case):
    """The variant changes the case that it is given, not the file it came from."""
    loaded = dataclasses.replace(case.load(), risk=())
    assert apply_variant(loaded, "debt").risk == ()


def test_a_removed_investor_leaves_every_depth_curve_but_keeps_what_it_holds(case):
    loaded = case.append(NEW + 'remove = ["banks"]').load()
    changed = apply_variant(loaded, "new")
    holders = {d.investor for i in changed.instrument for d in i.depth}
    assert "banks" not in holders
    assert "banks" in {i.id for i in changed.investor}
    assert changed.opening == loaded.opening
    alone = {i.id for i in loaded.instrument if {d.investor for d in i.depth} == {"banks"}}
    assert {i.id for i in changed.instrument} == {i.id for i in loaded.instrument} - alone


def test_removed_contracts_are_gone(case):
    assert apply_variant(case.append(NEW + 'remove = ["lab_deal"]').load(), "new").contract == ()


@pytest.mark.parametrize(
    "path, raw, read",
    [
        ("circularity.cap", "0.1", lambda c: c.circularity.cap == 0.1),
        ("instrument.gpu_loan.tenor", "4", lambda c: c.instrument[0].tenor == 16),
        ("instrument.gpu_loan.issue_to", '"2028Q2"', lambda c: c.instrument[0].issue_to == 5),
        ("instrument.*.fee", "0.02", lambda c: {i.fee for i in c.instrument} == {0.02}),
        ("instrument.gpu_loan.depth.banks.steps.1.size", "1", lambda c: c.instrument[0].depth[0].steps[0].size == 1),
        ("site.prairie.layer.power.lead", "7", lambda c: c.site[0].layer[1].lead == 7),
        ("merchant.volume", "5", lambda c: c.merchant.volume == (5.0,) * 12),
        ("risk.liquidity.limit", "0.5", lambda c: c.risk[0].limit == 0.5),
        ("opening.debt.old_loan.amount", "0.07", lambda c: c.opening.debt[0].amount == 0.07),
        ("driver.sofr.mean", "0.05", lambda c: c.driver[0].mean == (0.05,) * 12),
    ],
)
def test_values_are_read_as_in_the_tables(case, path, raw, read):
    assert read(apply_variant(case.append(NEW + f'set = {{ "{path}" = {raw} }}').load(), "new"))


def test_a_series_may_come_from_a_table(case):
    rows = "\n".join(["volume", *(str(i) for i in range(12))])
    case.table("more.csv", rows).append(NEW + 'set = { "merchant.volume" = { table = "more.csv", column = "volume" } }')
    assert apply_variant(case.load(), "new").merchant.volume == tuple(float(i) for i in range(12))


@pytest.mark.parametrize(
    "text, key, words",
    [
        ("", "variant.new", "names nothing"),
        ("remove = []", "variant.new", "names nothing"),
        ('remove = ["gpu_lone"]', "variant.new.remove[1]", 'did you mean "gpu_loan"'),
        ('remove = ["site.prairie"]', "variant.new.remove[1]", "instrument, investor, contract"),
        ('keep = ["instrument.nobody"]', "variant.new.keep[1]", "id of an instrument"),
        ("remove = [3]", "variant.new.remove[1]", "quotes"),
        ('remove = "gpu_loan"', "variant.new.remove", "list"),
        ("set = {}", "variant.new.set", "at least one"),
        ("set = 3", "variant.new.set", "values by path"),
        ('set = { "circularity.cup" = 0.1 }', 'variant.new.set."circularity.cup"', 'did you mean "cap"'),
        ('set = { "nothing.cap" = 0.1 }', 'variant.new.set."nothing.cap"', "one of the keys"),
        ('set = { "instrument.gpu_lone.fee" = 0.1 }', 'variant.new.set."instrument.gpu_lone.fee"', 'mean "gpu_loan"'),
        ('set = { "instrument.gpu_loan" = 0.1 }', 'variant.new.set."instrument.gpu_loan"', "path to a figure"),
        ('set = { "instrument" = 0.1 }', "variant.new.set.instrument", "path to a figure"),
        ('set = { "circularity.cap.most" = 0.1 }', 'variant.new.set."circularity.cap.most"', "no further keys"),
        ('set = { "horizon.periods" = 8 }', 'variant.new.set."horizon.periods"', "same in every variant"),
        ('set = { "instrument.notes.id" = "x" }', 'variant.new.set."instrument.notes.id"', "cannot be set"),
        ('set = { "circularity.cap" = 10 }', 'variant.new.set."circularity.cap"', "from 0 to 1"),
        ('set = { "instrument.gpu_loan.grace" = 40 }', "variant.new: instrument[1]", "below the tenor"),
        ("other = 1", "variant.new.other", "one of the keys"),
    ],
)
def test_bad_variant(case, text, key, words):
    case.append(NEW + text)
    faults = [f for f in case.faults() if f.key.startswith(key)]
    assert faults, [f.key for f in case.faults()]
    assert words in f"{faults[0].value} {faults[0].allowed} {faults[0].cure}"
    assert faults[0].line is not None
    assert faults[0].line >= case.line("[variant.new]")


def test_an_id_of_two_tables_needs_its_table(case):
    case.replace('id = "notes"', 'id = "banks"').append(NEW + 'remove = ["banks"]')
    fault = case.fault()
    assert fault.key == "variant.new.remove[1]"
    assert '"instrument.banks" or "investor.banks"' in fault.cure


def test_a_bad_variant_is_told_among_all_other_faults(case):
    case.replace("accelerators = 72", "accelerators = 0").append(NEW + 'remove = ["nobody"]')
    assert [f.key for f in case.faults()] == ['accelerator[1] "gb300".accelerators', "variant.new.remove[1]"]


@pytest.mark.parametrize("text", ["[[variant]]\nid = 'x'", "[variant]\nremove = ['notes']"])
def test_variants_are_tables_by_name(case, text):
    case.text = case.text[: case.text.index("[variant.own_cash]")] + text
    assert "[variant.NAME]" in case.fault().cure


def test_unknown_variant(case):
    with pytest.raises(CaseError) as caught:
        apply_variant(case.load(), "dept")
    assert 'did you mean "debt"' in caught.value.faults[0].cure
