"""Chart of the reviews of a plan that adapts: the tree of nodes over time, with what each asks and how likely it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...optimizer.analysis.review_names import REVIEW_TREE, ReviewTree
from ..summary.review_sentences import condition
from ..text import percent, plural
from .chart import Chart, Drawing, data
from .theme import QUIET, SERIES, WIDTH, altair, periods

if TYPE_CHECKING:
    from ...optimizer.plan import Plan
    from ...optimizer.table import Record

ROOT = "before any review"


def adapts(plan: Plan) -> bool:
    """Whether the plan has reviews."""
    return REVIEW_TREE in plan.tables


def _tree(plan: Plan) -> Drawing | None:
    table = plan.tables[REVIEW_TREE]
    rows = table.records()
    if not rows:
        return None
    leaves = [row for row in rows if row.text(ReviewTree.LEAF) == "yes"]
    sentence = f"What is seen at the reviews leads to one of {plural(len(leaves), 'plan')} at the end."

    def marks() -> Any:
        return _drawn(rows, plan.case.horizon.labels)

    return Drawing("nodes by period", sentence, table, marks)


def _drawn(rows: list[Record], labels: Any) -> Any:
    alt = altair()
    children: dict[str, list[str]] = {}
    for row in rows[1:]:
        children.setdefault(row.text(ReviewTree.PARENT), []).append(row.text(ReviewTree.NODE))
    height: dict[str, float] = {}

    def placed(node: str, below: float) -> float:
        """The next free line after the node's leaves are placed."""
        if node not in children:
            height[node] = below
            return below + 1.0
        free = below
        for child in children[node]:
            free = placed(child, free)
        height[node] = sum(height[child] for child in children[node]) / len(children[node])
        return free

    deep = placed(rows[0].text(ReviewTree.NODE), 0.0)
    bars, joints, heads = [], [], []
    for row in rows:
        node = row.text(ReviewTree.NODE)
        at = height[node]
        bars.append({"period": row.text(ReviewTree.FIRST), "end": row.text(ReviewTree.LAST), "y": at})
        share = percent(row.number(ReviewTree.PROBABILITY))
        seen = condition(row) if row is not rows[0] else ROOT
        heads.append({"period": row.text(ReviewTree.FIRST), "y": at, "text": f"{seen} · {share}"})
        if row is not rows[0]:
            parent = height[row.text(ReviewTree.PARENT)]
            joints.append({"period": row.text(ReviewTree.FIRST), "y": min(at, parent), "y2": max(at, parent)})
    scale = alt.Scale(domain=[-0.7, deep - 0.3], reverse=True)
    y = alt.Y("y:Q", axis=None, scale=scale)
    x = periods(labels)
    nodes = (
        alt.Chart(data(bars)).mark_rule(color=SERIES[0], strokeWidth=5, strokeCap="round").encode(x=x, x2="end:O", y=y)
    )
    edges = alt.Chart(data(joints)).mark_rule(color=QUIET).encode(x=x, y=y, y2="y2:Q")
    words = alt.Chart(data(heads)).mark_text(align="left", dx=4, dy=-10, fontSize=12).encode(x=x, y=y, text="text:N")
    return alt.layer(edges, nodes, words).properties(width=WIDTH, height=int(46 * deep) + 30)


TREE = Chart("review_tree", "Reviews", (REVIEW_TREE,), _tree, adapts)
