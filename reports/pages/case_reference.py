"""The case reference: Markdown with every table and key of a case, written from the schema.

python -m capmix.reports.pages.case_reference > docs/case-reference.md
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any

from ...models.reading.check_usual import usual_words
from ...models.reading.faults import quantity
from ...models.reading.values import MAX_IDENT, allowed_range
from ...models.reading.walk import specs
from ...models.schema.case import Case
from ...models.schema.fields import Sourced, Spec
from ...models.schema.usual import CIR_VOLATILITY, RATE, RATE_VOLATILITY

_INTRODUCTION = """\
# Case reference

*Written from the schema by `python -m capmix.reports.pages.case_reference`; change the schema, not this page.*

A case is one TOML file in UTF-8, with CSV tables beside it where series are long. `capmix new` writes a commented
starter case, `capmix check` lists every fault of a case with file, line, key, value, what is allowed and the cure, and
every value that is allowed but not usual. The latter are warnings: the case is planned, and the plan repeats them.

## Rules for all tables

- Unknown keys are refused. A key without default must be given.
- There is one currency, `[case] currency`. Where a unit says USD, read that currency.
- Rates and shares are fractions: 8 % is `0.08`. Numbers are finite, at most 1e12 in size, and 0 or at least 1e-12; what
  is closer to 0 than 1e-9 is taken as 0 where 0 is allowed.
- An amount of money has no fixed ceiling, but is refused beyond a million times the other money of its case.
- Usual ranges of money are in US dollars and follow the currency by its rough worth; 0 is usual wherever it is allowed.
- A driver that is used as a yearly rate or spread is a fraction, usually from {rate}; a `vasicek` of it
  usually moves by {vasicek} a year, the volatility of a `cir` is usually {cir}.
- Text stands on one line, without control characters, and does not begin with `=`, `+`, `-` or `@`.
- In errors, entries of `[[tables]]` are counted from 1.

| kind | what is written |
| --- | --- |
| text | one line in quotes |
| id | a lower-case letter, then letters, digits, `_` or `-`; at most {ident} characters; unique in its table |
| choice | one of the words listed |
| number, count | a number; a count is whole and written without a point |
| years | years that make a whole number of periods: `0.25` is a quarter, `1.667` is 20 months |
| period | `"2027Q1"`, `"2027-03"`, `"2027-03-31"` or a TOML date: the period it lies in, also outside the horizon |
| series | a number for all periods, a list with one number per period, or `{{table = "file.csv", column = "name"}}` |
| numbers, matrix | a list of numbers; a list of such lists |
| id of … | the id of an entry of that table |
| price column | `"one"` (always 1), the id of a driver, or the id of a `[[column]]` |

Periods are read in the forms `"2027-Q1"`, `"Q1 2027"` and `"31.03.2027"` too. The horizon starts with a quarter or a
month. A date that begins a time (`available_from`, `issue_from`, …) should begin its period, one that ends a time
(`issue_to`, `maturity`, …) begin or end it; others are warned about.

A CSV table has a header and exactly one row per period, lies in the folder of the case or below it, and has a name
that ends in `.csv`. Its cells are separated by commas, or, if its header is so, by semicolons, tabs or bars; then
decimal commas are read where the whole table has them. If it has a column `period`, `quarter`, `month` or `date`, in
letters of any size, or a first column of nothing but periods, its rows must name the periods of the horizon in order.
Other columns may hold anything. A byte order mark and empty rows at the end do no harm.

Every table except `[horizon]` takes three more keys:
"""


def reference() -> str:
    """The page as Markdown."""
    rows = [
        _INTRODUCTION.format(
            ident=MAX_IDENT,
            rate=usual_words(RATE),
            vasicek=usual_words(RATE_VOLATILITY),
            cir=usual_words(CIR_VOLATILITY),
        ),
        *_keys(Sourced, inherited=True),
    ]
    for name, (spec, default) in specs(Case).items():
        rows += _table(name, spec, default, depth=2)
    return "\n".join(rows).rstrip() + "\n"


def _table(dotted: str, spec: Spec, default: Any, depth: int) -> Iterator[str]:
    many = spec.kind in ("tables", "union")
    bracketed = f"[[{dotted}]]" if many else f"[{dotted}.NAME]" if spec.kind == "named" else f"[{dotted}]"
    yield from ("", f"{'#' * depth} `{bracketed}`", "")
    need = "Required" if default is dataclasses.MISSING else "Optional"
    if many and spec.min_items:
        need = f"At least {spec.min_items}"
    yield f"{_sentence(spec.meaning)} {need}."
    if spec.classes is not None:
        yield f"The key `{spec.tag}` chooses the kind of entry:"
        for tag, cls in spec.classes.items():
            yield from ("", f'{"#" * (depth + 1)} `{spec.tag} = "{tag}"`', "")
            yield from (_doc(cls), "", *_keys(cls))
        return
    assert spec.cls is not None
    if text := _doc(spec.cls):
        yield from ("", text)
    yield from ("", *_keys(spec.cls))
    for name, (sub, sub_default) in specs(spec.cls).items():
        if sub.kind in ("table", "tables", "union"):
            yield from _table(f"{dotted}.{name}", sub, sub_default, depth + 1)


def _keys(cls: type, *, inherited: bool = False) -> Iterator[str]:
    """Table of the plain keys of a class, without those that every table takes."""
    common = () if inherited else tuple(specs(Sourced))
    plain = {
        name: found
        for name, found in specs(cls).items()
        if name not in common and found[0].kind not in ("table", "tables", "union")
    }
    ranged = any(spec.usual for spec, _ in plain.values())
    heads = ("key", "meaning", "allowed", *(("usual",) if ranged else ()), "default")
    yield f"| {' | '.join(heads)} |"
    yield "|" + " --- |" * len(heads)
    for name, (spec, default) in plain.items():
        usual = (_usual(spec),) if ranged else ()
        cells = (f"`{name}`", _sentence(spec.meaning), _allowed(spec), *usual, _default(default))
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _usual(spec: Spec) -> str:
    if spec.usual is None:
        return ""
    return f"{usual_words(spec.usual)}{' USD' if spec.usual.money else ''}: {spec.usual.why}"


def _allowed(spec: Spec) -> str:
    if spec.kind == "choice":
        return ", ".join(f"`{word}`" for word in spec.choices if word)
    if spec.kind == "several":
        return f"list of: {', '.join(f'`{word}`' for word in spec.choices)}"
    if spec.kind in ("ref", "refs"):
        to = "price column" if spec.ref == "column" else f"id of a `[[{spec.ref}]]`"
        least = f", at least {spec.min_items}" if spec.min_items > 1 else ""
        return f"list, each: {to}{least}" if spec.kind == "refs" else to
    if spec.kind == "targets":
        return 'list of ids, `"table.id"` or `"table.*"`'
    if spec.kind == "overrides":
        return '`{ "path.to.key" = value }`'
    if spec.kind == "idents":
        return "list of names, written like ids"
    if spec.kind == "ident":
        return "id"
    if spec.kind == "flag":
        return "`true`, `false`"
    if spec.kind in ("text", "period"):
        return spec.kind
    words = allowed_range(spec)
    if spec.kind == "series":
        return f"series: {words}"
    if spec.kind in ("numbers", "matrix"):
        exact = f"{spec.min_items} " if spec.min_items == spec.max_items else ""
        return f"list of {exact}numbers: {words}" if spec.kind == "numbers" else f"matrix: {words}"
    return words + (f" ({spec.cure})" if spec.cure else "")


def _default(default: Any) -> str:
    if default is dataclasses.MISSING:
        return "required"
    if default is None or default in ("", ()):
        return "none"
    if isinstance(default, tuple):
        return f"`[{', '.join(quantity(value) for value in default)}]`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f'`"{default}"`' if isinstance(default, str) else f"`{quantity(default)}`"


def _doc(cls: type) -> str:
    """The class's own docstring, its line breaks removed within paragraphs."""
    text = inspect.cleandoc(cls.__doc__ or "")
    if text.startswith(f"{cls.__name__}("):  # written by dataclasses where there is none
        return ""
    return "\n\n".join(re.sub(r"\s+", " ", part).strip() for part in text.replace("``", "`").split("\n\n"))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.write(reference())
