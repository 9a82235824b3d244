"""Backends that work beside each other on the same scenarios, each with its share of the threads.

A search is partly serial: its linear programs and what leads from one to the next use one thread. Two searches beside
each other use the threads that one leaves idle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..backend import Backend, Held
from .chunked import Chunked
from .host_memory import memory_available
from .placement import RESERVE, Mode


def apart(backend: Backend, stores: Sequence[Held], count: int) -> list[Backend]:
    """Up to `count` backends for as many threads of the caller; each may work on every one of the stores.

    `backend` alone where it computes on a device, which does one thing at a time anyway, where scenarios are not held,
    or where threads or memory do not reach for two. Results do not depend on how many there are.
    """
    if not isinstance(backend, Chunked):
        return [backend]
    narrowed: Callable[[int], Backend] | None = getattr(backend.inner, "narrowed", None)
    number = min(count, backend.threads)
    if narrowed is None or not stores or any(store.mode is not Mode.RESIDENT for store in stores):
        number = 1
    else:
        free, each = memory_available(), max(s.shape.vectors + s.shape.tail_copies for s in stores)
        number = number if free is None else min(number, int(RESERVE * free) // each)
    if narrowed is None or number < 2:
        return [backend]
    parts: list[Backend] = []
    for i in range(number):
        share = backend.threads // number + (i < backend.threads % number)
        shape = stores[0].shape
        part = Chunked(narrowed(share), shape.losses, shape.tails, memory_available)
        part.owner, part.messages = backend.owner, backend.messages
        for store in stores:
            part.keep(store)
        parts.append(part)
    return parts
