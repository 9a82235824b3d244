"""The CUDA sources as compilers get them: headers inlined, constants from the Python files that define them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from .. import drivers
from ..draws import Stream
from ..layout import GRADIENT_GROUP
from ..means import MEAN_GROUP
from ..store import LANES
from ..tables import LossKind

FOLDER = Path(__file__).parent
SOURCES = (
    "draws", "paths", "losses", "drawn_losses", "balances", "gradient", "means", "gather", "select", "rows", "vector",
    "union", "waterfall", "breaches",
)  # fmt: skip
THREADS = 256  # threads of a block at most, and exactly where they work together
DRAW_THREADS = 128  # of a block that draws
CHUNK = 4096  # values that a block of threads adds up or picks rows from
RADIX_BITS = 11
PASSES = 6  # of a selection: 5 * 11 + 9 bits

OPTIONS = ("-std=c++17", "--fmad=false")  # contraction to fused multiply-add would change bits

_INCLUDE = re.compile(r'^#include "(\w+\.cuh)"$', re.MULTILINE)
_KERNEL = re.compile(r"^KERNEL (?:__launch_bounds__\([\w, ]+\) )?(\w+)\(", re.MULTILINE)


def constants() -> dict[str, str]:
    """Names that the sources use and their values."""
    values = {
        "LANES": f"{LANES}",
        "THREADS": f"{THREADS}",
        "DRAW_THREADS": f"{DRAW_THREADS}",
        "CHUNK": f"{CHUNK}",
        "RADIX_BITS": f"{RADIX_BITS}",
        "PASSES": f"{PASSES}",
        "MEAN_GROUP": f"{MEAN_GROUP}",
        "GRADIENT_GROUP": f"{GRADIENT_GROUP}",
        "SLOTS": f"{drivers.SLOTS}",
        "RATIO_LOW": repr(drivers.RATIO_LOW),
        "RATIO_HIGH": repr(drivers.RATIO_HIGH),
    }
    values |= {f"PROCESS_{p.name}": f"{int(p)}" for p in drivers.Process}
    values |= {f"LOSS_{k.name}": f"{int(k)}" for k in LossKind}
    values |= {f"STREAM_{s.name}": f"{int(s)}" for s in Stream}
    return values


def options() -> tuple[str, ...]:
    """For the compiler."""
    return (*OPTIONS, *(f"-D{name}={value}" for name, value in constants().items()))


def flattened(*names: str) -> str:
    """The sources of that name, with every header once in place of its first include."""
    seen: set[str] = set()

    def inline(match: re.Match[str]) -> str:
        if match[1] in seen:
            return ""
        seen.add(match[1])
        return read(match[1])

    def read(file: str) -> str:
        return _INCLUDE.sub(inline, (FOLDER / file).read_text(encoding="utf-8"))

    return "\n".join(read(f"{name}.cu") for name in names)


@cache
def kernels() -> dict[str, str]:
    """Name of each kernel, and of the source it stands in."""
    found: dict[str, str] = {}
    for source in SOURCES:
        for kernel in _KERNEL.findall((FOLDER / f"{source}.cu").read_text(encoding="utf-8")):
            found[kernel] = source
    return found
