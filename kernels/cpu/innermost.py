"""The passes' innermost loops: written for LLVM, or their plain twin where the environment asks for it."""

from __future__ import annotations

from .. import environment
from .flow import WIDTH

if environment.plain_kernels():
    from .plain import add_flows, folded_product, prefetch_lanes
else:
    from .flow import add_flows
    from .folding import folded_product
    from .prefetch import prefetch_lanes

__all__ = ["WIDTH", "add_flows", "folded_product", "prefetch_lanes"]
