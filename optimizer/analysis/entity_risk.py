"""Each company of a group over the scenarios: its own cash, its default, and what of its distributions is not made."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...kernels.backend import Backend, ScenarioStore
from ..setup.liquidity import liquidity_of
from ..table import BILLION, Cell, Column, Table
from .claims import OWN
from .entity_names import (
    ENTITY_DEFAULT,
    ENTITY_LIQUIDITY,
    ENTITY_RISK,
    WHOLE_GROUP,
    EntityDefault,
    EntityLiquidity,
    EntityRisk,
    shareholders_of,
)
from .expected import Amounts
from .loss_allocation import Bearing
from .risk_figures import FAN_SCENARIOS
from .tabulate import long

LEVELS = {EntityLiquidity.Q05: 0.05, EntityLiquidity.Q50: 0.5, EntityLiquidity.Q95: 0.95}


def entity_risk_tables(amounts: Amounts, bearing: Bearing, backend: Backend, store: ScenarioStore) -> dict[str, Table]:
    """entity_liquidity, entity_risk and entity_default; none where there is only one company."""
    if not bearing.entities:
        return {}
    tables = (_liquidity(amounts, backend, store), _risk(bearing, amounts), _default(bearing))
    return {table.name: table for table in tables}


def _liquidity(amounts: Amounts, backend: Backend, store: ScenarioStore) -> Table:
    """Quantiles of each company's own running cash, what the plan pays within the group included."""
    count = min(store.count, FAN_SCENARIOS)
    rows: list[tuple[Cell, ...]] = []
    for entity in amounts.case.entity:
        loss = liquidity_of(amounts.case, amounts.ledger, entity.id, entity.id)
        exposure = amounts.exposure(loss)
        quantiles, mean, below = backend.fan(store, loss.table, exposure, tuple(LEVELS.values()), count)
        floor = amounts.mean_of(lambda path, one=loss: one.table.least(one.matrix @ path.decided))  # type: ignore[misc]
        for t, label in enumerate(amounts.labels):
            numbers = (*quantiles[:, t], mean[t], floor[t], below[t])
            rows.append((entity.id, label, *(float(x) for x in numbers)))
    columns = (
        Column(EntityLiquidity.ENTITY),
        Column(EntityLiquidity.PERIOD),
        *(Column(q, BILLION, "money") for q in LEVELS),
        Column(EntityLiquidity.MEAN, BILLION, "money"),
        Column(EntityLiquidity.MINIMUM, BILLION, "money"),  # less the revolver's line
        Column(EntityLiquidity.BELOW, "", "share"),
    )
    title = f"Each entity's own running cash over {count:,} scenarios, with all that is planned to be paid in the group"
    return long(ENTITY_LIQUIDITY, title, columns, rows)


def _risk(bearing: Bearing, amounts: Amounts) -> Table:
    """A row per company and one of the group: default, losses of those it owes, distributions that are not made."""
    known, parent = bearing.claims, bearing.entities[0].entity
    count = len(known.claims)
    lenders = np.array([c.instrument != OWN for c in known.claims])
    whose = np.array([c.entity or parent for c in known.claims])
    rows: list[tuple[Cell, ...]] = []
    for one in bearing.entities:
        mine = lenders & (whose == one.entity)
        planned = float(amounts.by_period("distribution", ("entity",)).get((one.entity,), np.zeros(1)).sum())
        rows.append(
            (
                one.entity,
                float(one.default.sum()),
                *_sums(bearing, mine, count),
                planned,
                float(one.missing.sum()),
            )
        )
    own = ~lenders
    rows.append((WHOLE_GROUP, bearing.any_default, *_sums(bearing, lenders, count), None, None))
    rows.append((shareholders_of(parent), None, *_sums(bearing, own, count), None, None))
    columns = (
        Column(EntityRisk.ENTITY),
        Column(EntityRisk.DEFAULT, "", "share"),
        Column(EntityRisk.CLAIM, BILLION, "money"),
        Column(EntityRisk.EXPECTED, BILLION, "money"),
        Column(EntityRisk.TAIL, BILLION, "money"),
        Column(EntityRisk.PLANNED, BILLION, "money"),
        Column(EntityRisk.SHORTFALL, BILLION, "money"),
    )
    title = (
        "Each company over the scenarios: its default, the losses of those whom it owes, guarantees counted as payments"
    )
    title += f"; default of {WHOLE_GROUP}: of any of them"
    return long(ENTITY_RISK, title, columns, rows)


def _sums(bearing: Bearing, mine: NDArray[np.bool_], count: int) -> tuple[float, float, float]:
    return (
        float(bearing.owed[mine].sum()),
        float(bearing.expected[:count][mine].sum()),
        float(bearing.tail[:count][mine].sum()),
    )


def _default(bearing: Bearing) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in bearing.entities:
        so_far = np.cumsum(one.default)
        for t, label in enumerate(bearing.claims.labels):
            numbers = (one.default[t], so_far[t], one.withheld[t], one.missing[t])
            rows.append((one.entity, label, *(float(x) for x in numbers)))
    columns = (
        Column(EntityDefault.ENTITY),
        Column(EntityDefault.PERIOD),
        Column(EntityDefault.FIRST, "", "share"),
        Column(EntityDefault.CUMULATIVE, "", "share"),
        Column(EntityDefault.SHORT, "", "share"),
        Column(EntityDefault.SHORTFALL, BILLION, "money"),
    )
    title = "When each company defaults on its own cash, and what it cannot distribute as planned"
    return long(ENTITY_DEFAULT, title, columns, rows)
