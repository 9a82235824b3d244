"""The seam between the engine and the backends: typed, without capabilities looked up by name."""

from __future__ import annotations

import re
from pathlib import Path

import capmix
import numpy as np
import pytest
from capmix.kernels.backend import get_backend
from capmix.kernels.cpu.numba_backend import NumbaBackend
from capmix.kernels.memory.chunked import Chunked

from .samples import every_process

ROOT = Path(capmix.__file__).parent
SEAM = (
    "kernels/backend.py",
    "kernels/group_settling.py",
    "kernels/memory/*.py",
    "kernels/multi_gpu/backend.py",
    "kernels/multi_gpu/select.py",
    "optimizer/setup/device.py",
    "optimizer/analysis/compose.py",
    "optimizer/cutting_planes/oracle.py",
)


@pytest.mark.parametrize("pattern", SEAM)
def test_nothing_at_the_seam_is_any_or_looked_up_by_name(pattern: str) -> None:
    files = sorted(ROOT.glob(pattern))
    assert files
    for path in files:
        lines = path.read_text(encoding="utf-8").splitlines()
        # of modules, for which systems have what, other than of backends
        found = [line for line in lines if re.search(r"\bAny\b|\b[gh][ea][ts]attr\(", line) and "resource" not in line]
        assert not found, f"{path.name}: {found}"


def test_scenarios_of_another_backend_are_refused() -> None:
    """What `sealed` forgets is checked where a backend's store is used."""
    table = every_process(4)
    backend, plain = Chunked(NumbaBackend(1)), get_backend("numba")
    other = plain.simulate(table, 300, 1)
    with pytest.raises(TypeError, match="did not make the scenarios: a Store"):
        backend.means(other, np.zeros((1, 1), dtype=np.int32))
    with pytest.raises(TypeError, match="did not make"):
        backend.subset(other, [0, 1])


@pytest.mark.parametrize("name", ["numba", "numpy"])
def test_backends_say_what_they_can_do(name: str) -> None:
    backend = get_backend(name)
    assert backend.on_device is None
    assert backend.device_name == ""
    one = backend.narrowed(1)
    assert (one is None) == (name == "numpy")
    store = backend.simulate(every_process(4), 300, 1)
    assert np.array_equal(Chunked(backend).values(Chunked(backend).simulate(every_process(4), 300, 1), [7, 3]),
                          backend.values(store, [7, 3]))  # fmt: skip


@pytest.mark.parametrize("name", ["numba", "numpy"])
def test_the_size_of_rows_is_their_mean_absolute_loss(name: str) -> None:
    losses = np.array([3.0, -5.0, 1.0, 4.0])
    backend = get_backend(name)
    assert backend.size(losses, np.array([1, 3])) == 4.5
