"""Backends that work beside each other on the same scenarios, each with its share of the threads.

A search is partly serial: its linear programs and what leads from one to the next use one thread. Two searches beside
each other use the threads that one leaves idle.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..backend import Backend, ScenarioStore
from .chunked import Chunked
from .host_memory import memory_available
from .placement import RESERVE, Mode
from .scenarios import Scenarios


def apart(backend: Backend, stores: Sequence[ScenarioStore], count: int) -> list[Backend]:
    """Up to `count` backends for as many threads of the caller; each may work on every one of the stores.

    `backend` alone where it computes on a device, which does one thing at a time anyway, where scenarios are not held,
    or where threads or memory do not reach for two. Results do not depend on how many there are.
    """
    held = [store for store in stores if isinstance(store, Scenarios) and store.mode is Mode.RESIDENT]
    number = min(count, backend.threads)
    if not isinstance(backend, Chunked) or not held or len(held) < len(stores) or number < 2:
        return [backend]
    free, each = memory_available(), max(s.shape.vectors + s.shape.tail_copies for s in held)
    number = number if free is None else min(number, int(RESERVE * free) // each)
    if number < 2:
        return [backend]
    parts: list[Backend] = []
    for i in range(number):
        part = backend.narrowed(backend.threads // number + (i < backend.threads % number))
        if part is None:
            return [backend]
        for store in held:
            part.keep(store)
        parts.append(part)
    return parts
