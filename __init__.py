"""capmix: choose financing instruments and hardware purchases together, under limits on the tail of the cash outcome.

>>> import capmix
>>> plan = capmix.optimize(capmix.load_case("hyperscaler"), scenarios=100_000)
>>> plan.certificate.gap, plan.risk, plan.tables["issuance"]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from . import faces as _faces

if TYPE_CHECKING:
    from .errors import CapmixError, UnknownName
    from .models.own_handle import Handle
    from .models.own_rows import OwnLimitError
    from .models.reading.faults import CaseError, Fault
    from .models.reading.load import load_case
    from .models.reading.variants import apply_variant
    from .models.schema.case import Case
    from .optimizer.comparison.compare import Comparison, compare
    from .optimizer.cutting_planes.highs import SolverError
    from .optimizer.cutting_planes.progress import ProgressEvent
    from .optimizer.cutting_planes.solution import Status
    from .optimizer.cvar.quantile_regression import QuantileFit, quantile_regression
    from .optimizer.cvar.solve import CvarProgram, CvarResult, CvarTerm, solve_cvar
    from .optimizer.frontiers.frontier import Frontier, frontier
    from .optimizer.frontiers.points import FrontierPoint
    from .optimizer.named_model import program_text, pyomo_model
    from .optimizer.plan import Plan
    from .optimizer.portfolios.estimators import CvarPortfolio, QuantileRegressor
    from .optimizer.portfolios.frontier import cvar_frontier
    from .optimizer.portfolios.portfolio import Portfolio
    from .optimizer.portfolios.result import CvarFrontier, PortfolioResult
    from .optimizer.portfolios.solve import cvar_portfolio
    from .optimizer.review_worth import ReviewWorth, review_worth
    from .optimizer.run import optimize
    from .optimizer.setup.device import DeviceError
    from .optimizer.setup.own_limits import PyomoRows
    from .optimizer.signal_worth import SignalRanking, signal_worth
    from .optimizer.table import Table
    from .reports.files.load import load_plan
    from .reports.files.load_comparison import load_comparison
    from .reports.files.load_frontier import load_frontier

    __version__: str

_faces.home = f"{__name__}.reports.notebook"

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
    "ReviewWorth",
    "SignalRanking",
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
    "load_comparison",
    "load_frontier",
    "load_plan",
    "optimize",
    "program_text",
    "pyomo_model",
    "quantile_regression",
    "review_worth",
    "signal_worth",
    "solve_cvar",
]

_HOMES = {
    "CapmixError": "errors",
    "Case": "models.schema.case",
    "CaseError": "models.reading.faults",
    "Comparison": "optimizer.comparison.compare",
    "CvarFrontier": "optimizer.portfolios.result",
    "CvarPortfolio": "optimizer.portfolios.estimators",
    "CvarProgram": "optimizer.cvar.solve",
    "CvarResult": "optimizer.cvar.solve",
    "CvarTerm": "optimizer.cvar.solve",
    "DeviceError": "optimizer.setup.device",
    "Fault": "models.reading.faults",
    "Frontier": "optimizer.frontiers.frontier",
    "FrontierPoint": "optimizer.frontiers.points",
    "Handle": "models.own_handle",
    "OwnLimitError": "models.own_rows",
    "Plan": "optimizer.plan",
    "Portfolio": "optimizer.portfolios.portfolio",
    "PortfolioResult": "optimizer.portfolios.result",
    "ProgressEvent": "optimizer.cutting_planes.progress",
    "PyomoRows": "optimizer.setup.own_limits",
    "QuantileFit": "optimizer.cvar.quantile_regression",
    "QuantileRegressor": "optimizer.portfolios.estimators",
    "ReviewWorth": "optimizer.review_worth",
    "SignalRanking": "optimizer.signal_worth",
    "SolverError": "optimizer.cutting_planes.highs",
    "Status": "optimizer.cutting_planes.solution",
    "Table": "optimizer.table",
    "UnknownName": "errors",
    "apply_variant": "models.reading.variants",
    "compare": "optimizer.comparison.compare",
    "cvar_frontier": "optimizer.portfolios.frontier",
    "cvar_portfolio": "optimizer.portfolios.solve",
    "frontier": "optimizer.frontiers.frontier",
    "load_case": "models.reading.load",
    "load_comparison": "reports.files.load_comparison",
    "load_frontier": "reports.files.load_frontier",
    "load_plan": "reports.files.load",
    "optimize": "optimizer.run",
    "program_text": "optimizer.named_model",
    "pyomo_model": "optimizer.named_model",
    "quantile_regression": "optimizer.cvar.quantile_regression",
    "review_worth": "optimizer.review_worth",
    "signal_worth": "optimizer.signal_worth",
    "solve_cvar": "optimizer.cvar.solve",
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
