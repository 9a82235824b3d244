"""Why the plan is as it is: what binds and what it costs (shadow prices), and the bottleneck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...models.program import OWN, LinearProgram, Rule
from ..arrays import FloatArray
from ..cutting_planes.solution import Solution
from ..plan import RiskFigure, ShadowPrice
from ..reviews.tree import MARK, node_of
from ..table import Cell, Column, Table
from .names import BOTTLENECKS, NO_LINK, PRICES, PRICES_BY_PERIOD, RISK_LINK, Bottlenecks, Prices
from .review_names import NODE
from .tabulate import long

SHOWN = 15
STEP = 0.1  # importance of a limit: what a tenth more of it (of what the plan built up, where it is 0) would change
SILENT = 1e-7  # share of the largest importance below which a price is solver noise


@dataclass(frozen=True)
class Limit:
    """One row or upper bound of the program at the plan.

    used <= capacity, where parts of the row that the plan itself builds up count as capacity; `level` is the constant
    side; `price` is the change of the objective per unit more of `level`. relief: 1 where more of `level` is more room,
    -1 for a minimum.
    """

    rule: Rule
    index: tuple[str, ...]
    used: float
    capacity: float
    level: float
    price: float
    relief: float = 1.0

    @property
    def slack(self) -> float:
        """Unused share of the capacity; 0 where there is no capacity at all."""
        if self.capacity <= 1e-12:
            return 0.0
        return min(1.0, max(0.0, (self.capacity - self.used) / self.capacity))

    @property
    def importance(self) -> float:
        return abs(self.price) * STEP * (abs(self.level) or abs(self.capacity) or self.rule.per)


def limits(
    program: LinearProgram, columns: FloatArray, row_prices: FloatArray, bound_prices: FloatArray
) -> list[Limit]:
    """Every inequality of the program that a rule stands for, rows first, then upper bounds.

    Args:
        columns: (columns,) the plan.
        row_prices, bound_prices: change of the objective per unit more of the row's and of the upper bound's constant.
    """
    found = []
    positive = program.matrix.maximum(0.0) @ columns
    negative = program.matrix.minimum(0.0) @ columns
    for i, row in enumerate(program.row_index):
        rule, index = program.rules.get(row.rule), row.parts
        lower, upper = float(program.row_lower[i]), float(program.row_upper[i])
        if rule is None or (lower == upper and rule.link != OWN):
            continue
        if np.isfinite(upper):
            used, capacity, level = float(positive[i]), upper - float(negative[i]), upper
        else:
            used, capacity, level = lower - float(negative[i]), float(positive[i]), lower
        side = 1.0 if np.isfinite(upper) else -1.0
        found.append(Limit(rule, index, used, capacity, level, float(row_prices[i]), side))
    for j, bound in enumerate(program.bound_rules):
        rule = program.rules.get(bound) if bound else None
        upper = float(program.col_upper[j])
        if rule is not None and np.isfinite(upper):
            index = program.column_index[j].parts
            found.append(Limit(rule, index, float(columns[j]), upper, upper, float(bound_prices[j])))
    return found


def limits_of(program: LinearProgram, solution: Solution) -> list[Limit]:
    """`limits` at a solution's plan and prices. ValueError without a plan."""
    if solution.columns is None:
        raise ValueError("a solution without a plan has no limits to look at")
    sense = 1.0 if program.maximise else -1.0
    return limits(program, solution.columns, row_worth(program, solution), sense * solution.bound_prices)


def row_worth(program: LinearProgram, solution: Solution) -> FloatArray:
    """(rows,) change of the objective per unit more of each row's constant; relaxing a minimum means less of it."""
    sense = 1.0 if program.maximise else -1.0
    return np.asarray(sense * np.where(np.isfinite(program.row_upper), 1.0, -1.0) * solution.row_prices)


def shadow_prices(found: Sequence[Limit], risk: Sequence[RiskFigure], labels: Sequence[str]) -> tuple[ShadowPrice, ...]:
    """At most 15 prices, the most important first. A limit's periods are one entry: as much more in each."""
    return tuple(price for _, price in ranked(found, risk, labels))


def ranked(found: Sequence[Limit], risk: Sequence[RiskFigure], labels: Sequence[str]) -> list[tuple[str, ShadowPrice]]:
    """The shadow prices, each with the name that its limit has on any scenarios: "site_power[texas]"."""
    weighed = [
        (sum(limit.importance for limit in group), named(rule, where), _grouped(where, group, labels))
        for (rule, where), group in _groups(found, labels).items()
    ]
    for figure in risk:
        if figure.price != 0.0:
            title = f"risk limit {figure.name}"
            price = ShadowPrice("risk", title, f"CVaR {figure.level:.4g}", figure.price, 1.0, figure.unit, figure.limit)
            weight = abs(figure.price) * max(STEP * abs(figure.limit), 1e-3)
            weighed.append((weight, named("risk", (figure.name,)), price))
    largest = max((weight for weight, _, _ in weighed), default=0.0)
    weighed = [item for item in weighed if item[0] > SILENT * largest]
    weighed.sort(key=lambda item: (-item[0], item[2].rule, item[2].index))
    return [(name, price) for _, name, price in weighed[:SHOWN]]


def prices_by_name(found: Sequence[Limit], labels: Sequence[str]) -> dict[str, float]:
    """What more of each limit that binds is worth, all its periods together and per `Rule.per`, by its name."""
    return {
        named(rule, where): sum(limit.price for limit in group) * group[0].rule.per
        for (rule, where), group in _groups(found, labels).items()
    }


def named(rule: str, where: Sequence[str]) -> str:
    return f"{rule}[{','.join(where)}]" if where else rule


def _groups(found: Sequence[Limit], labels: Sequence[str]) -> dict[tuple[str, tuple[str, ...]], list[Limit]]:
    """The limits that have a price, those of one kind and place together over the periods."""
    groups: dict[tuple[str, tuple[str, ...]], list[Limit]] = {}
    for limit in found:
        if limit.price != 0.0 and not limit.rule.identity:
            where = tuple(part for part in limit.index if part not in labels)
            groups.setdefault((limit.rule.name, where), []).append(limit)
    return groups


def _grouped(where: tuple[str, ...], group: Sequence[Limit], labels: Sequence[str]) -> ShadowPrice:
    rule = group[0].rule
    periods = [part for label in labels for limit in group for part in limit.index if part == label]
    index = ", ".join(map(_shown, where))
    if periods:
        distinct = list(dict.fromkeys(periods))
        span = distinct[0] if len(distinct) == 1 else f"{distinct[0]}–{distinct[-1]} ({len(distinct)} periods)"
        index = f"{index}, {span}" if index else span
    levels = {limit.level for limit in group}
    level = levels.pop() if len(levels) == 1 else float(np.mean([limit.level for limit in group]))
    price = sum(limit.price for limit in group) * rule.per
    return ShadowPrice(rule.name, rule.title, index, price, rule.per, rule.unit, level)


def _shown(part: str) -> str:
    """A part of an index for people: a node is "in weak"."""
    return f"in {part.removeprefix(MARK)}" if part.startswith(MARK) else part


def price_tables(prices: Sequence[ShadowPrice], found: Sequence[Limit], objective_unit: str) -> dict[str, Table]:
    """prices: as shown; prices_by_period: every limit that binds, on its own."""
    columns = (
        Column(Prices.RULE),
        Column(Prices.LIMIT),
        Column(Prices.WHERE),
        Column(Prices.PRICE, objective_unit, "number"),
        Column(Prices.PER, "", "number"),
        Column(Prices.UNIT),
        Column(Prices.LEVEL, "", "number"),
    )
    rows: list[tuple[Cell, ...]] = [(p.rule, p.title, p.index, p.price, p.per, p.unit, p.level) for p in prices]
    nodes = any(node_of(x.index)[0] for x in found)
    single: list[tuple[Cell, ...]] = []
    for x in found:
        if x.price != 0.0:
            node, where = node_of(x.index)
            cells = (
                x.rule.name,
                x.rule.title,
                ", ".join(where),
                x.price * x.rule.per,
                x.rule.per,
                x.rule.unit,
                x.level,
            )
            single.append((*cells, node) if nodes else cells)
    each = (*columns, Column(NODE)) if nodes else columns
    return {
        PRICES: long(PRICES, f"What binds, and what more of it is worth ({objective_unit})", columns, rows),
        PRICES_BY_PERIOD: long(PRICES_BY_PERIOD, "Shadow price of every limit that binds", each, single),
    }


def chain(
    found: Sequence[Limit],
    risk: Sequence[RiskFigure],
    sites: Mapping[str, FloatArray],
    labels: Sequence[str],
    maximise: bool,
) -> Table:
    """For each period and site: how full each link is, and the bottleneck.

    The bottleneck is the fullest one of those whose price is not zero; a risk limit takes that place where no
    physical or funding link of the period has a price. `sites`: IT power in service per period, MW.
    """
    gain = 1.0 if maximise else -1.0
    linked = [limit for limit in found if limit.rule.link and not limit.rule.identity]
    links = list(dict.fromkeys(limit.rule.link for limit in linked))
    cells: dict[tuple[str, str], list[Limit]] = {}
    for limit in linked:
        period = next((part for part in limit.index if part in labels), "")
        site = next((part for part in limit.index if part in sites), "")
        cells.setdefault((period, site), []).append(limit)
    binding = max((f for f in risk if f.price * gain > 0), key=lambda f: abs(f.price), default=None)
    largest = max((limit.importance for limit in found), default=0.0)
    rows: list[tuple[Cell, ...]] = []
    for t, label in enumerate(labels):
        for site, power in sites.items():
            here = [x for key in ((label, site), (label, ""), ("", site), ("", "")) for x in cells.get(key, ())]
            fullest: list[Cell] = []
            for link in links:
                of_link = [x for x in here if x.rule.link == link and x.capacity > 1e-12]
                fullest.append(1.0 - min(x.slack for x in of_link) if of_link else None)
            paid = [x for x in here if x.price * x.relief * gain > 0 and x.importance > SILENT * largest]
            if paid:
                least = min(paid, key=lambda x: (round(x.slack, 6), -x.importance))
                what = ", ".join(_shown(part) for part in least.index if part not in (label, site))
                worth = least.price * least.relief * least.rule.per
                name, detail, price, unit = least.rule.link, what, worth, _per(least)
            elif binding is not None:
                name, detail, price, unit = RISK_LINK, binding.name, binding.price, f"per {binding.unit}"
            else:
                name, detail, price, unit = NO_LINK, "", 0.0, ""
            rows.append((label, site, float(power[t]), *fullest, name, detail, price, unit))
    columns = (
        Column(Bottlenecks.PERIOD),
        Column(Bottlenecks.SITE),
        Column(Bottlenecks.POWER, "MW", "number"),
        *(Column(link, "", "share") for link in links),
        Column(Bottlenecks.BOTTLENECK),
        Column(Bottlenecks.WHAT),
        Column(Bottlenecks.PRICE, "", "number"),
        Column(Bottlenecks.UNIT),
    )
    return long(BOTTLENECKS, "How full each link of the compute chain is, and which is the bottleneck", columns, rows)


def _per(limit: Limit) -> str:
    return f"per {limit.rule.per:g} {limit.rule.unit} {'more' if limit.relief > 0 else 'less'}"
