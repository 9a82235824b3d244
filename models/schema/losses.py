"""Losses that a case can limit: all that is known of each but the table of the kernels that measures it.

The table is built under the same name in `optimizer/setup/losses.py`; every list of losses is made of these two.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LossSpec:
    """One loss.

    Attributes:
        words: what is measured, for the case reference.
        unit: of the loss and its limit. short: the same in a line of the terminal.
        keys: fields of a risk limit that belong to this loss only.
        needs: one of them that must be given, with what to say where it is not: (field, what is missing).
    """

    words: str
    unit: str = "billion"
    keys: tuple[str, ...] = ()
    needs: tuple[str, str] | None = None

    @property
    def short(self) -> str:
        return "bn" if self.unit == "billion" else self.unit


LOSS_SPECS: dict[str, LossSpec] = {
    "liquidity": LossSpec(
        words="peak of (minimum cash - cash), billion; where there are SPVs the worst of the group's and of each "
        "entity's own, since what is locked up in one pays nothing of another",
        keys=("entity",),
    ),
    "net_loss": LossSpec(
        words="discounted wealth at the end that doing nothing leaves (opening balance sheet, organic flows, dividends) "
        "less what the plan leaves, in the same scenario, billion: cash flows, each carried to the end at the mean "
        "deposit rate, and assets less debt there"
    ),
    "compute_shortfall": LossSpec(
        words="`target` minus compute delivered at `at`, PFLOP/s",
        unit="PFLOP/s",
        keys=("target", "at"),
        needs=("target", "compute wanted, PFLOP/s"),
    ),
}


def described() -> str:
    """Each loss in words, for the case reference."""
    return " ".join(f"{name}: {spec.words}." for name, spec in LOSS_SPECS.items())
