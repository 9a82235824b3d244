"""The named amounts of a case's program, from which a user writes limits of his own.

Nothing is looked up with a default: a name that is not there is an error that lists what is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from ..errors import UnknownName, instead
from .own_limits import OwnLimit
from .own_rows import Expression, OwnLimitError, Row, rows_in

if TYPE_CHECKING:
    from .blocks.assembly import Assembly

SAME = {"place": "issue", "sign": "contract", "owed": "outstanding_balance"}
"""Former names of families, which are understood too."""


@dataclass(frozen=True)
class _Family:
    """Decisions or balances of one kind: the names of their keys, and of each its parts and its tags."""

    name: str
    keys: tuple[str, ...]
    members: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]]
    decided: bool


class Handle:
    """The named amounts of a case's linear program, for limits of one's own.

    Attributes:
        periods: labels, in order.
        families: names of the keys of each family of decisions and of balances.
    """

    def __init__(self, a: Assembly) -> None:
        self.periods: tuple[str, ...] = tuple(a.labels)
        self._unit = {column.name: column.unit for column in a.columns}
        self._period = {c.name: "" if c.index.period is None else a.labels[c.index.period] for c in a.columns}
        self._families: dict[str, _Family] = {}
        members: dict[str, dict[str, tuple[tuple[str, ...], Mapping[str, str]]]] = {}
        decided = {}
        for column in a.columns:
            members.setdefault(column.index.rule, {})[column.name] = (column.index.parts, column.tags)
            decided[column.index.rule] = column.decided
        for name, mine in members.items():
            self._families[name] = _Family(name, _key_names(list(mine.values())), mine, decided[name])

    @property
    def families(self) -> dict[str, tuple[str, ...]]:
        return {family.name: family.keys for family in self._families.values()}

    def names(self, family: str | None = None) -> tuple[str, ...]:
        """Full names of all amounts, or of one family's."""
        if family is None:
            return tuple(self._unit)
        return tuple(self._family(family).members)

    def has(self, family: str, *keys: str, **tags: str) -> bool:
        """Whether `decision` would find an amount."""
        try:
            self._find(self._family(family), keys, tags)
        except UnknownName:
            return False
        return True

    def amount(self, name: str) -> Expression:
        """One decision or balance by its full name, e.g. "order[gb300,texas,2027Q1]". UnknownName where it is not."""
        if name not in self._unit:
            raise UnknownName("decision or balance", name, self._unit)
        return Expression({name: 1.0})

    def decision(self, family: str, *keys: str, **tags: str) -> Expression:
        """A decision by its keys; the sum of all that have them where keys are left out.

        Args:
            family: e.g. "order", "build", "issue"; `families` lists all.
            keys: some or all keys, in the order of the family's.
            tags: keys by their names, e.g. period="2027Q1", or whatever else the decisions are tagged with.

        Raises:
            UnknownName: no decision has such a key, or none has all of them; the message lists those there are.
            OwnLimitError: a key can mean several of the family's.
        """
        found = self._family(family)
        if not found.decided:
            words = f"{family!r} is a balance, which follows from the decisions: use balance({family!r}, …)"
            raise UnknownName("family of decisions", family, words=words)
        return Expression(dict.fromkeys(self._find(found, keys, tags), 1.0))

    def balance(self, family: str, *keys: str, **tags: str) -> Expression:
        """An expected balance, billion.

        E.g. balance("cash", "2028Q3"), balance("outstanding_balance", "bond_7y", "2028Q3").

        Raises as `decision`; OwnLimitError too where the keys leave several.
        """
        found = self._family(family)
        if found.decided:
            words = f"{family!r} is a decision: use decision({family!r}, …)"
            raise UnknownName("family of balances", family, words=words)
        names = self._find(found, keys, tags)
        if len(names) > 1:
            raise OwnLimitError(
                f"{len(names)} balances {family!r} have these keys; name all of {', '.join(found.keys)}: a sum of "
                "balances says nothing"
            )
        return Expression({names[0]: 1.0})

    def limits(self, returned: object) -> tuple[OwnLimit, ...]:
        """What a user's function returned as limits: a row, several, or rows by their names.

        Raises OwnLimitError for what is no row, a row without any amount, a bound that is not finite, and names that
        two rows share which no period tells apart.
        """
        found: dict[str, list[OwnLimit]] = {}
        for number, row in enumerate(rows_in(returned), 1):
            limit = self._limit(row.name or f"limit {number}", row)
            same = found.setdefault(limit.name, [])
            if same and not (limit.period and all(one.period not in ("", limit.period) for one in same)):
                raise OwnLimitError(f"two limits are named {limit.name!r}; give each a name of its own")
            same.append(limit)
        return tuple(limit for same in found.values() for limit in same)

    def _limit(self, name: str, row: Row) -> OwnLimit:
        terms = {key: value for key, value in row.terms.items() if value != 0.0}
        if not terms:
            raise OwnLimitError(f"limit {name!r} holds no decision: its amounts cancel")
        if not all(map(math.isfinite, terms.values())) or math.isnan(row.lower) or math.isnan(row.upper):
            raise OwnLimitError(f"limit {name!r} holds a number that is not finite")
        if not (math.isfinite(row.lower) or math.isfinite(row.upper)):
            raise OwnLimitError(f"limit {name!r} has no finite bound, so it limits nothing")
        unknown = [key for key in terms if key not in self._unit]
        if unknown:
            raise OwnLimitError(f"limit {name!r}: {UnknownName('decision or balance', unknown[0], self._unit)}")
        units = {self._unit[key] for key in terms}
        periods = {self._period[key] for key in terms}
        unit = row.unit if row.unit is not None else units.pop() if len(units) == 1 else ""
        period = periods.pop() if len(periods) == 1 else ""
        return OwnLimit(name, terms, row.lower, row.upper, unit, period)

    def _family(self, name: str) -> _Family:
        found = self._families.get(name) or self._families.get(SAME.get(name, ""))
        if found is None:
            raise UnknownName("family of decisions or balances", name, self._families)
        return found

    def _find(self, family: _Family, keys: Sequence[str], tags: Mapping[str, str]) -> tuple[str, ...]:
        """Names of the family's members that have these keys and tags; never none."""
        places = _places(family, keys)
        for tag, value in tags.items():
            values = dict.fromkeys(t[tag] for _, t in family.members.values() if tag in t)
            if not values:
                known = dict.fromkeys(key for _, t in family.members.values() for key in t)
                raise UnknownName(f"key of {family.name!r}", tag, known)
            if value not in values:
                raise UnknownName(f"{tag} of {family.name!r}", value, values)
        found = tuple(
            name
            for name, (parts, own) in family.members.items()
            if all(parts[at] == key for at, key in places) and all(own.get(tag) == value for tag, value in tags.items())
        )
        if not found:
            asked = ", ".join([*map(repr, keys), *(f"{tag}={value!r}" for tag, value in tags.items())])
            some = [n for n, (p, _) in family.members.items() if places and p[places[0][0]] == keys[0]] or list(
                family.members
            )
            words = f"no {family.name!r} has {asked} together; {instead(asked, some)}"
            raise UnknownName(f"member of {family.name!r}", asked, some, words)
        return found


def _places(family: _Family, keys: Sequence[str]) -> list[tuple[int, str]]:
    """Which of the family's keys each of these is, in order."""
    if not keys:
        return []
    if not all(isinstance(key, str) for key in keys):
        key = next(k for k in keys if not isinstance(k, str))
        raise UnknownName(f"key of {family.name!r}", key, words=f"{family.name!r}: keys are texts, not {key!r}")
    width = len(family.keys)
    if len(keys) > width:
        words = f"{family.name!r} has {width} keys ({', '.join(family.keys)}), not {len(keys)}"
        raise UnknownName(f"member of {family.name!r}", ", ".join(keys), words=words)
    values = [dict.fromkeys(p[at] for p, _ in family.members.values() if at < len(p)) for at in range(width)]
    for key in keys:
        if not any(key in known for known in values):
            every = dict.fromkeys(v for known in values for v in known)
            raise UnknownName(f"key of a {family.name!r}", key, every)
    fits = [
        at for at in combinations(range(width), len(keys)) if all(k in values[i] for k, i in zip(keys, at, strict=True))
    ]
    if not fits:
        asked = ", ".join(map(repr, keys))
        words = f"{family.name!r}: {asked} are not in the order of its keys, {', '.join(family.keys)}"
        raise UnknownName(f"member of {family.name!r}", asked, words=words)
    if len(fits) > 1:
        at = next(i for i in range(len(keys)) if len({fit[i] for fit in fits}) > 1)
        meant = dict.fromkeys(family.keys[fit[at]] for fit in fits)
        raise OwnLimitError(f"{family.name!r}: {keys[at]!r} can be {' or '.join(meant)}; write {next(iter(meant))}=…")
    return list(zip(fits[0], keys, strict=True))


def _key_names(members: Sequence[tuple[tuple[str, ...], Mapping[str, str]]]) -> tuple[str, ...]:
    """The name of each part: the tag that has its value throughout."""
    width = max(len(parts) for parts, _ in members)
    names: list[str] = []
    for at in range(width):
        these = [(parts[at], tags) for parts, tags in members if at < len(parts)]
        fits = [tag for tag in these[0][1] if tag not in names and all(tags.get(tag) == part for part, tags in these)]
        if at == width - 1 and "period" in fits:
            fits = ["period"]
        names.append(fits[0] if fits else f"key {at + 1}")
    return tuple(names)
