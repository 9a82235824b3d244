"""A small validator for the part of JSON Schema that plan.schema.json uses; an unknown keyword is an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

KNOWN = {
    "$schema",
    "title",
    "description",
    "type",
    "properties",
    "additionalProperties",
    "required",
    "items",
    "enum",
    "const",
    "minimum",
    "maximum",
}
TYPES: dict[str, Any] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "null": lambda v: v is None,
}


def faults(value: Any, schema: dict[str, Any], path: str = "$") -> Iterator[str]:
    """Every place where the value breaks the schema."""
    unknown = set(schema) - KNOWN
    if unknown:
        raise ValueError(f"the validator does not know {sorted(unknown)}")
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if kinds and not any(TYPES[kind](value) for kind in kinds):
        yield f"{path}: {value!r} is not {' or '.join(kinds)}"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{path}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {schema['enum']!r}"
    if TYPES["number"](value):
        if value < schema.get("minimum", value):
            yield f"{path}: {value} is below {schema['minimum']}"
        if value > schema.get("maximum", value):
            yield f"{path}: {value} is above {schema['maximum']}"
    if isinstance(value, dict):
        known = schema.get("properties", {})
        yield from (f"{path}: {key} is missing" for key in schema.get("required", []) if key not in value)
        for key, child in value.items():
            rest = schema.get("additionalProperties", True)
            if key in known:
                yield from faults(child, known[key], f"{path}.{key}")
            elif isinstance(rest, dict):
                yield from faults(child, rest, f"{path}.{key}")
            elif not rest:
                yield f"{path}: {key} is not known"
    if isinstance(value, list) and "items" in schema:
        for i, child in enumerate(value):
            yield from faults(child, schema["items"], f"{path}[{i}]")
