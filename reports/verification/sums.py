"""What a run folder's files say of each other, seen without computing anything: totals, bounds, and the same figure in
two places.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...optimizer.analysis.names import CONSTRUCTION, CONTRACTS, DECISIONS, PURCHASES
from ...optimizer.frontiers.names import FRONTIER, Points
from ...optimizer.table import TOTAL
from ..files.document import EXIT_OF_STATUS
from ..files.json_schema import faults as schema_faults
from ..files.manifest import MANIFEST, STATUS_OF_EXIT
from ..files.read_tables import number_of, read_table
from ..files.run_folder import RunFolder, Unreadable
from ..files.schema import schema
from .agreement import document_faults, same, short

WITH_TOTALS = frozenset({PURCHASES, CONSTRUCTION, CONTRACTS})
COLLECTED = {"compare": 2, "frontier": 3}  # versions of compare.json and frontier.json


def inner_faults(run: RunFolder) -> Iterator[str]:
    """Every contradiction, with the file's name."""
    yield from _guarded(lambda: _manifest(run))
    if run.kind == "plan":
        yield from _guarded(lambda: _plan(run, ""))
        return
    name = f"{run.kind}.json"
    found = run.document(name)
    if found.get("schema_version") != COLLECTED[run.kind]:
        yield f"{name}: schema_version is {found.get('schema_version')!r}; {COLLECTED[run.kind]} is read here"
        return
    yield from _guarded(lambda: _collected(run, name, found))
    if run.kind == "compare":
        yield from _guarded(lambda: _variants(run, found))


def _manifest(run: RunFolder) -> Iterator[str]:
    """What the manifest says of the run and of its result, beside the document."""
    name, manifest = f"{run.kind}.json", run.manifest
    found = run.document(name)
    code, drawn = found["exit_code"], found["scenarios"]
    written = {
        "kind": run.kind,
        "status": STATUS_OF_EXIT.get(code),
        "exit_code": code,
        "scenarios": drawn["count"],
        "seed": drawn["seed"],
    }
    for key, value in written.items():
        if manifest.get(key) != value:
            yield f"{MANIFEST}: {key} is {manifest.get(key)!r}; {name} says {value!r}"


def _guarded(check: Any) -> Iterator[str]:
    """The faults of a check; a document of another shape than it promises is one more."""
    try:
        yield from check()
    except Unreadable as error:
        yield str(error)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        yield f"a document is not laid out as it should be: {type(error).__name__}: {error}"


def _variants(run: RunFolder, found: dict[str, Any]) -> Iterator[str]:
    for variant in found["variants"]:
        yield from _guarded(lambda one=variant: _variant(run, one))


def _variant(run: RunFolder, variant: dict[str, Any]) -> Iterator[str]:
    under = f"variants/{variant['name']}/"
    yield from _plan(run, under)
    status = run.document(f"{under}plan.json")["status"]
    if status != variant["status"]:
        yield f"compare.json: {variant['name']} is {variant['status']}; {under}plan.json says {status}"


def _plan(run: RunFolder, under: str) -> Iterator[str]:
    name = f"{under}plan.json"
    plan = run.document(name)
    wrong = [f"{name}, {fault}" for fault in schema_faults(plan, schema())]
    yield from short(wrong)
    if wrong:
        return
    if plan["exit_code"] != EXIT_OF_STATUS[plan["status"]]:
        yield f"{name}: {plan['status']} is not exit code {plan['exit_code']}"
    yield from _certificate(name, plan["status"], plan["objective"]["value"], plan["certificate"])
    wealth = plan["wealth"]
    if wealth is not None and wealth["upper_bound"] is not None and wealth["expected"] is not None:
        low, high = wealth["expected"], wealth["upper_bound"]
        if high < low and not same(high, low):
            yield f"{name}: expected wealth of {low!r} is above its upper bound {high!r}"
    funding = plan["funding"]
    for part in ("by_instrument", "by_holder"):
        total = sum(funding[part].values())
        if not same(total, funding["total"], funding["total"]):
            yield f"{name}: funding.{part} adds up to {total!r}, funding.total is {funding['total']!r}"
    for table in plan["tables"]:
        file = under + table["file"]
        if file in run.listed or plan["status"] != "infeasible":
            yield from _table(run, file, table, plan["case"]["periods"])
    if plan["decisions"]:
        yield from _records(run, f"{under}tables/{DECISIONS}.{run.extension}", name, plan["decisions"])


def _certificate(name: str, status: str, objective: Any, certificate: Any) -> Iterator[str]:
    if certificate is None:
        if status == "certified" or objective is not None:
            yield f"{name}: a plan without a certificate"
        return
    if objective is None:
        yield f"{name}: a certificate without a plan"
        return
    low, high, gap = certificate["lower_bound"], certificate["upper_bound"], certificate["gap"]
    if low is None or high is None:
        if status == "certified":
            yield f"{name}: certified without a bound"
        return
    if not any(same(objective, bound) for bound in (low, high)):
        yield f"{name}: the objective {objective!r} is neither bound, {low!r} or {high!r}"
    if high < low and not same(high, low):
        yield f"{name}: the upper bound {high!r} lies below the lower bound {low!r}"
    true = max(0.0, high - low) / max(1e-9, abs(objective))
    if abs(true - gap) > 1e-9 * max(true, gap) + 1e-15:
        yield f"{name}: the gap is {gap!r}; from the bounds it is {true!r}"
    if (status == "certified") != (gap <= certificate["tolerance"]):
        yield f"{name}: {status} with a gap of {gap!r} where {certificate['tolerance']!r} was asked for"


def _table(run: RunFolder, file: str, table: dict[str, Any], periods: list[str]) -> Iterator[str]:
    """A file against the index that describes it, and its totals."""
    head, rows = read_table(file, run.read(file))
    names = [column["name"] for column in table["columns"]]
    if head != names or len(rows) != table["rows"]:
        yield f"{file}: {len(rows)} rows of {len(head)} columns; plan.json lists {table['rows']} of {len(names)}"
        return
    if table["name"] in WITH_TOTALS and not (names[-1:] == [TOTAL] and set(periods) <= set(names)):
        yield f"{file}: it has no column for each period and a last one called {TOTAL}"
        return
    if names[-1:] != [TOTAL] or not set(periods) <= set(names):
        return
    over = [names.index(period) for period in periods]
    for i, row in enumerate(rows, 1):
        found, total = [number_of(row[j]) for j in over], number_of(row[-1])
        parts = [part for part in found if part is not None]
        if total is None or len(parts) < len(found):
            yield f"{file}, row {i}: a cell without a number"
        elif not same(sum(parts), total, max(map(abs, parts))):
            yield f"{file}, row {i}: its periods add up to {sum(parts)!r}, its total is {total!r}"


def _collected(run: RunFolder, name: str, found: dict[str, Any]) -> Iterator[str]:
    """compare.json or frontier.json against the tables beside it."""
    for table, records in found["tables"].items():
        yield from _records(run, f"tables/{table}.{run.extension}", name, records)
    if run.kind != "frontier":
        return
    limit, points = found["limit"], found["tables"][FRONTIER]
    for point in points:
        status, objective, amount = point[Points.STATUS], point[Points.OBJECTIVE], point[Points.LIMIT]
        certificate = None
        if objective is not None:
            bounds = {"lower_bound": point[Points.LOWER], "upper_bound": point[Points.UPPER]}
            certificate = {**bounds, "gap": point[Points.GAP], "tolerance": found["tolerance"]}
        yield from _certificate(f"{name}, limit {amount!r}", status, objective, certificate)
        least = limit["minimum_bound"]
        if objective is not None and least is not None and amount < least and not same(amount, least):
            yield f"{name}: a plan at the limit {amount!r}, below the minimum {least!r}"


def _records(run: RunFolder, file: str, name: str, records: list[dict[str, Any]]) -> Iterator[str]:
    """A table in a document and as a file: the same cells."""
    head, rows = read_table(file, run.read(file))
    read = [
        {key: _typed(cell, record.get(key)) for key, cell in zip(head, row, strict=True)}
        for row, record in zip(rows, records, strict=False)
    ]
    if len(rows) != len(records):
        yield f"{file}: {len(rows)} rows; {name} has {len(records)}"
        return
    yield from document_faults(f"{file} beside {name}", records, read)


def _typed(cell: Any, like: Any) -> Any:
    """A cell of a file in the type that the document gives it."""
    if like is None:
        return None if cell in ("", None) else cell
    if isinstance(like, str):
        return like if cell == "'" + like else cell
    value = number_of(cell)
    return cell if value is None else value
