"""Sites: the layers that are built, and the IT power that each of them lets a site serve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from ..arrays import FloatArray
from ..ledger import Account, Decision, LedgerBuilder
from ..schema.case import Case
from ..schema.sites import Layer, Site
from . import owners, rules
from .assembly import Assembly, BoolArray
from .quantities import MILLION, WIDER
from .reference import riskless
from .working_capital import post_cost
from .write_off import Service, write_off


def layer_cost(layer: Layer) -> float:
    """Billion per MW; what comes once per site is spread over the most the site can hold."""
    return (layer.cost_per_mw + layer.cost_per_site / layer.max_mw) * MILLION


def stage_periods(layer: Layer) -> list[int]:
    """Periods after the decision in which the stages are paid: in equal steps, the last with the start of service.

    A stage that falls amid a period is paid in the period that is nearer, halves in the later one.
    """
    last = len(layer.stages) - 1
    return [(2 * i * layer.lead + last) // (2 * last) if last else 0 for i in range(last + 1)]


def declare(case: Case, builder: LedgerBuilder) -> None:
    """Decisions build[site,layer,t], MW, of what would be in service within the horizon."""
    for site in case.site:
        for layer in site.layer:
            room = layer.max_mw - layer.opening_mw
            for v in range(case.horizon.periods - layer.lead):
                pace = room if layer.max_build is None else layer.max_build[v]
                if min(pace, room) <= 0.0:
                    continue
                label = case.horizon.label(v)
                build = builder.decide(
                    Decision(
                        key=f"build[{site.id},{layer.kind},{label}]",
                        block="build",
                        period=v,
                        unit="MW",
                        lower=0.0,
                        upper=pace if pace < room else WIDER * room,
                        tags={"site": site.id, "layer": layer.kind, "period": label},
                        rule=rules.PACE[layer.kind].name if pace < room else "",
                    )
                )
                _post_build(case, builder, site, layer, build, v)


def _post_build(case: Case, builder: LedgerBuilder, site: Site, layer: Layer, build: int, v: int) -> None:
    periods, dt = case.horizon.periods, case.horizon.dt
    cost, start = layer_cost(layer), v + layer.lead
    paid = np.zeros(periods)
    for share, wait in zip(layer.stages, stage_periods(layer), strict=True):
        paid[v + wait] += share * cost
    t = np.arange(periods)
    builder.post(build, Account.SITES, t, -paid)
    served = t[start:]
    if layer.kind == "shell":
        post_cost(case, builder, build, Account.SITE_OPEX, served, -site.opex * MILLION * dt)
        _post_rent(case, builder, site, build, 1.0, start, site.lease)
    how = None if case.tax is None else case.tax.sites
    write_off(case, builder, build, how, Service(start, site.life), cost)
    book = np.where(t < start, np.cumsum(paid), cost * np.maximum(0.0, 1.0 - (t - start + 1) / site.life))
    _post_value(builder, build, book * site.residual_share)


def _post_rent(
    case: Case, builder: LedgerBuilder, site: Site, decision: int, megawatts: float, start: int, term: int | None
) -> None:
    """Owe the rent from the horizon to the end of the lease, at the rate of `riskless`, less what subletting brings.

    Also the rents still to come at the end of each period, whoever else might use the space, for the balance sheet and
    for covenants that count leases, and for these the rent of each period.
    """
    periods, dt = case.horizon.periods, case.horizon.dt
    if term is None:
        return
    rent = site.opex * MILLION * dt * megawatts
    leased = np.arange(start, min(start + term, periods))
    still = np.array([_annuity(case, start + term - 1 - int(t)) for t in leased])
    builder.post(decision, Account.SITE_LEASES, leased, rent * still)
    if any(c.leases for c in case.covenant):
        builder.post(decision, Account.SITE_RENT, leased, rent)
    if case.objective.valuation != "face":
        due = _annuity(case, start + term - periods)
        builder.post(decision, Account.RENT_AHEAD, periods - 1, -(rent * (1.0 - site.sublet_share)) * due)


def _annuity(case: Case, periods: int) -> float:
    """What 1 in each of the next `periods` is worth at the rate of `riskless`."""
    ahead = np.arange(1, max(periods, 0) + 1)
    return float(np.exp(-ahead * np.log1p(riskless(case) * case.horizon.dt)).sum())


def _post_value(builder: LedgerBuilder, decision: int, value: FloatArray) -> None:
    t = np.arange(value.size)
    builder.post(decision, Account.SITE_VALUE, t, value)
    builder.post(decision, Account.TERMINAL_ASSETS, t[-1:], value[-1:])


def declare_opening(case: Case, builder: LedgerBuilder) -> None:
    """fixed[sites], of each entity if there are any: operation, depreciation and value of the opening layers."""
    owner = owners.of_site(case)
    for entity in owners.with_sites(case):
        _declare_opening(case, builder, entity, [s for s in case.site if owner[s.id] == entity])


def _declare_opening(case: Case, builder: LedgerBuilder, entity: str, own: Sequence[Site]) -> None:
    shells, weight = _shells(case), _weights(case)
    book, years = opening_book(case, own)
    if not any(shells[s.id] for s in own) and book == 0.0:
        return
    t = np.arange(case.horizon.periods)
    key = f"fixed[sites,{entity}]" if entity else "fixed[sites]"
    tags = {"kind": "sites", **({"entity": entity} if entity else {})}
    opening = builder.decide(Decision(key=key, block="fixed", period=0, unit="", lower=1.0, upper=1.0, tags=tags))
    for site in own:
        cost = -site.opex * MILLION * case.horizon.dt * shells[site.id]
        post_cost(case, builder, opening, Account.SITE_OPEX, t, cost, served=t.size)
        left = site.lease if site.opening_lease is None else site.opening_lease
        _post_rent(case, builder, site, opening, shells[site.id], 0, left)
    builder.post(opening, Account.DEPRECIATION, t[:years], -book / years)
    residual = sum(weight[s.id] * s.residual_share for s in own) * case.opening.site_book_value
    _post_value(builder, opening, residual * np.maximum(0.0, 1.0 - (t + 1) / years))


def opening_book(case: Case, own: Sequence[Site]) -> tuple[float, int]:
    """Book value at the start of the sites `own`, billion, and the periods over which it is written off.

    It is that of all sites, split by their shells in service.
    """
    shells, weight, life = _shells(case), _weights(case), case.opening.site_life
    none = not sum(shells.values())
    served = [s.life for s in case.site if shells[s.id] > 0.0 or none]  # a site merely on offer changes nothing
    return case.opening.site_book_value * sum(weight[s.id] for s in own), max(served) if life is None else life


def _shells(case: Case) -> dict[str, float]:
    """Shell in service at the start of each site, MW."""
    return {s.id: layer.opening_mw for s in case.site for layer in s.layer if layer.kind == "shell"}


def _weights(case: Case) -> dict[str, float]:
    shells = _shells(case)
    total = sum(shells.values())
    return {s.id: shells[s.id] / total if total else 1.0 / len(case.site) for s in case.site}


def constrain(a: Assembly) -> None:
    """IT power at a site is at most what each layer serves; layers are built up to the site's most."""
    for site in a.case.site:
        load = a.expected([Account.IT_POWER], a.mask(site=site.id))
        for layer in site.layer:
            builds = a.mask(block="build", site=site.id, layer=layer.kind)
            factor = site.pue if layer.kind == "power" else 1.0
            index = [f"{site.id},{label}" for label in a.labels]
            a.rows(
                rules.LAYER[layer.kind], index, load * factor - _in_service(a, builds, layer), upper=layer.opening_mw
            )
            if layer.schedule_mw is not None:
                a.rows(rules.SCHEDULE[layer.kind], index, load * factor, upper=layer.schedule_mw)
            room = max(layer.max_mw - layer.opening_mw, 0.0)
            a.rows(rules.ROOM[layer.kind], [site.id], csr_array(builds[None, :].astype(np.float64)), upper=room)


def _in_service(a: Assembly, builds: BoolArray, layer: Layer) -> csr_array:
    """(T, N) MW in service per MW decided."""
    ready = a.period + layer.lead
    grid = builds[None, :] & (ready[None, :] <= np.arange(a.periods)[:, None])
    return csr_array(grid.astype(np.float64))
