"""`capmix check`: every fault of a case, or what the case is."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..exits import Exit
from ..options import scenarios_option
from ..text import figure, level, plural, safe, size
from .command import Command, Needs, Stage

if TYPE_CHECKING:
    from ...models.schema.case import Case

INDENT = 14


def _run(options: argparse.Namespace) -> int:
    """Check each case; faults go to stderr, descriptions to stdout. The worst ending counts."""
    from ...models.build import build_ledger
    from ...models.reading.faults import CaseError
    from ...models.reading.load import load_case
    from ..streams import complain

    ending = Exit.OK
    for number, name in enumerate(options.case):
        try:
            case = load_case(name)
            blocks = Counter(decision.block for decision in build_ledger(case).decisions if decision.block != "fixed")
        except (CaseError, ValueError) as error:
            ending = Exit.USAGE
            sys.stdout.flush()
            head = f"{safe(name)}: " if len(options.case) > 1 or not isinstance(error, CaseError) else ""
            for row in (head + str(error)).splitlines():
                complain(safe(row))
            continue
        if number:
            print()
        doubts = f", {plural(len(case.warnings), 'warning')}" if case.warnings else ""
        print(f"{safe(name)}: no fault found{doubts}")
        for word, text in describe(case, blocks, options.scenarios or case.simulation.count):
            print(f"  {word:<{INDENT - 2}}{safe(text)}")
        for warning in case.warnings:
            print(f"warning: {safe(warning)}")
    return ending


def describe(case: Case, blocks: Counter[str], scenarios: int) -> Iterator[tuple[str, str]]:
    """What the case is, as (subject, words)."""
    from ...models.schema.losses import LOSS_SPECS
    from ..machine import memory_available
    from ..memory import need

    labels, horizon, opening = case.horizon.labels, case.horizon, case.opening
    yield "case", f"{case.case.title or case.case.name} ({case.case.currency}, sha256 {case.sha256[:12]}…)"
    yield "horizon", f"{plural(horizon.periods, horizon.step)} {labels[0]}–{labels[-1]}"
    yield "objective", _objective(case)
    yield "decisions", f"{sum(blocks.values()):,}: " + ", ".join(f"{name} {count:,}" for name, count in blocks.items())
    yield "hardware", f"{plural(len(case.accelerator), 'system')} to order, {plural(len(case.site), 'site')}"
    merchant = "a merchant market" if case.merchant is not None else "no merchant market"
    yield "revenue", f"{plural(len(case.contract), 'contract')} on offer, {merchant}"
    yield (
        "financing",
        f"{plural(len(case.instrument), 'instrument')}, "
        f"{plural(len(case.investor), 'investor class', 'investor classes')}, "
        f"{plural(len(opening.debt), 'debt')} on the opening balance sheet",
    )
    kinds = Counter(driver.process for driver in case.driver)
    named = ", ".join(f"{count} {name}" for name, count in kinds.items())
    yield "drivers", f"{len(case.driver)}: {named}; {plural(len(case.column), 'product')} of drivers"
    for i, risk in enumerate(case.risk):
        limit = f"CVaR {level(risk.level)} of {risk.loss} at most {figure(risk.limit)} {LOSS_SPECS[risk.loss].short}"
        yield "risk limits" if i == 0 else "", f"{risk.id}: {limit}"
    if not case.risk:
        yield "risk limits", "none"
    treatment = {"maintained": "", "cvar": ", CVaR", "monitored": ", monitored"}
    yield (
        "covenants",
        ", ".join(f"{c.id} ({c.kind} {figure(c.limit, 3)}{treatment[c.as_]})" for c in case.covenant) or "none",
    )
    if case.entity:
        yield "entities", ", ".join(f"{e.id} ({e.kind})" for e in case.entity)
    for i, remark in enumerate(case.remarks):
        yield "remarks" if i == 0 else "", remark
    free = memory_available()
    wanted = need(case, scenarios, free)
    left = "" if free is None else f"; {size(free)} are free"
    held = f"{size(wanted.stored)}, {wanted.mode.value}"
    yield "memory", f"{scenarios:,} scenarios: {held}, about {size(wanted.peak)} in all{left}"


def _objective(case: Case) -> str:
    objective, labels = case.objective, case.horizon.labels
    at = labels[-1] if objective.at is None else labels[objective.at]
    if objective.kind == "compute":
        later = f"later compute discounted by {level(objective.compute_discount)} a year"
        return f"maximum compute delivered ({objective.metric}), {later}"
    if objective.kind == "capacity":
        return f"maximum compute in service in {at} ({objective.metric})"
    if objective.kind == "npv":
        limit = "" if objective.target is None else f" with {figure(objective.target)} PFLOP/s in {at}"
        return f"maximum owners' NPV{limit}, at {level(objective.money_discount)} a year"
    return f"lowest cost of {figure(objective.target)} PFLOP/s in {at} ({objective.metric})"


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case", metavar="CASE", nargs="+", help="case files, or names of shipped cases")
    scenarios_option(parser)


CHECK = Command(
    name="check",
    title="list every fault of a case, or describe it",
    description="List every fault of each case with its place, what is allowed and the cure; describe good ones.",
    stage=Stage.CHECK,
    examples=(("capmix check my.toml", "list every fault of a case, or describe it"),),
    arguments=_arguments,
    run=_run,
    needs=Needs.READING,
)
