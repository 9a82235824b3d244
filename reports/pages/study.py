"""The page docs/financing-study.md: claims about financing, tested on the shipped cases, and what reverses them.

python -m capmix.reports.pages.study > docs/financing-study.md

Every figure and every verdict is computed. The claims: debt spreads the risk; debt reaches deep pools of money; debt
builds faster than own cash. Beside them: what the circular route does better or worse.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...models.reading.load import load_case
from ...models.schema.case import Case
from ...optimizer.comparison.compare import Comparison, compare
from ...optimizer.comparison.differences import Outcome
from ..summary.side_by_side import step
from ..text import percent
from .changes import CHANGES

CASES = ("hyperscaler", "neocloud", "ai_lab")
VARIANTS = ("own_cash", "circular", "debt", "all")
SCENARIOS = 2_000
BARELY = 0.02  # of the figure, or two points of a share
HOLDER = 0.05  # a holder counts from this share of the money raised


@dataclass(frozen=True)
class Claim:
    """A statement about two variants, and the figures that decide it. `value`: None where a variant has no plan.

    loses: a variant without a plan counts as the one with less; else the claim is not decided.
    """

    name: str
    title: str
    one: str
    other: str
    figure: str
    value: Callable[[Comparison, str], float | None]
    shown: Callable[[float], str]
    loses: bool = True

    def holds(self, found: Comparison) -> bool | None:
        """Whether the figure of `one` is above that of `other`; None where that is not decided."""
        a, b = self.value(found, self.one), self.value(found, self.other)
        if self.loses and (a is None) != (b is None):
            return b is None
        return None if a is None or b is None else a > b * (1 + 1e-5) + 1e-9


def outside(found: Comparison, name: str) -> float | None:
    """Share of the tail loss that falls on others than the shareholders."""
    borne = found.plans[name].loss_allocation
    return None if borne is None else borne.outside_share


def raised(found: Comparison, name: str) -> float | None:
    """Money raised, billion."""
    return None if found.outcomes[name].capacity is None else found.plans[name].funding.total


def compute(found: Comparison, name: str) -> float | None:
    """The objective."""
    return None if found.outcomes[name].capacity is None else found.plans[name].objective_value


def soon(found: Comparison, name: str) -> float | None:
    """Minus the periods until the middle milestone, so that more is sooner; minus infinity if it is never reached."""
    one = found.outcomes[name]
    if one.capacity is None or not found.milestones:
        return None
    t = one.reached(_middle(found))
    return -math.inf if t is None else -float(t)


def _middle(found: Comparison) -> float:
    return found.milestones[len(found.milestones) // 2]


def _periods(value: float) -> str:
    return "never" if math.isinf(value) else f"{-value:.0f}"


def independent(found: Comparison, name: str) -> float | None:
    """Share of the tail loss on holders whom the plan neither pays nor is paid by."""
    borne = found.plans[name].loss_allocation
    return None if borne is None else max(borne.outside_share - borne.circular_share, 0.0)


CLAIMS = (
    Claim("spreads", "debt spreads the risk", "debt", "own_cash",
          "share of the tail loss held outside the company", outside, lambda v: percent(v), loses=False),
    Claim("independent", "debt spreads it to holders who are not in the same trade", "debt", "circular",
          "share of the tail loss held by outsiders without a stake in the trade", independent, lambda v: percent(v),
          loses=False),
    Claim("deep", "debt reaches deeper pools than the circular route", "debt", "circular",
          "money raised, bn", raised, lambda v: f"{v:.1f}"),
    Claim("faster", "debt builds faster than own cash", "debt", "own_cash",
          "periods until the middle milestone", soon, _periods),
    Claim("more", "debt builds more than own cash", "debt", "own_cash",
          "compute delivered, PFLOP/s-years", compute, lambda v: f"{v:,.0f}"),
    Claim("ahead", "debt builds more than the circular route", "debt", "circular",
          "compute delivered, PFLOP/s-years", compute, lambda v: f"{v:,.0f}"),
    Claim("adds", "circular financing still adds to debt", "all", "debt",
          "compute delivered, PFLOP/s-years", compute, lambda v: f"{v:,.0f}"),
)  # fmt: skip


def study(cases: Mapping[str, Case], scenarios: int, tell: Callable[[str], None] = lambda _: None) -> str:
    """The page as Markdown."""
    base: dict[str, Comparison] = {}
    changed: dict[str, dict[str, Comparison]] = {}
    for name, case in cases.items():
        tell(name)
        base[name] = _compared(case, scenarios)
        for change in CHANGES:
            made = change.make(case)
            if made is not None:
                tell(f"{name}: {change.title}")
                changed.setdefault(name, {})[change.title] = _compared(made, scenarios)
    return "\n".join(_lines(base, changed, scenarios)).rstrip() + "\n"


def _compared(case: Case, scenarios: int) -> Comparison:
    return compare(case, VARIANTS, scenarios=scenarios, out_of_sample=False)


def _lines(
    base: Mapping[str, Comparison], changed: Mapping[str, Mapping[str, Comparison]], scenarios: int
) -> Iterator[str]:
    yield "# Financing study: own cash, circular deals, debt, and all of them"
    yield ""
    yield "*Written by `python -m capmix.reports.pages.study`; every figure and verdict is computed, none is typed.*"
    yield ""
    yield (
        f"Each shipped case is planned four times on one pool of {scenarios:,} scenarios: with own cash only, with the "
        "money of its suppliers and customers only, with debt of outside lenders only, and with everything on offer. "
        "Every plan is the most compute within the same limits, proven to 1e-5. The companies are invented, their "
        "depths, volumes and limits are assumptions, and prices and terms are public (docs/cases.md): what follows "
        "holds for these cases and changes."
    )
    yield ""
    yield (
        "*All-in cost*: rate of return of the expected flows, fees spread over the life. *Tail loss*: what all holders "
        "lose, shareholders included, at the first default or the horizon, in the worst scenarios at the level of the "
        "case's net-loss limit (docs/mathematics-loss.md). *Circular*: of suppliers, customers and who is linked to "
        "them. Milestones are marks of expected compute in service, a quarter, half and three quarters of the way "
        "from what stands at the start to the most that any of the four reaches."
    )
    yield ""
    yield "## The four routes"
    for name, found in base.items():
        yield ""
        yield f"### {name}: {found.case.case.title}"
        yield ""
        yield from _routes(found)
    yield ""
    yield "## The claims"
    yield ""
    yield "| claim | figure | " + " | ".join(base) + " |"
    yield "| --- | --- |" + " --- |" * len(base)
    for claim in CLAIMS:
        yield (
            f"| {claim.title} | {claim.figure}: {claim.one} against {claim.other} | "
            + " | ".join(_verdict(claim, found) for found in base.values())
            + " |"
        )
    yield ""
    yield from _circular(base)
    yield "## What would reverse it"
    yield ""
    yield (
        "The same four plans, after one change at a time. *Times own cash* is compute over that of own cash. Claims "
        "whose verdict is not that of the unchanged case stand in the last column."
    )
    for name, found in base.items():
        yield ""
        yield f"### {name}"
        yield ""
        yield "| change | circular, times own cash | debt | all | tail loss outside: circular | debt | all | reversed |"
        yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |"
        for title, other in {"none": found, **changed.get(name, {})}.items():
            yield _sensitivity(title, other, found)
    yield ""
    yield from _summary(base, changed)


def _routes(found: Comparison) -> Iterator[str]:
    outcomes = [found.outcomes[name] for name in VARIANTS]
    yield "| | " + " | ".join(VARIANTS) + " |"
    yield "| --- |" + " ---: |" * len(VARIANTS)
    own = compute(found, "own_cash")
    rows: list[tuple[str, Callable[[Outcome], str]]] = [
        ("compute delivered, PFLOP/s-years", lambda o: f"{o.plan.objective_value:,.0f}"),
        ("times own cash", lambda o: "–" if own is None else f"{o.plan.objective_value / own:.2f}"),
        *((f"{step(found.case)}s until {mark:,.0f} PFLOP/s", _reached(mark)) for mark in found.milestones),
        ("raised, bn", lambda o: f"{o.plan.funding.total:.1f}"),
        (f"holders with {percent(HOLDER, 0)} of it or more", lambda o: str(len(_holders(o)))),
        ("largest holder's share", lambda o: percent(max(_shares(o).values(), default=None), 0)),
        ("all-in cost per year", lambda o: percent(o.cost)),
        ("largest repayment in a year, bn", lambda o: "–" if o.wall is None else f"{o.wall:.1f}"),
        ("circular share of funding", lambda o: percent(o.plan.funding.circular_share, 0)),
        ("tail loss of all, bn", lambda o: f"{o.plan.loss_allocation.cvar:.1f}" if o.plan.loss_allocation else "–"),
        (
            "held outside the company",
            lambda o: percent(o.plan.loss_allocation.outside_share, 0) if o.plan.loss_allocation else "–",
        ),
        (
            "held by circular parties",
            lambda o: percent(o.plan.loss_allocation.circular_share, 0) if o.plan.loss_allocation else "–",
        ),
        (
            "probability of default",
            lambda o: percent(o.plan.loss_allocation.default_probability) if o.plan.loss_allocation else "–",
        ),
    ]
    for title, cell in rows:
        yield f"| {title} | " + " | ".join(cell(o) if o.capacity is not None else "no plan" for o in outcomes) + " |"
    for one in outcomes:
        if one.capacity is None and one.plan.infeasibility is not None:
            yield ""
            yield f"{one.name} has no plan: {one.plan.infeasibility.reason}"


def _reached(mark: float) -> Callable[[Outcome], str]:
    def cell(one: Outcome) -> str:
        t = one.reached(mark)
        return "never" if t is None else str(t)

    return cell


def _shares(one: Outcome) -> dict[str, float]:
    total = one.plan.funding.total
    return {h: v / total for h, v in one.plan.funding.by_holder.items()} if total > 0.0 else {}


def _holders(one: Outcome) -> list[str]:
    return [holder for holder, share in _shares(one).items() if share >= HOLDER]


def _verdict(claim: Claim, found: Comparison) -> str:
    a, b = claim.value(found, claim.one), claim.value(found, claim.other)
    if claim.holds(found) is None:
        return "not decided: a variant has no plan"
    word = "**holds**" if claim.holds(found) else "**does not hold**"
    if a is None or b is None:
        return f"{word}: {claim.other if b is None else claim.one} has no plan"
    if claim.holds(found) and abs(a - b) < BARELY * max(1.0, abs(a)):
        word = "**holds, barely**"
    return f"{word}: {claim.shown(a)} against {claim.shown(b)}"


def _circular(base: Mapping[str, Comparison]) -> Iterator[str]:
    """What the circular route does better or worse than debt, figure by figure."""
    figures: tuple[tuple[str, Callable[[Outcome], float | None], bool], ...] = (
        ("compute", lambda o: o.plan.objective_value, True),
        ("cost of money", lambda o: o.cost, False),
        ("largest repayment in a year", lambda o: o.wall, False),
        (
            "probability of default",
            lambda o: o.plan.loss_allocation.default_probability if o.plan.loss_allocation else None,
            False,
        ),
        ("tail loss, all holders", lambda o: o.plan.loss_allocation.cvar if o.plan.loss_allocation else None, False),
        (
            "tail loss left to shareholders",
            lambda o: o.plan.loss_allocation.shareholder_share if o.plan.loss_allocation else None,
            False,
        ),
        ("largest holder's share", lambda o: max(_shares(o).values(), default=None), False),
    )
    yield "## What the circular route does better, and what worse, than debt"
    yield ""
    yield "| case | better | worse |"
    yield "| --- | --- | --- |"
    for name, found in base.items():
        better: list[str] = []
        worse: list[str] = []
        circular, debt = found.outcomes["circular"], found.outcomes["debt"]
        if circular.capacity is None or debt.capacity is None:
            yield f"| {name} | not decided | not decided |"
            continue
        for title, value, more in figures:
            a, b = value(circular), value(debt)
            if a is None or b is None or abs(a - b) <= 1e-3 * max(abs(a), abs(b)):
                continue
            (better if (a > b) == more else worse).append(f"{title} ({_plain(a)} against {_plain(b)})")
        yield f"| {name} | {'; '.join(better) or 'nothing'} | {'; '.join(worse) or 'nothing'} |"
    yield ""


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else percent(value) if abs(value) <= 1.0 else f"{value:.1f}"


def _sensitivity(title: str, found: Comparison, base: Comparison) -> str:
    own = compute(found, "own_cash")
    times = [compute(found, v) for v in VARIANTS[1:]]
    cells = ["no plan" if t is None else "own cash has no plan" if own is None else f"{t / own:.3f}" for t in times]
    cells += [percent(outside(found, v), 0) for v in VARIANTS[1:]]
    turned = [c.title for c in CLAIMS if _turned(c, found, base)]
    return f"| {title} | {' | '.join(cells)} | {'; '.join(turned) or '–'} |"


def _turned(claim: Claim, found: Comparison, base: Comparison) -> bool:
    """Whether the verdict is decided in both and not the same."""
    verdicts = (claim.holds(found), claim.holds(base))
    return None not in verdicts and verdicts[0] != verdicts[1]


def _summary(base: Mapping[str, Comparison], changed: Mapping[str, Mapping[str, Comparison]]) -> Iterator[str]:
    yield "## In short"
    yield ""
    yield "| claim | holds unchanged in | reversed by |"
    yield "| --- | --- | --- |"
    for claim in CLAIMS:
        where = [name for name, found in base.items() if claim.holds(found)]
        turned = [
            f"{name}: {title}"
            for name, found in base.items()
            for title, other in changed.get(name, {}).items()
            if _turned(claim, other, found)
        ]
        yield f"| {claim.title} | {', '.join(where) or 'none'} | {'; '.join(turned) or 'none of the changes tried'} |"
    yield ""
    yield "The changes:"
    yield ""
    for change in CHANGES:
        yield f"- **{change.title}**: {change.meaning}"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page to standard output."""
    parser = argparse.ArgumentParser("python -m capmix.reports.pages.study", description=main.__doc__)
    parser.add_argument("--scenarios", type=int, default=SCENARIOS)
    parser.add_argument("--cases", default=",".join(CASES))
    options = parser.parse_args(argv)
    cases = {name: load_case(name) for name in options.cases.split(",")}
    text = study(cases, options.scenarios, lambda what: print(what, file=sys.stderr, flush=True))
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
