"""How hard the loop tries: tolerances, limits and the sizes of its working sets."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Settings of `maximise`.

    Attributes:
        gap: relative gap between the bounds at which a plan is certified.
        time_limit: seconds after which the best plan found so far is returned, or None.
        asked: the time limit of the whole run, of which `time_limit` is what is left; messages name it. The same where
            left out.
        polish: among plans of (almost) the same objective, look for the one of highest value.
        polish_slack: relative loss of the objective that polishing may cost; it counts towards `gap`.
        polish_gap: relative gap to which the value is pushed.
        pilot: scenarios on which a first, unproven plan is sought to learn which scenarios matter; 0: no pilot.
        tail_multiple: scenarios kept per limit after a full pass, as a multiple of its tail.
        depth: how far inside its limits the interior point should lie, relative to the limits.
        least_gap: relative accuracy of the least possible risk reported for limits that cannot be met.
        rounds: most rounds (full passes) before the loop counts as stalled.
        solves: most linear programs in one round.
        seed: random seed of HiGHS.
        worst_case: a tail of less than one scenario is the worst scenario, not a mistake.
        explain: where there is no plan, look for the limits that must be relaxed; off where only that there is none is
            asked.
    """

    gap: float = 1e-5
    time_limit: float | None = None
    polish: bool = True
    polish_slack: float = 2e-6
    polish_gap: float = 1e-3
    pilot: int = 10_000
    tail_multiple: float = 1.5
    depth: float = 0.05
    least_gap: float = 1e-4
    rounds: int = 30
    solves: int = 600
    seed: int = 0
    asked: float | None = None
    worst_case: bool = False
    explain: bool = True

    def __post_init__(self) -> None:
        for name in ("gap", "polish_slack", "polish_gap", "depth", "least_gap"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0.0 < value < 1.0):
                raise ValueError(f"settings.{name} is {value}; it must lie between 0 and 1")
        if self.time_limit is not None and not self.time_limit >= 0.0:
            raise ValueError(f"settings.time_limit is {self.time_limit}; it must be a number of seconds, or None")
        if self.asked is None:
            object.__setattr__(self, "asked", self.time_limit)
        if not self.tail_multiple >= 1.0:
            raise ValueError(f"settings.tail_multiple is {self.tail_multiple}; it must be at least 1")
        for name in ("rounds", "solves"):
            if getattr(self, name) < 1:
                raise ValueError(f"settings.{name} is {getattr(self, name)}; it must be at least 1")
        if self.pilot < 0:
            raise ValueError(f"settings.pilot is {self.pilot}; it must not be negative")
