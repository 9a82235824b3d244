"""The validator of JSON Schema, which `capmix verify` uses as well."""

from capmix.reports.files.json_schema import faults

__all__ = ["faults"]
