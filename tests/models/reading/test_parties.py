"""Parties: ownership without circles, guarantors, ranks, and who counts as circular."""

from __future__ import annotations

import pytest
from capmix.models.blocks.circularity import circular_investors, circular_parties

MAKER = '[[party]]                        # whoever is paid by the plan, pays it, or funds it\nid = "chipmaker"'
LAB = '[[party]]\nid = "lab"'
NOTES = 'instrument[2] "notes"'


def owns(party: str, *stakes: str) -> list[tuple[str, str]]:
    """The change that gives a party of the starter case stakes."""
    head = MAKER if party == "chipmaker" else LAB
    return [(head, head + "\nowns = [" + ", ".join(f"{{ {s} }}" for s in stakes) + "]")]


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        (owns("chipmaker", 'party = "nobody"'), 'party[1] "chipmaker".owns[1].party', "chipmaker, lab"),
        (owns("chipmaker", 'party = "chipmaker"'), 'party[1] "chipmaker".owns[1].party', "does not own itself"),
        (
            owns("chipmaker", 'party = "lab"') + owns("lab", 'party = "chipmaker"'),
            'party[2] "lab".owns[1].party',
            "circle",
        ),
        (
            owns("chipmaker", 'party = "lab", share = 0.2', 'party = "lab", share = 0.3'),
            'party[1] "chipmaker".owns[2].party',
            "each owned party once",
        ),
        (owns("chipmaker", 'party = "lab", share = 0'), 'party[1] "chipmaker".owns[1].share', "above 0"),
        (
            [('role = "customer"', 'role = "customer"\nsurvival = "rental"')],
            'party[2] "lab".survival',
            "process = ",
        ),
        ([('id = "notes"', 'id = "notes"\nguaranteed_share = 0.5')], NOTES + ".guaranteed_share", "guarantor"),
        ([('id = "notes"', 'id = "notes"\nseniority = "junior"')], NOTES + ".seniority", "subordinated"),
        (
            [
                ('id = "notes"', 'id = "notes"\nseniority = "senior"'),
                ('fee = 0.0175\ntenor = 5\namortisation = "bullet"', 'amortisation = "none"'),
            ],
            NOTES + ".seniority",
            "preferred or equity",
        ),
        (
            [
                ('id = "notes"', 'id = "notes"\nguarantor = "chipmaker"'),
                ('fee = 0.0175\ntenor = 5\namortisation = "bullet"', 'amortisation = "none"'),
            ],
            NOTES + ".guarantor",
            "no claim",
        ),
    ],
)
def test_bad_parties(case, changes, key, words):
    for old, new in changes:
        case.replace(old, new)
    faults = {f.key: f for f in case.faults()}
    assert key in faults, list(faults)
    assert words in f"{faults[key].allowed} {faults[key].cure}"
    assert faults[key].line is not None


def test_nobody_is_owned_by_more_than_the_whole(case):
    holding = '[[party]]\nid = "holding"\nrole = "other"\nowns = [{ party = "lab", share = 0.7 }]\n\n'
    for old, new in [*owns("chipmaker", 'party = "lab", share = 0.6'), (LAB, holding + LAB)]:
        case.replace(old, new)
    faults = {f.key: f for f in case.faults()}
    assert "at most the 0.4 of lab" in faults['party[2] "holding".owns[1].share'].allowed


def test_a_linked_party_may_fund(case):
    """Somebody who is neither supplier nor customer is circular if he owns one."""
    holding = '[[party]]\nid = "holding"\nrole = "other"\nowns = [{ party = "chipmaker", share = 0.6 }]\n\n'
    case.replace(LAB, holding + LAB)
    case.replace('kind = "vendor"\nparty = "chipmaker"', 'kind = "vendor"\nparty = "holding"')
    read = case.load()
    assert circular_parties(read) == {"chipmaker", "lab", "holding"}
    assert "chip_capital" in circular_investors(read)
