"""Plans under covenants of cover where nothing is due: certified, not tested there, and so reported."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from capmix import Plan, Status, optimize
from capmix.models.ledger import ACCOUNT_NUMBER, Account
from capmix.models.schema.case import Case
from capmix.models.schema.drivers import Window
from capmix.models.schema.financing import Opening
from capmix.models.schema.rules import Covenant
from capmix.optimizer.analysis.covenants import breaches
from capmix.optimizer.analysis.expected import Amounts
from capmix.optimizer.setup.assemble import risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import prepare
from capmix.optimizer.setup.risk_losses import shortfall

from .cases import starter
from .extensive import extensive, solve_highs
from .test_extensive import lifted

COUNT, SEED = 1_000, 1
COVER = {"interest_cover": 2.0, "dscr": 1.3, "fixed_charge_cover": 1.5, "net_debt_to_ebitda": 2.0, "llcr": 1.2}


def young(*covenants: Covenant, **changes: object) -> Case:
    """The starter before it has systems or debt: it costs before it earns."""
    return replace(starter(), covenant=covenants, opening=Opening(site_book_value=0.18), **changes)


def planned(case: Case, gap: float = 1e-6) -> Plan:
    return optimize(case, scenarios=COUNT, seed=SEED, gap=gap, device="cpu", out_of_sample=False)


@cache
def free() -> Plan:
    return planned(young())


@pytest.mark.parametrize("as_", ["maintained", "cvar"])
@pytest.mark.parametrize("kind", COVER)
def test_a_company_without_debt_yet_has_a_plan(kind: str, as_: str) -> None:
    """In its first quarter EBITDA is negative, and nothing is due."""
    covenant = Covenant(id="cover", kind=kind, limit=COVER[kind], as_=as_, level=0.95 if as_ == "cvar" else None)
    plan = planned(young(covenant))
    assert plan.status is Status.CERTIFIED
    assert free().objective_value * 0.9 < plan.objective_value <= free().objective_value * (1.0 + 2e-6)
    rows = [row for row in plan.tables["covenants"].rows if row[0] == "cover"]
    assert len(rows) == 12
    if kind not in ("llcr", "net_debt_to_ebitda"):
        assert rows[0][4:8] == (None, COVER[kind], None, None)


@pytest.mark.parametrize("as_", ["maintained", "cvar"])
def test_where_early_debt_could_not_be_covered_it_waits(as_: str) -> None:
    """Systems come after three quarters: a year's earnings are negative for long, and no interest may fall due."""
    covenant = Covenant(id="cover", kind="interest_cover", limit=4.0, as_=as_, level=0.95 if as_ == "cvar" else None)
    case = young(covenant, accelerator=tuple(replace(a, lead=3) for a in starter().accelerator))
    plan = planned(case, gap=1e-8)
    assert plan.status is Status.CERTIFIED
    told = [message for message in plan.messages if "is not tested in" in message]
    assert len(told) == 1
    assert "covenant cover" in told[0]
    ready = prepare(case, choose("numpy"), COUNT, SEED)
    assert ready.nothing_due
    risks = risk_limits(ready.case, ready.losses)
    oracle, _ = solve_highs(
        extensive(*lifted(ready.program, risks), ready.backend.values(ready.store, np.arange(COUNT)))
    )
    assert plan.objective_value == pytest.approx(oracle, rel=1e-6)
    values = {row[3]: row[4] for row in plan.tables["covenants"].rows}
    for name, t in ready.nothing_due:
        assert name == "covenant cover"
        assert values[case.horizon.labels[t]] is None
    assert all(value is None or value >= 4.0 - 1e-6 for value in values.values())
    later = [row for row in plan.tables["covenant_breaches"].rows if row[1] == case.horizon.labels[-1]]
    assert later[0][4] is not None


@pytest.mark.parametrize("as_", ["maintained", "cvar", "monitored"])
def test_without_instruments_no_cover_is_tested(as_: str) -> None:
    level = 0.95 if as_ == "cvar" else None
    bare = young(instrument=())
    case = replace(bare, covenant=(Covenant(id="cover", kind="interest_cover", limit=100.0, as_=as_, level=level),))
    plan = planned(case)
    assert plan.status is Status.CERTIFIED
    assert plan.objective_value == pytest.approx(planned(bare).objective_value, rel=3e-6)
    assert [row[4:8] for row in plan.tables["covenants"].rows] == [(None, 100.0, None, None)] * 12
    risk = plan.tables["covenant_risk"].rows[0]
    assert risk[5:8] == (0.0, None, None)
    assert not [message for message in plan.messages if "not tested" in message]


def test_a_scenario_in_which_nothing_is_due_is_no_breach() -> None:
    """The market for debt shuts in half of the scenarios; a recount, posting by posting."""
    base = young(Covenant(id="cover", kind="interest_cover", limit=60.0, as_="monitored"))
    shut = Window(id="market", process="window", closing=(8.0,) * 12, reopening=(0.5,) * 12, shut_share=0.0)
    notes = next(i for i in base.instrument if i.id == "notes")
    once = replace(notes, window="market", issue_from=1, issue_to=1)
    case = replace(base, driver=(*base.driver, shut), instrument=(once,))
    plan = planned(case)
    ready = prepare(case, choose("cpu"), COUNT, SEED)
    amount = {r[0]: r[3] for r in plan.decisions.rows}
    decided = np.array([1.0 if d.block == "fixed" else float(amount.get(d.key, 0.0)) for d in ready.ledger.decisions])
    one = shortfall(case, ready.ledger, ready.deposit_rates, case.covenant[0])
    amounts = Amounts(case, ready.ledger, ready.means, decided, ready.deposit_rates)
    found = breaches(amounts, ready.backend, ready.store, one)
    x = ready.backend.values(ready.store, np.arange(COUNT)).reshape(COUNT, -1)
    x = np.column_stack([x, np.ones(COUNT)])
    ledger, year = ready.ledger, case.horizon.per_year

    def yearly(*accounts: Account) -> np.ndarray:
        flow = np.zeros((COUNT, ledger.periods))
        keep = np.isin(ledger.account, [ACCOUNT_NUMBER[a] for a in accounts])
        for p in np.flatnonzero(keep & (decided[ledger.decision] != 0.0)):
            price = x[:, ledger.factors[ledger.atom[p]]].prod(axis=1)
            flow[:, ledger.period[p]] += ledger.coefficient[p] * decided[ledger.decision[p]] * price
        sums = [flow[:, max(0, t - year + 1) : t + 1] for t in range(ledger.periods)]
        return np.stack([s.sum(axis=1) * year / s.shape[1] for s in sums], axis=1)

    interest, earned = -yearly(Account.INTEREST), yearly(*(a for a in Account if a.ebitda))
    breached = (earned < 60.0 * interest - 1e-7) & (interest > 1e-9)
    times = list(found.times)
    assert 0.2 < (interest[:, -1] <= 1e-9).mean() < 0.9
    assert ((earned < -1e-7) & (interest <= 1e-9)).any()  # would count, were nothing due no excuse
    assert found.probability == pytest.approx(breached[:, times].any(axis=1).mean())
    assert found.probability > 0.0
    np.testing.assert_allclose(found.breached, breached[:, times].mean(axis=0))
    row = plan.tables["covenant_risk"].rows[0]
    assert row[5] == pytest.approx(found.probability)
    headroom = np.where(interest > 1e-9, earned - 60.0 * interest, np.inf)[:, times]
    ordered = np.sort(headroom.min(axis=1))
    assert found.worst_fifth == pytest.approx(ordered[int(0.05 * (COUNT - 1))], rel=1e-6)
