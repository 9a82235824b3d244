"""What a GPU can do at most with the kernels: occupancy from their resources, and scenarios per second from operations.

Everything here is arithmetic on published figures and on what the compilers and a counting run on the host say; nothing
is measured on a GPU.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from capmix.kernels.cuda.source import DRAW_THREADS, THREADS

WARP = 32
REGISTER_UNIT = 256  # registers that a warp gets at a time
QUARTERS = 4  # of a multiprocessor, each with a quarter of its registers
MOST_REGISTERS = 65_536


@dataclass(frozen=True)
class Architecture:
    """Limits of one multiprocessor.

    CUDA C++ Programming Guide, "Technical Specifications per Compute Capability" and "Throughput of Native Arithmetic
    Instructions" (https://docs.nvidia.com/cuda/cuda-c-programming-guide/); the units of allocation as in CUDA's
    cuda_occupancy.h.

    Attributes:
        warps, blocks: resident at once. shared: bytes in all. reserved: of these, taken per block by the system.
        unit: bytes in which shared memory is given out.
        doubles, conversions, products: results per clock of double-precision operations, of conversions from and to
            64-bit types, and of 32-bit integer multiplications.
    """

    warps: int
    blocks: int
    shared: int
    reserved: int
    unit: int
    doubles: int
    conversions: int
    products: int = 64

    @property
    def block_shared(self) -> int:
        """Bytes of shared memory that one block may ask for."""
        return self.shared - self.reserved


K = 1024
ARCHITECTURES = {
    "sm_75": Architecture(32, 16, 64 * K, 0, 256, 2, 2),
    "sm_80": Architecture(64, 32, 164 * K, K, 128, 32, 16),
    "sm_86": Architecture(48, 16, 100 * K, K, 128, 2, 2),
    "sm_89": Architecture(48, 24, 100 * K, K, 128, 2, 2),
    "sm_90": Architecture(64, 32, 228 * K, K, 128, 64, 16),
    "sm_100": Architecture(64, 32, 228 * K, K, 128, 64, 16),
    "sm_120": Architecture(48, 24, 100 * K, K, 128, 2, 2),
}

# Name, architecture, multiprocessors and boost clock in GHz, from NVIDIA's data sheets and architecture papers of each.
MODELS = (
    ("T4", "sm_75", 40, 1.590), ("A100 SXM", "sm_80", 108, 1.410), ("RTX A6000", "sm_86", 84, 1.800),
    ("RTX 4090", "sm_89", 128, 2.520), ("H100 SXM", "sm_90", 132, 1.980), ("B200", "sm_100", 148, 1.965),
    ("RTX 5090", "sm_120", 170, 2.407),
)  # fmt: skip

# Double-precision instructions of a division and of a square root on their fast way, as the compiler makes them.
DIVISION, ROOT = 8, 8

DATES = 120  # of a covenant's tests, at most


def up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


def resident_warps(limits: Architecture, threads: int, registers: int, shared: int) -> int:
    """Warps of a kernel that one multiprocessor holds at once; 0 where a block does not fit."""
    warps = up(threads, WARP) // WARP
    per_warp = up(max(registers, 1) * WARP, REGISTER_UNIT)
    by_registers = MOST_REGISTERS // QUARTERS // per_warp * QUARTERS // warps
    bytes_each = up(shared + limits.reserved, limits.unit)
    by_shared = limits.shared // bytes_each if bytes_each else limits.blocks
    if shared > limits.block_shared or up(warps, QUARTERS) * per_warp > MOST_REGISTERS:
        return 0
    return min(limits.blocks, limits.warps // warps, by_registers, by_shared) * warps


def launched(kernel: str) -> tuple[int, int]:
    """Threads per block and bytes of dynamic shared memory with which the backend launches a kernel."""
    threads = DRAW_THREADS if kernel in ("draw_paths", "drawn_losses") else THREADS
    return threads, 8 * DATES if kernel == "breach_counts" else 0


@dataclass(frozen=True)
class Work:
    """Operations per scenario.

    Attributes:
        plain: additions, multiplications and comparisons in double precision.
        divisions, roots: in double precision. conversions: from and to it. wide: high halves of 64-bit products.
    """

    plain: float
    divisions: float
    roots: float
    conversions: float
    wide: float

    @classmethod
    def of(cls, counts: np.ndarray, scenarios: int) -> Work:
        return cls(*(float(n) / scenarios for n in counts))

    def __sub__(self, other: Work) -> Work:
        return Work(*(a - b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    @property
    def doubles(self) -> float:
        """Instructions in double precision."""
        return self.plain + DIVISION * self.divisions + ROOT * self.roots

    @property
    def products(self) -> float:
        """32-bit multiplications: four for both halves of a 64-bit product."""
        return 4.0 * self.wide


def scenarios_per_second(work: Work, limits: Architecture, processors: int, gigahertz: float) -> tuple[float, str]:
    """At most, and what limits it: the unit that is busy longest, were nothing else to be done."""
    clocks = {
        "double precision": work.doubles / limits.doubles,
        "conversions": work.conversions / limits.conversions,
        "integer products": work.products / limits.products,
    }
    slowest = max(clocks, key=lambda name: clocks[name])
    return processors * gigahertz * 1e9 / clocks[slowest], slowest
