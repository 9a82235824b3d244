"""The threshold file: read strictly, and held against measured figures."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .ci_figures import FIGURES, Measured

KEYS = {"benchmark", "figure", "at_least", "at_most"}


class ThresholdError(ValueError):
    """Every fault of a threshold file, with the file's name."""


@dataclass(frozen=True)
class Threshold:
    """at_least <= the figure <= at_most."""

    benchmark: str
    figure: str
    at_least: float
    at_most: float


def read_thresholds(path: Path) -> list[Threshold]:
    """Raises ThresholdError with all faults at once: unknown keys, benchmarks or figures, and bounds that are none."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ThresholdError(f"{path}: {error}") from error
    faults = [f"unknown key {key!r}; allowed: threshold" for key in raw if key != "threshold"]
    entries = raw.get("threshold", [])
    if not isinstance(entries, list) or not entries:
        raise ThresholdError(f"{path}: no [[threshold]]; give at least one")
    thresholds = []
    for i, entry in enumerate(entries):
        where = f"threshold[{i}]"
        faults += [f"{where}: unknown key {key!r}; allowed: {', '.join(sorted(KEYS))}" for key in set(entry) - KEYS]
        name, figure = entry.get("benchmark"), entry.get("figure")
        if name not in FIGURES:
            faults.append(f"{where}.benchmark is {name!r}; allowed: {', '.join(FIGURES)}")
        elif figure not in FIGURES[name].figures:
            faults.append(f"{where}.figure is {figure!r}; allowed for {name}: {', '.join(FIGURES[name].figures)}")
        bounds = {key: entry[key] for key in ("at_least", "at_most") if key in entry}
        if not bounds:
            faults.append(f"{where}: neither at_least nor at_most; give one of them")
        faults += [f"{where}.{k} is {v!r}; it must be a finite number" for k, v in bounds.items() if not _number(v)]
        low, high = entry.get("at_least", -math.inf), entry.get("at_most", math.inf)
        if _number(low) and _number(high) and low > high:
            faults.append(f"{where}: at_least {low} is above at_most {high}")
        thresholds.append((name, figure, low, high))
    if faults:
        raise ThresholdError("\n".join(f"{path}: {fault}" for fault in faults))
    return [Threshold(str(n), str(f), float(low), float(high)) for n, f, low, high in thresholds]


def breaches(thresholds: Sequence[Threshold], results: Sequence[Measured], names: Collection[str]) -> list[str]:
    """One line per broken threshold of the benchmarks in `names`.

    A benchmark among them that did not run, or gave no such figure, breaks its thresholds too.
    """
    by_name = {result.name: result for result in results}
    lines = []
    for t in thresholds:
        if t.benchmark not in names:
            continue
        result = by_name.get(t.benchmark)
        if result is None:
            lines.append(f"{t.benchmark}: {t.figure} was not measured")
            continue
        value = result.figures.get(t.figure, math.nan)
        if not t.at_least <= value <= t.at_most:
            bounds = [f"at least {t.at_least:g}"] * math.isfinite(t.at_least)
            bounds += [f"at most {t.at_most:g}"] * math.isfinite(t.at_most)
            lines.append(f"{t.benchmark}: {t.figure} is {value:.4g}; it must be {' and '.join(bounds)}")
    return lines


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)
