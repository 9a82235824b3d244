"""The starter case loads, shows every kind of entry, and can be planned in principle."""

from __future__ import annotations

import dataclasses

from capmix.models.reading import starter_case
from capmix.models.schema.case import Case


def test_starter_case_is_complete(case):
    loaded = case.load()
    # explained in the reference; a small cloud has no other business, no ring-fenced companies and no credit line
    optional = {"organic", "entity", "revolver", "review", "variant"}
    for field in dataclasses.fields(Case):
        if field.name not in optional and "spec" in field.metadata:
            assert getattr(loaded, field.name) not in (None, ()), field.name
    assert len(loaded.accelerator) == 2
    assert len(loaded.instrument) == len(loaded.investor) == 3
    assert {i.amortisation for i in loaded.instrument} == {"linear", "bullet", "annuity"}
    assert {r.loss for r in loaded.risk} == {"liquidity", "net_loss"}


def test_starter_case_is_plain_commented_text():
    text = starter_case()
    assert "illustrations" in text
    assert text.isascii() or text.encode("utf-8")
    assert max(len(line) for line in text.splitlines()) <= 120
    assert sum("#" in line for line in text.splitlines()) > 60


def test_opening_fleet_fits_the_site(case):
    """What stands there on the first day must be served, or there is no plan at all."""
    loaded = case.load()
    megawatts = sum(
        fleet.systems * accelerator.it_kw / 1000
        for fleet in loaded.opening.fleet
        for accelerator in loaded.accelerator
        if accelerator.id == fleet.accelerator
    )
    for layer in loaded.site[0].layer:
        schedule = layer.schedule_mw or (layer.max_mw,)
        assert megawatts * (loaded.site[0].pue if layer.kind == "power" else 1) <= min(layer.opening_mw, *schedule)
