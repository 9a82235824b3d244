"""Every adapter whose peer is installed solves tiny instances to tolerance, or says why not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from capmix.bench import worker
from capmix.bench.instances import Instance, Tail, make
from capmix.bench.judge import gap, judge
from capmix.bench.peers import SUBJECTS
from capmix.bench.peers.adapter import CannotState, NotAvailable, Options

OPTIONS = Options(tolerance=1e-5, time_limit=60.0, threads=1)
# CVQP's residuals bound neither gap nor violation; what each setting is off by is a result of the bench
LOOSE = {"cvqp": 0.2, "cvqp-tight": 1e-2, "cvqp-tightest": 1e-4}


def answer(key: str, instance: Instance) -> np.ndarray:
    """What a subject answers; skips where it is not installed or has no word for the instance."""
    try:
        worker.installed(SUBJECTS[key])
        found = worker.solve(SUBJECTS[key], instance, OPTIONS)
    except (NotAvailable, CannotState) as error:
        pytest.skip(str(error))
    assert found.x is not None, found.status
    assert found.phases["solve"] >= 0.0
    return found.x


@pytest.mark.parametrize("family", ["factor", "factor-limit", "mixture", "quantile"])
@pytest.mark.parametrize("key", SUBJECTS)
def test_installed_subjects_are_right_on_a_tiny_instance(key, family):
    instance = make(family, 200, 6)
    # HiGHS regularises quadratic objectives, which leaves its answer off by several 1e-6
    reference = judge(instance, answer("clarabel" if family == "mixture" else "highs-primal-simplex", instance))
    assert abs(gap(reference, reference.bound)) < 1e-6
    verdict = judge(instance, answer(key, instance))
    tolerance = LOOSE.get(key, OPTIONS.tolerance)
    assert abs(gap(verdict, reference.bound)) <= tolerance
    assert verdict.violation <= tolerance


@pytest.mark.parametrize("key", ["highs-dual-simplex", "highs-primal-simplex", "highs-dual-ipx", "clarabel"])
def test_a_fractional_tail_with_offsets_bounds_and_both_a_price_and_a_limit(key):
    """7 scenarios in 33 and a third of one more, a limit that binds, free and boxed columns, one-sided rows."""
    rng = np.random.default_rng(11)
    losses, offset = rng.normal(size=(33, 4)), rng.normal(size=33)
    tail = Tail(losses, offset, 1.0 - (7.0 + 1.0 / 3.0) / 33.0, price=0.5)
    free = Instance(
        family="mixed",
        seed=0,
        cost=rng.normal(0.0, 0.1, 4),
        quadratic=None,
        tails=(tail,),
        matrix=rng.normal(size=(3, 4)),
        row_lower=np.array([-1.0, -np.inf, 0.2]),
        row_upper=np.array([np.inf, 1.0, 0.2]),
        lower=np.array([-2.0, -np.inf, 0.0, -1.0]),
        upper=np.array([2.0, 3.0, np.inf, 1.0]),
        region=np.array([[-2.0, -9.0, 0.0, -1.0], [2.0, 3.0, 9.0, 1.0]]),
    )
    loose = judge(free, answer("highs-primal-simplex", free))
    assert gap(loose, loose.bound) < 1e-9
    x = answer(key, free)
    assert judge(free, x).objective == pytest.approx(loose.objective, rel=1e-6)
    from capmix.bench.instances import with_limits
    from scipy.optimize import minimize

    least = minimize(lambda x: judge(free, x, search=False).cvar[0], answer(key, free), method="Nelder-Mead")
    assert least.fun < loose.cvar[0] + 1e-6
    tight = with_limits(free, (loose.cvar[0] - 1e-3,))
    verdict = judge(tight, answer(key, tight))
    assert verdict.violation < 1e-6
    assert verdict.objective >= loose.objective - 1e-6
    assert abs(gap(verdict, verdict.bound)) < 1e-5


def test_devices_are_said_to_be_missing_without_one():
    if worker._device():
        pytest.skip("a CUDA device is here")
    for key in ("cuopt", "cupdlpx"):
        with pytest.raises(NotAvailable, match="CUDA"):
            worker.installed(SUBJECTS[key])


def test_every_peer_is_named_in_the_extra():
    root = Path(__file__).resolve().parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    listed = [*project["optional-dependencies"]["peers"], *project["dependencies"]]
    names = {re.split(r"[<>=\[ ;]", entry)[0] for entry in listed} | {"capmix", "highspy-extras"}
    gpu = {name for s in SUBJECTS.values() if s.gpu for name in s.needs}
    assert {name for s in SUBJECTS.values() for name in s.needs} - gpu <= names
