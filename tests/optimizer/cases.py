"""Cases that the tests of the engine plan: the starter case, and one with every kind of loss."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from capmix import load_case
from capmix.models.schema.case import Case
from capmix.models.schema.drivers import LogisticShare
from capmix.models.schema.rules import Risk


@cache
def starter() -> Case:
    return load_case(str(files("capmix.models.reading") / "starter.toml"))


def flat(value: float, case: Case) -> tuple[float, ...]:
    return (value,) * case.horizon.periods


@cache
def every_loss() -> Case:
    """The starter case where the newer system is late in some scenarios, and a limit on each kind of loss binds."""
    case = starter()
    energised = LogisticShare(
        id="energised", process="logistic_share", low=0.2, high=1.0, start=0.95, mean=flat(0.92, case), reversion=1.0,
        volatility=flat(1.5, case),
    )  # fmt: skip
    shortfall = Risk(id="late", loss="compute_shortfall", level=0.9, limit=18_500.0, target=80_000.0, at=11)
    return replace(
        case,
        driver=(*case.driver, energised),
        accelerator=tuple(
            replace(a, availability_column="energised") if a.id == "vr200" else a for a in case.accelerator
        ),
        risk=(*case.risk, shortfall),
    )


def with_risk(case: Case, name: str, **changes: Any) -> Case:
    return replace(case, risk=tuple(replace(r, **changes) if r.id == name else r for r in case.risk))
