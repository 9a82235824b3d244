"""`capmix signals`: which dates and signals are worth reviewing a plan at."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from .. import option_values
from ..exits import Exit
from ..options import case_argument, device_option, progress_option, scenarios_option, seed_option, variant_option
from .command import Command, Stage
from .execute import Work, execute

if TYPE_CHECKING:
    from ...models.schema.case import Case
    from ...optimizer.signal_worth import SignalRanking
    from ..progress import ProgressLine

SCENARIOS = 2_000
SCHEMA = 1


class SignalsWork(Work["SignalRanking"]):
    """A ranking on the screen, or as JSON; nothing is written."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        options.scenarios = options.scenarios or SCENARIOS

    def check(self) -> None:
        """Nothing that the case is not needed for."""

    def compute(self, case: Case, scenarios: int, progress: ProgressLine) -> SignalRanking:
        from ...optimizer.signal_worth import signal_worth

        options = self.options
        return signal_worth(
            case,
            dates=options.dates,
            signals=options.signals,
            scenarios=scenarios,
            seed=options.seed,
            device=options.device,
            gap=options.gap,
            time_limit=options.time_limit,
            covenants=options.covenants,
            progress=progress,
        )

    def keep(self, found: SignalRanking) -> None:
        """Nothing is written: the reviews go into the case, where they are chosen."""
        del found

    def show(self, found: SignalRanking) -> None:
        from ..streams import display

        if self.options.json:
            from ..files.document import encode

            display(encode(ranking_document(found)).decode("utf-8"))
        else:
            display("\n".join(lines(found)) + "\n")

    def ending(self, found: SignalRanking) -> Exit:
        if found.found and len(found.found) == found.candidates:
            return Exit.OK
        return Exit.INFEASIBLE if math.isnan(found.static) else Exit.STOPPED if found.messages else Exit.OK


def lines(found: SignalRanking) -> list[str]:
    """The ranking as lines of text."""
    from ..text import figure, percent, safe

    size = max(1e-9, abs(found.static))
    head = ("date", "signal", "level", "below", "worth", "for certain", "second seed")
    rows = [head]
    for one in found.found:
        if one.gain is None or one.least is None or one.most is None:
            rows.append((one.at, safe(one.signal), figure(one.level, 3), percent(one.share, 0), one.status, "", ""))
            continue
        rows.append(
            (
                one.at,
                safe(one.signal),
                figure(one.level, 3),
                percent(one.share, 0),
                percent(one.gain / size, 2),
                f"{percent(one.least / size, 2)} to {percent(one.most / size, 2)}",
                "" if one.again is None else percent(one.again / size, 2),
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    count = f"{found.scenarios:,} scenarios, seeds {found.seeds[0]} and {found.seeds[1]}"
    out = [f"{safe(found.case.case.title or found.case.case.name)}: one review each, {count}"]
    out.append(f"without reviews {figure(found.static, 7)} {found.unit}; worth as a share of it")
    for row in rows:
        cells = [
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        out.append("  " + "  ".join(cells).rstrip())
    best = next((one for one in found.found if one.gain is not None and one.gain > 0.0), None)
    if best is not None:
        border, kept = f"levels = [{best.level:.4g}]", f'covenants = "{found.covenants}"'
        table = ("[[review]]", f'at = "{best.at}"', f'signal = "{best.signal}"', border, kept)
        out += ["", "the first as a review of the case:", "", *table]
    return [*out, *(f"note: {safe(message)}" for message in found.messages)]


def ranking_document(found: SignalRanking) -> dict[str, Any]:
    """The ranking as plain JSON values."""
    from dataclasses import asdict

    return {
        "schema_version": SCHEMA,
        "case": found.case.case.name,
        "unit": found.unit,
        "without_reviews": None if math.isnan(found.static) else found.static,
        "scenarios": found.scenarios,
        "seeds": list(found.seeds),
        "candidates": found.candidates,
        "found": [asdict(one) for one in found.found],
        "messages": list(found.messages),
    }


def _arguments(parser: argparse.ArgumentParser) -> None:
    case_argument(parser)
    variant_option(parser)
    parser.add_argument("--dates", type=option_values.names, metavar="A,B", help="periods to try (default: four)")
    parser.add_argument(
        "--signals", type=option_values.names, metavar="X,Y", help="drivers and price columns to try (default: all)"
    )
    parser.add_argument(
        "--covenants", choices=("mean", "node"), default="mean", help="how each review keeps covenants (default: mean)"
    )
    scenarios_option(parser)
    device_option(parser)
    seed_option(parser)
    parser.add_argument(
        "--gap", type=option_values.gap, default=1e-4, metavar="G", help="relative gap to certify (default: 1e-4)"
    )
    parser.add_argument(
        "--time-limit", type=option_values.seconds, metavar="SEC", help="stop after so many seconds with those tried"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON to standard output")
    progress_option(parser)


SIGNALS = Command(
    name="signals",
    title="rank dates and signals by what a review is worth",
    description="""\
Plan a case with one review at each of several dates and signals, each certified on
few scenarios (2,000 unless said otherwise), and rank them by what they gain. The best
are planned again on a second seed. Nothing is written.""",
    stage=Stage.PLAN,
    examples=(("capmix signals my.toml --time-limit 300", "which reviews are worth having, in five minutes"),),
    arguments=_arguments,
    run=lambda options: execute(SignalsWork(options)),
    stoppable=True,
)
