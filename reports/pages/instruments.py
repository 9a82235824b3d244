"""The page of instruments: Markdown with every preset's terms, what plan and scenarios see, and a public deal.

python -m capmix.reports.pages.instruments > docs/instruments.md
"""

# ruff: noqa: E501 - sentences of the page

from __future__ import annotations

import sys
from collections.abc import Iterator

from ...models.reading.document import shipped_cases
from ...models.reading.faults import quantity
from ...models.reading.load import load_case
from ...models.schema.presets import ELSEWHERE, PRESETS, Preset

_INTRODUCTION = """\
# Instruments

*Written from the presets by `python -m capmix.reports.pages.instruments`; change `models/schema/presets.py`, not this
page.*

Every instrument is a setting of the same few terms. `preset = "NAME"` in an `[[instrument]]` fills the terms that the
case leaves out; `depth`, who takes how much at what spread, is always the case's own. The preset's margin is left out where a
`spread_driver` is given, and terms that hang on another one go with it, e.g. the annuity's rate where the case repays in
a bullet. Margins are over the benchmark that the case names; times are in years; each key stands in
[case-reference.md](case-reference.md), each posting in [mathematics-model.md](mathematics-model.md).

What holds for all of them:

- **The linear program** sees expected cash flows, the balance with its limits (collateral, use, supplier, holders), and at the
  horizon what is still owed.
- **A scenario** sees the same postings at its own rates. Where the instrument's or the investor's `window` is partly shut
  when the money is agreed, only that share of proceeds, fees, service and balance comes; where `draw_stop` is below 1 a
  draw comes in that share only.
- What would depend on the plan's own tests in a scenario (conversion refused, acceleration, default of the company) is no
  part of a loss that the plan is certified on.
- A convertible's face is repaid in cash; what its shares are worth above it is given by a driver of process `excess` on a
  share price, with the conversion price as strike. That price stands in the driver, so it is one for all issues.
- Debt on stabilised assets (`seasoning`) leans only on what has been in service so long; nothing is pledged twice.
- A lease with `rent` pays the site and is paid back by rent in EBITDA; its liability counts at the end, but is no debt to a
  covenant. The balloon is the residual value: handed over, or bought with it.

`confidence`: verified, secondary (a blog or an aggregator only), derived (arithmetic or judgement on such figures), unverified.
An entry with figures of several kinds carries that of its weakest one.
"""

_YEARS = {"draw_window": "draws for", "grace": "interest only for", "seasoning": "collateral in service for",
          "conversion": "converts after"}  # fmt: skip


def page() -> str:
    """The page as Markdown."""
    lines = [
        _INTRODUCTION,
        "| preset | instrument | terms | the case must give | in the shipped cases |",
        "| --- " * 5 + "|",
    ]
    used = in_shipped_cases()
    for name, preset in PRESETS.items():
        needs = ", ".join(f"`{key}`" for key in (*preset.needs, "depth"))
        lines.append(f"| `{name}` | {preset.title} | {'; '.join(_terms(preset))} | {needs} | {_uses(used[name])} |")
    for name, preset in ELSEWHERE.items():
        given = "as the case gives them | all of its keys"
        lines.append(f"| none: `{preset.where}` | {preset.title} | {given} | {_uses(used[name])} |")
    lines += ["", "| instrument | the linear program sees | a scenario sees |", "| --- | --- | --- |"]
    both = (*PRESETS.values(), *ELSEWHERE.values())
    lines += [f"| {p.title} | {p.program} | {p.scenario} |" for p in both]
    lines += ["", "| instrument | public deal it resembles | source | confidence |", "| --- | --- | --- | --- |"]
    lines += [f"| {p.title} | {p.deal} | {p.source} | {p.confidence} |" for p in both]
    return "\n".join(lines) + "\n"


def in_shipped_cases() -> dict[str, list[tuple[str, str]]]:
    """Per preset, and per instrument of ELSEWHERE, the (case, id) that use it."""
    used: dict[str, list[tuple[str, str]]] = {name: [] for name in (*PRESETS, *ELSEWHERE)}
    for name in shipped_cases():
        case = load_case(name)
        for instrument in case.instrument:
            if instrument.preset:
                used[instrument.preset].append((name, instrument.id))
        used["contract_prepayment"] += [(name, c.id) for c in case.contract if c.prepayment > 0.0]
        used["revolver"] += [(name, "revolver")] if case.revolver is not None else []
        used["own_cash"] += [(name, "organic")] if case.organic is not None else []
    return used


def _uses(found: list[tuple[str, str]]) -> str:
    by_case: dict[str, list[str]] = {}
    for case, name in found:
        by_case.setdefault(case, []).append(f"`{name}`")
    return "; ".join(f"{case}: {', '.join(names)}" for case, names in by_case.items()) or "–"


def _terms(preset: Preset) -> Iterator[str]:
    for key, value in preset.terms.items():
        if isinstance(value, bool):
            yield f"`{key}` {str(value).lower()}"
        else:
            yield f"`{key}` {quantity(value) if isinstance(value, int | float) else value}"
    for key, years in preset.spans.items():
        yield f"`{key}`: {_YEARS[key]} {quantity(years)} years"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.write(page())
