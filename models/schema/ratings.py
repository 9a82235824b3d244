"""Credit ratings, and who may hold what by rating, tenor and kind."""

from __future__ import annotations

from collections.abc import Collection

RATINGS = (
    "AAA", "AA+", "AA", "AA-", "A+", "A", "A-", "BBB+", "BBB", "BBB-", "BB+", "BB", "BB-", "B+", "B", "B-", "CCC", "NR",
)  # fmt: skip
"""From the best to the weakest; NR, not rated, counts below all. BBB- is the last investment grade."""

UNRATED = "NR"


def rank(rating: str) -> int:
    """Place of a rating, 0 for the best; "" counts as not rated."""
    return RATINGS.index(rating or UNRATED)


def barred(
    kinds: Collection[str], min_rating: str, max_tenor: int | None, kind: str, rating: str, tenor: int | None
) -> str:
    """Why an investor may not hold an instrument, or "" if it may.

    Args:
        kinds: kinds that it may hold; all if empty.
        min_rating: weakest rating that it may hold; "" for none.
        max_tenor: longest tenor that it may hold, periods; None for any.
        kind, rating, tenor: of the instrument. What is never repaid has no tenor, and its rating does not count.
    """
    if kinds and kind not in kinds:
        return f"it holds no {kind}"
    if tenor is None:
        return ""
    if min_rating and rank(rating) > rank(min_rating):
        return f"it holds nothing rated below {min_rating}"
    if max_tenor is not None and tenor > max_tenor:
        return "the tenor is longer than it may hold"
    return ""
