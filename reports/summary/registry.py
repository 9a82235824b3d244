"""The sections of the summary in their order: whoever adds one writes its file, and its name here."""

from __future__ import annotations

from . import (
    binding_limits,
    bottlenecks,
    capital_stack,
    cash,
    certificate,
    circular_financing,
    covenants,
    drivers,
    entities,
    entity_defaults,
    headline,
    key_figures,
    loss_allocation,
    no_plan,
    own_limits,
    purchases,
    replications,
    reviews,
    risk,
)
from .section import Section

SECTIONS: tuple[Section, ...] = (
    headline.SECTION,
    key_figures.SECTION,
    no_plan.SECTION,
    reviews.SECTION,
    capital_stack.SECTION,
    circular_financing.SECTION,
    purchases.SECTION,
    bottlenecks.SECTION,
    cash.SECTION,
    loss_allocation.SECTION,
    risk.SECTION,
    binding_limits.SECTION,
    own_limits.SECTION,
    covenants.SECTION,
    entities.SECTION,
    entity_defaults.SECTION,
    replications.SECTION,
    drivers.SECTION,
    certificate.SECTION,
)
