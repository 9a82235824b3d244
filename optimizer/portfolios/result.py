"""The answer to a portfolio, as frozen data: weights, their figures, and a certificate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..cutting_planes.solution import Status
from ..cvar.text import largest, remarks
from ..plan import Certificate

SHARES = (
    ("expected", "expected_return"),
    ("CVaR", "cvar"),
    ("VaR", "var"),
    ("leverage", "leverage"),
    ("turnover", "turnover"),
    ("cost", "cost"),
)


@dataclass(frozen=True, eq=False)
class PortfolioResult:
    """A portfolio, or why there is none.

    All figures are taken from the weights, on all scenarios, net of costs; NaN where there are no weights.

    Attributes:
        status: as of `solve_cvar`: certified, stopped, infeasible, unbounded.
        weights: (n,); a Series where the assets have labels; None where there is no portfolio.
        expected_return, cvar, var: of the net return and, at `level`, of the net loss.
        turnover: bought and sold together, Σ|w_j - previous_j|. cost: of these trades. leverage: Σ|w_j|.
        objective: the least CVaR, the expected return or the utility, as asked for.
        certificate: no portfolio's objective is better than its bound: `lower_bound` for min_cvar, else `upper_bound`.
        messages: what the search has to say; for an infeasible one what must be relaxed.
    """

    status: Status
    weights: Any
    expected_return: float
    cvar: float
    var: float
    turnover: float
    cost: float
    leverage: float
    objective: float
    level: float
    certificate: Certificate
    seconds: float
    messages: tuple[str, ...] = ()

    @property
    def success(self) -> bool:
        """Whether the weights are proven to be within the gap asked for."""
        return self.status is Status.CERTIFIED

    @property
    def gap(self) -> float:
        return self.certificate.gap

    def __repr__(self) -> str:
        if self.weights is None:
            return f"<PortfolioResult {self.status.value}: no weights, {self.seconds:.2g} s>"
        return (
            f"<PortfolioResult {self.status.value}: return {self.expected_return:.6g}, CVaR {self.cvar:.6g} at "
            f"{self.level:g}, {len(self.weights)} assets, gap {self.gap:.1e}, {self.seconds:.2g} s>"
        )

    def __str__(self) -> str:
        lines = [f"status     {self.status.value}, gap {self.gap:.1e}, {self.seconds:.2g} s"]
        if self.weights is not None:
            lines += [f"{name:10} {getattr(self, key):.6g}" for name, key in SHARES]
            lines += largest("weights", self.weights)
        return "\n".join([*lines, *remarks(self.messages)])


@dataclass(frozen=True, eq=False)
class CvarFrontier:
    """The least CVaR at each of several expected returns.

    Attributes:
        points: by rising return, the first with the least CVaR of all, the last with the greatest return.
        seconds: wall time of all points.
    """

    points: tuple[PortfolioResult, ...]
    seconds: float

    @property
    def success(self) -> bool:
        """Whether every point is certified."""
        return all(point.success for point in self.points)

    def __repr__(self) -> str:
        certified = sum(point.success for point in self.points)
        if not self.points:
            return "<CvarFrontier: no points>"
        first, last = self.points[0], self.points[-1]
        return (
            f"<CvarFrontier {certified} of {len(self.points)} certified: return {first.expected_return:.6g} to "
            f"{last.expected_return:.6g}, CVaR {first.cvar:.6g} to {last.cvar:.6g}, {self.seconds:.2g} s>"
        )

    def to_pandas(self) -> Any:
        """A DataFrame: a row per point, its figures and certificate, then the weight of each asset.

        Raises:
            ImportError: pandas is not installed.
        """
        from importlib import import_module

        pandas = import_module("pandas")
        keys = ("expected_return", "cvar", "var", "turnover", "cost", "leverage")
        figures = pandas.DataFrame(
            [
                {"status": p.status.value, **{key: getattr(p, key) for key in keys}, "gap": p.gap}
                | {"lower_bound": p.certificate.lower_bound, "upper_bound": p.certificate.upper_bound}
                for p in self.points
            ]
        )
        held = [p.weights for p in self.points if p.weights is not None]
        if not held:
            return figures
        names = list(held[0].index) if hasattr(held[0], "iloc") else range(len(held[0]))
        nothing = [float("nan")] * len(held[0])
        rows = [nothing if p.weights is None else list(p.weights) for p in self.points]
        weights = pandas.DataFrame(rows, columns=pandas.Index(names))
        return pandas.concat({"figures": figures, "weights": weights}, axis=1)
