"""The registry of commands, and that the documents name every command and option and invent none."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from capmix.reports import commands as room
from capmix.reports.cli import build_parser, main
from capmix.reports.commands.command import Command, Needs, Stage
from capmix.reports.commands.registry import COMMANDS, called
from capmix.reports.exits import Exit
from capmix.reports.pages.commands import arguments, page

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
)
OF_CAPMIX = {"--help", "--version"}


def options(command: Command) -> set[str]:
    return {"--help", *(option for action in arguments(command) for option in action.option_strings)}


# the registry


def test_every_command_of_the_room_is_listed_once_under_its_file_s_name() -> None:
    found = {}
    for module in pkgutil.iter_modules(room.__path__):
        inside = vars(importlib.import_module(f"{room.__name__}.{module.name}"))
        found |= {(module.name, c.name): c for n, c in inside.items() if isinstance(c, Command) and n.isupper()}
    own = {file: c for (file, _), c in found.items() if file != "registry"}
    assert {file: command.name for file, command in own.items()} == {c.name: c.name for c in COMMANDS}
    assert len({command.name for command in COMMANDS}) == len(COMMANDS)
    for command in COMMANDS:
        assert called(command.name) is command
    assert called("nope") is None


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_a_command_says_all_of_itself(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command.name, "--help"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"usage: capmix {command.name} ")
    assert command.description in printed
    for action in arguments(command):
        assert action.help, action.dest
        assert (action.option_strings or [str(action.metavar or action.dest)])[0] in printed
    for words, meaning in command.examples:
        assert words.startswith(f"capmix {command.name}")
        assert meaning
        build_parser().parse_args(words.split()[1:])


def test_each_is_in_the_help_with_its_examples_in_the_order_of_stages() -> None:
    text = build_parser().format_help()
    listed = re.findall(r"^    (\w+) {2,}", text, re.MULTILINE)
    assert listed == [command.name for command in COMMANDS]
    shown = re.findall(r"^  (capmix \w+)", text, re.MULTILINE)
    assert shown == [f"capmix {c.name}" for c in sorted(COMMANDS, key=lambda c: c.stage) for _ in c.examples]
    assert set(Stage) == {command.stage for command in COMMANDS}


def test_one_that_is_added_is_parsed_shown_and_documented() -> None:
    def own(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("place", metavar="PLACE", help="where")
        parser.add_argument("--how", choices=("so", "otherwise"), help="a | b")

    words = "capmix sing HERE --how so --and-with-more-words-than-fit-beside"
    added = Command("sing", "sing it", "Sing\nit.", Stage.USE, ((words, "loudly"),), lambda _: 0, own, Needs.NOTHING)
    parser = build_parser((*COMMANDS, added))
    parsed = parser.parse_args(["sing", "here", "--how", "so"])
    assert (parsed.command, parsed.place, parsed.how) == ("sing", "here", "so")
    assert f"  {words}\n{'':43}loudly\n" in parser.format_help()
    assert "## sing\n\nSing it.\n\n    capmix sing PLACE [options]\n" in page((added,))
    assert "| `--how {so,otherwise}` | a \\| b |" in page((added,))


def test_a_command_s_words_cost_next_to_nothing() -> None:
    """The registry with all its files imports none of what computes, reads or draws."""
    heavy = ("numpy", "scipy", "numba", "highspy", "rich", "tomllib", "importlib.metadata", "tempfile", "hashlib")
    floors = ("capmix.models", "capmix.optimizer", "capmix.kernels", "capmix.reports.files", "capmix.reports.summary")
    script = (
        "import sys, capmix.reports.commands.registry\n"
        f"print([m for m in sys.modules if m in {heavy!r} or m.startswith({floors!r})])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


# the documents


def told(text: str) -> Iterator[tuple[str, list[str]]]:
    """The commands that code in a page calls, each with its options."""
    text = text.replace("\\\n", " ")
    blocks = re.findall(r"^(?:```|~~~).*?^(?:```|~~~)", text, re.DOTALL | re.MULTILINE)
    for block in blocks:
        text = text.replace(block, "")
    code = [line for block in blocks for line in block.splitlines()]
    code += re.findall(r"^ {4,}.*$", text, re.MULTILINE)
    code = [line.partition(" #")[0] for line in code]
    code += [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)]
    for line in code:
        for call in re.finditer(r"(?:^|[\s$(])capmix ((?:--)?[a-z]+)\b([^|;)]*)", line):
            yield call[1], re.findall(r"(?<![\w-])--[a-z][a-z-]*", call[2])


def invented(texts: Sequence[str], commands: Sequence[Command] = COMMANDS) -> list[str]:
    """What pages call that no command is or takes."""
    known = {command.name: options(command) for command in commands}
    wrong = []
    for text in texts:
        for name, used in told(text):
            if name not in known:
                wrong += [] if name in OF_CAPMIX else [name]
            else:
                wrong += [f"{name} {option}" for option in used if option not in known[name]]
    return wrong


def rows(text: str) -> list[str]:
    """The commands that a page's table lists, in the order of its rows."""
    return re.findall(r"^\| `capmix ([a-z]+)[ `]", text, re.MULTILINE)


def missing(readme: str, reference: str, commands: Sequence[Command] = COMMANDS) -> list[str]:
    """What is listed nowhere: a command in README's table, a command or an option in the reference."""
    listed = rows(readme)
    lost = [f"README: {command.name}" for command in commands if listed.count(command.name) != 1]
    sections = dict(re.findall(r"^## (\w+)$(.*?)(?=^## |\Z)", reference, re.DOTALL | re.MULTILINE))
    for command in commands:
        section = sections.get(command.name)
        if section is None:
            lost.append(f"reference: {command.name}")
            continue
        there = set(re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE)) | {"--help"}
        lost += [f"reference: {command.name} {option}" for option in sorted(options(command) - there)]
    return lost


README = (ROOT / "README.md").read_text("utf-8")
REFERENCE = (ROOT / "docs" / "commands.md").read_text("utf-8")


def test_the_page_of_commands_is_the_one_generated() -> None:
    assert page() == REFERENCE, "run make docs"


def test_every_command_and_option_is_documented() -> None:
    assert missing(README, REFERENCE) == []
    assert sorted(rows(README)) == sorted(command.name for command in COMMANDS)


def test_no_page_invents_a_command_or_an_option() -> None:
    texts = [path.read_text("utf-8") for path in PAGES]
    assert invented(texts) == []
    assert {name for text in texts for name, _ in told(text)} >= {command.name for command in COMMANDS}


def test_what_is_missing_or_invented_is_found() -> None:
    """The checks above fail where they should: without them they would prove nothing."""
    for command in COMMANDS:
        without = re.sub(rf"^\| `capmix {command.name}[ `].*\n", "", README, flags=re.MULTILINE)
        assert missing(without, REFERENCE) == [f"README: {command.name}"]
        assert missing(README, re.sub(rf"^## {command.name}$", "## other", REFERENCE, flags=re.MULTILINE)) == [
            f"reference: {command.name}"
        ]
    lost = re.sub(r"^\| `--milestones.*\n", "", REFERENCE, flags=re.MULTILINE)
    assert missing(README, lost) == ["reference: compare --milestones"]
    new = replace(called("check") or COMMANDS[0], name="sing")
    assert missing(README, REFERENCE, (*COMMANDS, new)) == ["README: sing", "reference: sing"]
    for text, named in (
        ("`capmix sing`", "sing"),
        ("1. `capmix plan my.toml --loudly` sings", "plan --loudly"),
        ("as in\n\n    capmix check a.toml --json   # why --not\n", "check --json"),
        ("```console\n$ capmix frontier a --points 3 --variants b\n```\n", "frontier --variants"),
    ):
        assert invented([text]) == [named]
    assert invented(["`capmix --version`; capmix decides; `capmix plan a \\| head --lines 1`"]) == []


def test_the_tables_of_exit_codes_have_every_code() -> None:
    codes = {int(code) for code in Exit}
    running = (ROOT / "docs" / "running.md").read_text("utf-8")
    section = running.partition("## Exit codes")[2].partition("\n## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)} == codes
    epilog = build_parser().format_help().partition("exit codes:")[2]
    assert {int(code) for code in re.findall(r"^  (\d+) ", epilog, re.MULTILINE)} == codes
