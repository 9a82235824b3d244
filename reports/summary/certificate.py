"""The end of the summary: the certificate in a sentence, remarks, times and the run folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from ..text import figure, gap, percent, plural, safe, seconds, size
from .layout import QUIET, heading, note, text
from .section import Section, View, always
from .views import has_plan, with_own_limits

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

TITLE = "Certificate"


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """The certificate in a sentence, remarks, times and the run folder."""
    certificate = plan.certificate
    if certificate is not None and has_plan(plan):
        yield from heading(TITLE)
        yield note(certificate_sentence(plan), "")
    for message in plan.messages:
        yield note(f"Note: {safe(message)}", "")
    times, passes = plan.timings, plan.passes
    others = f", replications {seconds(times.replications_s)}" if times.replications_s else ""
    yield Text("")
    yield text(
        f"{seconds(times.total_s)}: build {seconds(times.build_s)}, simulate {seconds(times.simulate_s)}, "
        f"evaluate {seconds(times.evaluate_s)}, solve {seconds(times.master_s)}{others}",
        QUIET,
    )
    yield text(
        f"{plural(passes.full, 'full pass', 'full passes')} ({passes.equivalent:.1f} in all), "
        f"{plural(passes.solves, 'linear program')}, {plural(passes.cuts, 'cut')}",
        QUIET,
    )
    yield text(
        f"{where_planned(plan)}, {size(plan.scenarios.bytes)} of scenarios, {plan.device.mode}",
        QUIET,
    )
    if view.folder is not None:
        yield text(f"run folder: {safe(view.folder)}")


def where_planned(plan: Plan) -> str:
    device = plan.device
    if device.backend == "cuda":
        return f"cuda on {safe(device.name)}"
    return f"{device.backend} on {plural(device.threads, 'thread')} of {safe(device.name)}"


def _other_scenarios(plan: Plan, error: float | None) -> str:
    """How far the choice of scenarios moves the optimum: by replications where there are any, else to first order."""
    size = max(1e-9, abs(plan.objective_value))
    found = plan.replications
    if found is not None and found.spread is not None:
        first = "" if error is None else f"; to first order ± {percent(error / size, 2)}"
        made = f"{found.certified} replications{first}"
        return f" As many other scenarios move the optimum by ± {percent(found.spread / size, 2)} (95 %, {made})."
    if error is None:
        return ""
    return f" As many other scenarios move the optimum by ± {percent(error / size, 2)} (95 % interval)."


def proof(plan: Plan) -> str:
    """What is proven, and how far it depends on the scenarios."""
    certificate = plan.certificate
    if certificate is None:
        return "nothing is proven"
    unit = plan.objective_unit
    cost = plan.case.objective.kind == "cost"
    bound = certificate.lower_bound if cost else certificate.upper_bound
    reached = f"this one {'costs' if cost else 'reaches'} {figure(plan.objective_value, 8)}"
    where = f"on these {plan.scenarios.count:,} scenarios"
    kept = " that keeps your own limits" if with_own_limits(plan) else ""
    head = (
        f"No plan{kept} {'costs less' if cost else 'does better'} than {figure(bound, 8)} {unit} {where}; "
        f"{reached}: gap {gap(certificate.gap)}."
    )
    if plan.status.value != "certified":
        head += f" That is more than the {certificate.tolerance:.0e} asked for, so a better plan may exist."
    return head + _other_scenarios(plan, certificate.sampling_error)


def certificate_sentence(plan: Plan) -> str:
    """The proof, and each limit out of sample."""
    head = proof(plan)
    checked = [f for f in plan.risk if f.out_of_sample is not None]
    parts = [
        f"{f.name} {figure(f.out_of_sample.value)} against {figure(f.limit)} {f.unit}"
        for f in checked
        if f.out_of_sample is not None
    ]
    return head + (f" Out of sample: {'; '.join(parts)}." if parts else "")


SECTION = Section("certificate", TITLE, (), _render, always)
