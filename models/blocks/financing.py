"""Financing: what one billion of each instrument, placed or drawn, brings in and costs until it is repaid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import FloatArray
from ..ledger import Account, Decision, LedgerBuilder, Scale
from ..schema.case import Case
from ..schema.drivers import Survival
from ..schema.financing import Depth, Instrument, Step
from ..schema.ratings import barred, rank
from . import rules
from .beyond import Life, post_beyond
from .floors import benchmark_leg, floored_margins, spread_leg
from .quantities import WIDER, PeriodArray, window
from .schedule import Schedule, schedule
from .write_off import spread_fee


def is_repaid(instrument: Instrument) -> bool:
    """What is never repaid is equity: its payments are dividends."""
    return instrument.amortisation != "none"


def is_debt(instrument: Instrument) -> bool:
    """Whether it is a debt to a covenant: neither equity nor a lease whose payments are rent."""
    return is_repaid(instrument) and not instrument.rent


def lent(instrument: Instrument) -> bool:
    """Whether it can be lent at all: an advance rate or a tied share of zero forbids it."""
    against = instrument.secured_by == "none" or instrument.advance_rate != 0.0
    return against and (instrument.tied_to is None or instrument.tied_share > 0.0)


def holders(case: Case, instrument: Instrument) -> list[Depth]:
    """Depth of the investor classes that may hold the instrument, by kind, rating and tenor."""
    known = {i.id: i for i in case.investor}
    return [
        depth
        for depth in instrument.depth
        if not barred(
            (who := known[depth.investor]).kinds, who.min_rating, who.max_tenor,
            instrument.kind, instrument.rating, instrument.tenor,
        )
    ]  # fmt: skip


def markets(case: Case, instrument: Instrument, investor: str, agreed: int) -> Scale:
    """Windows through which what is agreed in a period must come: the instrument's market and the investor's."""
    own = next(i.window for i in case.investor if i.id == investor)
    names = dict.fromkeys(name for name in (instrument.window, own) if name is not None)
    return tuple((name, agreed) for name in names)


def grid_margin(instrument: Instrument, rating: str) -> float:
    """What the grid adds to the margin while the offtaker is rated so."""
    reached = (line.margin for line in instrument.grid if rank(rating) <= rank(line.rating))
    return next(reached, instrument.grid[-1].margin if instrument.grid else 0.0)


def terms_of(case: Case, instrument: Instrument, decision: Decision) -> Schedule:
    """Repayment schedule of a placement or a draw, counted from its own period."""
    age = 0
    if decision.block == "draw" and instrument.term_from == "commitment":
        age = decision.period - case.horizon.labels.index(decision.tags["committed"])
    return schedule(instrument, case.horizon.dt, age)


def fee_left(case: Case, instrument: Instrument, decision: Decision) -> FloatArray:
    """(N,) share of an upfront fee that the life still bears n periods after it was paid: by outstanding balance.

    The bonds-outstanding form of the effective interest method (IFRS 9, 5.4.1 and B5.4.1). That of a commitment runs as
    if drawn at once. Of what is never repaid all is left for ever.
    """
    balance = terms_of(case, instrument, decision).balance
    return np.asarray(np.cumsum(balance[::-1])[::-1] / balance.sum())


def declare(case: Case, builder: LedgerBuilder) -> None:
    """Decisions place, commit and draw, billion of face value."""
    for instrument in filter(lent, case.instrument):
        for depth in holders(case, instrument):
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
    decision = _decide(case, builder, "issue", tags, v, step.size, rules.DEPTH.name)
    face = Face(step.spread, v, v, markets(case, instrument, tags["investor"], v))
    builder.post(decision, Account.FEES, v, -instrument.fee, scaled=face.scaled)
    spread_fee(case, builder, decision, v, instrument.fee, _life(case, instrument, face), face.scaled)
    post_face(case, builder, instrument, decision, face)


def _declare_commitment(
    case: Case, builder: LedgerBuilder, instrument: Instrument, step: Step, v: int, tags: dict[str, str]
) -> None:
    """A facility agreed in period v: the fee falls on the commitment; draws follow in the next periods."""
    periods = case.horizon.periods
    opened = np.arange(v + 1, min(v + instrument.draw_window + 1, periods))
    if opened.size == 0:
        return
    waiting = instrument.commitment_fee * case.horizon.dt
    scaled = markets(case, instrument, tags["investor"], v)
    commit = _decide(case, builder, "commit", tags, v, step.size, rules.DEPTH.name)
    builder.post(commit, Account.FEES, v, -instrument.fee, scaled=scaled)
    spread_fee(case, builder, commit, v, instrument.fee, _facility(case, instrument), scaled)
    builder.post(commit, Account.FEES, opened, -waiting, scaled=scaled)
    for u in opened.tolist():
        drawn = {**tags, "committed": case.horizon.label(v)}
        draw = _decide(case, builder, "draw", drawn, u, WIDER * step.size, "")
        stop: Scale = () if instrument.draw_stop is None else ((instrument.draw_stop, u),)
        face = Face(step.spread, u, v, scaled + stop)
        # From the next period on the drawn part no longer pays the fee on the undrawn.
        builder.post(draw, Account.FEES, opened[opened > u], waiting, scaled=face.scaled)
        post_face(case, builder, instrument, draw, face)


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


@dataclass(frozen=True)
class Face:
    """One unit of face value: the step's spread, when it is paid out and was agreed, and what share of it comes."""

    spread: float
    issued: int
    agreed: int
    scaled: Scale = ()


def post_face(case: Case, builder: LedgerBuilder, instrument: Instrument, decision: int, face: Face) -> None:
    """Post one unit of face value with its service, its balance and what is owed of it at the end.

    The coupon is benchmark + spread_beta × spread_driver + margin + the step's spread. The market spread is that of
    the period of the agreement; the benchmark that of the issue if the rate is fixed, else the one before payment.
    """
    periods, issued, scaled = case.horizon.periods, face.issued, face.scaled
    age = issued - face.agreed if instrument.term_from == "commitment" else 0
    terms = schedule(instrument, case.horizon.dt, age)
    n = np.arange(1, min(terms.balance.size, periods - issued))
    builder.post(decision, Account.PROCEEDS, issued, 1.0, scaled=scaled)
    builder.post(decision, Account.FEES, issued, -instrument.discount, scaled=scaled)
    spread_fee(case, builder, decision, issued, instrument.discount, _life(case, instrument, face), scaled)
    _post_coupon(case, builder, instrument, decision, face, issued + n, terms.balance[n - 1] * case.horizon.dt)
    repaid = terms.principal[n]
    builder.post(decision, Account.RENT if instrument.rent else Account.PRINCIPAL, issued + n, -repaid, scaled=scaled)
    if instrument.rent:
        # Leased assets are depreciated as if owned, so only the interest part of the rent is a cost to tax.
        builder.post(decision, Account.DEPRECIATION, issued + n, repaid, scaled=scaled)
    if is_repaid(instrument):
        builder.post(decision, Account.ACCRETION, issued + n, -terms.accreted[n], scaled=scaled)
    held = np.arange(min(terms.balance.size, periods - issued))
    stock = Account.LEASES if instrument.rent else Account.DEBT if is_repaid(instrument) else Account.EQUITY
    builder.post(decision, stock, issued + held, terms.balance[held], scaled=scaled)
    last = periods - 1 - issued
    if last < terms.balance.size:
        builder.post(decision, Account.TERMINAL_DEBT, periods - 1, -terms.balance[last], scaled=scaled)
    if last < terms.balance.size:
        margins = _margins(case, instrument, face, issued + np.arange(1, terms.balance.size))
        post_beyond(case, builder, instrument, decision, Life(issued, face.agreed, scaled, margins), terms)
    if instrument.dilution is not None:
        _post_dilution(case, builder, instrument.dilution, decision, face, terms)


def _life(case: Case, instrument: Instrument, face: Face) -> FloatArray | None:
    """(N,) what is outstanding at the start of each period of a debt's life; None of what is never repaid."""
    if not is_repaid(instrument):
        return None
    age = face.issued - face.agreed if instrument.term_from == "commitment" else 0
    return schedule(instrument, case.horizon.dt, age).balance[:-1]


def _facility(case: Case, instrument: Instrument) -> FloatArray | None:
    """(N,) ones over the life of a facility, from the commitment to the last day of its last draw."""
    if not is_repaid(instrument):
        return None
    drawn = 0 if instrument.term_from == "commitment" else instrument.draw_window
    return np.ones(drawn + schedule(instrument, case.horizon.dt).balance.size - 1)


def _post_coupon(
    case: Case,
    builder: LedgerBuilder,
    instrument: Instrument,
    decision: int,
    face: Face,
    u: PeriodArray,
    owed: FloatArray,
) -> None:
    """Interest in the periods u on `owed`, the balance before × dt."""
    account = Account.RENT if instrument.rent else Account.INTEREST if is_repaid(instrument) else Account.DIVIDENDS
    now = _grid_now(case, instrument)
    builder.post(decision, account, u, -owed * _margins(case, instrument, face, u), scaled=face.scaled)
    set_in = np.full_like(u, face.issued) if instrument.rate == "fixed" else u - 1
    agreed = np.full_like(u, face.agreed)
    for leg, observed in ((benchmark_leg(case, instrument), set_in), (spread_leg(case, instrument), agreed)):
        if leg is not None:
            builder.post(decision, account, u, -owed * leg.constant, scaled=face.scaled)
            builder.post(decision, account, u, -owed * leg.slope, leg.column, observed, scaled=face.scaled)
    if instrument.downgrade is not None:
        # (1 - S) / (1 - recovery) of the driver S is 1 after the downgrade and 0 before it.
        driver = next(d for d in case.driver if d.id == instrument.downgrade)
        fall = 1.0 - (driver.recovery if isinstance(driver, Survival) else 0.0)
        more = owed * (grid_margin(instrument, instrument.downgraded_to) - now) / fall
        builder.post(decision, account, u, -more, scaled=face.scaled)
        builder.post(decision, account, u, more, driver.id, u - 1, scaled=face.scaled)


def _grid_now(case: Case, instrument: Instrument) -> float:
    return grid_margin(instrument, next((p.rating for p in case.party if p.id == instrument.offtaker), ""))


def _margins(case: Case, instrument: Instrument, face: Face, u: PeriodArray) -> FloatArray:
    """Margin, grid and step spread that are due in the periods u."""
    margin = np.full(u.size, instrument.margin)
    if instrument.conversion is not None and instrument.converted_margin is not None:
        margin[u > face.agreed + instrument.conversion] = instrument.converted_margin
    return floored_margins(instrument, np.asarray(margin + _grid_now(case, instrument) + face.spread))


def _post_dilution(case: Case, builder: LedgerBuilder, excess: str, decision: int, face: Face, terms: Schedule) -> None:
    """Shares given on top of the face: at maturity, or as if converted at the horizon's end, where they are counted."""
    periods = case.horizon.periods
    for n in np.flatnonzero(terms.principal).tolist():
        if face.issued + n < periods:
            observed = face.issued + n
            builder.post(
                decision, Account.DILUTION, periods - 1, -terms.principal[n], excess, observed, scaled=face.scaled
            )
    last = periods - 1 - face.issued
    if last < terms.balance.size and terms.balance[last] > 0.0:
        builder.post(decision, Account.DILUTION, periods - 1, -terms.balance[last], excess, scaled=face.scaled)
