"""A tiny case built from the dataclasses alone: one system, one site, eight quarters; tests add what they look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from capmix.models.ledger import Ledger
from capmix.models.schema.case import Case, Heading
from capmix.models.schema.drivers import Deterministic
from capmix.models.schema.financing import Depth, Instrument, Investor, Party, Step
from capmix.models.schema.hardware import Accelerator
from capmix.models.schema.horizon import Horizon
from capmix.models.schema.revenue import Contract, Merchant
from capmix.models.schema.rules import Cash, Objective
from capmix.models.schema.sites import LAYERS, Layer, Site

PERIODS = 8


def series(value: float, periods: int = PERIODS) -> tuple[float, ...]:
    return (value,) * periods


def driver(name: str, *path: float, periods: int = PERIODS) -> Deterministic:
    """A known path; the last value is kept."""
    return Deterministic(id=name, process="deterministic", path=(*path, *series(path[-1], periods))[:periods])


def system(name: str = "gpu", **changes: Any) -> Accelerator:
    base = Accelerator(
        id=name, vendor="maker", accelerators=8, bf16_tflops=1000.0, fp8_tflops=2000.0, it_kw=100.0, price=2.0,
        available_from=0, supply=series(50.0), lead=1, deposit=0.25, life=4, failure_rate=0.19, support_rate=0.05,
        attach_cost=0.2, residual=(0.9, 0.5, 0.1), rental=2.0, rental_decline=0.1,
    )  # fmt: skip
    return replace(base, **changes)


def layers(**changes: Any) -> tuple[Layer, ...]:
    return tuple(
        replace(Layer(kind=k, cost_per_mw=2.0, lead=1, max_mw=20.0, opening_mw=2.0), **changes) for k in LAYERS
    )


def site(name: str = "north", **changes: Any) -> Site:
    base = Site(id=name, pue=1.25, power_price=80.0, power_fixed_share=0.5, opex=0.1, life=40, layer=layers())
    return replace(base, **changes)


def bond(name: str = "bond", **changes: Any) -> Instrument:
    base = Instrument(
        id=name, kind="bond", rate="fixed", margin=0.06, tenor=12, amortisation="bullet", fee=0.01,
        depth=(Depth(investor="fund", steps=(Step(size=0.5, spread=0.0), Step(size=0.5, spread=0.01))),),
    )  # fmt: skip
    return replace(base, **changes)


def contract(name: str = "offtake", **changes: Any) -> Contract:
    base = Contract(
        id=name, customer="buyer", volume=300.0, price=2.5, sign_from=0, sign_to=5, ramp=1, term=4, prepayment=0.2
    )
    return replace(base, **changes)


def tiny(**changes: Any) -> Case:
    """The case; keyword arguments replace its sections."""
    base = Case(
        case=Heading(name="tiny"),
        horizon=Horizon(start="2026Q4", periods=PERIODS),
        objective=Objective(kind="compute"),
        cash=Cash(opening=1.0, minimum=series(0.1), dividends=series(0.0)),
        party=(Party(id="maker", role="supplier"), Party(id="buyer", role="customer")),
        driver=(driver("market", 1.0, 0.98, 0.96, 0.94, 0.92, 0.9, 0.88, 0.86), driver("money", 0.02)),
        accelerator=(system(),),
        site=(site(),),
        merchant=Merchant(column="market", volume=series(1000.0)),
        investor=(Investor(id="fund", kind="asset_manager", issuance_capacity=series(0.8)),),
    )
    return replace(base, **changes)


def known_means(case: Case, ledger: Ledger) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(A,) values of the atoms when every driver is a known path."""
    paths = np.array([d.path for d in case.driver])  # type: ignore[union-attr]
    flat = np.append(paths.ravel(), 1.0)
    return np.asarray(flat[ledger.factors].prod(axis=1))
