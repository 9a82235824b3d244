"""Financing: what one billion of each instrument, placed or drawn, brings in and costs until it is repaid."""

from __future__ import annotations

import numpy as np

from ..ledger import Account, Decision, LedgerBuilder
from ..schema.case import Case
from ..schema.financing import Instrument, Step
from . import rules
from .quantities import WIDER, window
from .schedule import schedule


def is_debt(instrument: Instrument) -> bool:
    """What is never repaid is equity: its payments are dividends, and it is no debt to a covenant."""
    return instrument.amortisation != "none"


def lent(instrument: Instrument) -> bool:
    """Whether it can be lent at all: an advance rate or a tied share of nil forbids it."""
    against = instrument.secured_by == "none" or instrument.advance_rate != 0.0
    return against and (instrument.tied_to is None or instrument.tied_share > 0.0)


def declare(case: Case, builder: LedgerBuilder) -> None:
    """Decisions place, commit and draw, billion of face value."""
    for instrument in filter(lent, case.instrument):
        for depth in instrument.depth:
            for number, step in enumerate(depth.steps, start=1):
                for v in window(instrument.issue_from, instrument.issue_to, case.horizon.periods):
                    tags = {"instrument": instrument.id, "investor": depth.investor, "step": str(number)}
                    if instrument.draw_window == 0:
                        _declare_placement(case, builder, instrument, step, v, tags)
                    else:
                        _declare_commitment(case, builder, instrument, step, v, tags)


def _declare_placement(
    case: Case, builder: LedgerBuilder, instrument: Instrument, step: Step, v: int, tags: dict[str, str]
) -> None:
    decision = _decide(case, builder, "place", tags, v, step.size, rules.DEPTH.name)
    builder.post(decision, Account.FEES, v, -instrument.fee)
    post_face(case, builder, instrument, step.spread, decision, v, v)


def _declare_commitment(
    case: Case, builder: LedgerBuilder, instrument: Instrument, step: Step, v: int, tags: dict[str, str]
) -> None:
    """A facility agreed in period v: the fee falls on the commitment; draws follow in the next periods."""
    periods = case.horizon.periods
    opened = np.arange(v + 1, min(v + instrument.draw_window + 1, periods))
    if opened.size == 0:
        return
    waiting = instrument.commitment_fee * case.horizon.dt
    commit = _decide(case, builder, "commit", tags, v, step.size, rules.DEPTH.name)
    builder.post(commit, Account.FEES, v, -instrument.fee)
    builder.post(commit, Account.FEES, opened, -waiting)
    for u in opened.tolist():
        drawn = {**tags, "committed": case.horizon.label(v)}
        draw = _decide(case, builder, "draw", drawn, u, WIDER * step.size, "")
        # From the next period on the drawn part no longer pays the fee on the undrawn.
        builder.post(draw, Account.FEES, opened[opened > u], waiting)
        post_face(case, builder, instrument, step.spread, draw, u, v)


def _decide(
    case: Case, builder: LedgerBuilder, block: str, tags: dict[str, str], v: int, most: float, rule: str
) -> int:
    label = case.horizon.label(v)
    return builder.decide(
        Decision(
            key=f"{block}[{','.join([*tags.values(), label])}]",
            block=block,
            period=v,
            unit="billion",
            lower=0.0,
            upper=most,
            tags={**tags, "period": label},
            rule=rule,
        )
    )


def post_face(
    case: Case,
    builder: LedgerBuilder,
    instrument: Instrument,
    spread: float,
    decision: int,
    issued: int,
    agreed: int,
) -> None:
    """Post one unit of face value paid out in period `issued` on a spread agreed in period `agreed`.

    The coupon is benchmark + spread_beta × spread_driver + margin + the step's spread. The market spread is that of
    `agreed`; the benchmark that of `issued` if the rate is fixed, else that of the period before each payment.
    """
    periods, dt = case.horizon.periods, case.horizon.dt
    terms = schedule(instrument, dt)
    n = np.arange(1, min(terms.balance.size, periods - issued))
    u = issued + n
    owed = terms.balance[n - 1] * dt
    coupon = Account.INTEREST if is_debt(instrument) else Account.DIVIDENDS
    builder.post(decision, Account.PROCEEDS, issued, 1.0)
    builder.post(decision, Account.FEES, issued, -instrument.discount)
    builder.post(decision, coupon, u, -owed * (instrument.margin + spread))
    if instrument.benchmark is not None:
        observed = np.full_like(u, issued) if instrument.rate == "fixed" else u - 1
        builder.post(decision, coupon, u, -owed, instrument.benchmark, observed)
    if instrument.spread_driver is not None:
        builder.post(
            decision, coupon, u, -owed * instrument.spread_beta, instrument.spread_driver, np.full_like(u, agreed)
        )
    builder.post(decision, Account.PRINCIPAL, u, -terms.principal[n])
    if is_debt(instrument):
        builder.post(decision, Account.ACCRETION, u, -terms.accreted[n])
    held = np.arange(min(terms.balance.size, periods - issued))
    stock = Account.DEBT if is_debt(instrument) else Account.EQUITY
    builder.post(decision, stock, issued + held, terms.balance[held])
    last = periods - 1 - issued
    if last < terms.balance.size:
        builder.post(decision, Account.TERMINAL_DEBT, periods - 1, -terms.balance[last])
