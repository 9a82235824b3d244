"""`capmix verify`: a run verifies wherever it lies, and whatever is changed in it is found and named."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import capmix
import pytest
from capmix.models.reading.starter import starter_case
from capmix.optimizer.cutting_planes.progress import Enough
from capmix.reports.cli import main
from capmix.reports.files.case_files import case_files
from capmix.reports.files.document import encode
from capmix.reports.files.manifest import MANIFEST_VERSION, SEAL, Run, contents
from capmix.reports.files.solution import read_solution
from capmix.reports.verification.agreement import same
from hypothesis import given, settings
from hypothesis import strategies as st

FEW = ["--scenarios", "400", "--no-progress"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """Folders of every kind of run of the starter case."""
    place = tmp_path_factory.mktemp("runs")
    case = place / "my.toml"
    case.write_text(starter_case(), encoding="utf-8")
    impossible = starter_case() + '\n[variant.safe]\nset = { "risk.liquidity.limit" = -30 }\n'
    (place / "safe.toml").write_text(impossible, encoding="utf-8")
    assert main(["plan", str(case), *FEW, "--out", str(place / "plan")]) == 0
    assert (
        main(["plan", str(case), *FEW, "--variant", "debt", "--tables", "parquet", "--out", str(place / "parquet")])
        == 0
    )
    assert main(["compare", str(place / "safe.toml"), *FEW, "--out", str(place / "compare")]) == 0
    assert main(["frontier", str(case), *FEW, "--points", "3", "--out", str(place / "frontier")]) == 0
    assert main(["plan", str(place / "safe.toml"), *FEW, "--variant", "safe", "--out", str(place / "infeasible")]) == 3
    least = starter_case().replace('kind = "compute" ', 'kind = "cost"\nat = "2029Q4"\ntarget = 15000.0 ', 1)
    (place / "least.toml").write_text(least, encoding="utf-8")
    assert main(["plan", str(place / "least.toml"), *FEW, "--out", str(place / "cost")]) == 0
    points = ["--points", "3", "--from", "-9", "--to", "0.5"]
    assert main(["frontier", str(case), *FEW, *points, "--out", str(place / "partly")]) == 0
    late = ["--time-limit", "0.001"]
    assert main(["plan", str(case), *FEW, *late, "--out", str(place / "late")]) == 4
    assert main(["frontier", str(case), *FEW, *points, *late, "--out", str(place / "late frontier")]) == 4
    _stopped(case, place / "stopped")
    assert main(["plan", str(case), *FEW, "--replications", "2", "--out", str(place / "replicated")]) == 0
    return place


def _stopped(case: Path, folder: Path) -> None:
    """A run that was ended with the first plan it had."""

    def enough(event: capmix.ProgressEvent) -> None:
        if event.lower > 0.0:
            raise Enough("enough")

    read = capmix.load_case(case)
    plan = capmix.optimize(read, scenarios=400, progress=enough)
    assert plan.status is capmix.Status.STOPPED
    assert plan.certificate is not None
    assert plan.certificate.gap > 1e-4
    run = Run(["capmix", "plan", "my.toml"], case_files(read), datetime(2026, 11, 30, tzinfo=UTC))
    for name, content in contents(plan, run, "summary\n").items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.fixture
def copy(runs, tmp_path) -> Callable[[str], Path]:
    """A copy of a folder, elsewhere and under another name."""
    return lambda kind: Path(shutil.copytree(runs / kind, tmp_path / f"moved {kind}"))


def verified(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["verify", str(folder), "--no-progress", *options])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def changed(path: Path, change: Callable[[Any], object]) -> None:
    """Change a JSON file in place."""
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_bytes(encode(document))


def repaired(folder: Path) -> None:
    """Make the manifest fit what lies in the folder, as somebody would who wants to deceive."""

    def fit(manifest: dict[str, Any]) -> None:
        for entry in manifest["files"]:
            content = (folder / entry["path"]).read_bytes()
            entry.update(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        del manifest[SEAL]
        manifest[SEAL] = hashlib.sha256(encode(manifest)).hexdigest()

    changed(folder / "manifest.json", fit)


@pytest.mark.parametrize(
    "kind",
    [
        "plan", "parquet", "compare", "frontier", "infeasible", "stopped", "cost", "partly", "late", "late frontier",
        "replicated",
    ],
)  # fmt: skip
def test_a_run_verifies_wherever_it_lies(copy, capsys, kind):
    folder = copy(kind)
    code, said = verified(folder, capsys)
    assert (code, "DIFFERS" in said) == (0, False), said
    assert "verdict       verified; the bounds themselves are proved again by --replan" in said
    code, said = verified(folder, capsys, "--quick")
    assert code == 0
    assert "as far as hashes and sums go" in said


@pytest.mark.parametrize("kind", ["plan", "compare", "partly", "infeasible", "cost", "late", "replicated"])
def test_searched_again(copy, capsys, kind):
    code, said = verified(copy(kind), capsys, "--replan")
    assert code == 0
    assert said.splitlines()[-1] == "verdict       verified"
    assert (
        "another search ends infeasible" in said
        if kind == "infeasible"
        else "another search" in said or " written, " in said
    )


def test_figures_stand_side_by_side(runs, capsys):
    _, said = verified(runs / "plan", capsys)
    plan = json.loads((runs / "plan" / "plan.json").read_text("utf-8"))
    value = f"{plan['objective']['value']:,.2f}"[:8]
    (line,) = [line for line in said.splitlines() if line.startswith("objective")]
    assert line.count(value) == 2
    for risk in plan["risk"]:
        assert any(risk["name"] in line and "written" in line and "again" in line for line in said.splitlines())


@pytest.mark.parametrize("kind", ["plan", "parquet", "compare", "frontier", "infeasible"])
def test_a_changed_byte_in_any_file_is_named(copy, capsys, kind):
    folder = copy(kind)
    names = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    assert {"manifest.json", "summary.txt", "case/my.toml"} <= set(names) | {"case/my.toml"}
    few = [name for name in sorted(names) if not name.startswith("variants/")]
    few += sorted(set(names) - set(few))[:: 1 if kind == "plan" else 9]
    for i, name in enumerate(few):
        path = folder / name
        content = path.read_bytes()
        at = (i * 7919) % len(content)
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        code, said = verified(folder, capsys, "--quick")
        assert code in ((1, 2) if name == "manifest.json" else (1,)), name
        assert name in said
        path.write_bytes(content)
    assert verified(folder, capsys, "--quick")[0] == 0


def test_a_file_that_is_missing_too_many_or_a_link(copy, capsys, tmp_path):
    folder = copy("plan")
    (folder / "summary.txt").unlink()
    (folder / "tables" / "new.csv").write_text("a\r\n")
    table = folder / "tables" / "cash_flow.csv"
    (tmp_path / "outside.csv").write_bytes(table.read_bytes())
    table.unlink()
    table.symlink_to(tmp_path / "outside.csv")
    (folder / "elsewhere").symlink_to(tmp_path, target_is_directory=True)
    code, said = verified(folder, capsys, "--quick")
    assert code == 1
    for words in (
        "summary.txt is missing", "tables/new.csv is not of this run", "tables/cash_flow.csv is no plain file",
        "elsewhere is not of this run",
    ):  # fmt: skip
        assert words in said


def _scaled(path: str, factor: float) -> Callable[[Any], object]:
    """Multiply the number at a path of keys and indices."""
    keys = [int(key) if key.isdigit() else key for key in path.split(".")]

    def change(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        assert document[keys[-1]] != 0.0
        document[keys[-1]] *= factor

    return change


def _better(document: Any) -> None:
    """A plan that claims one per cent more, consistently."""
    certificate = document["certificate"]
    document["objective"]["value"] *= 1.01
    certificate["lower_bound"] = document["objective"]["value"]
    certificate["upper_bound"] = certificate["lower_bound"] * (1.0 + 1e-6)
    certificate["gap"] = (certificate["upper_bound"] - certificate["lower_bound"]) / certificate["lower_bound"]


def _first_amount(document: Any) -> None:
    name = max(document["columns"], key=lambda key: document["columns"][key])
    document["columns"][name] *= 1.001


TAMPERED = {
    "objective": ("plan.json", _better, "objective.value"),
    "CVaR": ("plan.json", _scaled("risk.0.value", 0.999), "risk[1].value"),
    "price of a limit": ("plan.json", _scaled("prices.0.price", 1.01), "prices[1].price"),
    "probability": ("plan.json", _scaled("risk.0.probability", 0.5), "risk[1].probability"),
    "out of sample": ("plan.json", _scaled("risk.0.out_of_sample.value", 0.99), "risk[1].out_of_sample.value"),
    "circular share": ("plan.json", _scaled("funding.circular_share", 0.5), "funding.circular_share"),
    "loss": ("plan.json", _scaled("loss_allocation.cvar", 0.9), "loss_allocation.cvar"),
    "seed": ("plan.json", lambda d: d["scenarios"].update(seed=2), "is broken by"),
    "fewer scenarios": ("plan.json", lambda d: d["scenarios"].update(count=399), "is broken by"),
    "an amount": ("solution.json", _first_amount, "solution.json: row"),
    "a stranger": ("solution.json", lambda d: d["columns"].update(stranger=1.0), "'stranger'"),
    "no number": ("solution.json", lambda d: d["columns"].update(stranger="1"), "solution.json"),
}


@pytest.mark.parametrize(("file", "change", "named"), TAMPERED.values(), ids=TAMPERED)
def test_a_changed_figure_with_a_repaired_hash_is_found(copy, capsys, file, change, named):
    folder = copy("plan")
    changed(folder / file, change)
    repaired(folder)
    code, said = verified(folder, capsys)
    assert code == 1
    assert named in said
    assert "DOES NOT VERIFY" in said


@pytest.mark.parametrize("name", ["cash_flow", "decisions", "loss_by_holder", "liquidity_fan", "prices_by_period"])
def test_a_changed_cell_of_a_table_is_found(copy, capsys, name):
    folder = copy("plan")
    path = folder / "tables" / f"{name}.csv"
    lines = path.read_bytes().decode().split("\r\n")
    row = next(i for i, line in enumerate(lines[1:], 1) if any(_is_figure(cell) for cell in line.split(",")))
    cells = lines[row].split(",")
    place = next(j for j, cell in enumerate(cells) if _is_figure(cell))
    cells[place] = repr(float(cells[place]) * 1.01)
    lines[row] = ",".join(cells)
    path.write_bytes("\r\n".join(lines).encode())
    repaired(folder)
    code, said = verified(folder, capsys)
    assert code == 1
    assert f"tables/{name}.csv, row {row}" in said or f"tables/{name}.csv beside" in said


def _is_figure(cell: str) -> bool:
    try:
        return abs(float(cell)) > 1e-6 and "." in cell
    except ValueError:
        return False


def test_a_changed_cell_of_a_parquet_table_is_found(copy, capsys):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    folder = copy("parquet")
    path = folder / "tables" / "cash_flow.parquet"
    table = pq.read_table(path)
    columns = [column.to_pylist() for column in table.columns]
    row = next(i for i, value in enumerate(columns[-1]) if abs(value) > 0.01)
    columns[-1][row] += 0.5
    pq.write_table(pa.table(dict(zip(table.column_names, columns, strict=True))), path)
    repaired(folder)
    code, said = verified(folder, capsys)
    assert code == 1
    assert f"tables/cash_flow.parquet, row {row + 1}" in said


def test_totals_that_do_not_add_up_are_found_without_computing(copy, capsys):
    folder = copy("plan")
    path = folder / "tables" / "purchases.csv"
    lines = path.read_bytes().decode().split("\r\n")
    assert lines[0].endswith(",total")
    cells = lines[1].split(",")
    cells[-1] = repr(float(cells[-1]) + 1.0)
    path.write_bytes("\r\n".join([lines[0], ",".join(cells), *lines[2:]]).encode())
    repaired(folder)
    code, said = verified(folder, capsys, "--quick")
    assert code == 1
    assert "tables/purchases.csv, row 1: its periods add up to" in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["certificate"].update(gap=0.0), "the gap is 0.0; from the bounds it is"),
        (lambda d: d["certificate"].update(tolerance=1e-9), "certified with a gap of"),
        (lambda d: d.update(status="stopped"), "stopped is not exit code 0"),
        (lambda d: d["certificate"].update(upper_bound=1.0), "lies below the lower bound"),
        (lambda d: d["funding"].update(total=1.0), "funding.by_instrument adds up to"),
        (lambda d: d.update(certificate=None), "a plan without a certificate"),
        (lambda d: d.update(extra=1), "extra is not known"),
        (lambda d: d["tables"][0].update(rows=1), "plan.json lists 1"),
        (lambda d: d["decisions"][0].update(amount=77.0), "tables/decisions.csv beside plan.json"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_contradictions_are_found_without_computing(copy, capsys, change, words):
    folder = copy("plan")
    changed(folder / "plan.json", change)
    repaired(folder)
    code, said = verified(folder, capsys, "--quick")
    assert code == 1
    assert words in said


@pytest.mark.parametrize("kind", ["plan", "compare", "frontier"])
@pytest.mark.parametrize(
    ("key", "value"), [("kind", "other"), ("status", "stopped"), ("exit_code", 4), ("scenarios", 401), ("seed", 2)]
)
def test_a_manifest_that_says_otherwise_than_its_document(copy, capsys, kind, key, value):
    folder = copy(kind)
    for change in (lambda d: d.update({key: value}), lambda d: d.pop(key)):
        changed(folder / "manifest.json", change)
        repaired(folder)
        code, said = verified(folder, capsys, "--quick")
        assert code == 1
        assert f"manifest.json: {key} is " in said
        assert f"{kind}.json says " in said


def test_manifests_of_every_kind_have_the_same_keys(runs):
    found = [json.loads((runs / kind / "manifest.json").read_text("utf-8")) for kind in ("plan", "compare", "frontier")]

    def keys(value: Any) -> Any:
        return {key: keys(inner) for key, inner in value.items()} if isinstance(value, dict) else None

    assert keys(found[0]) == keys(found[1]) == keys(found[2])
    assert [one["kind"] for one in found] == ["plan", "compare", "frontier"]
    for one in found:
        assert one["timings"]["master_s"] > 0.0
        assert one["status"] == "certified"


def test_another_case_with_a_repaired_hash(copy, capsys):
    folder = copy("plan")
    path = folder / "case" / "my.toml"
    path.write_text(path.read_text("utf-8").replace("opening", "opening", 1) + "\n# a remark\n", encoding="utf-8")
    repaired(folder)
    code, said = verified(folder, capsys)
    assert code == 1
    assert "is not the case that was planned" in said


def test_a_bound_that_is_too_low_is_found_by_searching_again(copy, capsys):
    """What is certified is a plan and a bound; the amounts show the one, only a search the other."""
    folder = copy("stopped")

    def certified(document: Any) -> None:
        bound = document["certificate"]
        bound.update(upper_bound=bound["lower_bound"], gap=0.0)
        document.update(status="certified", exit_code=0)

    changed(folder / "plan.json", certified)
    changed(folder / "manifest.json", lambda d: d.update(status="certified", exit_code=0))
    repaired(folder)
    assert verified(folder, capsys)[0] == 0
    code, said = verified(folder, capsys, "--replan")
    assert code == 1
    assert "the bounds cannot both be true" in said


def test_an_infeasible_run_that_is_not_is_found_by_searching_again(copy, capsys):
    folder = copy("infeasible")
    changed(folder / "plan.json", lambda d: d["case"].update(name=d["case"]["name"].removesuffix("-safe")))
    repaired(folder)
    code, said = verified(folder, capsys, "--replan")
    assert code == 1
    assert "infeasible is written; another search ends certified" in said


@pytest.mark.parametrize(
    ("file", "change", "named", "options"),
    [
        ("plan.json", _scaled("replications.optimum.mean", 1.01), "replications.optimum.mean", ()),
        ("plan.json", lambda d: d["replications"]["limits"][0].update(kept=77), "replications.limits[1].kept", ()),
        ("plan.json", lambda d: d.update(replications=None), "replications", ()),
        ("solution.json", _scaled("replications.0.upper", 1.01), "replications", ()),
        ("solution.json", lambda d: d["replications"][0].update(seed=77), "seeds are not among", ()),
        ("solution.json", lambda d: d["replications"].pop(), "replications", ()),
        ("solution.json", lambda d: d["replications"][0].update(prices=[]), "replications.prices", ()),
    ],
)
def test_replications(copy, capsys, file, change, named, options):
    folder = copy("replicated")
    changed(folder / file, change)
    repaired(folder)
    code, said = verified(folder, capsys, *options)
    assert code == 1
    assert named in said


def test_bounds_of_replications_are_searched_again(copy, capsys):
    """Lower by a tenth, consistently: only another search sees it."""
    folder = copy("replicated")
    code, said = verified(folder, capsys, "--replan")
    assert code == 0
    assert "seed 2, replan" in said
    assert "seed 3, replan" in said

    def lower(document: Any) -> None:
        for one in document["replications"]:
            one["lower"] *= 0.9
            one["upper"] *= 0.9

    changed(folder / "solution.json", lower)
    repaired(folder)
    code, said = verified(folder, capsys, "--replan")
    assert code == 1
    assert said.count("the bounds cannot both be true") == 2


def test_a_comparison(copy, capsys):
    folder = copy("compare")
    changed(
        folder / "compare.json", lambda d: d["tables"]["comparison"][0].update({"largest repayment in a year": 9.0})
    )
    repaired(folder)
    code, said = verified(folder, capsys)
    assert code == 1
    assert "compare.json, comparison[1].largest repayment in a year: 9.0" in said
    assert "tables/comparison.csv beside compare.json" in said


@pytest.mark.parametrize(
    ("file", "change", "named"),
    [
        ("points/2.json", _first_amount, "again"),
        ("frontier.json", lambda d: d["tables"]["frontier"][1].update(CVaR=-5.0), "frontier[2].CVaR: -5.0"),
        ("frontier.json", lambda d: d["limit"].update(minimum_bound=1e6), "below the minimum"),
        ("frontier.json", lambda d: d["points"][1]["risks"][0].update(var=9.0), "points[2], risks[1].var: 9.0"),
        ("frontier.json", lambda d: d["points"][1]["funding"].popitem(), "points[2], funding"),
    ],
    ids=["an amount", "a CVaR", "the least", "a quantile", "funding"],
)
def test_a_frontier(copy, capsys, file, change, named):
    folder = copy("frontier")
    changed(folder / file, change)
    repaired(folder)
    code, said = verified(folder, capsys)
    assert code == 1
    assert named in said


@pytest.mark.parametrize("version", [1, 2, 3, MANIFEST_VERSION + 1, None, "2"])
def test_a_folder_of_another_version_is_refused(copy, capsys, version):
    folder = copy("plan")
    changed(folder / "manifest.json", lambda d: d.update(manifest_version=version))
    code, said = verified(folder, capsys)
    assert code == 2
    assert f"manifest version {version}" in said
    assert "use the capmix that wrote it or plan the case in" in said


def test_what_is_no_run_folder(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for name in ("empty", "file", "nowhere"):
        code, said = verified(tmp_path / name, capsys)
        assert code == 2
        assert str(tmp_path / name) in said
    assert main(["verify"]) == 2


@pytest.mark.parametrize(
    "name", ["../outside.csv", "/etc/passwd", "a/../../b", "C:\\x", "manifest.json", "", "tables//a.csv", "a\n"]
)
def test_names_that_lead_elsewhere_are_refused(copy, capsys, name):
    folder = copy("plan")
    changed(folder / "manifest.json", lambda d: d["files"].append({"path": name, "bytes": 0, "sha256": "0" * 64}))
    code, said = verified(folder, capsys)
    assert code == 1
    assert "cannot be the name of a file of this folder" in said


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=12)
@given(data=st.data(), value=JSON)
@pytest.mark.parametrize("kind", ["plan", "compare", "frontier"])
def test_a_document_of_any_shape_is_no_crash(runs, tmp_path_factory, kind, data, value):
    """Whatever stands in a document's place, the answer is an exit code."""
    folder = tmp_path_factory.mktemp("any") / "run"
    shutil.copytree(runs / kind, folder, copy_function=os.link)
    path = folder / f"{kind}.json"
    document = json.loads(path.read_text("utf-8"))
    key = data.draw(st.sampled_from(sorted(document)))
    document[key] = value
    path.unlink()
    path.write_bytes(encode(document))
    manifest = (folder / "manifest.json").read_bytes()
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").write_bytes(manifest)
    repaired(folder)
    assert main(["verify", str(folder), "--no-progress", *([] if kind == "plan" else ["--quick"])]) in (0, 1, 2)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"\xff", b'{"schema_version": 2}', b'{"schema_version": 1}', b"[" * 100_000]
)
def test_a_solution_that_is_none(content):
    with pytest.raises(ValueError):
        read_solution(content)


def test_when_figures_agree():
    assert same(1.0, 1.0 + 1e-8)
    assert not same(1.0, 1.0 + 1e-6)
    assert same(0.0, 1e-9, largest=100.0)
    assert not same(0.0, 1e-9)
    assert not same(0.0, 1e-3, largest=100.0)
