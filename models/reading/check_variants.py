"""Variants: what they take away, keep or set must be there, and there must be something of it."""

from __future__ import annotations

from collections.abc import Callable

from ..schema.aliases import present_choice
from ..schema.variants import Variant
from .change import NotThereError, named_by, places
from .context import Context, Node
from .faults import show
from .walk import read_value


def _names_something(ctx: Context, node: Node) -> None:
    if not (node["remove"] or node["keep"] or node["set"] or node["review"]):
        allowed = "remove, keep, set or review: what the variant takes away, keeps or changes, and when it is reviewed"
        ctx.fault(node.path, "a variant that names nothing", allowed, 'to keep all, write keep = ["instrument.*"]')


def _targets(ctx: Context, node: Node) -> None:
    for key in ("remove", "keep"):
        for i, target in enumerate(node[key]):
            try:
                named_by(target, ctx.names)
            except NotThereError as error:
                ctx.fault((*node.path, key, i), target, error.allowed, error.cure)


def _paths(ctx: Context, node: Node) -> None:
    given: dict[str, str] = {}
    for path, raw in node["set"]:
        here = (*node.path, "set", path)
        try:
            found = places(ctx.case, path)
        except NotThereError as error:
            ctx.fault(here, path, error.allowed, error.cure)
            continue
        if found:
            one = found[0]
            value = present_choice(one.node.cls, one.name, raw)
            read_value(ctx, one.spec, value, here)
            present = ".".join([*path.split(".")[:-1], one.name])
            if present in given:
                ctx.fault(
                    here,
                    path,
                    f"one of {present} and its former name",
                    f"take {next(p for p in (path, given[present]) if p != present)} out",
                )
            given[present] = path
            if present != path:
                ctx.remark(f"{path} of a variant is read as {present}: the key has this name now")
            if value != raw:
                ctx.remark(f"{path} = {show(raw)} of a variant is read as {show(value)}: the choice has this name now")


CHECKS: dict[type, tuple[Callable[[Context, Node], None], ...]] = {Variant: (_names_something, _targets, _paths)}
