"""plan.json: the plan as one versioned JSON document, described by plan.schema.json and docs/plan-json.md.

The document holds no NaN and no infinity: a figure that is not defined is null.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ..exits import Exit
from .replications import replications_document
from .reviews import reviews_document
from .tables import plain

if TYPE_CHECKING:
    from ...optimizer.plan import (
        Infeasibility,
        LimitInConflict,
        LossAllocation,
        Plan,
        RiskFigure,
        Table,
        TaxByScenario,
    )

EXIT_OF_STATUS = {"certified": Exit.OK, "stopped": Exit.STOPPED, "infeasible": Exit.INFEASIBLE}
_FILE_NAME = re.compile(r"[a-z][a-z0-9_]*")


def document(plan: Plan, extension: str = "csv") -> dict[str, Any]:
    """The plan as plain JSON values; `extension` is that of the files that the tables are written to."""
    from ...optimizer.plan import PLAN_SCHEMA

    heading, horizon = plan.case.case, plan.case.horizon
    certificate = plan.certificate
    return {
        "schema_version": PLAN_SCHEMA,
        "capmix_version": version(),
        "status": plan.status.value,
        "exit_code": int(EXIT_OF_STATUS[plan.status.value]),
        "case": {
            "name": heading.name,
            "title": heading.title,
            "currency": heading.currency,
            "file": PurePath(plan.case.path).name,
            "sha256": plan.case.sha256,
            "step": horizon.step,
            "periods": list(horizon.labels),
        },
        "objective": {
            "name": plan.objective_name,
            "value": number(plan.objective_value),
            "unit": plan.objective_unit,
        },
        "certificate": None
        if certificate is None
        else {
            "upper_bound": number(certificate.upper_bound),
            "lower_bound": number(certificate.lower_bound),
            "gap": number(certificate.gap),
            "tolerance": number(certificate.tolerance),
            "sampling_error": None if certificate.sampling_error is None else number(certificate.sampling_error),
        },
        "wealth": None
        if plan.wealth is None
        else {"expected": number(plan.wealth.expected), "upper_bound": number(plan.wealth.most)},
        "tax": _tax(plan.tax),
        "risk": [_risk(figure) for figure in plan.risk],
        "scenarios": {"count": plan.scenarios.count, "seed": plan.scenarios.seed, "bytes": plan.scenarios.bytes},
        "device": {
            "backend": plan.device.backend,
            "name": plan.device.name,
            "threads": plan.device.threads,
            "mode": plan.device.mode,
        },
        "timings": {
            "build_s": number(plan.timings.build_s),
            "simulate_s": number(plan.timings.simulate_s),
            "evaluate_s": number(plan.timings.evaluate_s),
            "master_s": number(plan.timings.master_s),
            "replications_s": number(plan.timings.replications_s),
            "total_s": number(plan.timings.total_s),
        },
        "passes": {
            "full": plan.passes.full,
            "equivalent": number(plan.passes.equivalent),
            "solves": plan.passes.solves,
            "cuts": plan.passes.cuts,
        },
        "funding": {
            "by_instrument": _numbers(plan.funding.by_instrument),
            "by_holder": _numbers(plan.funding.by_holder),
            "circular_share": number(plan.funding.circular_share),
            "total": number(plan.funding.total),
            "circulating": number(plan.funding.circulating),
            "circulating_share": number(plan.funding.circulating_share),
            "circular_of_spending": number(plan.funding.circular_of_spending),
        },
        "loss_allocation": _loss_allocation(plan.loss_allocation),
        "replications": replications_document(plan.replications),
        "reviews": reviews_document(plan),
        "prices": [
            {
                "rule": price.rule,
                "title": price.title,
                "index": price.index,
                "price": number(price.price),
                "per": number(price.per),
                "unit": price.unit,
                "level": number(price.level),
            }
            for price in plan.prices
        ],
        "infeasibility": _infeasibility(plan.infeasibility),
        "messages": list(plan.messages),
        "warnings": [dataclasses.asdict(warning) for warning in plan.case.doubts],
        "decisions": records(plan.decisions),
        "tables": [_index(table, extension) for table in all_tables(plan).values()],
        "versions": dict(sorted(plan.versions.items())),
    }


def encode(value: object) -> bytes:
    """JSON text, UTF-8, floats by their shortest text that reads back to the same bits. ValueError on NaN."""
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "backslashreplace")


def all_tables(plan: Plan) -> dict[str, Table]:
    """Every table of the plan by its file name. ValueError for a name that is not fit to be one."""
    tables = {plan.decisions.name: plan.decisions, **plan.tables}
    for name in tables:
        if not _FILE_NAME.fullmatch(name):
            raise ValueError(f"table name {name!r} cannot be a file name")
    return tables if plan.status.value != "infeasible" else {k: v for k, v in tables.items() if v.rows}


def number(value: object) -> float | int | None:
    """A finite number as plain Python; None if there is none."""
    cell = plain(value)
    return None if isinstance(cell, str) else cell


def records(table: Table) -> list[dict[str, Any]]:
    """The rows as objects with the columns' names as keys."""
    names = [column.name for column in table.columns]
    return [dict(zip(names, map(plain, row), strict=True)) for row in table.rows]


def version() -> str:
    """Version of the installed package."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("capmix")
    except PackageNotFoundError:
        return "0+unknown"


def _risk(figure: RiskFigure) -> dict[str, Any]:
    sample = figure.out_of_sample
    return {
        "name": figure.name,
        "loss": figure.loss,
        "measure": figure.measure,
        "level": number(figure.level),
        "limit": number(figure.limit),
        "value": number(figure.value),
        "var": number(figure.var),
        "probability": number(figure.probability),
        "unit": figure.unit,
        "price": number(figure.price),
        "out_of_sample": None
        if sample is None
        else {"value": number(sample.value), "ci_low": number(sample.ci_low), "ci_high": number(sample.ci_high)},
    }


def _infeasibility(reason: Infeasibility | None) -> dict[str, Any] | None:
    if reason is None:
        return None
    return {
        "reason": reason.reason,
        "minimum_risk": [
            {"name": name, "limit": number(limit), "minimum": number(minimum), "unit": unit}
            for name, limit, minimum, unit in reason.minimum_risk
        ],
        "relaxations": [
            {"rule": f.rule, "title": f.title, "index": f.index, "amount": number(f.amount), "unit": f.unit}
            for f in reason.relaxations
        ],
        "proven": reason.proven,
        "conflicts": [{"limits": [_in_conflict(limit) for limit in conflict.limits]} for conflict in reason.conflicts],
        "whole": reason.whole,
    }


def _in_conflict(limit: LimitInConflict) -> dict[str, Any]:
    told = dataclasses.asdict(limit)
    return {key: value if isinstance(value, str | bool) else number(value) for key, value in told.items()}


def _loss_allocation(found: LossAllocation | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "level": number(found.level),
        "expected": number(found.expected),
        "cvar": number(found.cvar),
        "shareholder_share": number(found.shareholder_share),
        "outside_share": number(found.outside_share),
        "circular_share": number(found.circular_share),
        "default_probability": number(found.default_probability),
    }


def _tax(found: TaxByScenario | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "expected": number(found.expected),
        "mean": number(found.mean),
        "hidden": number(found.mean - found.expected),
        "at_end": number(found.at_end),
        "share_of_cash": None if found.share_of_cash is None else number(found.share_of_cash),
        "net_loss": [
            {"limit": one.limit, "expected_tax": number(one.expected_tax), "own_tax": number(one.own_tax)}
            for one in found.net_loss
        ],
    }


def _numbers(values: Mapping[str, float]) -> dict[str, float | int | None]:
    return {key: number(value) for key, value in values.items()}


def _index(table: Table, extension: str) -> dict[str, Any]:
    return {
        "name": table.name,
        "title": table.title,
        "file": f"tables/{table.name}.{extension}",
        "rows": len(table.rows),
        "columns": [{"name": c.name, "unit": c.unit, "form": c.form} for c in table.columns],
    }


def finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
