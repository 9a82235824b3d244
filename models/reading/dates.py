"""Dates: which period a text or a TOML date names, whether it begins or ends that period, and what to write instead."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Any

FIRST_YEAR, LAST_YEAR = 1900, 2200

UNKNOWN = 'write it as "2027Q1", "2027-03" or "2027-03-31"'
_QUARTER = re.compile(r"(?P<y>[0-9]{4})[ _/-]?[Qq](?P<q>[1-4])|[Qq](?P<q2>[1-4])[ _/-]?(?P<y2>[0-9]{4})", re.ASCII)
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})", re.ASCII)
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T]00:00(?::00(?:\.0+)?)?)?", re.ASCII)
_DOTTED = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", re.ASCII)
_SLASHED = re.compile(r"([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{4})", re.ASCII)
_TIMED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:.]+(?:Z|[+-][0-9:]+)?", re.ASCII)
_SHORT_YEAR = re.compile(r"[Qq][1-4][ '/-]*[0-9]{2}|[0-9]{2}[ /-]*[Qq][1-4]|[1-4][Qq][ '/-]*[0-9]{2}|"
                         r"[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2}", re.ASCII)  # fmt: skip
_FLIPPED_MONTH = re.compile(r"([0-9]{1,2})[./-]([0-9]{4})|([0-9]{4})[./]([0-9]{1,2})", re.ASCII)
_SERIAL = re.compile(r"[0-9]{5}(?:\.0+)?", re.ASCII)
_WORD = re.compile(r"([A-Za-zÄÖÜäöüéûÉÛ]{3,9})\.?[ -]*([0-9]{4}|[0-9]{2})")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_OTHER_MONTHS = {"mär": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12, "fév": 2, "avr": 4, "aoû": 8, "déc": 12}
_EXCEL = datetime.date(1899, 12, 30)


@dataclass(frozen=True)
class Named:
    """A period by its absolute number, and how what was written lies in it.

    Attributes:
        begins, ends: whether what was written begins or ends with the period; both for its own name.
        rewritten: whether it stands in another form than those of a case.
    """

    number: int
    begins: bool
    ends: bool
    rewritten: bool = False


def named(raw: Any, per_year: int) -> Named:
    """The period that text or a TOML date names. ValueError with the cure if it names none."""
    if isinstance(raw, datetime.datetime):
        raise ValueError(f"a date has no time of day: write {raw.date().isoformat()}")
    if isinstance(raw, datetime.date):
        raw = raw.isoformat()
    if not isinstance(raw, str) or len(raw) > 40:
        raise ValueError(UNKNOWN)
    found = _read(raw, per_year)
    if found is None:
        raise ValueError(_cure(raw))
    if not FIRST_YEAR <= found.number // per_year <= LAST_YEAR:
        raise ValueError(f"years run from {FIRST_YEAR} to {LAST_YEAR}")
    return found


def _read(raw: str, per_year: int) -> Named | None:
    if m := _QUARTER.fullmatch(raw):
        year, quarter = int(m["y"] or m["y2"]), int(m["q"] or m["q2"])
        if per_year == 12:
            raise ValueError(
                f"a quarter cannot name a monthly period; write it as {year}-{3 * quarter:02d}, "
                f"or {year}-{3 * quarter - 2:02d} for its first month"
            )
        return Named(year * 4 + quarter - 1, True, True, rewritten=raw.upper() != f"{year}Q{quarter}")
    if m := _MONTH.fullmatch(raw):
        year, month = int(m[1]), int(m[2])
        if not 1 <= month <= 12:
            raise ValueError("the month must lie between 01 and 12")
        months = 12 // per_year
        return Named(year * per_year + (month - 1) // months, (month - 1) % months == 0, month % months == 0)
    if m := _DAY.fullmatch(raw):
        return _day(int(m[1]), int(m[2]), int(m[3]), per_year, rewritten=len(raw) > 10)
    if m := _DOTTED.fullmatch(raw):
        return _day(int(m[3]), int(m[2]), int(m[1]), per_year, rewritten=True)
    return None


def _day(year: int, month: int, day: int, per_year: int, *, rewritten: bool) -> Named:
    try:
        date = datetime.date(year, month, day)
    except ValueError:
        raise ValueError("there is no such day in the calendar") from None
    months = 12 // per_year
    begins = day == 1 and (month - 1) % months == 0
    ends = date != datetime.date.max and (date + datetime.timedelta(1)).day == 1 and month % months == 0
    return Named(year * per_year + (month - 1) // months, begins, ends, rewritten)


def _cure(raw: str) -> str:
    """What to write instead of a text that names no period for certain."""
    text = raw.strip()
    if re.search(r"\bFY|^[Ff][Yy]|GJ", text):
        return (
            'a fiscal year has no fixed months: write the calendar quarter, as "2027Q1", or the month in which the '
            'period begins, as "2027-01"'
        )
    if _TIMED.fullmatch(text):
        return f'a date has no time of day: write "{text[:10]}"'
    if text != raw and (_QUARTER.fullmatch(text) or _MONTH.fullmatch(text) or _DAY.fullmatch(text)):
        return f'take out the spaces: write "{text}"'
    if m := _SLASHED.fullmatch(text):
        first, second, year = int(m[1]), int(m[2]), m[3]
        days = [f"{year}-{b:02d}-{a:02d}" for a, b in ((first, second), (second, first)) if _exists(int(year), b, a)]
        if len(days) == 2 and first != second:
            return f'day and month cannot be told apart: write "{days[0]}" or "{days[1]}"'
        return f'write the year first: "{days[0]}"' if days else UNKNOWN
    if _SHORT_YEAR.fullmatch(text):
        return f"write the year with four digits; {UNKNOWN}"
    if m := _FLIPPED_MONTH.fullmatch(text):
        year, month = m[2] or m[3], int(m[1] or m[4])
        return f'write the year first: "{year}-{month:02d}"' if 1 <= month <= 12 else UNKNOWN
    if _SERIAL.fullmatch(text):
        day = _EXCEL + datetime.timedelta(int(float(text)))
        return f'a spreadsheet\'s number of a day: write the date, "{day.isoformat()}"'
    if m := _WORD.fullmatch(text):
        month = _month_of(m[1])
        if month and len(m[2]) == 4:
            return f'write the month in digits: "{m[2]}-{month:02d}"'
        if month:
            return f"write the year with four digits and the month in digits; {UNKNOWN}"
    return UNKNOWN


def _exists(year: int, month: int, day: int) -> bool:
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True


def _month_of(word: str) -> int:
    short = word[:3].lower()
    return _MONTHS.index(short) + 1 if short in _MONTHS else _OTHER_MONTHS.get(short, 0)
