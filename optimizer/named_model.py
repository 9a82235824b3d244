"""The named linear program of a case on demand: as a Pyomo model, and as text for other solvers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from os import PathLike
from typing import Any

from ..models.build import declare
from ..models.reading.faults import CaseError, Fault, show
from ..models.schema.case import Case
from .analysis.compose import OBJECTIVES, versions
from .analysis.risk_figures import UNITS
from .cutting_planes.progress import Progress
from .exchange import FORMATS, as_text
from .setup import device as devices
from .setup.arguments import as_case, checked
from .setup.own_limits import Constraints
from .setup.prepare import Clock, PlanningProblem, prepare
from .setup.risk_losses import all_risks, tails


def pyomo_model(
    case: Case | str | PathLike[str],
    scenarios: int | None = None,
    seed: int | None = None,
    device: str = "auto",
    constraints: Constraints | None = None,
) -> Any:
    """The case's linear program as a `pyomo.environ.ConcreteModel`: its expected path, without the risk limits.

    The same declarations that `optimize` stacks as arrays. `m.decisions` and `m.states` hold a Var per family of
    amounts, and a block per file of models/blocks its Constraints by rule, indexed by their keys with the period last:
    `m.decisions.order["gb300", "texas", "2027Q1"]`, `m.hardware.supply["gb300", "2027Q1"]`. Units stand in the doc
    strings. `m.objective` is the case's; `m.value`, expected wealth, by which ties are decided, is deactivated.

    Args:
        case: as `load_case` reads it, or what is given to `load_case`: a path or the name of a shipped case.
        scenarios: how many draws' means are the expected path, as for `optimize`.
        seed: of the draws.
        device: where they are drawn.
        constraints: limits of your own, as for `optimize`; they stand in the block `own_limits`.

    Raises:
        CaseError, DeviceError, UnknownName, OwnLimitError: as `optimize`; CaseError also for a case with reviews.
    """
    case = as_case(case)
    if case.review:
        cure = "leave the reviews out (dataclasses.replace(case, review=())), or take the program as text: program_text"
        what = "a case without reviews: the named model is that of one path"
        raise CaseError([Fault(case.path or "the case", None, "review", f"{len(case.review)} reviews", what, cure)])
    return model_of(_ready(case, scenarios, seed, device, constraints)[0])


def program_text(
    case: Case | str | PathLike[str],
    form: str = "lp",
    scenarios: int | None = None,
    seed: int | None = None,
    device: str = "auto",
    constraints: Constraints | None = None,
    progress: Progress | None = None,
) -> str:
    """The case's linear program in CPLEX LP format ("lp") or free MPS ("mps"): its expected path, without risk limits.

    Names are those of the program with round brackets, numbers read back to the bit, and the comments at the head say
    what is left out. Arguments and errors: as `pyomo_model`.
    """
    case = as_case(case)
    if form not in FORMATS:
        raise CaseError([Fault("arguments", None, "form", show(form), " or ".join(FORMATS), "name one of them")])
    ready, key = _ready(case, scenarios, seed, device, constraints, progress)
    return "\n".join(as_text(ready.program, form, list(_remarks(ready, key)))) + "\n"


def _ready(
    case: Case,
    scenarios: int | None,
    seed: int | None,
    device: str,
    constraints: Constraints | None,
    progress: Progress | None = None,
) -> tuple[PlanningProblem, int]:
    """The case on its scenarios, and their seed."""
    count, key = checked(case, scenarios, seed, 1e-5, None, constraints)
    backend = devices.choose(device, *tails(case))
    make = partial(prepare, case, backend, count, key, Clock(progress), (), constraints)
    return devices.steadily(backend, make), key


def _remarks(ready: PlanningProblem, seed: int) -> Iterator[str]:
    """What a reader of the text has to know."""
    case, program = ready.case, ready.program
    yield f"{case.case.title or case.case.name}: linear program of the expected path, by capmix {versions()['capmix']}"
    if ready.adaptive is not None:
        yield "its reviews: @NODE is the first key of what a node of the tree has of its own, on its own means"
    yield f"means over {ready.store.count:,} scenarios, seed {seed}; case sha256 {case.sha256 or '(not from a file)'}"
    yield f"objective: {OBJECTIVES[case.objective.kind].replace('_', ' ')}, {program.unit}"
    risks = all_risks(case)
    if risks:
        better = "cost less" if not program.maximise else "be better"
        yield f"left out, since they hold over the scenarios; the plan's optimum cannot {better} than this program's:"
        for risk in risks:
            yield f"  risk limit {risk.id}: CVaR {risk.level:.4g} at most {risk.limit:.6g} {UNITS[risk.loss]}"
    else:
        yield "the case has no risk limits: this is all of its program but the expected value that decides ties"
    for entity, period in sorted(ready.closed):
        yield f"chosen before: {entity} distributes nothing in {case.horizon.labels[period]}"
    for name, period in sorted(ready.nothing_due):
        yield f"chosen before: nothing is due in {case.horizon.labels[period]}, so {name} is not tested"
    used = dict.fromkeys(index.rule for index in program.row_index)
    yield "rows, by the word before the bracket:"
    for rule in (program.rules[name] for name in used if name in program.rules):
        yield f"  {rule.name}: {rule.title}" + (f", {rule.unit}" if rule.unit else "")


def model_of(ready: PlanningProblem) -> Any:
    """The Pyomo model of a prepared case."""
    from ..models.pyomo_model import modelled

    return modelled(
        declare(
            ready.case, ready.ledger, ready.means, ready.deposit_rates, ready.closed, ready.nothing_due, own=ready.own
        )
    )
