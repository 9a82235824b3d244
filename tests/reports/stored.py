"""Real plans of the starter case, stored as run folders under golden/, and how they are made anew.

starter: as `capmix new` writes it. group: the same with a ring-fenced company under a holding company, limits of a
user's own, and replications. adaptive: the starter case with two reviews.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

from capmix import Handle, load_case
from capmix.models.own_rows import Row
from capmix.optimizer.plan import Device, Plan, Timings
from capmix.reports.files.document import encode
from capmix.reports.files.load import load_plan
from capmix.reports.files.manifest import SEAL, Run, plan_files, plan_manifest
from capmix.reports.files.run_folder import seal

FOLDER = Path(__file__).parent / "golden"
REGENERATE = bool(os.environ.get("CAPMIX_REGENERATE_GOLDEN"))
RUNS = ("starter", "group", "adaptive")
SCENARIOS = 500
MOST_RAISED = 0.05  # billion
GROUP = """
[[entity]]
id = "holding"
title = "Holding company"
kind = "parent"

[[entity]]
id = "campus"
title = "Campus company"
kind = "spv"
opening_cash = 0.88
minimum_cash = 0.01
reserve = 0.05
lock_up = 1.3
"""


REVIEWS = """
[[review]]
at = "2028Q1"
signal = "rental"
quantiles = [0.5]
names = ["weak", "strong"]

[[review]]
at = "2028Q4"
signal = "sofr"
levels = [0.037]
names = ["easy", "tight"]
only_if = "weak"
"""


def case_text(name: str) -> str:
    """The case file of a stored run."""
    text = (files("capmix.models.reading") / "starter.toml").read_text(encoding="utf-8")
    if name == "starter":
        return text
    if name == "adaptive":
        return text + REVIEWS
    for line in ('id = "prairie"', 'id = "lab_deal"', 'id = "old_loan"'):
        assert text.count(line) == 1
        text = text.replace(line, f'{line}\nentity = "campus"')
    text = text.replace("[[instrument]]\n", '[[instrument]]\nissuer = "campus"\n')
    return text.replace("[[party]]", GROUP + "\n[[party]]", 1)


@cache
def stored(name: str = "starter") -> Plan:
    """A stored plan, read back; made and written first where golden files are to be made anew."""
    if REGENERATE:
        write(name)
    return load_plan(FOLDER / name)


def planned(name: str, scenarios: int) -> Plan:
    """The plan of a stored run's case, made now."""
    from capmix import optimize  # takes long to import

    case = load_case(str(FOLDER / name / "case" / f"{name}.toml"))
    if name != "group":
        return optimize(case, scenarios=scenarios, seed=1, device="cpu")
    return optimize(case, scenarios=scenarios, seed=1, device="cpu", constraints=own_limits, replications=2)


def own_limits(program: Handle) -> dict[str, Row]:
    """Limits of a user's own: one that binds, one that does not."""
    placed = program.decision("issue")
    return {"less is raised": placed <= MOST_RAISED, "something is raised": placed >= 0.01}


def write(name: str) -> None:
    """Plan the case and put the folder, free of what depends on the machine, in the place of the old one."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    case = folder / "case" / f"{name}.toml"
    case.parent.mkdir(parents=True)
    case.write_text(case_text(name), encoding="utf-8")
    plan = replace(
        planned(name, SCENARIOS),
        timings=Timings(simulate_s=0.1, evaluate_s=0.2, master_s=0.3, total_s=1.0, build_s=0.4),
        device=Device("numba", "a processor", 2),
        versions={},
    )
    run = Run(["capmix", "plan", case.name], {case.name: case.read_bytes()}, datetime(2026, 12, 1, tzinfo=UTC))
    contents = {path: make() for path, make in plan_files(plan, run).items()}
    manifest = json.loads(plan_manifest(plan, run, contents)) | {"versions": {}, "python": "", "platform": ""}
    contents["manifest.json"] = encode(manifest | {SEAL: seal(manifest)})
    for path, content in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
