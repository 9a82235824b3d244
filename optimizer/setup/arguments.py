"""The arguments of a run, checked before anything is computed."""

from __future__ import annotations

import math
from numbers import Integral, Real
from os import PathLike

from ...models.blocks.headroom import name_of
from ...models.reading.faults import CaseError, Fault, show
from ...models.reading.load import load_case
from ...models.reading.values import nearest
from ...models.schema.case import Case
from ...models.schema.rules import Risk
from .own_limits import Constraints, PyomoRows
from .risk_losses import SHORTFALL, all_risks

MOST_SCENARIOS = 10**9
MOST_SEED = 2**64 - 1
LEAST_POINTS, MOST_POINTS = 2, 1000
LEAST_REPLICATIONS, MOST_REPLICATIONS = 2, 1000


def as_case(case: Case | str | PathLike[str]) -> Case:
    """The case itself, or the one in the file, or shipped by the name, that is given. CaseError as `load_case`."""
    return case if isinstance(case, Case) else load_case(case)


def checked(
    case: Case,
    scenarios: int | None,
    seed: int | None,
    gap: float,
    time_limit: float | None,
    constraints: Constraints | None = None,
) -> tuple[int, int]:
    """Number of scenarios and seed of the run, the case's own where left out.

    Raises:
        CaseError: one fault for each argument outside its range, and for each risk limit with a tail of less than one
            scenario.
    """
    faults: list[Fault] = []
    count = case.simulation.count if scenarios is None else scenarios
    key = case.simulation.seed if seed is None else seed
    if not _whole(count) or not 1 <= count <= MOST_SCENARIOS:
        allowed = f"a whole number from 1 to {MOST_SCENARIOS:,}"
        faults.append(_fault("scenarios", count, allowed, "leave it out to take simulation.count of the case"))
    else:
        faults += [_thin(case, risk, count) for risk in all_risks(case) if (1.0 - risk.level) * count < 1.0 - 1e-9]
    if not _whole(key) or not 0 <= key <= MOST_SEED:
        faults.append(
            _fault("seed", key, "a whole number from 0 to 2^64 - 1", "leave it out to take simulation.seed of the case")
        )
    if not _real(gap) or not 0.0 < gap < 1.0:
        faults.append(_fault("gap", gap, "a number above 0 and below 1", "1e-5 certifies to a hundred-thousandth"))
    if time_limit is not None and (not _real(time_limit) or not time_limit > 0.0):
        faults.append(
            _fault("time_limit", time_limit, "a number of seconds above 0", "leave it out to run until the gap is met")
        )
    if not _functions(constraints):
        allowed = "a function that returns rows, a PyomoRows, or a list of them"
        faults.append(_fault("constraints", constraints, allowed, "docs/own-limits.md shows one of each"))
    if faults:
        raise CaseError(faults)
    return int(count), int(key)


def checked_frontier(case: Case, limit: object, points: object, low: object, high: object) -> int:
    """The number of the limit among `all_risks`.

    Raises:
        CaseError: one fault for each: no such limit, too few or too many points, amounts that are no numbers or out of
            order.
    """
    faults: list[Fault] = []
    names = [risk.id for risk in all_risks(case)]
    if limit not in names:
        allowed = f"a risk limit of the case: {', '.join(names)}" if names else "no limit: the case has none"
        cure = nearest(limit, names) or ("name one of them" if names else "add a [[risk]] table")
        faults.append(Fault(case.path or "the case", None, "limit", show(limit), allowed, cure))
    if not _whole(points) or not LEAST_POINTS <= points <= MOST_POINTS:  # type: ignore[operator]
        allowed = f"a whole number from {LEAST_POINTS} to {MOST_POINTS:,}"
        faults.append(_fault("points", points, allowed, "20 show the shape of most frontiers"))
    amounts = [("low", low), ("high", high)]
    for key, value in amounts:
        if value is not None and not _real(value):
            faults.append(_fault(key, value, "a number, in the limit's unit", "leave it out to have it found"))
    if all(_real(value) for _, value in amounts) and not low < high:  # type: ignore[operator]
        faults.append(_fault("low", low, f"an amount below high, {show(high)}", "exchange the two"))
    if faults:
        raise CaseError(faults)
    return names.index(str(limit))


def checked_replications(replications: object) -> int:
    """How many times to plan again.

    Raises:
        CaseError: neither 0 nor a whole number from 2 to 1,000.
    """
    most = MOST_REPLICATIONS
    fits = _whole(replications) and (replications == 0 or LEAST_REPLICATIONS <= replications <= most)  # type: ignore[operator]
    if not fits:
        allowed = f"0, or a whole number from {LEAST_REPLICATIONS} to {most:,}"
        cure = "10 give a fair standard error; one alone gives none"
        raise CaseError([_fault("replications", replications, allowed, cure)])
    return int(replications)  # type: ignore[call-overload, no-any-return]


def _functions(value: object) -> bool:
    if value is None or callable(value) or isinstance(value, PyomoRows):
        return True
    return isinstance(value, list | tuple) and all(one is not None and _functions(one) for one in value)


def _whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _real(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _fault(key: str, value: object, allowed: str, cure: str) -> Fault:
    return Fault("arguments", None, key, show(value), allowed, cure)


def _thin(case: Case, risk: Risk, count: int) -> Fault:
    least = math.ceil(1.0 / (1.0 - risk.level) - 1e-9)
    covenant = next((c for c in case.covenant if name_of(c) == risk.id), None) if risk.loss == SHORTFALL else None
    return Fault(
        file=case.path or "the case",
        line=None,
        key=f'risk "{risk.id}".level' if covenant is None else f'covenant "{covenant.id}".level',
        value=f"{risk.level:g} with {count:,} scenarios",
        allowed=f"a tail of at least one scenario: {least:,} scenarios or more at this level",
        cure=f"use {least:,} scenarios or more, or a lower level",
    )
