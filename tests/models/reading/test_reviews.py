"""[[review]]: what is refused and how it is said; the tree that reviews make."""

from __future__ import annotations

from importlib.resources import files

import pytest
from capmix import CaseError, load_case
from capmix.models.schema.reviews import MOST_LEAVES, Review, branches, leaves_after

STARTER = (files("capmix.models.reading") / "starter.toml").read_text(encoding="utf-8")
GOOD = {"at": '"2027Q4"', "signal": '"rental"', "quantiles": "[0.5]"}


def review(**keys: str) -> str:
    return "\n[[review]]\n" + "\n".join(f"{key} = {value}" for key, value in (GOOD | keys).items() if value) + "\n"


def read(tmp_path, *reviews: str):
    path = tmp_path / "case.toml"
    path.write_text(STARTER + "".join(reviews), encoding="utf-8")
    return load_case(path)


def test_a_review_as_it_is_read(tmp_path):
    case = read(
        tmp_path, review(names='["weak", "strong"]'), review(at='"2028Q4"', only_if='"weak"', covenants='"mean"')
    )
    first, second = case.review
    assert (first.at, first.signal, first.quantiles, first.levels) == (3, "rental", (0.5,), ())
    assert (first.covenants, first.named(0)) == ("node", ("weak", "strong"))
    assert (second.only_if, second.covenants, second.named(1)) == ("weak", "mean", ("r2_low", "r2_high"))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"at": '"2027Q1"'}, "nothing is random in the first"),
        ({"at": '"2040Q1"'}, "move the date or lengthen the horizon"),
        ({"signal": '"one"'}, "a signal that varies"),
        ({"signal": '"rentl"'}, "did you mean"),
        ({"quantiles": ""}, "levels or quantiles, one of them"),
        ({"levels": "[0.9]"}, "levels or quantiles, one of them"),
        ({"quantiles": "[0.5, 0.5]"}, "above the one before it"),
        ({"quantiles": "", "levels": "[1.0, 0.9]"}, "above the one before it"),
        ({"quantiles": "[1.0]"}, "above 0 and below 1"),
        ({"names": '["weak"]'}, "2 names, one for each band"),
        ({"names": '["weak", "weak"]'}, "a name that no other band has"),
        ({"names": '["We ak", "strong"]'}, "a lower-case letter"),
        ({"only_if": '"weak"'}, "there is no earlier review"),
        ({"covenants": '"none"'}, "node | mean"),
    ],
)
def test_what_is_refused(tmp_path, keys, words):
    with pytest.raises(CaseError) as refused:
        read(tmp_path, review(**keys))
    assert "review[1]" in str(refused.value)
    assert words in str(refused.value)


def test_dates_out_of_order_and_names_used_twice_are_told_together(tmp_path):
    with pytest.raises(CaseError) as refused:
        read(tmp_path, review(names='["weak", "strong"]'), review(at='"2027Q2"', names='["weak", "fine"]'))
    assert "2027Q4, the date before it, or later" in str(refused.value)
    assert "review 1 has it already" in str(refused.value)


def test_too_many_leaves_are_refused_with_their_growth(tmp_path):
    dates = ("2027Q1", "2027Q3", "2028Q1", "2028Q3", "2029Q1")
    with pytest.raises(CaseError) as refused:
        read(tmp_path, *(review(at=f'"{date}"') for date in dates))
    text = str(refused.value)
    assert f"at most {MOST_LEAVES} leaves" in text
    assert "2027Q1: 2, 2027Q3: 4, 2028Q1: 8, 2028Q3: 16, 2029Q1: 32" in text
    assert "only_if" in text


def test_a_signal_known_in_advance_is_refused(tmp_path):
    known = '\n[[driver]]\nid = "sun"\nprocess = "deterministic"\npath = 1.0\n'
    with pytest.raises(CaseError, match="is known in advance"):
        read(tmp_path, known, review(signal='"sun"'))


def test_the_tree_of_reviews():
    first = Review(at=3, signal="rental", levels=(0.8, 1.0), names=("low", "middle", "high"))
    second = Review(at=5, signal="rental", levels=(0.5,), names=("worse", "better"), only_if="low")
    tree = branches((first, second), 8)
    assert [b.name for b in tree] == ["", "low", "middle", "high", "low/worse", "low/better"]
    assert [(b.start, b.end) for b in tree] == [(0, 3), (3, 5), (3, 8), (3, 8), (5, 8), (5, 8)]
    assert [b.parent for b in tree] == [-1, 0, 0, 0, 1, 1]
    assert leaves_after((first, second)) == [3, 4]
