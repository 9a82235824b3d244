"""What more scenarios buy: the plan's CVaR in sample against a large fresh sample, by scenario count."""

from __future__ import annotations

import capmix


def table(case_name: str, counts: list[int]) -> list[str]:
    """Markdown rows: per scenario count and risk limit, CVaR in sample and out of sample with its interval."""
    case = capmix.load_case(case_name)
    lines = [
        "| scenarios | objective | risk limit | limit | in sample | out of sample | 95 % interval | over the limit |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for count in counts:
        plan = capmix.optimize(case, scenarios=count)
        for risk in plan.risk:
            fresh = risk.out_of_sample
            assert fresh is not None
            interval = f"{fresh.ci_low:,.4f} – {fresh.ci_high:,.4f} | {fresh.value - risk.limit:+,.4f}"
            lines.append(
                f"| {count:,} | {plan.objective_value:,.2f} | {risk.name} | {risk.limit:,.4g} {risk.unit} "
                f"| {risk.value:,.4f} | {fresh.value:,.4f} | {interval} |"
            )
    return lines
