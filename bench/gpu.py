"""python -m bench.gpu: figures of the CUDA backend on this machine's device, as Markdown; see bench/gpu_check.sh."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import capmix
from capmix.kernels.backend import Backend, get_backend
from capmix.kernels.cuda.backend import CudaBackend
from capmix.kernels.cuda.bandwidth import copy_bandwidth as device_copy
from capmix.kernels.cuda.cupy_device import CupyDevice
from capmix.kernels.cuda_start import start
from capmix.kernels.device_errors import DeviceFault

from . import gpu_passes
from .gpu_exercise import exercise
from .gpu_meter import Meter
from .machine import copy_bandwidth, describe

COUNTS = (1_000_000, 10_000_000, 100_000_000, 1_000_000_000)


def plans(case_name: str, counts: Sequence[int], device: str, seconds: float) -> list[str]:
    """Whole plans after a first one that loads and compiles; those expected to take over `seconds` are left out."""
    case = capmix.load_case(case_name)
    capmix.optimize(case, scenarios=20_000, device=device)
    lines = [
        "| scenarios | mode | total s | draws s | passes s | programs s | kernels s | busy | copies | MB copied | gap "
        "| full passes | objective |",
        "| --- " * 13 + "|",
    ]
    took, before = 0.0, 0
    for count in counts:
        if before and took * count / before > seconds:
            lines.append(f"| {count:,} | not run: more than {seconds:.0f} s expected |" + " |" * 11)
            continue
        begin = time.perf_counter()
        try:
            with Meter(device) as meter:
                plan = capmix.optimize(case, scenarios=count, device=device)
        except DeviceFault as fault:
            lines.append(f"| {count:,} | {fault} |" + " |" * 11)
            continue
        took, before = time.perf_counter() - begin, count
        t = plan.timings
        gap = plan.certificate.gap if plan.certificate is not None else float("nan")
        lines.append(
            f"| {count:,} | {plan.device.mode} | {took:.3f} | {t.simulate_s:.3f} | {t.evaluate_s:.3f} | "
            f"{t.master_s:.3f} | {meter.words(took)} | {gap:.1e} | {plan.passes.full} | {plan.objective_value:,.3f} |"
        )
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("--case", default="hyperscaler")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--count", type=float, default=4e6, help="scenarios of the resident passes")
    parser.add_argument("--counts", type=float, nargs="*", default=COUNTS, help="scenarios of the plans")
    parser.add_argument("--seconds", type=float, default=120.0, help="most for one plan")
    parser.add_argument("--exercise", action="store_true", help="only run every pass once, small")
    options = parser.parse_args(argv)
    backend: Backend
    if options.device == "cuda":
        try:
            started = start()
        except DeviceFault as fault:
            print(f"no figures: {fault}", file=sys.stderr)
            return 5
        backend, name = started.backend, getattr(started.backend, "device_name", started.found.name)
    else:
        backend, name = get_backend(), "the processor"
    if options.exercise:
        print(*exercise(CudaBackend(CupyDevice(started.found.number))), sep="\n")
        return 0
    described = describe().replace("; no GPU in use", "")
    copied = device_copy() if options.device == "cuda" else copy_bandwidth()
    count, counts = int(options.count), [int(n) for n in options.counts]
    job = gpu_passes.work(options.case)
    print(f"# {name}\n\n{described}\n", flush=True)
    for title, lines in (
        ("Passes", lambda: gpu_passes.table(job, backend, count, copied)),
        ("Regenerating", lambda: gpu_passes.regenerating(job, backend, count)),
        ("Parity", lambda: gpu_passes.parity(job, backend, min(count, 100_000))),
        (f"Plans on {name}", lambda: plans(options.case, counts, options.device, options.seconds)),
    ):
        print(f"\n## {title}\n", *lines(), sep="\n", flush=True)
    if options.device == "cuda":
        lines = plans(options.case, counts, "cpu", options.seconds)
        print("\n## Plans on the CPU of the same machine\n", *lines, sep="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
