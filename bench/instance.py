"""A program with a CVaR as every subject gets it, and what its generators share.

minimise   cost'x + x' quadratic x / 2 + sum_k price_k CVaR_k(losses_k x + offset_k)
such that  CVaR_k <= limit_k where given, row_lower <= matrix x <= row_upper, lower <= x <= upper
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tail:
    """CVaR of `losses @ x + offset`: the mean of the worst share 1 - level of the scenarios.

    losses: (S, n). offset: (S,). limit: may be infinite. price: weight in the objective, not negative.
    """

    losses: Array
    offset: Array
    level: float
    limit: float = math.inf
    price: float = 0.0


@dataclass(frozen=True, eq=False)
class Instance:
    """One program, and what is known of it.

    Attributes:
        cost: (n,). quadratic: (n, n) symmetric, positive semidefinite, or None.
        matrix: (m, n), row_lower, row_upper: (m,); lower, upper: (n,); infinite where there is no bound.
        region: (2, n) finite box in which an optimum is looked for. Inside the bounds; where it is narrower than they
            are, certificates hold for answers within it.
        seed: of the draws.
        weights: (S,) probabilities of the scenarios with the sum 1, or None for equal ones.
    """

    family: str
    seed: int
    cost: Array
    quadratic: Array | None
    tails: tuple[Tail, ...]
    matrix: Array
    row_lower: Array
    row_upper: Array
    lower: Array
    upper: Array
    region: Array
    weights: Array | None = None

    @property
    def probabilities(self) -> Array:
        """(S,) of the scenarios."""
        return np.full(self.scenarios, 1.0 / self.scenarios) if self.weights is None else self.weights

    @property
    def scenarios(self) -> int:
        return int(self.tails[0].losses.shape[0])

    @property
    def columns(self) -> int:
        return int(self.cost.size)

    @property
    def name(self) -> str:
        return f"{self.family} {self.scenarios:,} x {self.columns:,}"

    @property
    def nbytes(self) -> int:
        """Bytes of the scenario matrices."""
        return sum(tail.losses.nbytes for tail in self.tails)

    def save(self, folder: Path) -> None:
        """One .npy file per array, beside instance.json; `load` gives the same bits."""
        folder.mkdir(parents=True, exist_ok=True)
        for key, array in self._arrays().items():
            np.save(folder / f"{key}.npy", array)
        terms = [{"level": t.level, "limit": t.limit, "price": t.price} for t in self.tails]
        (folder / "instance.json").write_text(json.dumps({"family": self.family, "seed": self.seed, "tails": terms}))

    @classmethod
    def load(cls, folder: Path) -> Instance:
        head = json.loads((folder / "instance.json").read_text())

        def read(key: str) -> Array:
            array: Array = np.load(folder / f"{key}.npy")
            return array

        tails = tuple(Tail(read(f"losses{k}"), read(f"offset{k}"), **t) for k, t in enumerate(head["tails"]))
        names = ("cost", "matrix", "row_lower", "row_upper", "lower", "upper", "region")
        optional = {k: read(k) if (folder / f"{k}.npy").exists() else None for k in ("quadratic", "weights")}
        return cls(head["family"], head["seed"], tails=tails, **optional, **{k: read(k) for k in names})

    def _arrays(self) -> dict[str, Array]:
        arrays = {
            "cost": self.cost,
            "matrix": self.matrix,
            "row_lower": self.row_lower,
            "row_upper": self.row_upper,
            "lower": self.lower,
            "upper": self.upper,
            "region": self.region,
        }
        if self.quadratic is not None:
            arrays["quadratic"] = self.quadratic
        if self.weights is not None:
            arrays["weights"] = self.weights
        for k, tail in enumerate(self.tails):
            arrays[f"losses{k}"], arrays[f"offset{k}"] = tail.losses, tail.offset
        return arrays


def portfolio(
    family: str,
    seed: int,
    cost: Array,
    quadratic: Array | None,
    tail: Tail,
    mean: Array | None,
    required: float | None,
) -> Instance:
    """Long-only weights that add up to 1, and a mean return if one is required."""
    n = cost.size
    rows, low, high = [np.ones(n)], [1.0], [1.0]
    if mean is not None and required is not None:
        rows.append(mean)
        low.append(required)
        high.append(math.inf)
    return Instance(
        family=family,
        seed=seed,
        cost=cost,
        quadratic=quadratic,
        tails=(tail,),
        matrix=np.array(rows),
        row_lower=np.array(low),
        row_upper=np.array(high),
        lower=np.zeros(n),
        upper=np.full(n, np.inf),
        region=np.array([np.zeros(n), np.ones(n)]),
    )


def generator(family: str, scenarios: int, columns: int, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, scenarios, columns, *family.encode()])


def blocks(count: int, size: int = 16_384) -> list[slice]:
    return [slice(low, min(low + size, count)) for low in range(0, count, size)]
