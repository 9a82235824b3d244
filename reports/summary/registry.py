"""The sections of the summary in their order, in short and in full: who adds one writes its file, and its name here."""

from __future__ import annotations

from . import (
    binding_limits,
    bottlenecks,
    capital_stack,
    cash,
    certificate,
    certificate_in_short,
    circular_financing,
    covenants,
    covenants_in_short,
    drivers,
    entities,
    entity_defaults,
    funding_schedule,
    headline,
    key_figures,
    limits_kept,
    loss_allocation,
    next_steps,
    no_plan,
    own_limits,
    purchases,
    replications,
    reviews,
    reviews_in_short,
    risk,
    sources_uses,
)
from .section import Section

SHORT: tuple[Section, ...] = (
    headline.SECTION,
    key_figures.SECTION,
    no_plan.SECTION,
    reviews_in_short.SECTION,
    capital_stack.SECTION,
    sources_uses.SECTION,
    limits_kept.SECTION,
    own_limits.SECTION,
    covenants_in_short.SECTION,
    bottlenecks.SECTION,
    replications.SECTION,
    next_steps.SECTION,
    certificate_in_short.SECTION,
)
"""One screen: what a board is told."""

FULL: tuple[Section, ...] = (
    headline.SECTION,
    key_figures.SECTION,
    no_plan.SECTION,
    reviews.SECTION,
    capital_stack.SECTION,
    sources_uses.SECTION,
    funding_schedule.SECTION,
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
    next_steps.SECTION,
    certificate.SECTION,
)

SECTIONS = tuple(dict.fromkeys((*FULL, *SHORT)))
"""All of them."""
