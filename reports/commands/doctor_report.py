"""What `capmix doctor` prints: is the installation sound, what the machine offers, how many scenarios of a case fit."""

from __future__ import annotations

import argparse
import platform
import sys
import time
import warnings
from dataclasses import replace

from ...errors import CapmixError
from ...kernels.memory.placement import RESERVE, Mode, largest, pooled
from .. import machine
from ..exits import Exit
from ..files.document import version
from ..files.manifest import package_versions
from ..memory import largest_count, need, shape
from ..text import plural, safe, seconds, size
from .computing import show_warning
from .doctor_cuda import cuda_lines, in_each_mode

WIDTH = 14
OPTIONAL = ("pyarrow",)


class Unsound(CapmixError):
    """A part of the installation does not work; the message says which and what to do."""


def examined(options: argparse.Namespace) -> int:
    """Print what was found; exit code 5 if a part that plans need does not work."""
    with warnings.catch_warnings():
        warnings.showwarning = show_warning
        return _examined(options)


def _examined(options: argparse.Namespace) -> int:
    sound = True
    case = None
    if options.case is not None:
        from ...models.reading.load import load_case

        case = load_case(options.case)
    for word, found in (("capmix", version()), ("python", _python()), ("platform", platform.platform())):
        _say(word, found)
    _say("processor", f"{machine.processor()}, {plural(machine.cores(), 'core')} for this process")
    _say("memory", _memory())
    _say("packages", ", ".join(f"{name} {number}" for name, number in package_versions().items() if number))
    missing = [name for name, number in package_versions().items() if not number]
    if missing:
        kept = ", ".join(name + (" (only for --tables parquet)" if name in OPTIONAL else "") for name in missing)
        _say("not installed", kept)
    for word, test in (("solver", _solver), ("kernel cache", kernel_cache), ("kernels", _kernels)):
        try:
            _say(word, test())
        except Exception as error:
            sound = False
            _say(word, f"FAILED: {error}")
    cuda, lines = cuda_lines()
    for word, words in lines:
        _say(word, words)
    _say("bandwidth", f"{machine.copy_bandwidth() / 1e9:.1f} GB/s copied by all cores (bytes read plus bytes written)")
    if case is not None:
        scenarios = options.scenarios or case.simulation.count
        free = machine.memory_available()
        wanted = need(case, scenarios, free)
        per_scenario = 4 * len(case.driver) * case.horizon.periods
        _say(
            "case",
            f"{case.case.name}: {plural(len(case.driver), 'driver')} × {plural(case.horizon.periods, 'period')}, "
            f"{per_scenario:,} bytes per scenario",
        )
        held = f"{size(wanted.stored)}, {wanted.mode.value}"
        _say("scenarios", f"{scenarios:,} take {held} on the cpu, about {size(wanted.peak)} in all")
        if free is not None:
            fits = "they fit" if wanted.peak <= RESERVE * free else "they do NOT fit"
            _say("", f"{fits} into the {size(free)} that are free")
            _say(
                "max on cpu",
                in_each_mode(lambda mode: largest_count(case, free, mode), (Mode.RESIDENT, Mode.REGENERATING)),
            )
        if cuda:
            room, on_host = int(RESERVE * pooled([device.free for device in cuda])), int(RESERVE * (free or 0))
            each_mode = (Mode.RESIDENT, Mode.REGENERATING) if len(cuda) > 1 else tuple(Mode)
            _say(
                "max on cuda",
                in_each_mode(lambda mode: largest(replace(shape(case, 1), host=False), room, mode, on_host), each_mode),
            )
    _say("verdict", "ready to plan" if sound else "NOT ready: put right what FAILED above")
    return Exit.OK if sound else Exit.FAILURE


def _say(word: str, words: str) -> None:
    print(f"{word:<{WIDTH}}{safe(words)}", flush=True)


def _python() -> str:
    return f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}"


def _memory() -> str:
    total, free = machine.memory_total(), machine.memory_available()
    if total is None or free is None:
        return "the system does not say"
    return f"{size(total)}, {size(free)} free"


def _solver() -> str:
    """Solve max x + y, x + 2 y <= 4, 3 x + y <= 6 through the engine; the answer is 2.8."""
    begin = time.perf_counter()
    import numpy as np
    from scipy.sparse import csr_array

    from ...optimizer.cutting_planes.highs import LpStatus, Model

    matrix = csr_array(np.array([[1.0, 2.0], [3.0, 1.0]]))
    model = Model(
        np.array([-1.0, -1.0]), matrix, np.full(2, -np.inf), np.array([4.0, 6.0]), np.zeros(2), np.full(2, np.inf)
    )
    result = model.solve()
    if result.status is not LpStatus.OPTIMAL or abs(result.objective + 2.8) > 1e-9:
        raise Unsound(
            f"HiGHS solves a small program wrongly ({result.status.value}, {result.objective}); reinstall highspy"
        )
    return f"HiGHS solves ({seconds(time.perf_counter() - begin)} with its start)"


def _kernels() -> str:
    """Draw scenarios of a shipped case with the compiled kernels and with the slow definition; they must agree."""
    import numpy as np

    from ...kernels.backend import get_backend
    from ...models.reading.load import load_case
    from ...optimizer.setup.assemble import process_table

    compiled, plain = get_backend("numba"), get_backend("numpy")
    table = process_table(load_case("hyperscaler"))
    begin = time.perf_counter()
    rows = np.arange(500)
    drawn = compiled.values(compiled.simulate(table, rows.size, 1), rows)
    took = seconds(time.perf_counter() - begin)
    if not np.allclose(drawn, plain.values(plain.simulate(table, rows.size, 1), rows), rtol=1e-4, atol=1e-6):
        raise Unsound("the compiled kernels and their definition disagree; reinstall numba")
    return f"Numba on {plural(compiled.threads, 'thread')}, first draw {took}"


def kernel_cache() -> str:
    """How many compiled kernels a plan would find, where, what is damaged, and whether new ones can be kept."""
    from ...kernels.cpu import jit
    from ...kernels.cpu.kernel_cache import EVERY_PLAN, cure, kept, named_by_user

    places = kept(jit.SOURCES, jit.__file__)
    found = [f"{plural(place.usable, 'compiled kernel')} in {place.place}" for place in places if place.usable]
    words = [
        f"{plural(len(place.damaged), 'damaged file')}, compiled anew when next used: {place.damaged[0]}"
        for place in places
        if place.damaged
    ]
    writable = next((place for place in places if not place.fault), None)
    first = places[0]
    if writable is None:
        lost = "new ones are not kept" if found else EVERY_PLAN
        words.append(f"{first.place} is not writable ({first.fault}): {lost}; {cure(first.place)}")
    elif first.fault and named_by_user(first.place):
        words.append(f"{first.place} is not writable ({first.fault}); {cure(first.place)}")
    if writable is not None and not found:
        found = [f"no compiled kernel yet, the first plan compiles into {writable.place}"]
    return "; ".join([*found, *words])
