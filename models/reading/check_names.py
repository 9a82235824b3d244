"""Names: ids unique in their table, drivers and price columns in one name space, a name fit for run folders."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from ..schema.case import Case, Heading
from ..schema.financing import Opening
from .context import Context, Node
from .faults import show
from .lines import KeyPath

_RESERVED = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]")  # no folder can have these names on Windows
_CURRENCY = re.compile(r"[A-Z]{3}")


def _name(ctx: Context, node: Node) -> None:
    if _RESERVED.fullmatch(node["name"]):
        ctx.fault(
            (*node.path, "name"), node["name"], "a name that can be a folder on every system", "choose another name"
        )


def _currency(ctx: Context, node: Node) -> None:
    if not _CURRENCY.fullmatch(node["currency"]):
        cure = "one currency for the whole case: convert the amounts in others"
        ctx.fault((*node.path, "currency"), node["currency"], "one three-letter code, e.g. USD", cure)


def _ids(ctx: Context, _node: Node) -> None:
    """Ids are compared as written, also those of entries with other faults."""
    for table in ctx.names:
        entries = ctx.document.raw.get(table)
        if isinstance(entries, list):
            _unique(ctx, (table,), [e.get("id") if isinstance(e, dict) else None for e in entries])
    driver_ids = set(ctx.names["driver"])
    columns = ctx.document.raw.get("column")
    for i, entry in enumerate(columns if isinstance(columns, list) else ()):
        name = entry.get("id") if isinstance(entry, dict) else None
        if isinstance(name, str) and name in driver_ids:
            allowed = "a name no driver has, since each driver is a price column of its own name"
            ctx.fault(("column", i, "id"), name, allowed, "rename the column or the driver")
    for table in ("driver", "column"):
        entries = ctx.document.raw.get(table)
        for i, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict) and entry.get("id") == "one":
                ctx.fault(
                    (table, i, "id"), "one", "any name but one", '"one" is the price column that is always 1; rename'
                )


def _debt_ids(ctx: Context, node: Node) -> None:
    _unique(ctx, (*node.path, "debt"), [debt.values.get("id") for debt in node["debt"]])


def _unique(ctx: Context, path: KeyPath, ids: list[object]) -> None:
    first: dict[str, int] = {}
    for i, name in enumerate(ids):
        if isinstance(name, str) and first.setdefault(name.casefold(), i) != i:
            other = first[name.casefold()]
            line = ctx.document.lines.line((*path, other, "id"))
            same = ids[other] == name
            allowed = "each id once in its table" if same else "ids that differ by more than their capital letters"
            cure = f"{show(ids[other])} is already in line {line}; rename one of them"
            ctx.fault((*path, i, "id"), name, allowed, cure)


def _variants(ctx: Context, node: Node) -> None:
    """Variants name run folders, which some systems tell apart by letters only."""
    first: dict[str, str] = {}
    for variant in node["variant"] if not ctx.varied else ():
        name = variant["id"]
        other = first.setdefault(name.casefold(), name)
        if other != name:
            allowed = "names that differ by more than their capital letters"
            ctx.fault(variant.path, name, allowed, f"rename this one or {show(other)}: both name folders")


def lookalikes(text: str) -> Iterator[str]:
    """Words that mix Latin letters with others that look the same."""
    for word in text.split():
        kinds = {unicodedata.name(c, "").split(" ")[0] for c in word if c.isalpha()}
        if "LATIN" in kinds and kinds & {"CYRILLIC", "GREEK"}:
            yield word


def _titles(ctx: Context, case: Node) -> None:
    for node in case.walk():
        title = node.values.get("title")
        if isinstance(title, str):
            for word in lookalikes(title):
                odd = [c for c in word if not c.isascii()]
                codes = ", ".join(f"U+{ord(c):04X}" for c in odd[:4])
                ctx.warn((*node.path, "title"), title, f"{show(word)} mixes alphabets ({codes})", "retype the word")


CHECKS: dict[type, tuple[Callable[[Context, Node], None], ...]] = {
    Heading: (_name, _currency),
    Case: (_ids, _titles, _variants),
    Opening: (_debt_ids,),
}
