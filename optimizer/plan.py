"""The result of a run: frozen data that the reports print and write, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..faces import Shown
from ..models.schema.case import Case
from .cutting_planes.endings import Ending
from .cutting_planes.solution import Passes, Status
from .table import Cell as Cell
from .table import Column as Column
from .table import Table as Table
from .table import Tables
from .table import UnknownName as UnknownName

if TYPE_CHECKING:
    from ..models.own_limits import OwnLimit

PLAN_SCHEMA = 2


@dataclass(frozen=True)
class Certificate:
    """Proof beside the answer. For a minimised objective the bounds keep their meaning: upper >= true optimum >= lower.

    gap = (upper_bound - lower_bound) / max(1e-9, |the feasible plan's objective|). The bounds hold on the scenarios
    planned on. sampling_error: half width of the optimum's 95 % confidence interval over the choice of scenarios, in
    the objective's unit; None where it was not looked for (`sampling_error.py`).
    """

    upper_bound: float
    lower_bound: float
    gap: float
    tolerance: float
    sampling_error: float | None = None


@dataclass(frozen=True)
class Wealth:
    """Expected wealth at the end (cash and assets less debt) and dividends on the way, discounted, billion.

    most: no plan whose objective is lower by 2e-6 of it at most has more; infinite where that was not sought.
    """

    expected: float
    most: float


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % confidence interval."""

    value: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class RiskFigure:
    """A risk limit and the plan against it, in `unit`. `price`: change of the objective per unit more of it."""

    name: str
    loss: str
    measure: str
    level: float
    limit: float
    value: float
    var: float
    probability: float  # share of the scenarios in which the loss is above the limit
    unit: str
    price: float
    out_of_sample: Interval | None


@dataclass(frozen=True)
class ShadowPrice:
    """What a limit is worth: change of the objective per `per` `unit` more of it. `index` says where and when.

    Negative where more of it lowers the objective: a minimum under compute, or a saving where the objective is a cost.
    Over several periods: for as much more in each of them. level: the limit's own value, their mean over the periods.
    """

    rule: str
    title: str
    index: str
    price: float
    per: float
    unit: str
    level: float


@dataclass(frozen=True)
class RelaxedLimit:
    """Why there is no plan: a limit that must be relaxed, and by how much at least."""

    rule: str
    title: str
    index: str
    amount: float
    unit: str


@dataclass(frozen=True)
class LimitInConflict:
    """A limit of the user's own that cannot be kept together with others.

    Attributes:
        key: where it stands in the case, e.g. "covenant.dscr.limit"; the name of a limit that was added.
        kind: "covenant", "risk limit", "minimum cash" and so on. title: in words.
        asked: its amount; of a series the strictest one among the periods in which it fails. at_least: a least amount.
            varies: it is not the same in all periods.
        first, last: periods from and to which it fails; "" where it belongs to none.
        alone: with this amount, and all other limits as they are, there is a plan; None where no amount is enough.
            Where there are several conflicts, the first limit of each of the others is set aside, if it is not in
            this one too. move: by how much that is relaxed, in every period.
        refused: proven: no amount nearer to what is asked is enough; None where that is not known.
        together: amounts with which there is a plan if all limits of all conflicts are relaxed at once, each by the
            same share of what it has to give alone; None where that is not known.
        later: first period from which it could be tested, or to which it could be put off, as it is; "" for others.
        asked_alone: whether `alone` was looked for; else time or searches did not suffice.
    """

    key: str
    kind: str
    title: str
    asked: float
    unit: str
    at_least: bool
    varies: bool = False
    first: str = ""
    last: str = ""
    alone: float | None = None
    move: float | None = None
    refused: float | None = None
    together: float | None = None
    later: str = ""
    asked_alone: bool = True


@dataclass(frozen=True)
class LimitConflict:
    """Limits that cannot be kept together, while without any one of them the others can.

    limits: the one to look at first in front.
    """

    limits: tuple[LimitInConflict, ...]


@dataclass(frozen=True)
class Infeasibility:
    """Why no plan keeps all limits.

    minimum_risk: per risk limit, (name, limit asked, minimum of any plan, unit). relaxations: the limits that must be
    relaxed together. proven: with exactly these relaxed, the program has been solved again and has a plan
    on the expected path. conflicts: of the user's own limits, each to be resolved; empty where they are not to blame,
    or where it was not looked for. whole: every question about them was answered; else time or searches did not do.
    """

    reason: str
    minimum_risk: tuple[tuple[str, float, float, str], ...] = ()
    relaxations: tuple[RelaxedLimit, ...] = ()
    proven: bool = False
    conflicts: tuple[LimitConflict, ...] = ()
    whole: bool = True


@dataclass(frozen=True)
class Timings:
    simulate_s: float
    evaluate_s: float
    master_s: float
    total_s: float
    build_s: float = 0.0
    replications_s: float = 0.0  # all of it, of drawing to solving


@dataclass(frozen=True)
class Device:
    backend: str  # "numba" | "numpy" | "cuda"
    name: str
    threads: int
    mode: str = "resident"  # where the scenarios lay: "resident" | "chunked from host" | "regenerating"


@dataclass(frozen=True)
class ScenarioInfo:
    count: int
    seed: int
    bytes: int


@dataclass(frozen=True)
class Funding:
    """Face value raised, billion, by instrument and by holder.

    circular_share: of all funding, what comes from parties that the plan pays or is paid by. circular_of_spending: the
    same over what is spent on hardware and sites; may exceed 1. The case caps the one or the other.
    circulating: the largest circulation through the company on funding, billion, and its share of all funding; at most
    as much.
    """

    by_instrument: Mapping[str, float]
    by_holder: Mapping[str, float]
    circular_share: float
    total: float
    circulating: float = 0.0
    circulating_share: float = 0.0
    circular_of_spending: float = 0.0


@dataclass(frozen=True)
class LossAllocation:
    """Who bears the losses, at the first default or at the horizon, billion; see docs/mathematics-loss.md.

    level: of the tail of all losses. expected, cvar: of all losses together. Shares are of the mean loss in the tail:
    shareholder_share falls on the company's shareholders, outside_share on all others, circular_share on parties that
    the plan pays or is paid by. default_probability: of the company; in a group, of the parent on its own cash.
    """

    level: float
    expected: float
    cvar: float
    shareholder_share: float
    outside_share: float
    circular_share: float
    default_probability: float


@dataclass(frozen=True)
class OwnTax:
    """CVaR of a limited net loss, billion: with the plan's expected tax, which is what the limit holds, and with each
    scenario's own.
    """

    limit: str
    expected_tax: float
    own_tax: float


@dataclass(frozen=True)
class TaxByScenario:
    """What the tax of the expected income hides, billion: see `tax_by_scenario.py`.

    expected: tax of the expected income over the horizon, which the plan pays. mean: mean over the scenarios of the tax
    of their own incomes. at_end: the difference, carried at the deposit rates to the end. share_of_cash: of the cash
    there, None where that is not positive.
    """

    expected: float
    mean: float
    at_end: float
    share_of_cash: float | None
    net_loss: tuple[OwnTax, ...] = ()


@dataclass(frozen=True)
class Estimate:
    """A mean over independent replications, its standard error, and Student's 95 % confidence interval."""

    mean: float
    standard_error: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class Replication:
    """The case planned again on other scenarios, and the plan of the run on the same ones.

    status: of the search. lower, upper: the optimum there lies between them; None where no plan was found. objective,
    cvars: of the run's plan there, each CVaR in the order of the limits. gap: how far the run's plan is from the
    optimum there, what it exceeds of each limit charged at that limit's price there (`replicate.py`); None where no
    plan was found. prices: change of the objective per unit more of each limit that binds, by its name.
    """

    seed: int
    status: Status
    lower: float | None
    upper: float | None
    objective: float
    gap: float | None
    cvars: tuple[float, ...]
    prices: Mapping[str, float]


@dataclass(frozen=True)
class LimitReplicated:
    """A risk limit over the replications: CVaR of the run's plan, in how many it is kept, and what the limit costs.

    cvar and price are None where fewer than two replications tell them.
    """

    name: str
    limit: float
    unit: str
    cvar: Estimate | None
    kept: int
    price: Estimate | None


@dataclass(frozen=True)
class Replications:
    """What other scenarios, as many, would have said: the case planned again on independent sets of them.

    Attributes:
        asked: replications asked for; each: those that were made, by seed; the tables count the certified ones.
        certified, infeasible: how many ended so. The rest of `each` stopped short of the gap.
        optimum: mean of the certified optima (the middle of their bounds), in the objective's unit.
        spread: half width of the 95 % prediction interval of one more optimum about that mean.
        gap: of the run's plan on other scenarios, in the objective's unit; its interval is one-sided, from 0.
        limits: one entry per risk limit.
    """

    asked: int
    each: tuple[Replication, ...]
    certified: int
    infeasible: int
    optimum: Estimate | None
    spread: float | None
    gap: Estimate | None
    limits: tuple[LimitReplicated, ...]


@dataclass(frozen=True)
class Bounded:
    """The best objective of a case on the scenarios of a run, and its proof: upper >= true optimum >= lower.

    name: which case. None where no plan was found.
    """

    name: str
    status: Status
    objective: float | None
    upper: float | None
    lower: float | None


@dataclass(frozen=True)
class Evidence:
    """What a plan was made from, so that all its figures can be computed again (`reevaluate.py`).

    columns: amount of each column of the linear program, by name; row_prices: objective gained per unit by which a row
    is relaxed, by the row's name; bound_prices: the same for a column's upper bound. What is left out is 0. steps: of
    each covenant for which plans were made again, what a tightening step costs, and how that was found. replications:
    as they were made. own: limits that the user added to the program. without: where the plan adapts at reviews, the
    case planned without them, and without limits on risk.
    """

    columns: Mapping[str, float]
    row_prices: Mapping[str, float]
    bound_prices: Mapping[str, float]
    steps: Mapping[str, tuple[float | None, str]] = field(default_factory=dict)
    replications: tuple[Replication, ...] = ()
    own: tuple[OwnLimit, ...] = ()
    without: tuple[Bounded, ...] = ()


@dataclass(frozen=True, repr=False)
class Plan(Shown):
    """A plan with its figures.

    tables: by name, as `analysis/declared.py` describes them; an unknown name is an UnknownName. ending: why it was not
    worked on any longer; not told by a run folder.
    """

    case: Case
    status: Status
    objective_name: str
    objective_value: float
    objective_unit: str
    certificate: Certificate | None
    risk: tuple[RiskFigure, ...]
    scenarios: ScenarioInfo
    device: Device
    timings: Timings
    passes: Passes
    funding: Funding
    decisions: Table
    tables: Mapping[str, Table]
    prices: tuple[ShadowPrice, ...]
    infeasibility: Infeasibility | None = None
    loss_allocation: LossAllocation | None = None
    wealth: Wealth | None = None
    tax: TaxByScenario | None = None
    replications: Replications | None = None
    messages: tuple[str, ...] = ()
    ending: Ending = Ending.BY_ITSELF
    versions: Mapping[str, str] = field(default_factory=dict)
    evidence: Evidence | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", Tables(self.tables))
