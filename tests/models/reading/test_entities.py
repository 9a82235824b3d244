"""Entities and covenants as a case may give them, and each way to give them wrong."""

from __future__ import annotations

import pytest
from capmix.models.reading.variants import apply_variant

HEAD = '[[entity]]\nid = "holding"\nkind = "parent"\n'
SPV = '[[entity]]\nid = "campus"\nkind = "spv"\n'
OWNED = [("pue = 1.25", 'pue = 1.25\nentity = "campus"'), ('customer = "lab"', 'customer = "lab"\nentity = "campus"')]
COVENANT = '[[covenant]]\nid = "test"\nkind = "{}"\nlimit = {}\n'
TEST = 'covenant[2] "test"'
CAMPUS = 'entity[2] "campus"'


def changed(case, owned):
    for old, new in OWNED if owned else ():
        key = old.split(" = ")[0]
        line = next(row for row in case.text.splitlines() if row.startswith(key + " = "))
        case.replace(line, line + "\n" + new.split("\n")[1])
    return case


def test_a_group_reads(case):
    more = (
        SPV + 'opening_cash = 0.2\nminimum_cash = 0.01\nreserve = 0.05\nlock_up = 1.2\ndistribution_from = "2027Q3"\n'
    )
    lower = '[[entity]]\nid = "lower"\nkind = "spv"\nparent = "campus"\n'
    changed(case, True).append(HEAD + more)
    loaded = case.load()
    holding, campus = loaded.entity
    assert (holding.kind, campus.kind, campus.parent) == ("parent", "spv", None)
    assert campus.reserve == (0.05,) * loaded.horizon.periods
    assert (campus.lock_up, campus.distribution_from, campus.contributions) == (1.2, 2, True)
    assert loaded.site[0].entity == loaded.contract[0].entity == "campus"
    fault = case.append(lower).fault()
    assert fault.key == 'entity[3] "lower".id'
    assert "at least one site" in fault.allowed


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        (SPV, "entity", "the parent"),
        (HEAD + HEAD.replace("holding", "second") + SPV, 'entity[2] "second".kind', "a group has one parent"),
        (HEAD + SPV + 'parent = "nobody"\n', CAMPUS + ".parent", "holding, campus"),
        (HEAD + SPV + 'parent = "campus"\n', CAMPUS + ".parent", "campus is owned by campus"),
        (HEAD + SPV + "opening_cash = 0.95\n", CAMPUS + ".opening_cash", "they sum to 0.95"),
        (HEAD + SPV + "lock_up = 0\n", CAMPUS + ".lock_up", "above 0"),
        (HEAD + "lock_up = 1.2\n" + SPV, 'entity[1] "holding".lock_up', "leave it out"),
        (HEAD + "opening_cash = 0.1\n" + SPV, 'entity[1] "holding".opening_cash', "cash.opening"),
        (HEAD + "reserve = 0.1\n" + SPV, 'entity[1] "holding".reserve', "minimum_cash"),
        (HEAD + 'parent = "campus"\n' + SPV, 'entity[1] "holding".parent', "leave it out"),
    ],
)  # fmt: skip
def test_faults_of_entities(case, text, key, words):
    fault = changed(case, True).append(text).fault()
    assert fault.key == key
    assert words in f"{fault.allowed} {fault.cure}"


def test_entities_in_a_circle(case):
    lower = '[[entity]]\nid = "lower"\nkind = "spv"\nparent = "campus"\n'
    faults = changed(case, True).append(HEAD + SPV + 'parent = "lower"\n' + lower).faults()
    keys = {f.key for f in faults}
    assert {CAMPUS + ".parent", 'entity[3] "lower".parent'} <= keys
    assert any("campus is owned by lower is owned by campus" in f.cure for f in faults)


def test_an_spv_without_assets(case):
    """Nor can the parent deliver once its only site is the SPV's."""
    fault = case.append(HEAD + SPV).fault()
    assert fault.key == CAMPUS + ".id"
    assert 'entity = "campus" in a [[site]]' in fault.cure


def test_a_contract_of_an_entity_that_cannot_deliver(case):
    line = next(row for row in case.text.splitlines() if row.startswith("pue = "))
    fault = case.replace(line, line + '\nentity = "campus"').append(HEAD + SPV).fault()
    assert fault.key == 'contract[1] "lab_deal".entity'
    assert "could deliver nothing" in fault.cure


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        (COVENANT.format("dscr", 1.2) + 'as = "soft"\n', TEST + ".as", "maintained | cvar | monitored"),
        (COVENANT.format("dscr", 1.2) + 'as = "cvar"\n', TEST + ".level", "add level = 0.95"),
        (COVENANT.format("dscr", 1.2) + "level = 0.9\n", TEST + ".level", 'unless as = "cvar"'),
        (COVENANT.format("dscr", 1.2) + 'as = "cvar"\nlevel = 95\n', TEST + ".level", "written 0.95"),
        (COVENANT.format("dscr", -1), TEST + ".limit", "at least 0"),
        (COVENANT.format("dscr", 1.2) + "tightening_step = 0\n", TEST + ".tightening_step", "above 0"),
        (COVENANT.format("dscr", 1.2) + 'entity = "campus"\n', TEST + ".entity", "add an [[entity]]"),
        (COVENANT.format("dscr", 1.2) + 'party = "lab"\n', TEST + ".party", "offtaker_concentration"),
        (COVENANT.format("borrowing_base", 1), TEST + ".advance", "add advance"),
        (COVENANT.format("ltv", 0.5) + "advance = [0.5]\n", TEST + ".advance", "leave it out"),
        (COVENANT.format("interest_cover", 2) + "leases = true\n", TEST + ".leases", "fixed_charge_cover"),
        (COVENANT.format("holder_concentration", 60), TEST + ".limit", "from 0 to 1"),
        (COVENANT.format("offtaker_concentration", 0.6) + 'party = "chipmaker"\n', TEST + ".party", "lab"),
        (COVENANT.format("supplier_concentration", 0.6) + 'party = "lab"\n', TEST + ".party", "chipmaker"),
    ],
)  # fmt: skip
def test_faults_of_covenants(case, text, key, words):
    fault = case.append(text).fault()
    assert fault.key == key
    assert words in f"{fault.allowed} {fault.cure}"


def test_recourse_is_a_word_about_an_spv(case):
    """The lenders of the parent have it anyway, and equity has no claim."""
    changed(case, True).append(HEAD + SPV)
    line = 'id = "old_loan"'
    fault = case.replace(line, line + "\nrecourse = true").fault()
    assert fault.key.endswith('"old_loan".recourse')
    assert "the parent's own debt" in fault.cure
    case.replace(line + "\nrecourse = true", line + '\nrecourse = true\nentity = "campus"')
    assert case.load().opening.debt[0].recourse


@pytest.mark.parametrize("kind", ["net_debt_to_ebitda", "interest_cover", "fixed_charge_cover", "dscr", "llcr"])
def test_a_cover_of_nothing_earned(case, kind):
    """The parent of an SPV that has all sites and contracts earns nothing that its covenant could test."""
    text = HEAD + SPV + COVENANT.format(kind, 2) + 'entity = "holding"\n'
    fault = changed(case, True).append(text).fault()
    assert fault.key == TEST + ".kind"
    assert "entity holding earns nothing" in fault.allowed


@pytest.mark.parametrize(
    "kind", ["interest_cover", "dscr", "llcr", "weighted_average_life", "floating_share", "borrowing_base"]
)
def test_a_ratio_to_debt_that_nobody_can_owe(case, kind):
    """The SPV issues nothing: all instruments and the opening debt are the parent's."""
    more = "advance = [0.5]\n" if kind == "borrowing_base" else ""
    text = HEAD + SPV + COVENANT.format(kind, 0.9) + 'entity = "campus"\n' + more
    fault = changed(case, True).append(text).fault()
    assert fault.key == TEST + ".kind"
    assert "entity campus can owe nothing" in fault.allowed


def test_a_borrowing_base_without_secured_debt(case):
    case.text = case.text.replace('secured_by = "accelerators"', 'secured_by = "all"')
    fault = case.append(COVENANT.format("borrowing_base", 1) + "advance = [0.5]\n").fault()
    assert fault.key == TEST + ".kind"
    assert "secured by accelerators" in fault.allowed


def test_a_variant_may_take_all_debt_away(case):
    """What its covenants then test is kept without effort."""
    start = case.text.index("[[opening.debt]]")
    case.text = case.text[:start] + case.text[case.text.index("\n\n", start) :]
    who = COVENANT.format("holder_concentration", 0.9).replace('"test"', '"who"')
    varied = apply_variant(case.append(COVENANT.format("dscr", 1.2) + who).load(), "own_cash")
    assert varied.instrument == ()
    assert [c.kind for c in varied.covenant] == ["maturity_wall", "dscr", "holder_concentration"]


def test_cash_at_risk_of_an_entity_is_a_liquidity_limit(case):
    risk = '[[risk]]\nid = "own"\nloss = "net_loss"\nlevel = 0.9\nlimit = 1\nentity = "campus"\n'
    fault = changed(case, True).append(HEAD + SPV + risk).fault()
    assert fault.key == 'risk[3] "own".entity'
