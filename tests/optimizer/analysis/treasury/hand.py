"""A hundred systems and a bond: a case of which every figure can be worked out on a sheet of paper.

A system costs 2 million, a quarter of it with the order, and 0.2 million of network; it serves a year from the second
quarter and is then sold for half its price. The bond pays 6 % for three years, with a fee of 1 % and 2 % of discount.
"""

from __future__ import annotations

import numpy as np
from capmix.models.build import build_ledger
from capmix.models.schema.case import Case, Heading
from capmix.models.schema.drivers import Deterministic
from capmix.models.schema.financing import Depth, Instrument, Investor, Party, Step
from capmix.models.schema.hardware import Accelerator
from capmix.models.schema.horizon import Horizon
from capmix.models.schema.rules import Cash, Tax
from capmix.models.schema.sites import LAYERS, Layer, Site
from capmix.optimizer.analysis.expected import Amounts

PERIODS = 8
ONE = (1.0,) * PERIODS
ORDER, BOND = "order[gpu,north,2026Q1]", "issue[bond,fund,1,2026Q1]"


def by_hand() -> Case:
    return Case(
        case=Heading(name="by_hand"),
        horizon=Horizon(start="2026Q1", periods=PERIODS),
        cash=Cash(opening=1.0, dividends=(0.0,) * PERIODS, minimum=(0.0,) * PERIODS),
        tax=Tax(rate=0.25, loss_use=0.8),
        party=(Party(id="maker", role="supplier"),),
        driver=(Deterministic(id="flat", process="deterministic", path=ONE),),
        accelerator=(
            Accelerator(
                id="gpu", vendor="maker", accelerators=8, bf16_tflops=1000.0, fp8_tflops=2000.0, it_kw=0.0, price=2.0,
                available_from=0, supply=(100.0,) * PERIODS, lead=1, deposit=0.25, life=4, failure_rate=0.0,
                support_rate=0.05, attach_cost=0.2, residual=(1.0, 0.5, 0.1),
            ),
        ),
        site=(
            Site(
                id="north", pue=1.0, power_price=0.0, power_fixed_share=0.0, opex=0.0, life=40,
                layer=tuple(Layer(kind=k, cost_per_mw=1.0, lead=1, max_mw=20.0, opening_mw=10.0) for k in LAYERS),
            ),
        ),
        investor=(Investor(id="fund", kind="asset_manager", issuance_capacity=ONE),),
        instrument=(
            Instrument(
                id="bond", kind="bond", rate="fixed", margin=0.06, tenor=12, amortisation="bullet", fee=0.01,
                discount=0.02, depth=(Depth(investor="fund", steps=(Step(size=1.0, spread=0.0),)),),
            ),
        ),
    )  # fmt: skip


def with_amounts(case: Case, rate: float = 0.0, **decided: float) -> Amounts:
    """A plan of these amounts by decision, where every driver is known; cash earns `rate` a period."""
    ledger = build_ledger(case)
    paths = np.array([d.path for d in case.driver])  # type: ignore[union-attr]
    means = np.append(paths.ravel(), 1.0)[ledger.factors].prod(axis=1)
    known = {d.key for d in ledger.decisions}
    assert set(decided) <= known, set(decided) - known
    amounts = np.array([1.0 if d.block == "fixed" else decided.get(d.key, 0.0) for d in ledger.decisions])
    return Amounts(case, ledger, means, amounts, np.full(case.horizon.periods, rate))
