"""capmix: choose financing instruments and hardware purchases together, under limits on the tail of the cash outcome.

>>> import capmix
>>> plan = capmix.optimize(capmix.load_case("hyperscaler"), scenarios=100_000)
>>> plan.certificate.gap, plan.risk, plan.tables["issuance"]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errors import CapmixError
    from .models.own_handle import Handle, UnknownName
    from .models.own_rows import OwnLimitError
    from .models.reading.faults import CaseError, Fault
    from .models.reading.load import load_case
    from .models.reading.variants import apply_variant
    from .models.schema.case import Case
    from .optimizer.compare import Comparison, compare
    from .optimizer.cvar import CvarProgram, CvarResult, CvarTerm, solve_cvar
    from .optimizer.device import DeviceError
    from .optimizer.estimators import CvarPortfolio, QuantileRegressor
    from .optimizer.frontier import Frontier, frontier
    from .optimizer.frontier_points import FrontierPoint
    from .optimizer.highs import SolverError
    from .optimizer.named_model import program_text, pyomo_model
    from .optimizer.own import PyomoRows
    from .optimizer.plan import Plan, Table
    from .optimizer.portfolio import Portfolio
    from .optimizer.portfolio_frontier import cvar_frontier
    from .optimizer.portfolio_result import CvarFrontier, PortfolioResult
    from .optimizer.portfolio_solve import cvar_portfolio
    from .optimizer.progress import ProgressEvent
    from .optimizer.quantile import QuantileFit, quantile_regression
    from .optimizer.run import optimize
    from .optimizer.solution import Status

    __version__: str

__all__ = [
    "CapmixError",
    "Case",
    "CaseError",
    "Comparison",
    "CvarFrontier",
    "CvarPortfolio",
    "CvarProgram",
    "CvarResult",
    "CvarTerm",
    "DeviceError",
    "Fault",
    "Frontier",
    "FrontierPoint",
    "Handle",
    "OwnLimitError",
    "Plan",
    "Portfolio",
    "PortfolioResult",
    "ProgressEvent",
    "PyomoRows",
    "QuantileFit",
    "QuantileRegressor",
    "SolverError",
    "Status",
    "Table",
    "UnknownName",
    "apply_variant",
    "compare",
    "cvar_frontier",
    "cvar_portfolio",
    "frontier",
    "load_case",
    "optimize",
    "program_text",
    "pyomo_model",
    "quantile_regression",
    "solve_cvar",
]

_HOMES = {
    "CapmixError": "errors",
    "Case": "models.schema.case",
    "CaseError": "models.reading.faults",
    "Comparison": "optimizer.compare",
    "CvarFrontier": "optimizer.portfolio_result",
    "CvarPortfolio": "optimizer.estimators",
    "CvarProgram": "optimizer.cvar",
    "CvarResult": "optimizer.cvar",
    "CvarTerm": "optimizer.cvar",
    "DeviceError": "optimizer.device",
    "Fault": "models.reading.faults",
    "Frontier": "optimizer.frontier",
    "FrontierPoint": "optimizer.frontier_points",
    "Handle": "models.own_handle",
    "OwnLimitError": "models.own_rows",
    "Plan": "optimizer.plan",
    "Portfolio": "optimizer.portfolio",
    "PortfolioResult": "optimizer.portfolio_result",
    "ProgressEvent": "optimizer.progress",
    "PyomoRows": "optimizer.own",
    "QuantileFit": "optimizer.quantile",
    "QuantileRegressor": "optimizer.estimators",
    "SolverError": "optimizer.highs",
    "Status": "optimizer.solution",
    "Table": "optimizer.plan",
    "UnknownName": "models.own_handle",
    "apply_variant": "models.reading.variants",
    "compare": "optimizer.compare",
    "cvar_frontier": "optimizer.portfolio_frontier",
    "cvar_portfolio": "optimizer.portfolio_solve",
    "frontier": "optimizer.frontier",
    "load_case": "models.reading.load",
    "optimize": "optimizer.run",
    "program_text": "optimizer.named_model",
    "pyomo_model": "optimizer.named_model",
    "quantile_regression": "optimizer.quantile",
    "solve_cvar": "optimizer.cvar",
}


def __getattr__(name: str) -> object:
    """Public names are imported when they are first used, so that `import capmix` costs nothing."""
    value: object
    if name == "__version__":
        value = _version()
    elif name in _HOMES:
        value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})


def _version() -> str:
    """Version of the installed package; "0+unknown" where a checkout is used that is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("capmix")
    except PackageNotFoundError:
        return "0+unknown"
