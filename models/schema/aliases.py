"""Former names of keys and choices of a case: still read, and said to be former by `capmix check`."""

from __future__ import annotations

from collections.abc import Mapping

from .financing import Investor
from .revenue import Contract
from .revolver import Revolver
from .rules import Covenant

FORMER_KEYS: Mapping[type, Mapping[str, str]] = {
    Investor: {"appetite": "issuance_capacity"},
    Contract: {"price_fall": "price_decline"},
    Revolver: {"most": "max_commitment"},
    Covenant: {"notch": "tightening_step"},
}
"""By class of the schema: former key and present one."""

FORMER_CHOICES: Mapping[type, Mapping[str, Mapping[str, str]]] = {
    Covenant: {"as": {"hard": "maintained", "report": "monitored"}},
}
"""By class and key: former choice and present one."""


def present_key(cls: type, name: str) -> str:
    """The present name of a key that may be a former one."""
    return FORMER_KEYS.get(cls, {}).get(name, name)


def present_choice(cls: type, name: str, value: object) -> object:
    """The present word of a choice that may be a former one; any other value as it is."""
    words = FORMER_CHOICES.get(cls, {}).get(name, {})
    return words.get(value, value) if isinstance(value, str) else value


def present_path(key: str) -> str:
    """A dotted path of the case with the present name of its last key."""
    table, dot, name = key.rpartition(".")
    return table + dot + _BY_NAME.get(name, name) if dot else key


_BY_NAME = {former: present for keys in FORMER_KEYS.values() for former, present in keys.items()}
