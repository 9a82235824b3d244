"""docs/commands.md from the registry of commands: `make docs`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from ..commands.command import Command
from ..commands.registry import COMMANDS

INTRODUCTION = """\
# Commands

Every command, with its arguments and options as `capmix COMMAND --help` says them. This page is generated from
`reports/commands/registry.py`; `make docs` prints it anew. What the exit codes mean, and what becomes of a plan that
nobody takes, is in [running capmix](running.md).

| command | what it does |
| --- | --- |
"""


def page(commands: Sequence[Command] = COMMANDS) -> str:
    """The documentation page, Markdown."""
    index = "".join(f"| [`{command.name}`](#{command.name}) | {command.title} |\n" for command in commands)
    return INTRODUCTION + index + "".join(map(_section, commands))


def arguments(command: Command) -> Iterator[argparse.Action]:
    """What a command takes, in the order of its help; help itself left out."""
    parser = argparse.ArgumentParser(command.name, add_help=False)
    command.arguments(parser)
    yield from parser._actions


def _section(command: Command) -> str:
    own = list(arguments(command))
    words = [_position(action) for action in own if not action.option_strings]
    words += ["[options]"] if any(action.option_strings for action in own) else []
    rows = "".join(f"| `{_form(action)}` | {_cell(action.help or '')} |\n" for action in own)
    table = f"| argument | meaning |\n| --- | --- |\n{rows}\n" if rows else ""
    examples = "".join(f"    {example}\n" for example, _ in command.examples)
    return (
        f"\n## {command.name}\n\n{' '.join(command.description.split())}\n\n"
        f"    capmix {' '.join([command.name, *words])}\n\n"
        f"{table}For example:\n\n{examples}"
    )


def _position(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest)
    return {"+": f"{name} [{name} ...]", "?": f"[{name}]", "*": f"[{name} ...]"}.get(str(action.nargs), name)


def _form(action: argparse.Action) -> str:
    """How an argument is typed."""
    if not action.option_strings:
        return _position(action)
    name = ", ".join(action.option_strings)
    if action.nargs == 0:
        return name
    value = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else str(action.metavar)
    return f"{name} {value}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
