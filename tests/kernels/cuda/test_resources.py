"""NVRTC compiles every kernel for every architecture; registers, stack frames and spills stay within resources.csv.

Registers are those of the compiler's version in the table's first line; with another version only frames and spills are
held to it. CAPMIX_RESOURCES=renew writes the table anew.
"""

from __future__ import annotations

import csv
import os
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest
from capmix.kernels.cuda.source import SOURCES, flattened, kernels, options

TABLE = Path(__file__).parent / "resources.csv"
ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")
COLUMNS = ("kernel", "arch", "registers", "stack", "spill_stores", "spill_loads", "shared")
_KERNEL = re.compile(r"Compiling entry function '(\w+)' for '(\w+)'")
_FRAME = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_USED = re.compile(r"Used (\d+) registers(.*)")
_SHARED = re.compile(r"(\d+) bytes smem")


def compiler():
    try:
        from cupy_backends.cuda.libs import nvrtc

        nvrtc.getVersion()
    except Exception as error:  # no CuPy, no NVRTC, or one that cannot be loaded
        pytest.skip(f"NVRTC cannot be used: {error}")
    return nvrtc


def version():
    return "NVRTC {}.{}".format(*compiler().getVersion())


def log_of(source, arch):
    """What the compiler says of a source. NVRTC does not hold the interpreter's lock meanwhile."""
    nvrtc = compiler()
    program = nvrtc.createProgram(flattened(source), f"{source}.cu", (), ())
    try:
        nvrtc.compileProgram(program, (*options(), f"-arch={arch}", "--ptxas-options=-v"))
        assert nvrtc.getCUBIN(program)
    except Exception as error:
        pytest.fail(f"{source}.cu for {arch}: {error}\n{nvrtc.getProgramLog(program)[:3000]}")
    return nvrtc.getProgramLog(program)


def rows_of(log):
    """(kernel, arch) to the numbers of COLUMNS; frames: the largest of its own and its functions'."""
    found, key = {}, None
    for line in log.splitlines():
        if match := _KERNEL.search(line):
            key = match[1], match[2]
            found[key] = [0] * 5
        elif key and (match := _FRAME.search(line)):
            found[key][1:4] = [max(a, int(b)) for a, b in zip(found[key][1:4], match.groups(), strict=True)]
        elif key and (match := _USED.search(line)):
            shared = _SHARED.search(match[2])
            found[key][0], found[key][4] = int(match[1]), int(shared[1]) if shared else 0
    return {key: tuple(numbers) for key, numbers in found.items()}


@cache
def measured():
    compiler()
    jobs = [(s, a) for a in ARCHITECTURES for s in sorted(SOURCES, key="drawn_losses".__ne__)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        logs = list(pool.map(lambda job: log_of(*job), jobs))
    return {key: numbers for log in logs for key, numbers in rows_of(log).items()}


@cache
def allowed():
    if os.environ.get("CAPMIX_RESOURCES") == "renew":
        found = sorted(measured().items())
        with TABLE.open("w", newline="", encoding="utf-8") as file:
            file.write(f"# {version()}\n")
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows((*key, *numbers) for key, numbers in found)
    with TABLE.open(newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    assert tuple(lines[1]) == COLUMNS
    return {(line[0], line[1]): tuple(int(n) for n in line[2:]) for line in lines[2:]}


def test_the_table_covers_every_kernel_and_architecture():
    assert set(allowed()) == {(k, a) for k in kernels() for a in ARCHITECTURES}


def test_nothing_in_the_table_spills():
    assert [key for key, (_, stack, stores, loads, _) in allowed().items() if stack or stores or loads] == []


def over(arch, columns):
    """Per kernel, what takes more than the table allows."""
    found = {key: numbers for key, numbers in measured().items() if key[1] == arch}
    assert {k for k, _ in found} == set(kernels())
    words = {
        key: [
            f"{c}: {n} > {limit}"
            for c, n, limit in zip(COLUMNS[2:], numbers, allowed()[key], strict=True)
            if c in columns and n > limit
        ]
        for key, numbers in found.items()
    }
    return {key: each for key, each in words.items() if each}


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_kernels_stay_within_the_table(arch):
    assert over(arch, set(COLUMNS[2:]) - {"registers"}) == {}


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_registers_stay_within_the_table(arch):
    made = TABLE.read_text("utf-8").splitlines()[0].removeprefix("# ")
    if made != version():
        pytest.skip(f"another compiler, other registers: the table is of {made}, this is {version()}")
    assert over(arch, {"registers"}) == {}


def test_the_log_is_read_as_it_is_written():
    log = """ptxas info    : Compiling entry function 'one' for 'sm_90'
ptxas info    : Function properties for one
ptxas         .     16 bytes stack frame, 20 bytes spill stores, 24 bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, 16 bytes cumulative stack size, 2048 bytes smem, 440 bytes cmem[0]
ptxas info    : Function properties for _Z6calledd
ptxas         .     8 bytes stack frame, 28 bytes spill stores, 4 bytes spill loads
ptxas info    : Compiling entry function 'two' for 'sm_90'
ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 12 registers, used 0 barriers
"""
    assert rows_of(log) == {("one", "sm_90"): (40, 16, 28, 24, 2048), ("two", "sm_90"): (12, 0, 0, 0, 0)}
