"""Every kernel once or more on a small sample, for tools that slow a device down a hundredfold."""

from __future__ import annotations

from typing import Any

import numpy as np
from capmix.kernels.cuda.backend import CudaBackend
from capmix.kernels.cuda.source import THREADS, kernels
from capmix.kernels.cuda.vector import Vector, grid_of
from capmix.kernels.settling import Settling
from capmix.kernels.tables import LossKind
from capmix.kernels.waterfall import waterfall

from . import gpu_passes

COUNT = 2_500


def settlement(job: gpu_passes.Work) -> Settling:
    """Three claims of fixed amounts and the case's running cash, one pool beside it."""
    m = next(i for i, t in enumerate(job.tables) if t.kind == LossKind.PEAK)
    periods = job.tables[m].terms.periods
    steps = waterfall(5, 2, [(1, [0], 0), (0, [0, 1, 2, 3], -1), (0, [4], -1)])
    return Settling(
        balance=job.tables[m],
        balance_exposure=job.exposures[m],
        fixed=np.ones((3, periods)),
        moving=np.zeros(0, dtype=np.int64),
        flows=None,
        flow_exposure=np.zeros(0),
        owed=2,
        last=np.ones(periods),
        surplus=np.array([1.0, 0.0]),
        share=np.array([0.0, 1.0]),
        amount=np.array([-1, 2], np.int32),
        factor=np.full(2, -1, np.int32),
        bearers=0,
        steps=steps,
    )


def exercise(backend: CudaBackend) -> list[str]:
    """Run every pass; the figures of parity. RuntimeError where a kernel was left out."""
    device, launch, launched = backend.device, backend.device.launch, set[str]()

    def recording(kernel: str, *rest: Any, **more: Any) -> None:
        launched.add(kernel)
        launch(kernel, *rest, **more)

    spied: Any = device
    spied.launch = recording
    try:
        lines = _passes(backend)
        _words(backend)
    finally:
        del spied.launch
    missing = sorted(set(kernels()) - launched)
    if missing:
        raise RuntimeError(f"kernels that were not run: {', '.join(missing)}")
    return [*lines, f"| kernels run | {len(launched)} of {len(kernels())} |"]


def _passes(backend: CudaBackend) -> list[str]:
    job = gpu_passes.work("neocloud")
    lines = gpu_passes.parity(job, backend, COUNT)
    processes, table, exposure = job.ready.processes, job.tables[0], job.exposures[0]
    store = backend.simulate(processes, COUNT, job.seed)
    losses = backend.losses(store, job.tables, job.exposures)
    worst = backend.worst(losses[0], 200)
    near = backend.subset(store, backend.worst(losses[-1], 150, worst))
    backend.losses(near, job.tables, job.exposures)
    backend.losses(backend.regenerating(processes, COUNT // 3, job.seed), job.tables, job.exposures)
    backend.redraw(processes, np.arange(300, dtype=np.uint64) * np.uint64(7), job.seed)
    backend.tail(losses[0], 0.9, weights=np.linspace(0.5, 1.5, COUNT))
    backend.dot(losses[0] + losses[-1] * 0.5, worst, np.ones(200))
    backend.above(losses[0], 0.0)
    backend.fan(store, table, exposure, (0.05, 0.5), COUNT // 2)
    backend.balances(store, table, exposure, [7, 3])
    backend.means(store, job.ready.ledger.factors)
    for each in job.tables:
        backend.rates(store, each)
    worst_kind = next(i for i, t in enumerate(job.tables) if t.kind == LossKind.WORST)
    dates = np.arange(job.tables[worst_kind].terms.periods, dtype=np.int32)
    backend.breaches(store, job.tables[worst_kind], job.exposures[worst_kind], dates, 1e-9)
    settling = settlement(job)
    total, _ = backend.settle(store, settling)
    bad = backend.tail(total, 0.9)
    backend.settle(store, settling, bad.rows, bad.weights)
    backend.distribute(settling.steps, np.ones((300, 5)), np.ones((300, 2)))
    return lines


def _words(backend: CudaBackend) -> None:
    """The kernels that only tests call, and those for cases of another size."""
    device, n = backend.device, 300
    numbers, words = device.upload(np.arange(n, dtype=np.uint64)), device.empty(4 * n, np.uint64)
    zeros = [np.uint64(0)] * 5
    arguments = (numbers, np.int64(n), *zeros, words, device.empty(4 * n, np.float64))
    device.launch("draw_words", grid_of(n), THREADS, arguments)
    x = Vector.of(device, np.linspace(0.01, 0.99, n), np.float64)
    for function in range(5):
        out = device.empty(n, np.float64)
        device.launch("elementary", grid_of(n), THREADS, (x.array, np.int64(n), np.int64(function), out))
