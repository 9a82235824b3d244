"""Measurements: every figure in RESULTS.md is printed by `python -m bench`."""
