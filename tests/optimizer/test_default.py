"""A customer's default in whole plans of the engine: never a gain, and relet within the merchant market only."""

from __future__ import annotations

from dataclasses import replace

import capmix
import numpy as np
import pytest
from capmix.models.schema.case import Case
from capmix.models.schema.drivers import Survival

from .cases import starter


def with_customer(case: Case, hazard: float, recovery: float = 0.0, **terms: object) -> Case:
    """The starter case with another customer in place of its laboratory."""
    drivers = tuple(
        replace(d, hazard=(hazard,) * case.horizon.periods, recovery=recovery) if isinstance(d, Survival) else d
        for d in case.driver
    )
    return replace(
        case, driver=drivers, contract=tuple(replace(c, **terms) for c in case.contract)  # type: ignore[arg-type]
    )  # fmt: skip


def plan_of(case: Case) -> capmix.Plan:
    return capmix.optimize(case, scenarios=400, seed=1, out_of_sample=False)


@pytest.mark.parametrize(("recovery", "kept"), [(0.0, False), (0.3, True)])
def test_a_prepayer_who_dies_at_once_is_worth_less_than_the_same_customer_sound(recovery: float, kept: bool) -> None:
    """Half prepaid, relet in full, a hazard of 20 a year beside one of 3 %.

    By the compute that both reach; the wealth of one and the same plan is compared in tests/models/test_default.py.
    """
    terms = {"prepayment": 0.5, "relet_share": 1.0, "prepayment_kept": kept}
    dying, sound = (plan_of(with_customer(starter(), h, recovery, **terms)) for h in (20.0, 0.03))
    assert dying.objective_value < sound.objective_value * (1.0 - 1e-3)


@pytest.mark.parametrize("volume", [1.0, 30_000.0])
def test_letting_again_is_worth_no_more_than_the_market_takes(volume: float) -> None:
    case = with_customer(starter(), 0.3, price=6.0)
    assert case.merchant is not None
    small = replace(case, merchant=replace(case.merchant, volume=(volume,) * case.horizon.periods))
    full, none = (
        plan_of(replace(small, contract=tuple(replace(c, relet_share=share) for c in small.contract)))
        for share in (1.0, 0.0)
    )
    assert full.objective_value >= none.objective_value * (1.0 - 1e-4)
    if volume == 1.0:
        assert full.objective_value == pytest.approx(none.objective_value, rel=1e-3)
    kept = np.array([row[2:] for row in full.tables["relet"].rows], dtype=np.float64).sum(axis=0)
    compute = {"gb300": 72 * 2.5, "vr200": 72 * 4.0}
    rented = sum(
        (compute[str(row[0])] * np.array(row[1:], dtype=np.float64) for row in full.tables["merchant"].rows), 0.0 * kept
    )
    assert kept.max() > 0.1 * volume
    assert (kept + rented <= volume * (1.0 + 1e-6)).all()
