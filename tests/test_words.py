"""The words of the glossary: what a user reads does not fall back into terms that the field does not use."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import capmix
import numpy as np
import pytest
from capmix import load_case
from capmix.models.blocks import rules
from capmix.models.build import build_ledger, build_program
from capmix.models.ledger import Account
from capmix.models.program import Rule
from capmix.optimizer.analysis.declared import DECLARED

ROOT = Path(capmix.__file__).parent
FORMER = {
    "appetite": "issuance capacity",
    "notch|notches": "tightening step",
    "bearers": "loss allocation",
    "least link": "bottleneck",
    "fresh (?:draws|scenarios)": "out-of-sample scenarios",
    "circular money": "circular financing",
    "futures": "scenarios",
    "nil|nought": "zero",
    "gives? way|given way": "must be relaxed",
    "behind the horizon": "beyond the horizon",
    "own equity": "shareholders' equity",
    "let again|letting again": "relet, reletting",
    "worth while": "worthwhile",
    "beside each other": "concurrently, side by side",
    "dear|dearer|dearest": "expensive",
    "least possible": "minimum",
    "papers": "reports",
}
"""What the field does not call so, and what it says instead."""
WORDS = {re.compile(rf"\b(?:{old})\b", re.IGNORECASE): new for old, new in FORMER.items()}
OLD_NAMES = {"models/schema/aliases.py", "reports/pages/renamed.py"}
"""Files that list former names, since they are still read, or to say what became of them."""
PAGES = sorted([ROOT / "README.md", *(p for p in (ROOT / "docs").glob("*.md") if p.name != "financing-study.md")])
NOTEBOOKS = sorted((ROOT / "docs" / "tutorials").glob("*.ipynb"))
CASES = sorted([*(ROOT / "cases").glob("*.toml"), ROOT / "models/reading/starter.toml"])
SOURCES = sorted(p for floor in ("models", "optimizer", "reports") for p in (ROOT / floor).rglob("*.py"))


def found(text: str) -> list[str]:
    """The former terms in a text, each with what to write."""
    return [f"{hit[0]!r}: write {new}" for word, new in WORDS.items() for hit in word.finditer(text)]


def test_the_list_finds_what_it_is_for() -> None:
    assert found("What must give way, on fresh draws?") == [
        "'fresh draws': write out-of-sample scenarios",
        "'give way': write must be relaxed",
    ]
    assert found("The future of a topnotch sign beside a place.") == []


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_pages(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.name == "plan-json.md":
        text = re.sub(r"## What moved.*?(?=\n## )", "", text, flags=re.DOTALL)
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL) if path.name == "README.md" else text  # a printed plan
    wrong = [f"{path.name}:{n}: {hit}" for n, line in enumerate(text.splitlines(), 1) for hit in found(line)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebooks(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "".join(line for cell in cells if cell["cell_type"] == "markdown" for line in cell["source"])
    assert not found(text)


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.name)
def test_cases(path: Path) -> None:
    assert not found(path.read_text(encoding="utf-8"))


def test_tables_rules_and_accounts() -> None:
    names = [f"{s.name}: {text}" for s in DECLARED.values() for text in (s.meaning, s.others, *s.columns, *s.labels)]
    families = [value for value in vars(rules).values() if isinstance(value, Rule)]
    families += [rule for value in vars(rules).values() if isinstance(value, dict) for rule in value.values()]
    names += [f"{r.name}: {r.title} {r.link}" for r in families if isinstance(r, Rule)] + [a.label for a in Account]
    assert len(names) > 300
    assert not [(name, hit) for name in names for hit in found(name.replace("_", " "))]


def test_plan_json() -> None:
    text = (ROOT / "reports/files/plan.schema.json").read_text(encoding="utf-8")
    assert json.loads(text)["properties"]["schema_version"]["const"] == 2
    assert not found(text.replace("_", " "))


def said(path: Path) -> Iterator[tuple[int, str]]:
    """Texts of a source file that may be shown, with their lines: no docstrings, no names of one word."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.lineno, node.value


def test_sentences_of_the_program() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {hit}"
        for path in SOURCES
        if path.relative_to(ROOT).as_posix() not in OLD_NAMES
        for line, text in said(path)
        for hit in found(text)
    ]
    assert not wrong, "\n".join(wrong)


def test_docstrings_of_the_public_names() -> None:
    wrong = []
    for name in capmix.__all__:
        thing = getattr(capmix, name)
        texts = [
            thing.__doc__ or "",
            *(getattr(v, "__doc__", None) or "" for k, v in vars(thing).items() if k[0] != "_"),
        ]
        wrong += [(name, hit) for text in texts for hit in found(text)]
    assert not wrong


def compared(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Line, attribute and text, wherever an attribute or a keyword called so is given or held against a text."""
    for node in ast.walk(tree):
        pairs: list[tuple[str, ast.expr]] = []
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute):
            pairs = [(node.left.attr, value) for value in node.comparators]
        elif isinstance(node, ast.keyword) and node.arg is not None:
            pairs = [(node.arg, node.value)]
        for name, value in pairs:
            for part in value.elts if isinstance(value, (ast.Tuple, ast.Set, ast.List)) else (value,):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield node.lineno if isinstance(node, ast.Compare) else value.lineno, name, part.value


def test_the_program_asks_for_no_former_choice_or_decision() -> None:
    """A word that is there no more would be silently different from all that are."""
    former = {"as_": {"hard", "report"}, "block": {"place", "sign"}, "rule": {"owed", "appetite"}}
    tests = [p for p in (ROOT / "tests").rglob("*.py") if p.parent.name != "reading"]
    assert list(compared(ast.parse('x.as_ in ("hard", y)'))) == [(1, "as_", "hard")]
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name} {text!r}"
        for path in [*SOURCES, *tests]
        for line, name, text in compared(ast.parse(path.read_text(encoding="utf-8")))
        if text in former.get(name, ())
    ]
    assert not wrong, "\n".join(wrong)


def test_states_that_decisions_define_are_states_of_the_program_and_their_rules_are_rules() -> None:
    case = load_case(ROOT / "models/reading/starter.toml")
    ledger = build_ledger(case)
    program = build_program(case, ledger, np.ones(ledger.factors.shape[0]), np.full(case.horizon.periods, 0.01))
    families = {index.rule for index in program.column_index}
    assert {"cash", "outstanding_balance"} <= set(rules.DEFINED)
    assert set(rules.DEFINED) - families <= {"entity_cash"}  # a case without entities
    assert set(rules.DEFINED.values()) - {"entity_balance"} <= {index.rule for index in program.row_index}
