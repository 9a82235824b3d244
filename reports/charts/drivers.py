"""Chart of the drivers: the fan of each over the horizon, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...optimizer.analysis.names import DRIVERS, Drivers
from ..text import safe, shorten
from .chart import Chart, Drawing, data
from .theme import SERIES, altair

if TYPE_CHECKING:
    from ...optimizer.plan import Plan

ACROSS = 3


def _drivers(plan: Plan) -> Drawing | None:
    table = plan.tables[DRIVERS]
    names = [driver.id for driver in plan.case.driver]  # not what stands above a floor
    rows = [row for row in table.records() if row.text(Drivers.DRIVER) in names]
    if not rows:
        return None
    labels = plan.case.horizon.labels
    titles = {row.text(Drivers.DRIVER): safe(row.text(Drivers.TITLE)) for row in rows}
    spread = len(titles)
    sentence = (
        f"{spread} drivers are simulated together; each band holds 90 % of the scenarios, the line is the median."
    )

    def marks() -> Any:
        alt = altair()
        heads = _unique({name: shorten(title, 30) for name, title in titles.items()})
        shown = [
            {
                "driver": heads[row.text(Drivers.DRIVER)],
                "period": row.text(Drivers.PERIOD),
                "low": row.number(Drivers.Q05),
                "mid": row.number(Drivers.Q50),
                "high": row.number(Drivers.Q95),
            }
            for row in rows
        ]
        few = alt.Axis(title=None, tickCount=4, domain=False, minExtent=40, maxExtent=40)
        base = alt.Chart().encode(x=_few(labels))
        band = base.mark_area(color="#a9c3e6", opacity=0.85).encode(
            y=alt.Y("low:Q", axis=few, scale=alt.Scale(zero=False)), y2="high:Q"
        )
        line = base.mark_line(color=SERIES[0], strokeWidth=2).encode(y=alt.Y("mid:Q", axis=few))
        return (
            alt.layer(band, line, data=data(shown))
            .properties(width=165, height=90)
            .facet(facet=alt.Facet("driver:N", sort=list(heads.values()), title=None), columns=ACROSS)
            .resolve_scale(y="independent")
        )

    return Drawing("each in its own unit", sentence, table, marks)


def _few(labels: Any) -> Any:
    """The axis with its first and last year alone, for a small picture."""
    return altair().X(
        "period:O",
        sort=list(labels),
        axis=altair().Axis(
            title=None,
            values=[labels[0], labels[-1]],
            labelAngle=0,
            grid=False,
            labelExpr="substring(datum.value, 0, 4)",
        ),
    )


def _unique(heads: dict[str, str]) -> dict[str, str]:
    """Heads that are all different: the id stands where two titles are cut to the same."""
    seen: dict[str, str] = {}
    for name, head in heads.items():
        seen[name] = head if head not in seen.values() else name
    return seen


DRIVER_FANS = Chart("driver_fans", "Drivers", (DRIVERS,), _drivers)
