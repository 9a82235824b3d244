"""`apply_variant`: a case with one of its variants carried out, checked as if it had been written so."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ..schema.aliases import present_choice, present_path
from ..schema.case import Case
from ..schema.variants import TARGETS, Variant
from .change import named_by, opened, places, without
from .checks import check
from .context import BAD, Context, Node
from .csvtables import CsvTables
from .document import Document
from .faults import CaseError, Fault, show
from .lines import LineIndex
from .values import TAKEN, nearest
from .walk import read_value, specs


def apply_variant(case: Case, name: str) -> Case:
    """The case as its variant `name` changes it; its name becomes CASE-NAME. Variants cannot be combined.

    Raises:
        CaseError: there is no such variant, or what it leaves of the case has faults.
    """
    variant = next((v for v in case.variant if v.id == name), None)
    if variant is None:
        known = [v.id for v in case.variant]
        allowed = f"a variant of the case: {', '.join(known)}" if known else "no variant: the case has none"
        cure = nearest(name, known) or "add [variant.NAME] to the case"
        raise CaseError([Fault(case.path or "the case", None, "variant", show(name), allowed, cure)])
    context = _context(case, case.path or "the case", CsvTables(Path(case.path).parent))
    changed = vary(context, case, variant)
    if changed is None:
        raise CaseError(context.faults)
    noted = {present_path(w.key): w for w in case.warnings if w.variant in ("", name)}
    found = {w.key: w for w in context.warnings.values()}
    for key, w in noted.items():  # lines, and what was written, are known where the case was read
        if w.usual.startswith(TAKEN) or (key in found and _same(found[key].value, w.value)):
            found[key] = w
    warnings = sorted(found.values(), key=lambda w: (w.file != context.document.name, w.file, w.line or 0))
    return dataclasses.replace(changed, warnings=tuple(dataclasses.replace(w, variant="") for w in warnings))


def check_variants(ctx: Context, case: Case) -> None:
    """Faults of every variant of a case that is itself sound, at the lines of `ctx`."""
    for variant in case.variant:
        own = _context(case, ctx.document.file, ctx.tables)
        vary(own, case, variant)
        line = ctx.document.lines.line(("variant", variant.id))
        ctx.faults += [dataclasses.replace(f, line=line) if f.line is None else f for f in own.faults]
        for path in [p for p in ctx.warnings if p[:2] == ("variant", variant.id)]:
            ctx.warnings[path] = dataclasses.replace(ctx.warnings[path], variant=variant.id)
        for path, doubt in own.warnings.items():
            if path not in ctx.warnings or not _same(ctx.warnings[path].value, doubt.value):
                here, at = ("variant", variant.id, *path), doubt.line or line
                ctx.warnings[here] = dataclasses.replace(doubt, line=at, variant=variant.id)


def _same(one: str, other: str) -> bool:
    """Whether two shown values are the same text or number."""
    try:
        return one == other or float(one) == float(other)
    except ValueError:
        return False


def vary(ctx: Context, case: Case, variant: Variant) -> Case | None:
    """The changed case, or None with the faults in `ctx`."""
    root = opened(case)
    _take_away(root, variant)
    for path, raw in variant.set:
        here = ("variant", variant.id, "set", path)
        for place in places(root, path):
            value = read_value(ctx, place.spec, present_choice(place.node.cls, place.name, raw), here)
            if value is BAD:
                return None
            place.node.values[place.name] = value
    if variant.review:
        root.values["review"] = tuple(opened(review, ("review", i)) for i, review in enumerate(variant.review))
    ctx.case = root
    _index(ctx, root)
    _dangling(ctx, root)
    check(ctx)
    if ctx.faults:
        ctx.faults[:] = [dataclasses.replace(f, key=f"variant.{variant.id}: {f.key}") for f in ctx.faults]
        return None
    changed: Case = root.build()
    heading = case.case
    title = f"{heading.title or heading.name}: {variant.title or variant.id}"
    heading = dataclasses.replace(heading, name=f"{heading.name}-{variant.id}", title=title)
    return dataclasses.replace(changed, case=heading, path=case.path, sha256=case.sha256)


def _context(case: Case, file: str, tables: CsvTables) -> Context:
    """A context whose document holds nothing but the labels of entries, which `vary` fills in."""
    document = Document(file=file, path=Path(case.path), content=b"", raw={}, lines=LineIndex(""))
    return Context(document, tables, horizon=case.horizon, varied=True, currency=case.case.currency)


def _take_away(root: Node, variant: Variant) -> None:
    names = {table: [e.values["id"] for e in root.values[table]] for table in TARGETS}
    kept: dict[str, frozenset[str]] = {}
    for target in variant.keep:
        table, ids = named_by(target, names)
        kept[table] = kept.get(table, frozenset()) | ids
    for table, ids in kept.items():
        without(root, table, frozenset(names[table]) - ids)
    for target in variant.remove:
        without(root, *named_by(target, names))


def _index(ctx: Context, root: Node) -> None:
    """Names, entries and labels, as the reader would have collected them."""
    raw: dict[str, Any] = {}
    for name, (spec, _) in specs(Case).items():
        value = root.values[name]
        if isinstance(value, tuple) and spec.kind in ("tables", "union"):
            entries = {e.values["id"]: e for e in value if "id" in e.values}
            ctx.names[name] = list(entries)
            ctx.nodes[name] = entries
        if isinstance(value, (Node, tuple)):
            raw[name] = _labels(value)
    ctx.names["price column"] = ["one", *ctx.names["driver"], *ctx.names["column"]]
    ctx.document.raw.update(raw)


def _labels(value: Any) -> Any:
    if isinstance(value, tuple):
        entries = {entry.path[-1]: _labels(entry) for entry in value if isinstance(entry, Node)}
        last = max((at for at in entries if isinstance(at, int)), default=-1)
        return [entries.get(i, {}) for i in range(last + 1)]  # at their places in the case, also where some are gone
    return {
        name: _labels(item) if isinstance(item, (Node, tuple)) else item
        for name, item in value.values.items()
        if isinstance(item, (Node, tuple, str))
    }


def _dangling(ctx: Context, root: Node) -> None:
    """Whatever still names an instrument or a contract that was taken away."""
    for node in root.walk():
        for name, (spec, _) in specs(node.cls).items():
            value = node.values.get(name)
            if spec.kind not in ("ref", "refs") or spec.ref not in ("instrument", "contract") or not value:
                continue
            for wanted in value if isinstance(value, tuple) else (value,):
                if wanted not in ctx.names[spec.ref]:
                    cure = "take away what names it too"
                    ctx.fault((*node.path, name), wanted, f"an {spec.ref} that the variant keeps", cure)
