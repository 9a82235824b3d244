"""Bad input about the market: holders, windows, grids, conversion, presets, the revolver."""

# ruff: noqa: E501 - one bad case per line

from __future__ import annotations

import pytest

NOTES = 'instrument[2] "notes"'
LOAN = 'instrument[1] "gpu_loan"'
BANKS = 'investor[1] "banks"'
MANAGERS = 'investor[2] "managers"'
BANK = 'kind = "bank"\n'
MANAGER = 'kind = "asset_manager"\n'
NOTE = 'kind = "high_yield_note"\n'
DDTL = 'kind = "delayed_draw_loan"\n'
REVOLVER = "[cash]\n"
OWN = '[revolver]\nholder = "banks"\nmost = 0.2\nmargin = {}\ncommitment_fee = 0.005\ntenor = 3\n\n[cash]\n'
GRID = 'offtaker = "lab"\n{}[[instrument.grid]]\nrating = "A-"\nmargin = 0.0\n[[instrument.grid]]\nrating = "{}"\nmargin = {}\n'
DEPTH = "[[instrument.depth]]             # the first"
RATED = ('role = "customer"', 'role = "customer"\nrating = "A"')
EQUITY = """[[driver]]
id = "above"
process = "excess"
depends_on = "{}"
strike = 1.0

[correlation]"""
BELOW = EQUITY.replace("above", "below").replace("excess", "shortfall")


@pytest.mark.parametrize(
    "changes, key, words",
    [
        # holders
        ([(MANAGER, MANAGER + 'kinds = ["abs", "cmbs"]\n')], NOTES + ".depth", "nobody may hold it"),
        ([(MANAGER, MANAGER + 'min_rating = "BBB-"\n')], NOTES + ".depth", "holds nothing rated below BBB-"),
        ([(MANAGER, MANAGER + "max_tenor = 4\n")], NOTES + ".depth", "tenor is longer"),
        ([(MANAGER, MANAGER + 'kinds = ["abs"]\n')], MANAGERS, "take part in nothing"),
        ([(MANAGER, MANAGER + 'kinds = ["abss"]\n')], MANAGERS + ".kinds[1]", 'did you mean "abs"'),
        ([(MANAGER, MANAGER + 'min_rating = "BBB--"\n')], MANAGERS + ".min_rating", "BBB-"),
        ([(MANAGER, MANAGER + "max_share = 0\n")], MANAGERS + ".max_share", "out of the case"),
        ([("{ size = 0.10, spread = 0.01 }", "{ size = 0.10, spread = 0.03 }")], NOTES + '.depth[1] "managers".steps[3].spread', "not convex"),
        # windows and stops
        ([(MANAGER, MANAGER + 'window = "sofr"\n')], MANAGERS + ".window", "window, survival or logistic_share"),
        ([(NOTE, NOTE + 'window = "rental"\n')], NOTES + ".window", "which share"),
        ([(NOTE, NOTE + 'draw_stop = "lab_alive"\n')], NOTES + ".draw_stop", "draw_window"),
        ([(DDTL, DDTL + 'draw_stop = "hy_spread"\n')], LOAN + ".draw_stop", "which share"),
        # facilities
        ([(NOTE, NOTE + 'term_from = "commitment"\n')], NOTES + ".term_from", "draw_window"),
        ([(DDTL, DDTL + 'term_from = "commitment"\n')], LOAN + ".grace", "at least draw_window, 3"),
        ([(DDTL, DDTL + "conversion = 4\n")], LOAN + ".converted_margin", "together"),
        ([(DDTL, DDTL + "converted_margin = 0.02\n")], LOAN + ".conversion", "together"),
        ([(NOTE, NOTE + "balloon = 0.5\n")], NOTES + ".balloon", "linear"),
        ([(NOTE, NOTE + "seasoning = 4\n")], NOTES + ".seasoning", "secured_by"),
        ([(NOTE, NOTE + "rent = true\n")], NOTES + ".rent", "lease"),
        # margin grid
        ([(DDTL, DDTL + 'offtaker = "lab"\n'), RATED], LOAN + ".grid", "add the lines"),
        ([(DEPTH, GRID.format("", "AA", 0.02) + DEPTH), RATED], LOAN + '.grid[2].rating', "weaker than the line before"),
        ([(DEPTH, GRID.format("", "BB", -0.01) + DEPTH), RATED], LOAN + '.grid[2].margin', "never cheaper"),
        ([(DEPTH, GRID.format("", "BB", 0.02) + DEPTH)], LOAN + ".offtaker", "rating"),
        ([(DEPTH, GRID.format("", "BB", 0.02).replace('offtaker = "lab"\n', "") + DEPTH), RATED], LOAN + ".offtaker", "needed with a grid"),
        ([(DEPTH, GRID.format('downgrade = "lab_alive"\n', "BB", 0.02) + DEPTH), RATED], LOAN + ".downgraded_to", "together"),
        ([(DEPTH, GRID.format('downgrade = "sofr"\ndowngraded_to = "BB"\n', "BB", 0.02) + DEPTH), RATED], LOAN + ".downgrade", "survival"),
        ([(DEPTH, GRID.format('downgrade = "lab_alive"\ndowngraded_to = "AA"\n', "BB", 0.02) + DEPTH), RATED], LOAN + ".downgraded_to", "goes down"),
        ([(DDTL, DDTL + 'downgrade = "lab_alive"\ndowngraded_to = "B"\n')], LOAN + ".downgrade", "without a grid"),
        # conversion
        ([(NOTE, NOTE + 'dilution = "rental"\n')], NOTES + ".dilution", "process excess"),
        ([("[correlation]", EQUITY.format("lab_alive"))], 'driver[6] "above".depends_on', "no survival"),
        ([("[correlation]", EQUITY.format("above"))], 'driver[6] "above".depends_on', "no excess"),
        ([("[correlation]", BELOW.format("below"))], 'driver[6] "below".depends_on', "no shortfall"),
        ([("[correlation]", BELOW.format("lab_alive"))], 'driver[6] "below".depends_on', "no survival"),
        ([("[correlation]", BELOW.format("rental")), ('drivers = ["sofr", "hy', 'drivers = ["below", "hy')], "correlation.drivers[1]", "a shortfall driver has none"),
        ([("[correlation]", BELOW.format("rental")), (NOTE, NOTE + 'dilution = "below"\n')], NOTES + ".dilution", "process excess"),
        ([("[correlation]", BELOW.format("rental")), (NOTE, NOTE + 'window = "below"\n')], NOTES + ".window", "which share"),
        ([("[correlation]", EQUITY.format("rental")), ('drivers = ["sofr", "hy', 'drivers = ["above", "hy')], "correlation.drivers[1]", "excess driver has none"),
        # presets
        ([(NOTE, 'preset = "high_yeld_note"\n')], NOTES + ".preset", 'did you mean "high_yield_note"'),
        ([(NOTE, 'preset = "high_yield_note"\n'), ('benchmark = "sofr"\nspread_driver', "spread_driver")], NOTES + ".benchmark", "needed with preset"),
        ([(NOTE, 'preset = "convertible"\n')], NOTES + ".dilution", "needed with preset"),
        # revolver
        ([(REVOLVER, OWN.format(0.09))], "revolver.margin", "cash.deficit_margin"),
        ([(REVOLVER, OWN.format(0.0))], "revolver.margin", "cash.deposit_margin"),
        ([(REVOLVER, OWN.format(0.03).replace("banks", "nobody"))], "revolver.holder", "banks, managers"),
        ([(REVOLVER, OWN.format(0.03).replace("tenor = 3", "tenor = 0"))], "revolver.tenor", "above 0"),
        ([(REVOLVER, OWN.format(0.03)), (BANK, BANK + 'kinds = ["delayed_draw_loan"]\n')], "revolver.holder", '"revolver"'),
        ([(REVOLVER, OWN.format(0.03).replace("tenor = 3", 'tenor = 3\nissue_from = "2028Q1"\nissue_to = "2027Q1"'))], "revolver.issue_to", "before"),
    ],
)  # fmt: skip
def test_bad_market(case, changes, key, words):
    for old, new in changes:
        case.replace(old, new)
    faults = {f.key: f for f in case.faults()}
    assert key in faults, list(faults)
    assert words in f"{faults[key].value} {faults[key].allowed} {faults[key].cure}"
    assert faults[key].line is not None


def test_a_whole_market_is_read(case):
    case.replace(REVOLVER, OWN.format(0.03)).replace(*RATED)
    case.replace(DEPTH, GRID.format('downgrade = "lab_alive"\ndowngraded_to = "BB"\n', "BB", 0.02) + DEPTH)
    case.replace("[correlation]", EQUITY.format("rental"))
    case.replace(BANK, BANK + 'kinds = ["delayed_draw_loan", "revolver"]\nmax_tenor = 5\nmin_rating = "BBB-"\n')
    case.replace(DDTL, DDTL + 'rating = "BBB"\n')
    loaded = case.load()
    assert loaded.revolver.tenor == 12
    assert loaded.investor[0].kinds == ("delayed_draw_loan", "revolver")
    assert [line.margin for line in loaded.instrument[0].grid] == [0.0, 0.02]
    assert loaded.driver[5].strike == 1.0


def test_every_fault_of_a_market_at_once(case):
    """One clear error for each, among all others: none hides another, none is told twice."""
    maker, lab = 'role = "supplier"', 'role = "customer"'
    case.replace(maker, maker + '\nowns = [{ party = "lab", share = 0.5 }, { party = "ghost" }]')
    case.replace(lab, lab + '\nowns = [{ party = "chipmaker", share = 0.5 }]')
    case.replace("{ size = 0.10, spread = 0.01 }", "{ size = 0.10, spread = 0.03 }")
    case.replace(MANAGER, MANAGER + 'kinds = ["abs"]\n')
    case.append(
        '[[entity]]\nid = "holding"\nkind = "parent"\n[[entity]]\nid = "shell"\nkind = "spv"\n'
        '[[covenant]]\nid = "cover"\nkind = "dscr"\nlimit = 1.2\nentity = "shell"\n[variant.idle]\nsource = "test"\n'
    )
    told = [(f.key, f"{f.value} {f.allowed} {f.cure}") for f in case.faults()]
    expected = {
        'party[1] "chipmaker".owns[2].party': "ghost",
        'party[1] "chipmaker".owns[1].party': "circle",
        'party[2] "lab".owns[1].party': "circle",
        NOTES + '.depth[1] "managers".steps[3].spread': "not convex",
        NOTES + ".depth": "nobody may hold it",
        MANAGERS: "take part in nothing",
        'entity[2] "shell".id': "an SPV with assets",
        'covenant[2] "cover".kind': "entity shell earns nothing",
        "variant.idle": "names nothing",
    }
    for key, words in expected.items():
        assert any(k == key and words in text for k, text in told), (key, told)
    assert all(f.line is not None and f.cure for f in case.faults())
    assert len(told) == len(set(told))
