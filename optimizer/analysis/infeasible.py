"""Why there is no plan, in the user's words."""

from __future__ import annotations

from collections.abc import Sequence

from ...models.program import Index, LinearProgram
from ...models.schema.rules import Risk
from ..cutting_planes.solution import Conflict, Relaxation
from ..plan import Infeasibility, RelaxedLimit
from .risk_figures import UNITS


def in_words(conflict: Conflict | None, program: LinearProgram, risks: Sequence[Risk]) -> Infeasibility:
    """The limits that cannot be met together, all of them, or the minimum of each risk limit."""
    if conflict is None:
        return Infeasibility("no plan meets all limits")
    faults = tuple(_fault(program, r) for r in conflict.relaxations)
    unit = {risk.id: UNITS[risk.loss] for risk in risks}
    least = tuple((item.name, item.limit, item.least, unit[item.name]) for item in conflict.least)
    instead = [tuple(_fault(program, r) for r in one) for one in conflict.instead]
    reason = _reason(faults, instead, least, conflict, risks)
    if program.own and not faults:
        added = ", ".join(program.rules[name].title.removeprefix("own limit ") for name in program.own)
        reason += f"; this is with the limits added to the case: {added}"
    return Infeasibility(reason, least, faults, conflict.proven)


def _fault(program: LinearProgram, one: Relaxation) -> RelaxedLimit:
    if one.row >= 0:
        index = program.row_index[one.row]
    else:
        index = program.column_index[one.column] if one.column >= 0 else Index.read(one.name)
    prefix = (program.bound_rules[one.column] if one.row < 0 <= one.column else "") or index.rule
    rule = program.rules.get(prefix)
    where = ", ".join(index.parts)
    if rule is None:
        return RelaxedLimit(prefix, prefix.replace("_", " "), where, one.amount, "")
    return RelaxedLimit(rule.name, rule.title, where, one.amount, rule.unit)


def _summed(faults: Sequence[RelaxedLimit]) -> str:
    """In a clause which limits must be relaxed, each with where and by how much at most."""
    by_rule: dict[str, list[RelaxedLimit]] = {}
    for fault in faults:
        by_rule.setdefault(fault.rule, []).append(fault)
    parts = []
    for group in by_rule.values():
        most = max(group, key=lambda fault: fault.amount)
        where = most.index if len(group) == 1 else f"largest in {most.index}; {len(group)} entries"
        amount = f"{most.amount:.4g} {most.unit}".rstrip()
        parts.append(f"{most.title} by {amount}" + (f" ({where})" if where else ""))
    together = " together" if len(parts) > 1 else ""
    return f"{', and '.join(parts)} must be relaxed{together}"


def _reason(
    faults: Sequence[RelaxedLimit],
    instead: Sequence[Sequence[RelaxedLimit]],
    least: Sequence[tuple[str, float, float, str]],
    conflict: Conflict,
    risks: Sequence[Risk],
) -> str:
    if faults:
        others = "".join(f"; or else {_summed(one)}" for one in instead)
        return f"the rules of the case contradict each other: {_summed(faults)}{others}"
    impossible = [item for item in least if item[2] > item[1]]
    if impossible:
        return "; ".join(
            f"risk limit {name}: the minimum is {value:.4g} {unit}; you asked for {limit:.4g} {unit}"
            for name, limit, value, unit in impossible
        )
    if conflict.joint:
        together = ", ".join(
            f"{risk.id} {value:.4g} {UNITS[risk.loss]}" for risk, value in zip(risks, conflict.joint, strict=True)
        )
        return f"each risk limit can be met alone but not all together; these can be met together: {together}"
    return "no plan meets all limits"
