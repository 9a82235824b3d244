"""The report of a plan: what it does, what it costs and risks, what it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from ...models.ledger import Account
from ...optimizer.analysis.names import (
    CASH_FLOW,
    CIRCULAR_LOOPS,
    CONSTRUCTION,
    CONTRACTS,
    COVENANT_RISK,
    DEBT_SERVICE,
    INCOME,
    MARKET_BALANCE,
    CashRow,
    CovenantRisk,
)
from ...optimizer.analysis.review_names import REVIEW_WORTH
from ...optimizer.analysis.treasury.names import (
    BOOK_BALANCE,
    BOOK_CASH_FLOW,
    CHANGES_IN_EQUITY,
    COVERAGE,
    DEBT,
    DEBT_BY_YEAR,
    INCOME_STATEMENT,
    RETURNS,
    Debt,
)
from ..charts import capacity, capital, debt, drivers, limits, liquidity, losses, reviews
from ..charts.chart import Chart, drawings
from ..summary.certificate import certificate_sentence
from ..summary.headline import STATUS
from ..summary.review_sentences import sentences
from ..summary.views import by_period, has_plan, words
from ..text import figure, gap, money, percent, plural, safe, seconds
from .assumptions import assumptions
from .glossary import terms
from .nodes import node_risk, node_tables
from .page import Figure, Grid, Page, Part, figure_of, grid, plain

if TYPE_CHECKING:
    from ...optimizer.plan import Plan

OFTEN = 0.1  # of the scenarios: a covenant that is breached in more is told at the top
TONES = {"certified": "good", "stopped": "warn", "infeasible": "bad"}
MONEY = (capital.SOURCES, capital.RAISED, capital.HOLDERS, debt.OUTSTANDING, debt.MATURITY)
CAPACITY = (capacity.BY_SYSTEM, capacity.BY_SITE, capacity.ORDERS, capacity.BY_LINK)
RISK = (limits.RISK, liquidity.CASH_FAN, liquidity.DEFAULTS, losses.LOSS_ALLOCATION)
STATEMENTS = (
    INCOME_STATEMENT,
    BOOK_CASH_FLOW,
    BOOK_BALANCE,
    CHANGES_IN_EQUITY,
    CASH_FLOW,
    INCOME,
    DEBT_SERVICE,
    MARKET_BALANCE,
)
COVENANTS = (limits.HEADROOM, limits.BREACHES)


def plan_page(plan: Plan) -> Page:
    """The page of any run: of one without a plan, what is known of why."""
    case, horizon = plan.case, plan.case.horizon
    word, _ = STATUS[plan.status.value]
    there = has_plan(plan)
    subtitle = (
        f"{plural(horizon.periods, horizon.step)}, {horizon.labels[0]} to {horizon.labels[-1]}; "
        f"{plural(plan.scenarios.count, 'scenario')}, seed {plan.scenarios.seed}; in billion {case.case.currency}"
    )
    sentence, sources = assumptions(case)
    parts = (
        Part("why", "Why there is no plan", _why(plan)),
        Part(
            "reviews",
            "Reviews",
            _adapted(plan),
            _figures((reviews.TREE,), plan),
            _some(plan, (REVIEW_WORTH,)) + node_risk(plan),
            node_tables(plan),
        ),
        Part(
            "money",
            "Money",
            figures=_figures(MONEY, plan),
            grids=_terms(plan),
            folded=_tables(plan, (DEBT, DEBT_BY_YEAR, COVERAGE, RETURNS)),
        ),
        Part("capacity", "Capacity", figures=_figures(CAPACITY, plan), folded=_tables(plan, (CONSTRUCTION, CONTRACTS))),
        Part("risk", "Risk", figures=_figures(RISK, plan)),
        Part("covenants", "Covenants", figures=_figures(COVENANTS, plan), grids=_tables(plan, (COVENANT_RISK,))),
        Part("prices", "What limits are worth", figures=_figures((limits.SHADOW_PRICES,), plan)),
        Part(
            "statements",
            "Statements",
            ("Expected amounts by period.",) if there else (),
            folded=_tables(plan, STATEMENTS),
        ),
        Part("circular", "Circular financing", _circular(plan), folded=_tables(plan, (CIRCULAR_LOOPS,))),
        Part("drivers", "Drivers", figures=_figures((drivers.DRIVER_FANS,), plan)),
        Part("certificate", "Certificate", _proof(plan), grids=_bounds(plan)),
        Part("assumptions", "Assumptions", (sentence,), folded=() if sources is None else (sources,)),
        Part("glossary", "Glossary", terms=terms()),
    )
    return Page(
        title=safe(case.case.title or case.case.name),
        subtitle=safe(subtitle),
        status=word if there or plan.status.value != "stopped" else "STOPPED, NO PLAN YET",
        tone=TONES[plan.status.value],
        facts=tuple(_facts(plan)) if there else (),
        lead=tuple(_lead(plan)) if there else (),
        parts=parts,
        foot=tuple(_foot(plan)),
    )


def _figures(charts: Sequence[Chart], plan: Plan) -> tuple[Figure, ...]:
    return tuple(figure_of(chart.name, chart.title, drawing) for chart, drawing in drawings(charts, plan))


def _tables(plan: Plan, names: Sequence[str]) -> tuple[Grid, ...]:
    """Those of the tables that have rows. UnknownName where a plan lacks one."""
    if not has_plan(plan):
        return ()
    return tuple(grid(plan.tables[name]) for name in names if plan.tables[name].rows)


def _some(plan: Plan, names: Sequence[str]) -> tuple[Grid, ...]:
    """Those of the tables that this plan has."""
    return tuple(grid(plan.tables[name]) for name in names if name in plan.tables and plan.tables[name].rows)


def _adapted(plan: Plan) -> tuple[str, ...]:
    """What a plan that adapts does otherwise after each review, in sentences."""
    return tuple(f"{safe(sentence)}." for sentence in sentences(plan)) if reviews.adapts(plan) else ()


def _terms(plan: Plan) -> tuple[Grid, ...]:
    """What each instrument raises and costs, in a line."""
    if not has_plan(plan):
        return ()
    rows = [
        (
            row.text(Debt.TITLE) or row.text(Debt.INSTRUMENT),
            row.text(Debt.RATE),
            _rate(row.maybe(Debt.COUPON)),
            _rate(row.maybe(Debt.COST)),
            row.text(Debt.MATURITY),
            money(row.maybe(Debt.PROCEEDS)),
            money(row.maybe(Debt.OUTSTANDING)),
        )
        for row in plan.tables[DEBT].records()
    ]
    heads = ("instrument", "rate", "coupon, mean", "all-in cost", "last maturity", "raised, bn", "at the end, bn")
    marks = (False, False, True, True, False, True, True)
    return (plain("What each instrument raises and costs, a year", heads, rows, marks),) if rows else ()


def _rate(value: float | None) -> str:
    return "" if value is None else percent(value, 2)


def _facts(plan: Plan) -> Iterator[tuple[str, str, str]]:
    labels = plan.case.horizon.labels
    hardware, sites = (-math.fsum(by_period(plan, CASH_FLOW, a.label)) for a in (Account.HARDWARE, Account.SITES))
    cash = by_period(plan, CASH_FLOW, CashRow.END)
    lowest = min(range(len(cash)), key=cash.__getitem__)
    proven = "" if plan.certificate is None else f", gap {gap(plan.certificate.gap)}"
    yield words(plan.objective_name), figure(plan.objective_value, 6), safe(plan.objective_unit) + proven
    share, of_spending = plan.funding.circular_share, plan.funding.circular_of_spending
    yield (
        "capital raised",
        f"{money(plan.funding.total)} bn",
        f"{percent(share)} circular, {percent(of_spending)} of spending",
    )
    yield "capital spent", f"{money(hardware + sites)} bn", f"hardware {money(hardware)}, sites {money(sites)}"
    yield "closing cash", f"{money(cash[-1])} bn", f"lowest {money(cash[lowest])} in {labels[lowest]}"
    if plan.loss_allocation is not None:
        yield "probability of default", percent(plan.loss_allocation.default_probability), "over the horizon"


def _lead(plan: Plan) -> Iterator[str]:
    """What must be known first: the proof, limits that are missed out of sample, covenants often breached."""
    yield certificate_sentence(plan)
    for limit in plan.risk:
        fresh = limit.out_of_sample
        if fresh is not None and fresh.ci_low > limit.limit:
            yield (
                f"{words(safe(limit.name)).capitalize()} is above its limit on scenarios that the plan has not seen: "
                f"{figure(fresh.value)} against {figure(limit.limit)} {safe(limit.unit)}. Plan with more scenarios."
            )
    for row in plan.tables[COVENANT_RISK].records():
        share = row.number(CovenantRisk.BREACHED)
        if share > OFTEN:
            when = f"; half of the breaches begin by {safe(first)}" if (first := row.text(CovenantRisk.FIRST)) else ""
            yield (
                f"Covenant {words(safe(row.text(CovenantRisk.COVENANT)))} is kept on the expected path but breached in "
                f"{percent(share)} of the scenarios{when}."
            )


def _why(plan: Plan) -> tuple[str, ...]:
    """What is known of why there is no plan."""
    found = plan.infeasibility
    if found is None:
        return () if has_plan(plan) else tuple(map(safe, plan.messages)) or ("No plan was found in the time given.",)
    sentences = [safe(found.reason)]
    for name, asked, least, unit in found.minimum_risk:
        sentences.append(
            f"Risk limit {words(safe(name))}: {figure(asked)} {safe(unit)} is asked for, the minimum alone is "
            f"{figure(least)}."
        )
    for fault in found.relaxations:
        sentences.append(
            f"{safe(fault.title)} {safe(fault.index)} must be relaxed by {figure(fault.amount)} {safe(fault.unit)}."
        )
    return tuple(sentences)


def _circular(plan: Plan) -> tuple[str, ...]:
    if not has_plan(plan):
        return ()
    found = plan.funding
    return (
        f"{money(found.circulating)} of {money(found.total)} bn raised can run from the company back to it "
        f"({percent(found.circulating_share)}); suppliers and customers put in {percent(found.circular_share)} of the "
        "funding.",
    )


def _proof(plan: Plan) -> tuple[str, ...]:
    if not has_plan(plan):
        return ()
    proof = () if plan.certificate is None else (certificate_sentence(plan),)
    return (*proof, *(f"Note: {safe(message)}." for message in plan.messages))


def _bounds(plan: Plan) -> tuple[Grid, ...]:
    proof = plan.certificate
    if proof is None or not has_plan(plan):
        return ()
    unit = safe(plan.objective_unit)
    rows = [
        ("this plan", figure(plan.objective_value, 9), unit),
        ("upper bound", figure(proof.upper_bound, 9), unit),
        ("lower bound", figure(proof.lower_bound, 9), unit),
        ("gap", gap(proof.gap), f"at most {proof.tolerance:.0e} was asked for"),
    ]
    if proof.sampling_error is not None:
        rows.append(("sampling error, 95 %", f"± {figure(proof.sampling_error, 3)}", unit))
    return (plain("Bounds", ("", "figure", ""), rows, (False, True, False)),)


def _foot(plan: Plan) -> Iterator[str]:
    device = plan.device
    yield (
        f"Planned in {seconds(plan.timings.total_s)} on {safe(device.backend)}, {safe(device.name)}; "
        f"{plural(plan.passes.solves, 'linear program')}, {plural(plan.passes.cuts, 'cut')}."
    )
    if plan.case.sha256:
        yield f"Case {safe(PurePath(plan.case.path).name)}, SHA-256 {safe(plan.case.sha256)}."
    if plan.versions:
        yield (
            "Made with "
            + ", ".join(f"{safe(name)} {safe(version)}" for name, version in sorted(plan.versions.items()))
            + "."
        )
    yield "A plan is as good as its assumptions. It is not investment advice."
