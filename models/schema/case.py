"""The case: all inputs of a plan in one frozen object."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import fields as f
from .doubts import CaseWarning
from .drivers import PROCESSES, Column, Correlation, Driver
from .entities import Entity
from .fields import Sourced
from .financing import Instrument, Investor, Opening, Party
from .hardware import Accelerator
from .horizon import Horizon
from .revenue import Contract, Merchant, Organic, WorkingCapital
from .reviews import Review
from .revolver import Revolver
from .rules import Budget, Cash, Circularity, Covenant, Objective, Risk, Tax
from .sites import Site
from .variants import Variant

CASE_SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Heading(Sourced):
    """What the case is about."""

    name: str = f.ident("short name, used for run folders")
    title: str = f.text("title of reports", default="")
    description: str = f.text("one sentence", default="")
    currency: str = f.text("three-letter code; every amount of the case is in it", default="USD")
    schema: int = f.count("version of the case schema", "version", ge=CASE_SCHEMA, le=CASE_SCHEMA, default=CASE_SCHEMA)


@dataclass(frozen=True, kw_only=True)
class Simulation(Sourced):
    """Defaults of the command line's --scenarios and --seed."""

    count: int = f.count("scenarios simulated", "scenarios", ge=1, le=10**9, default=100_000)
    seed: int = f.count("seed of the random numbers", "0 to 2^64 - 1", ge=0, le=2**64 - 1, default=1)


@dataclass(frozen=True, kw_only=True)
class Case:
    """All inputs of a plan. Money is in billions of the case's currency unless a field says otherwise."""

    case: Heading = f.table("the case", Heading)
    horizon: Horizon = f.table("the time grid", Horizon)
    objective: Objective = f.table("what is maximised", Objective, default=Objective())
    simulation: Simulation = f.table("how many scenarios", Simulation, default=Simulation())
    cash: Cash = f.table("cash", Cash)
    tax: Tax | None = f.table("tax", Tax, default=None)
    budget: Budget | None = f.table("budget for hardware and sites", Budget, default=None)
    circularity: Circularity = f.table("circular funding", Circularity, default=Circularity())
    organic: Organic | None = f.table("cash flow of the rest of the company", Organic, default=None)
    merchant: Merchant | None = f.table("the merchant market", Merchant, default=None)
    working_capital: WorkingCapital = f.table(
        "receivables and payables in days", WorkingCapital, default=WorkingCapital()
    )
    opening: Opening = f.table("the opening balance sheet", Opening, default=Opening())
    entity: tuple[Entity, ...] = f.tables("the parent and its ring-fenced companies", Entity, default=())
    party: tuple[Party, ...] = f.tables("suppliers and customers", Party)
    driver: tuple[Driver, ...] = f.union("the random quantities", "process", PROCESSES, min_items=1)
    correlation: Correlation | None = f.table("correlations of the shocks", Correlation, default=None)
    column: tuple[Column, ...] = f.tables("price columns that are products of drivers", Column, default=())
    accelerator: tuple[Accelerator, ...] = f.tables("systems that can be ordered", Accelerator, min_items=1)
    site: tuple[Site, ...] = f.tables("sites", Site, min_items=1)
    contract: tuple[Contract, ...] = f.tables("take-or-pay contracts on offer", Contract, default=())
    investor: tuple[Investor, ...] = f.tables("investor classes", Investor, default=())
    instrument: tuple[Instrument, ...] = f.tables("financing instruments", Instrument, default=())
    revolver: Revolver | None = f.table("the revolving credit line", Revolver, default=None)
    covenant: tuple[Covenant, ...] = f.tables(
        "covenants on the expected path or over the scenarios", Covenant, default=()
    )
    risk: tuple[Risk, ...] = f.tables("risk limits", Risk, default=())
    review: tuple[Review, ...] = f.tables(
        "dates at which the plan is reviewed, and on which signal", Review, default=()
    )
    variant: tuple[Variant, ...] = f.named("a named change of the case", Variant, default=())
    # Not part of the file: where it was read from and the hash of its bytes and tables, set by the reader.
    path: str = field(default="", compare=False)
    sha256: str = field(default="", compare=False)
    # What is allowed but hardly meant, and how tables that needed it were read; also set by the reader.
    warnings: tuple[CaseWarning, ...] = field(default=(), compare=False)
    remarks: tuple[str, ...] = field(default=(), compare=False)

    @property
    def doubts(self) -> tuple[CaseWarning, ...]:
        """Warnings about the case as it is planned: those of its variants left out."""
        return tuple(warning for warning in self.warnings if not warning.variant)
