"""Seniority: who is paid first when value is short. Collateral stands beside it: it is paid from its own assets first."""

from __future__ import annotations

SENIORITIES = ("super_senior", "senior", "subordinated", "preferred", "equity")
"""From the first paid to the last. Preferred and equity rank behind all debt."""

_BY_KIND = {"revolver": "super_senior", "preferred": "preferred", "equity": "equity", "vendor_equity": "equity"}


def seniority(kind: str, amortisation: str, given: str | None) -> str:
    """Rank of an instrument: the given one, else that of its kind.

    A revolver is super senior, preferred and common equity stand last; what is never repaid is equity, whatever its
    kind. All else is senior: high-yield and convertible notes too are sold as senior, and differ by their collateral.
    """
    if given is not None:
        return given
    return _BY_KIND.get(kind, "equity" if amortisation == "none" else "senior")
