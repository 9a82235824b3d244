"""Values of options as they are typed: read, and refused with what is allowed."""

from __future__ import annotations

import argparse

SEED_MAX = 2**64 - 1
SCENARIOS_MAX = 10**9
POINTS_MAX = 1000
REPLICATIONS_MAX = 1000


def names(text: str) -> list[str]:
    """Names with commas between them."""
    found = [name.strip() for name in text.split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError(f"{text!r} must be names with commas between them, e.g. own_cash,debt")
    return found


def marks(text: str) -> list[float]:
    """Amounts above 0 with commas between them."""
    found = [number(part) for part in text.split(",")]
    if not all(0.0 < mark < float("inf") for mark in found):
        raise argparse.ArgumentTypeError(f"{text!r} must be amounts above 0 with commas between them, e.g. 5e5,1e6")
    return found


def points(text: str) -> int:
    """How many points of a frontier."""
    value = number(text)
    if not value.is_integer() or not 2 <= value <= POINTS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 2 to {POINTS_MAX:,}")
    return int(value)


def replications(text: str) -> int:
    """How many times to plan again."""
    value = number(text)
    if not value.is_integer() or not (value == 0 or 2 <= value <= REPLICATIONS_MAX):
        raise argparse.ArgumentTypeError(f"{text!r} must be 0, or a whole number from 2 to {REPLICATIONS_MAX:,}")
    return int(value)


def amount(text: str) -> float:
    """A finite number."""
    value = number(text)
    if not float("-inf") < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} must be a finite number, in the limit's unit")
    return value


def count(text: str) -> int:
    """How many scenarios; 1e6 is as good as 1000000."""
    value = number(text)
    if not value.is_integer() or not 1 <= value <= SCENARIOS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1 to {SCENARIOS_MAX:,}")
    return int(value)


def seed(text: str) -> int:
    """A seed of 64 bits, decimal or with 0x."""
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value <= SEED_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 0 to 2^64 - 1 ({SEED_MAX})")
    return value


def gap(text: str) -> float:
    """A relative gap."""
    value = number(text)
    if not 1e-9 <= value < 1.0:
        raise argparse.ArgumentTypeError(
            f"{text!r} must lie between 1e-9 and 1; 1e-5 certifies to a hundred-thousandth"
        )
    return value


def seconds(text: str) -> float:
    """A time limit."""
    value = number(text)
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of seconds above 0")
    return value


def number(text: str) -> float:
    """Any number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
