"""Field constructors of the case schema: each field carries its meaning, unit and allowed range.

The dataclasses of this package are plain frozen data. What a value means, in which unit, and what is
allowed stands in the field's metadata as a `Spec`; the reader checks against it and the case reference
is generated from it, so nothing about a field is written twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field
from typing import Any, Final, Literal

Kind = Literal[
    "text",  # free text, one line, no control characters
    "idents",  # list of names written like ids
    "ident",  # id: lower-case letter, then letters, digits, _ or -
    "choice",  # one of `choices`
    "several",  # list of some of `choices`
    "flag",  # true or false
    "number",  # finite float
    "count",  # whole number
    "years",  # given in years, stored as a whole number of periods
    "period",  # "2027Q1", "2027-03" or a date; stored as a period index relative to the start
    "series",  # number, list of one number per period, or {table=, column=}; stored as a tuple of length T
    "numbers",  # list of finite floats of free length
    "matrix",  # list of lists of finite floats
    "ref",  # id of an entry of table `ref`
    "refs",  # list of such ids
    "table",  # one sub-table, read as `cls`
    "tables",  # array of sub-tables, each read as `cls`
    "union",  # array of sub-tables, class chosen by the key `tag` among `classes`
    "named",  # table of sub-tables by name, each read as `cls`, the name as its `id`
    "targets",  # list of ids with or without their table, or "table.*"
    "overrides",  # values by dotted path
]
Edge = Literal["first", "last", ""]

REQUIRED: Final = MISSING

PERCENT: Final = ((0.01, "in percent"), (1e-4, "in basis points"))
MILLIONS: Final = ((1e-3, "in thousands"), (1e-6, "in single units of money"), (1e3, "in billions"))


@dataclass(frozen=True)
class Usual:
    """Where the values of a field usually lie; outside it a case is warned about, not refused. 0 is always usual.

    Attributes:
        low, high: both included.
        why: reason or source of the range.
        slips: factors that turn a value given in another unit into the right one, each with that unit, the likelier first.
        money: whether the range is in US dollars and follows the case's currency.
    """

    low: float
    high: float
    why: str
    slips: tuple[tuple[float, str], ...] = PERCENT
    money: bool = False


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What a field of the case means and what it may hold."""

    kind: Kind
    meaning: str
    unit: str = ""
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    choices: tuple[str, ...] = ()
    ref: str = ""
    cls: type | None = None
    tag: str = ""
    classes: Mapping[str, type] | None = None
    min_items: int = 0
    max_items: int | None = None
    cure: str = ""  # said in the error when the range is missed, e.g. "8 % is written 0.08"
    usual: Usual | None = None
    edge: Edge = ""  # of a period: whether it opens or closes a time, so that a date amid a period is doubtful


def _make(spec: Spec, default: Any) -> Any:
    if default is REQUIRED:
        return field(metadata={"spec": spec})
    return field(default=default, metadata={"spec": spec})


def text(meaning: str, *, default: Any = REQUIRED) -> Any:
    return _make(Spec(kind="text", meaning=meaning), default)


def ident(meaning: str) -> Any:
    return _make(Spec(kind="ident", meaning=meaning), REQUIRED)


def idents(meaning: str, *, default: Any = REQUIRED) -> Any:
    """Names written like ids, which no table need hold."""
    return _make(Spec(kind="idents", meaning=meaning, min_items=1), default)


def choice(meaning: str, choices: Sequence[str], *, default: Any = REQUIRED) -> Any:
    return _make(Spec(kind="choice", meaning=meaning, choices=tuple(choices)), default)


def several(meaning: str, choices: Sequence[str], *, default: Any = REQUIRED) -> Any:
    return _make(Spec(kind="several", meaning=meaning, choices=tuple(choices)), default)


def flag(meaning: str, *, default: Any = REQUIRED) -> Any:
    return _make(Spec(kind="flag", meaning=meaning), default)


def number(
    meaning: str,
    unit: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    cure: str = "",
    usual: Usual | None = None,
    default: Any = REQUIRED,
) -> Any:
    return _make(
        Spec(kind="number", meaning=meaning, unit=unit, ge=ge, gt=gt, le=le, lt=lt, cure=cure, usual=usual),
        default,
    )


def rate(meaning: str, *, ge: float = 0.0, le: float = 1.0, usual: Usual | None = None, default: Any = REQUIRED) -> Any:
    """A yearly rate as a fraction: 8 % is 0.08."""
    spec = Spec(
        kind="number",
        meaning=meaning,
        unit="fraction per year",
        ge=ge,
        le=le,
        cure="rates are fractions: 8 % is written 0.08",
        usual=usual,
    )
    return _make(spec, default)


def share(
    meaning: str, *, ge: float = 0.0, le: float = 1.0, usual: Usual | None = None, default: Any = REQUIRED
) -> Any:
    spec = Spec(
        kind="number",
        meaning=meaning,
        unit="fraction",
        ge=ge,
        le=le,
        cure="shares are fractions: 15 % is written 0.15",
        usual=usual,
    )
    return _make(spec, default)


def count(
    meaning: str,
    unit: str,
    *,
    ge: int | None = 0,
    le: int | None = None,
    usual: Usual | None = None,
    default: Any = REQUIRED,
) -> Any:
    return _make(Spec(kind="count", meaning=meaning, unit=unit, ge=ge, le=le, usual=usual), default)


def years(
    meaning: str,
    *,
    gt: float | None = 0.0,
    le: float | None = 100.0,
    usual: Usual | None = None,
    default: Any = REQUIRED,
) -> Any:
    """Given in years (a whole number of periods); stored as a number of periods."""
    return _make(
        Spec(kind="years", meaning=meaning, unit="years (a whole number of periods)", gt=gt, le=le, usual=usual),
        default,
    )


def period(meaning: str, *, edge: Edge = "", default: Any = REQUIRED) -> Any:
    return _make(Spec(kind="period", meaning=meaning, unit='period, as "2027Q1" or "2027-03"', edge=edge), default)


def series(
    meaning: str,
    unit: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    cure: str = "",
    usual: Usual | None = None,
    default: Any = REQUIRED,
) -> Any:
    """One number for all periods, a list with one per period, or a column of a table beside the case.

    A float default is expanded to every period by the reader.
    """
    spec = Spec(kind="series", meaning=meaning, unit=unit, ge=ge, gt=gt, le=le, cure=cure, usual=usual)
    return _make(spec, default)


def numbers(
    meaning: str,
    unit: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    min_items: int = 1,
    max_items: int | None = None,
    usual: Usual | None = None,
    default: Any = REQUIRED,
) -> Any:
    return _make(
        Spec(
            kind="numbers",
            meaning=meaning,
            unit=unit,
            ge=ge,
            le=le,
            min_items=min_items,
            max_items=max_items,
            usual=usual,
        ),
        default,
    )


def matrix(
    meaning: str,
    unit: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    default: Any = REQUIRED,
) -> Any:
    return _make(Spec(kind="matrix", meaning=meaning, unit=unit, ge=ge, le=le), default)


def ref(meaning: str, to: str, *, default: Any = REQUIRED) -> Any:
    return _make(Spec(kind="ref", meaning=meaning, ref=to), default)


def refs(meaning: str, to: str, *, min_items: int = 0, default: Any = REQUIRED) -> Any:
    return _make(Spec(kind="refs", meaning=meaning, ref=to, min_items=min_items), default)


def table(meaning: str, cls: type, *, default: Any = REQUIRED) -> Any:
    return _make(Spec(kind="table", meaning=meaning, cls=cls), default)


def tables(meaning: str, cls: type, *, min_items: int = 0, default: Any = REQUIRED) -> Any:
    return _make(Spec(kind="tables", meaning=meaning, cls=cls, min_items=min_items), default)


def union(meaning: str, tag: str, classes: Mapping[str, type], *, min_items: int = 0) -> Any:
    return _make(Spec(kind="union", meaning=meaning, tag=tag, classes=classes, min_items=min_items), REQUIRED)


def named(meaning: str, cls: type, *, default: Any = REQUIRED) -> Any:
    return _make(Spec(kind="named", meaning=meaning, cls=cls), default)


def targets(meaning: str, *, default: Any = REQUIRED) -> Any:
    return _make(Spec(kind="targets", meaning=meaning), default)


def overrides(meaning: str, *, default: Any = REQUIRED) -> Any:
    return _make(Spec(kind="overrides", meaning=meaning), default)


@dataclass(frozen=True, kw_only=True)
class Sourced:
    """Where a figure comes from; every table of figures carries these three keys."""

    source: str = text("publication or page the figures of this entry were seen in", default="")
    confidence: str = choice(
        "how well the source carries the figures",
        ("verified", "secondary", "derived", "unverified", ""),
        default="",
    )
    note: str = text("anything a reader of the case should know", default="")
