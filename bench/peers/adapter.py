"""The common face of every subject: an instance in, an answer out, and what cannot be stated said so."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..instances import Array, Instance


class CannotState(Exception):
    """The subject has no way to say this program."""


class NotAvailable(Exception):
    """The subject is not installed here, or lacks the device it needs."""


@dataclass(frozen=True)
class Options:
    """tolerance: relative, for gap and violation, turned into the subject's own settings. time_limit: seconds."""

    tolerance: float
    time_limit: float
    threads: int


@dataclass(frozen=True)
class Answer:
    """What a subject says. Only `x` is judged; the rest stands beside the verdict as the subject's own word.

    x: (n,), or None where it stopped without one. status: in its own words. claimed: its objective. bound: lower bound
    that it claims to have proven. phases: seconds by phase, `build` and `solve` at least. counts: iterations, passes.
    """

    x: Array | None
    status: str
    claimed: float = math.nan
    bound: float = -math.inf
    phases: dict[str, float] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)


Solve = Callable[[Instance, Options], Answer]


@dataclass(frozen=True)
class Subject:
    """One registered competitor.

    key: its name on the command line. title: in tables. module: where its `solve` stands. settings: passed to it.
    needs: distributions that must be installed (the first one's version is shown). gpu: needs a CUDA device.
    """

    key: str
    title: str
    module: str
    needs: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict)
    gpu: bool = False


def equal_weights(instance: Instance) -> None:
    """CannotState where scenarios have probabilities of their own."""
    if instance.weights is not None:
        raise CannotState("it takes equally likely scenarios only")


def only_tail(instance: Instance) -> None:
    """CannotState unless there is exactly one CVaR."""
    if len(instance.tails) != 1:
        raise CannotState(f"{len(instance.tails)} CVaR terms; it takes one")


def returns_of(instance: Instance) -> Array:
    """(S, n) returns where the instance is a long-only portfolio of weights that add up to 1; CannotState otherwise."""
    only_tail(instance)
    equal_weights(instance)
    n, tail = instance.columns, instance.tails[0]
    budget = instance.matrix.shape[0] > 0 and bool((instance.matrix[0] == 1.0).all())
    long_only = bool((instance.lower == 0.0).all() and np.isinf(instance.upper).all())
    if not (budget and long_only and instance.row_lower[0] == instance.row_upper[0] == 1.0 and not tail.offset.any()):
        raise CannotState("it takes long-only portfolios only")
    returns = -tail.losses
    assert returns.shape[1] == n
    return returns


@dataclass(frozen=True)
class Bounded:
    """returns: (S, n). lower, upper: (n,), infinite where there is none. budget: what the weights add up to."""

    returns: Array
    lower: Array
    upper: Array
    budget: float


def portfolio_of(instance: Instance) -> Bounded:
    """The instance as weights with bounds of their own that add up to a budget; CannotState where it is none."""
    only_tail(instance)
    equal_weights(instance)
    budget = instance.matrix.shape[0] > 0 and bool((instance.matrix[0] == 1.0).all())
    if not (budget and instance.row_lower[0] == instance.row_upper[0]) or instance.tails[0].offset.any():
        raise CannotState("it takes portfolios with a budget only")
    return Bounded(-instance.tails[0].losses, instance.lower, instance.upper, float(instance.row_lower[0]))


def required_mean(instance: Instance, returns: Array) -> float | None:
    """The mean return that the second row asks for, or None; CannotState where other rows are there."""
    if instance.matrix.shape[0] == 1:
        return None
    mean = returns.mean(axis=0)
    if instance.matrix.shape[0] != 2 or not np.allclose(instance.matrix[1], mean, rtol=1e-12, atol=1e-12):
        raise CannotState("it takes no rows but a budget and a mean return")
    return float(instance.row_lower[1])
