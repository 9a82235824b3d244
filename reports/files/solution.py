"""solution.json: the amounts that all figures of a plan follow from, by name and to the bit."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .document import encode

if TYPE_CHECKING:
    from ...models.own_limits import OwnLimit
    from ...optimizer.plan import Bounded, Evidence, Replication

SOLUTION_SCHEMA = 1
PARTS = ("columns", "row_prices", "bound_prices")


def solution_makers(found: Mapping[str, Evidence | None]) -> dict[str, Callable[[], bytes]]:
    """How to make the file of each plan, by its path in the folder; none where there is no plan."""
    return {path: _maker(one) for path, one in found.items() if one is not None}


def _maker(found: Evidence) -> Callable[[], bytes]:
    return lambda: encode({"schema_version": SOLUTION_SCHEMA, **_plain(found)})


def _plain(found: Evidence) -> dict[str, Any]:
    replications = [asdict(one) | {"status": one.status.value} for one in found.replications]
    parts = asdict(found) | {"replications": replications}
    own = [_finite(limit) for limit in parts.pop("own")]
    without = [one | {"status": one["status"].value} for one in parts.pop("without")]
    return parts | ({"own": own} if own else {}) | ({"without": without} if without else {})


def _finite(limit: dict[str, Any]) -> dict[str, Any]:
    """A limit without infinities, which JSON does not have: a side that is open is null."""
    return {**limit, **{side: limit[side] if math.isfinite(limit[side]) else None for side in ("lower", "upper")}}


def read_solution(content: bytes) -> Evidence:
    """What a file holds. ValueError says what is wrong with it."""
    from ...optimizer.plan import Evidence

    try:
        document: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is no JSON: {error}") from None
    if not isinstance(document, dict) or document.get("schema_version") != SOLUTION_SCHEMA:
        raise ValueError(f"is no solution of version {SOLUTION_SCHEMA}")
    columns, row_prices, bound_prices = (_amounts(document.get(part), part) for part in PARTS)
    return Evidence(
        columns=columns,
        row_prices=row_prices,
        bound_prices=bound_prices,
        steps=_steps(document.get("steps")),
        replications=_replications(document.get("replications", [])),
        own=_own(document.get("own", [])),
        without=_without(document.get("without", [])),
    )


def _without(found: object) -> tuple[Bounded, ...]:
    """The case without its reviews; there are none in most files."""
    from ...optimizer.cutting_planes.solution import Status
    from ...optimizer.plan import Bounded

    if not isinstance(found, list):
        raise ValueError("without is no list")
    out = []
    for one in found:
        if not isinstance(one, dict) or set(one) != {"name", "status", "objective", "upper", "lower"}:
            raise ValueError("without: an entry is no search")
        figures = {key: one[key] for key in ("objective", "upper", "lower") if one[key] is not None}
        amounts = _amounts(figures, "without")
        told = [amounts.get(key) for key in ("objective", "upper", "lower")]
        out.append(Bounded(str(one["name"]), Status(one["status"]), *told))
    return tuple(out)


def _replications(found: object) -> tuple[Replication, ...]:
    from ...optimizer.cutting_planes.solution import Status
    from ...optimizer.plan import Replication

    if not isinstance(found, list):
        raise ValueError("replications is no list")
    out = []
    for entry in found:
        if not isinstance(entry, dict) or not isinstance(entry.get("seed"), int) or entry["seed"] < 0:
            raise ValueError("replications: an entry without a seed")
        cvars = entry.get("cvars")
        if not isinstance(cvars, list):
            raise ValueError("replications: an entry without cvars")
        figures = {key: entry.get(key) for key in ("lower", "upper", "gap")}
        amounts = _amounts({key: value for key, value in figures.items() if value is not None}, "replications")
        told = _amounts({str(m): value for m, value in enumerate(cvars)}, "replications")
        out.append(
            Replication(
                seed=entry["seed"],
                status=Status(entry.get("status")),
                lower=amounts.get("lower"),
                upper=amounts.get("upper"),
                objective=_amounts({"objective": entry.get("objective")}, "replications")["objective"],
                gap=amounts.get("gap"),
                cvars=tuple(told.values()),
                prices=_amounts(entry.get("prices"), "replications.prices"),
            )
        )
    return tuple(out)


def _own(found: object) -> tuple[OwnLimit, ...]:
    """Limits that the user added; there are none in most files."""
    from ...models.own_limits import OwnLimit

    if not isinstance(found, list):
        raise ValueError("own is no list")
    limits = []
    for one in found:
        if not isinstance(one, dict) or set(one) != {"name", "terms", "lower", "upper", "unit", "period"}:
            raise ValueError("own: an entry is no limit")
        texts = {key: one[key] for key in ("name", "unit", "period")}
        if not all(isinstance(text, str) for text in texts.values()):
            raise ValueError("own: a limit's name, unit or period is no text")
        sides = {side: one[side] for side in ("lower", "upper") if one[side] is not None}
        low, high = ({"lower": -math.inf, "upper": math.inf} | _amounts(sides, "own")).values()
        limits.append(OwnLimit(terms=_amounts(one["terms"], "own"), lower=low, upper=high, **texts))
    return tuple(limits)


def _steps(found: object) -> dict[str, tuple[float | None, str]]:
    if not isinstance(found, dict):
        raise ValueError("steps is missing")
    for name, step in found.items():
        if not isinstance(step, list) or len(step) != 2 or not isinstance(step[1], str):
            raise ValueError(f"steps: {name!r} is no cost and a word")
        if step[0] is not None:
            _amounts({name: step[0]}, "steps")
    return {name: (None if cost is None else float(cost), how) for name, (cost, how) in found.items()}


def _amounts(found: object, part: str) -> dict[str, float]:
    if not isinstance(found, dict):
        raise ValueError(f"{part} is missing")
    for name, amount in found.items():
        if isinstance(amount, bool) or not isinstance(amount, int | float) or not math.isfinite(amount):
            raise ValueError(f"{part}: {name!r} is no number")
    return {name: float(amount) for name, amount in found.items()}
