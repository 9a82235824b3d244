"""Why there is no plan, in the user's words."""

from __future__ import annotations

from collections.abc import Sequence

from ..models.program import LinearProgram
from ..models.schema.rules import Risk
from .explain import split
from .plan import Fault, Infeasibility
from .risk_figures import UNITS
from .solution import Conflict

SHOWN = 12


def in_words(conflict: Conflict | None, program: LinearProgram, risks: Sequence[Risk]) -> Infeasibility:
    """The rules that cannot be met together, or the least that each risk limit can be."""
    if conflict is None:
        return Infeasibility("no plan meets all limits")
    faults = tuple(_fault(program, r.row, r.column, r.name, r.amount) for r in conflict.relaxations)
    faults = tuple(sorted(faults, key=lambda f: (f.rule, f.index)))[:SHOWN]
    unit = {risk.id: UNITS[risk.loss] for risk in risks}
    least = tuple((item.name, item.limit, item.least, unit[item.name]) for item in conflict.least)
    return Infeasibility(_reason(faults, least, conflict, risks), least, faults)


def _fault(program: LinearProgram, row: int, column: int, name: str, amount: float) -> Fault:
    prefix, index = split(name)
    if row < 0 and column >= 0:
        prefix = program.bound_rules[column] or prefix
    rule = program.rules.get(prefix)
    where = ", ".join(index)
    if rule is None:
        return Fault(prefix, prefix.replace("_", " "), where, amount, "")
    return Fault(rule.name, rule.title, where, amount, rule.unit)


def _reason(
    faults: Sequence[Fault],
    least: Sequence[tuple[str, float, float, str]],
    conflict: Conflict,
    risks: Sequence[Risk],
) -> str:
    if faults:
        first = faults[0]
        where = f" ({first.index})" if first.index else ""
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        amount = f"{first.amount:.4g} {first.unit}".rstrip()
        gives = f"{first.title}{where} would have to give way by {amount}"
        return f"the rules of the case contradict each other: {gives}{more}"
    impossible = [item for item in least if item[2] > item[1]]
    if impossible:
        return "; ".join(
            f"risk limit {name}: the least possible is {value:.4g} {unit}; you asked for {limit:.4g} {unit}"
            for name, limit, value, unit in impossible
        )
    if conflict.joint:
        together = ", ".join(
            f"{risk.id} {value:.4g} {UNITS[risk.loss]}" for risk, value in zip(risks, conflict.joint, strict=True)
        )
        return f"each risk limit can be met alone but not all together; these can be met together: {together}"
    return "no plan meets all limits"
