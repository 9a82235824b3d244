"""The market: who may hold what, windows and draw stops, margin grids, conversion, and the revolver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..schema.case import Case
from ..schema.drivers import Deterministic, Excess, Survival, process_of
from ..schema.financing import Instrument, Investor
from ..schema.presets import PRESETS
from ..schema.ratings import barred, rank
from ..schema.revolver import Revolver
from .check_hardware import in_order, meets_horizon
from .context import Context, Node


def _say(ctx: Context, node: Node, name: str, allowed: str, cure: str) -> None:
    value = node[name]
    ctx.fault((*node.path, name), "(missing)" if value in (None, "", ()) else value, allowed, cure)


def _preset(ctx: Context, node: Node) -> None:
    name = node["preset"]
    for key in PRESETS[name].needs if name else ():
        reported = (key == "benchmark" and node["rate"] == "floating") or (key == "tied_to" and node["tied_share"] < 1)
        if node[key] is None and not reported:  # elsewhere, as of an instrument without preset
            _say(ctx, node, key, f'needed with preset = "{name}"', f"add {key}; it names an entry of the case")


def _bar(ctx: Context, investor: str, node: Node) -> str:
    """Why an investor may not hold an instrument, or ""."""
    who = ctx.entry("investor", investor)
    return barred(who["kinds"], who["min_rating"], who["max_tenor"], node["kind"], node["rating"], node["tenor"])


def _nobody(ctx: Context, node: Node) -> None:
    """An instrument that every investor class of its depth is barred from."""
    bars = {depth["investor"]: _bar(ctx, depth["investor"], node) for depth in node["depth"]}
    if bars and all(bars.values()):
        reasons = "; ".join(f"{name}: {why}" for name, why in bars.items())
        cure = f"{reasons}. Widen what one of them may hold, or name another investor class"
        ctx.fault((*node.path, "depth"), "nobody may hold it", "at least one investor class that may hold it", cure)


def _excluded(ctx: Context, case: Node) -> None:
    """An investor class whose own rules leave nothing of what is offered to it."""
    offers: dict[str, list[str]] = {}
    for instrument in case["instrument"]:
        for depth in instrument["depth"]:
            name = depth["investor"]
            offers.setdefault(name, []).append(_bar(ctx, name, instrument))
    revolver = case["revolver"]
    if revolver is not None:
        offers.setdefault(revolver["holder"], []).append("")
    for name, bars in offers.items():
        who = ctx.entry("investor", name)
        if all(bars):
            cure = "it could take part in nothing: widen them, or take it out of the instruments' depth"
            ctx.fault(
                who.path, f"may hold none of {len(bars)} instruments offered to it",
                "kinds, min_rating and max_tenor that leave at least one", cure,
            )  # fmt: skip


def _share_driver(ctx: Context, node: Node, name: str) -> None:
    """A driver that multiplies an amount must stay between 0 and 1."""
    driver = node[name]
    if driver is None:
        return
    entry = ctx.entry("driver", driver)
    within = process_of(entry.cls).bounds is not None
    if entry.cls is Deterministic:
        within = min(entry["path"]) >= 0.0 and max(entry["path"]) <= 1.0
    if not within:
        allowed = "a driver with process window, survival or logistic_share, or a path from 0 to 1"
        ctx.fault((*node.path, name), driver, allowed, "it says which share of an amount comes")


def _windows(ctx: Context, node: Node) -> None:
    _share_driver(ctx, node, "window")


def _draw_stop(ctx: Context, node: Node) -> None:
    _share_driver(ctx, node, "draw_stop")
    if node["draw_stop"] is not None and node["draw_window"] == 0:
        _say(ctx, node, "draw_stop", "left out without a draw_window", "use window for what is paid out at issue")


def _facility(ctx: Context, node: Node) -> None:
    if node["term_from"] == "commitment":
        if node["draw_window"] == 0:
            _say(ctx, node, "term_from", "left out without a draw_window", "leave it out")
        if node["amortisation"] in ("custom", "none"):
            _say(ctx, node, "term_from", f'"draw" with amortisation = "{node["amortisation"]}"', "leave it out")
        elif node["tenor"] is not None and node["draw_window"] > node["grace"]:
            allowed = f"at least draw_window, {node['draw_window']} periods"
            _say(ctx, node, "grace", allowed, "nothing is repaid while it may still be drawn")
    if (node["conversion"] is None) != (node["converted_margin"] is None):
        name = "conversion" if node["conversion"] is None else "converted_margin"
        _say(ctx, node, name, "conversion and converted_margin together", "add the other, or leave both out")


def _balloon(ctx: Context, node: Node) -> None:
    if node["balloon"] > 0 and node["amortisation"] not in ("linear", "annuity"):
        _say(ctx, node, "balloon", '0 unless amortisation = "linear" or "annuity"', "leave it out")


def _grid(ctx: Context, node: Node) -> None:
    lines, party = node["grid"], node["offtaker"]
    for i in range(1, len(lines)):
        if rank(lines[i]["rating"]) <= rank(lines[i - 1]["rating"]):
            cure = "put the lines in order, each rating once"
            ctx.fault((*node.path, "grid", i, "rating"), lines[i]["rating"], "weaker than the line before", cure)
        elif lines[i]["margin"] < lines[i - 1]["margin"]:
            allowed = f"at least the line before, {lines[i - 1]['margin']:g}"
            ctx.fault((*node.path, "grid", i, "margin"), lines[i]["margin"], allowed, "weaker credit is never cheaper")
    if lines and party is None:
        _say(ctx, node, "offtaker", "the party whose rating counts, needed with a grid", "add offtaker")
    if party is not None and not lines:
        _say(
            ctx, node, "grid", "at least one [[instrument.grid]] with offtaker", "add the lines, or leave offtaker out"
        )
    if party is not None and lines and not ctx.entry("party", party)["rating"]:
        _say(ctx, node, "offtaker", "a party with a rating", "add rating to the party")


def _downgrade(ctx: Context, node: Node) -> None:
    driver, to, party = node["downgrade"], node["downgraded_to"], node["offtaker"]
    if (driver is None) != (to == ""):
        name = "downgrade" if driver is None else "downgraded_to"
        _say(ctx, node, name, "downgrade and downgraded_to together", "add the other, or leave both out")
        return
    if driver is None:
        return
    entry = ctx.entry("driver", driver)
    if entry.cls is not Survival or entry["recovery"] >= 1.0:
        _say(ctx, node, "downgrade", "a driver with process survival and recovery below 1", "its fall is the downgrade")
    if not node["grid"]:
        _say(ctx, node, "downgrade", "left out without a grid", "add [[instrument.grid]] and offtaker")
    elif party is not None and rank(to) <= rank(ctx.entry("party", party)["rating"]):
        _say(ctx, node, "downgraded_to", "weaker than the offtaker's rating", "a downgrade goes down")


def _dilution(ctx: Context, node: Node) -> None:
    driver = node["dilution"]
    if driver is not None and ctx.entry("driver", driver).cls is not Excess:
        cure = "add a driver of the share price, and one with process excess on it at the conversion price"
        _say(ctx, node, "dilution", "a driver with process excess", cure)
    if driver is not None and node["amortisation"] == "none":
        _say(ctx, node, "dilution", 'left out with amortisation = "none"', "equity is not converted")


def _rent(ctx: Context, node: Node) -> None:
    if node["rent"] and node["amortisation"] not in ("linear", "annuity"):
        _say(ctx, node, "rent", 'left out unless amortisation = "linear" or "annuity"', "a lease is paid as it is used")
    if node["rent"] and node["secured_by"] == "none":
        _say(ctx, node, "secured_by", "accelerators, sites or all with rent = true", "say what is leased")


def _seasoning(ctx: Context, node: Node) -> None:
    if node["seasoning"] > 0 and node["secured_by"] == "none":
        _say(ctx, node, "seasoning", "0 without collateral", 'write secured_by = "accelerators", "sites" or "all"')


def _investor_share(ctx: Context, node: Node) -> None:
    if node["max_share"] == 0.0:
        _say(ctx, node, "max_share", "above 0", "take the investor class out of the case")


def _revolver(ctx: Context, node: Node) -> None:
    cash, name = ctx.case["cash"], node["holder"]
    if node["margin"] - node["commitment_fee"] < cash["deposit_margin"]:
        cure = "what is drawn must not cost less than idle cash earns"
        _say(ctx, node, "margin", f"at least commitment_fee + cash.deposit_margin, {cash['deposit_margin']:g}", cure)
    if node["margin"] - node["commitment_fee"] > cash["deficit_margin"]:
        allowed = f"at most cash.deficit_margin + commitment_fee, {cash['deficit_margin'] + node['commitment_fee']:g}"
        _say(ctx, node, "margin", allowed, "a line that costs more than an uncovered deficit would never be used")
    who = ctx.entry("investor", name)
    kinds: Any = who["kinds"]
    if kinds and "revolver" not in kinds:
        _say(ctx, node, "holder", "an investor class that may hold a revolver", 'add "revolver" to its kinds')


def _revolver_window(ctx: Context, node: Node) -> None:
    in_order(ctx, node, "issue_from", "issue_to")
    meets_horizon(ctx, node, "issue_from", "issue_to", "it could never be committed: take it out, or move the date")


CHECKS: dict[type, tuple[Callable[[Context, Node], None], ...]] = {
    Case: (_excluded,),
    Investor: (_windows, _investor_share),
    Instrument: (
        _preset, _nobody, _windows, _draw_stop, _facility, _balloon, _grid, _downgrade, _dilution, _rent, _seasoning,
    ),
    Revolver: (_revolver, _revolver_window),
}  # fmt: skip
