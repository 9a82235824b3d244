"""The revolver: a committed line that a scenario may draw when its cash runs short."""

from __future__ import annotations

from dataclasses import dataclass

from . import fields as f
from . import usual as u
from .fields import Sourced


@dataclass(frozen=True, kw_only=True)
class Revolver(Sourced):
    """A revolving credit line. The plan decides how much to have committed; each scenario draws what it needs of it.

    A deficit of cash up to the line costs cash.rate_driver + margin, beyond it the more expensive cash.deficit_margin. The
    liquidity loss counts only what the line does not cover. On the expected path nothing is drawn, so the plan pays the
    fees there and minimum cash must be met without it. The line may not be used to spend: it is no funding.
    """

    holder: str = f.ref("investor class that commits it", "investor")
    max_commitment: float = f.number("maximum committed at one time", "billion", gt=0)
    margin: float = f.number(
        "over cash.rate_driver on what is drawn",
        "fraction per year",
        ge=0,
        le=0.3,
        cure="300 bp is written 0.03",
        usual=u.LINE_MARGIN,
    )
    commitment_fee: float = f.rate("on what is committed and not drawn", le=0.1, usual=u.COMMITMENT_FEE, default=0.0)
    fee: float = f.share("upfront fee on the commitment", le=0.2, usual=u.FEE, default=0.0)
    tenor: int = f.years("time from the commitment to its end, by which it is repaid", usual=u.LINE_TENOR)
    issue_from: int | None = f.period("first period of commitment", edge="first", default=None)
    issue_to: int | None = f.period("last period of commitment", edge="last", default=None)
