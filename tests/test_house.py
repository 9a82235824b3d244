"""The house stands: packages, floors, contents of the wheel, the lock, links, and what an import costs."""

from __future__ import annotations

import ast
import importlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ("optimizer", "models", "kernels", "reports")
SHIPPED = (*FLOORS, "cases")
PAGES = Path("reports/pages")  # writes pages of docs/; stays in the checkout
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".svg", ".csv", ".css", ".j2", ".json", ".html", ".txt", ""}
MOST_LINES = 400


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def sources(*folders: str) -> Iterator[Path]:
    """Python files of the package: those of the root, but for the build's own, and of the folders."""
    yield from sorted(p for p in ROOT.glob("*.py") if p.name != "setup.py")
    for folder in folders:
        yield from sorted(p for p in (ROOT / folder).rglob("*.py") if "__pycache__" not in p.parts)


def checkout(target: Path) -> Path:
    """A copy of the checkout without what git ignores."""
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "runs")
    return Path(shutil.copytree(ROOT, target, ignore=ignored))


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run with the environment's own packages only, so that `cwd` decides which checkout is meant."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300)


def test_packages_are_the_folders_on_disk():
    on_disk = {"capmix"}
    for path in sources(*SHIPPED):
        folder = path.parent.relative_to(ROOT)
        if folder not in (Path("."), PAGES):
            on_disk.add(".".join(("capmix", *folder.parts)))
    assert set(project()["tool"]["setuptools"]["packages"]) == on_disk


def test_every_package_folder_has_an_init():
    folders = {p.parent for p in sources(*SHIPPED)}
    assert [str(f.relative_to(ROOT)) for f in sorted(folders) if not (f / "__init__.py").is_file()] == []


def test_each_source_file_holds_one_idea():
    long = {
        str(p.relative_to(ROOT)): n
        for p in sources(*FLOORS)
        if (n := len(p.read_text("utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}


def imported(path: Path) -> set[str]:
    """Top-level names of the absolute imports of a file, wherever in it they stand."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_one_file_knows_highs():
    assert [str(p.relative_to(ROOT)) for p in sources(*SHIPPED) if "highspy" in imported(p)] == [
        "optimizer/cutting_planes/highs.py"
    ]


def test_one_file_imports_cupy():
    assert [str(p.relative_to(ROOT)) for p in sources(*SHIPPED) if "cupy" in imported(p)] == [
        "kernels/cuda/cupy_device.py"
    ]


def test_cuda_sources_ship_and_hold_one_idea_each():
    files = sorted((ROOT / "kernels" / "cuda").glob("*.cu*"))
    assert {p.suffix for p in files} == {".cu", ".cuh"}
    assert max(len(p.read_text("utf-8").splitlines()) for p in files) <= MOST_LINES


def test_source_folders_import_each_other_relatively():
    assert [str(p.relative_to(ROOT)) for p in sources(*FLOORS) if "capmix" in imported(p)] == []


def test_only_declared_dependencies_are_imported():
    declared = {re.split(r"[<>=\[ ]", d)[0] for d in project()["project"]["dependencies"]}
    allowed = declared | {"pyarrow", "cupy", "llvmlite"} | set(sys.stdlib_module_names)  # extras; numba's own half
    assert {str(p.relative_to(ROOT)): extra for p in sources(*SHIPPED) if (extra := imported(p) - allowed)} == {}


def test_no_path_of_one_machine():
    """Nothing in the tree points outside the checkout."""
    outside = re.compile(r"(?<![\w.:/-])/(?:home|root|work|Users|tmp)/\w|\.\./shared\b")
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [
            f
            for f in folders
            if f not in ("__pycache__", "build", "dist", "runs") and f[0] != "." and "egg-info" not in f
        ]
        for path in (Path(folder, name) for name in files):
            if path.suffix in TEXT and outside.search(path.read_text("utf-8", "replace")):
                found.append(str(path.relative_to(ROOT)))
    assert found == []


def test_no_stub_is_left():
    marks = re.compile(r"\b(?:TODO|FIXME|XXX|NotImplementedError)\b")
    assert [str(p.relative_to(ROOT)) for p in sources(*SHIPPED) if marks.search(p.read_text("utf-8"))] == []


def test_relative_links_of_the_documents_lead_somewhere():
    link = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
    dangling = []
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")):
        for target in link.findall(page.read_text("utf-8")):
            if not (page.parent / target).exists():
                dangling.append(f"{page.relative_to(ROOT)}: {target}")
    assert dangling == []


def test_lock_pins_exactly_and_names_no_host():
    lines = (ROOT / "requirements-dev.lock").read_text("utf-8").splitlines()
    requirements = [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]
    assert [r for r in requirements if not re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*( ; .+)?", r)] == []
    names = [r.split("==")[0] for r in requirements]
    assert len(names) == len(set(names)), "one version for all Pythons, so that types and figures are the same"
    assert not re.search(r"https?:|file:|--(?:extra-)?index-url|--find-links|--trusted-host|@", "\n".join(lines))


def test_lock_covers_the_declared_dependencies():
    lock = (ROOT / "requirements-dev.lock").read_text("utf-8")
    meta = project()["project"]
    declared = [*meta["dependencies"], *meta["optional-dependencies"]["dev"], *meta["optional-dependencies"]["parquet"]]
    names = {re.split(r"[<>=\[ ]", d)[0] for d in declared} - {"capmix"}
    assert {n for n in names if not re.search(rf"^{re.escape(n)}==", lock, re.MULTILINE)} == set()


@pytest.mark.parametrize("name", ["environment.yml", "environment-gpu.yml"])
def test_conda_environments_ask_for_what_the_package_asks_for(name):
    text = (ROOT / name).read_text("utf-8")
    meta = project()["project"]
    wanted = [*meta["dependencies"], *meta["optional-dependencies"]["parquet"], f"python{meta['requires-python']}"]
    lines = {line.strip().removeprefix("- ").replace(" ", "") for line in text.splitlines()}
    assert {w for w in wanted if w not in lines} == set()


VIOLATIONS = {
    "models import kernels": ("models/ledger.py", "from ..kernels import tables"),
    "kernels import models": ("kernels/tables.py", "from ..models import ledger"),
    "kernels import the engine": ("kernels/tables.py", "from ..optimizer import plan"),
    "the engine imports a face": ("optimizer/plan.py", "from ..reports import cli"),
    "a second file imports highspy": ("optimizer/plan.py", "import highspy"),
    "a second file imports pyomo": ("models/build.py", "import pyomo.environ"),
    "kernels import pyomo": ("kernels/tables.py", "import pyomo.environ"),
    "models import numba": ("models/ledger.py", "import numba"),
    "a face imports pyomo": ("reports/cli.py", "import pyomo.environ"),
    "errors know anything": ("errors.py", "from .models import ledger"),
    "the search knows a case": ("optimizer/cutting_planes/master.py", "from ...models.schema import case"),
    "CVaR programs know the ledger": ("optimizer/cvar/solve.py", "from ...models import ledger"),
    "a room of the engine leans on one above it": ("optimizer/setup/prepare.py", "from ..analysis import compose"),
    "a definition leans on a device": ("kernels/tail.py", "from .cuda import select"),
    "the summary leans on a command": ("reports/summary/layout.py", "from ..commands import plan"),
    "a new package outside the floors": ("extra/__init__.py", "value = 1"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("house") / "capmix")


def contracts(copy: Path) -> subprocess.CompletedProcess[str]:
    code = """
import sys
sys.path.insert(0, "")
from importlinter.cli import lint_imports
sys.exit(lint_imports("capmix/pyproject.toml", no_cache=True))
"""
    return run(sys.executable, "-c", code, cwd=copy.parent)


@pytest.mark.parametrize("name", ["capmix", "some other name"])
def test_imports_are_sorted_wherever_the_checkout_lies(tmp_path, name):
    """The linter guesses from a folder's name whose code is whose."""
    here = checkout(tmp_path / name)
    result = run(sys.executable, "-m", "ruff", "check", "--quiet", "--no-cache", "--select", "I", ".", cwd=here)
    assert result.returncode == 0, result.stdout


def test_floors_hold(copy):
    result = contracts(copy)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("case", VIOLATIONS)
def test_floors_are_guarded(copy, case):
    name, line = VIOLATIONS[case]
    path = copy / name
    before = path.read_text("utf-8") if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    try:
        path.write_text(f"{before or ''}\n{line}\n", "utf-8")
        result = contracts(copy)
        assert result.returncode == 1, result.stdout + result.stderr
        assert re.search(r"[1-9] broken", result.stdout), result.stdout
    finally:
        if before is None:
            shutil.rmtree(path.parent)
        else:
            path.write_text(before, "utf-8")


def shipped() -> set[str]:
    """Files that a wheel holds beside its metadata."""
    data = {
        p
        for folder in SHIPPED
        for p in (ROOT / folder).rglob("*")
        if p.suffix in {".toml", ".csv", ".json", ".cu", ".cuh", ".css", ".j2"}
    }
    files = [p.relative_to(ROOT) for p in (*sources(*SHIPPED), *data, ROOT / "py.typed")]
    return {"capmix/" + p.as_posix() for p in files if p.parent != PAGES}


def held(wheel: Path) -> tuple[set[str], set[str]]:
    """Files of a wheel, and of its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    return {n for n in names if ".dist-info/" not in n}, {
        n.split(".dist-info/")[1] for n in names if ".dist-info/" in n
    }


def test_wheel_holds_the_package_and_the_cases_and_nothing_else_whatever_was_built_before(tmp_path):
    here = checkout(tmp_path / "checkout")
    stale = here / "build" / "lib" / "capmix" / "cases" / "deleted.toml"
    stale.parent.mkdir(parents=True)
    stale.write_text("left by an earlier build")
    result = run(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        "../wheel",
        ".",
        cwd=here,
    )
    assert result.returncode == 0, result.stderr
    (wheel,) = (tmp_path / "wheel").glob("*.whl")
    files, metadata = held(wheel)
    assert files == shipped()
    assert {"capmix/cases/hyperscaler.toml", "capmix/cases/neocloud.toml"} <= files
    assert {"licenses/LICENSE", "entry_points.txt", "METADATA"} <= metadata


def test_the_source_distribution_builds_the_same_wheel(tmp_path):
    here = checkout(tmp_path / "checkout")
    uv = [sys.executable, "-m", "uv", "build", "--quiet", "--no-build-isolation", "--offline"]
    result = run(*uv, "--python", sys.executable, "--out-dir", str(tmp_path / "dist"), ".", cwd=here)
    assert result.returncode == 0, result.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert held(wheel)[0] == shipped()
    (source,) = (tmp_path / "dist").glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "LICENSE", "pyproject.toml", "setup.py", "kernels/cuda/losses.cu"} <= names


def loaded_after(code: str) -> set[str]:
    """Heavy libraries in memory after `code` has run in a fresh interpreter."""
    heavy = "{'numpy', 'scipy', 'numba', 'pyomo', 'highspy', 'pandas', 'pyarrow', 'rich'}"
    script = f"import sys\n{code}\nprint('LOADED', *sorted({heavy} & set(sys.modules)))"
    result = run(sys.executable, "-c", script, cwd=ROOT.parent)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.rsplit("LOADED", 1)[1].split())


def test_importing_capmix_loads_no_heavy_library():
    assert loaded_after("import capmix") == set()


def test_every_public_name_can_be_had():
    import capmix

    assert [name for name in capmix.__all__ if getattr(capmix, name).__name__ != name] == []
    assert set(capmix.__all__) == set(capmix._HOMES)


def test_the_version_is_that_of_the_installed_package_and_looked_up_late():
    import capmix

    assert capmix.__version__ == project()["project"]["version"]
    assert "__version__" in dir(capmix)
    assert loaded_after("import capmix\nassert '__version__' not in vars(capmix)\nassert capmix.__version__") == set()


def test_every_exception_is_a_capmix_error():
    """But for the interrupt, which stays a KeyboardInterrupt that no `except Exception` catches."""
    from capmix import CapmixError

    found = {}
    for path in sources(*FLOORS):
        name = ".".join(("capmix", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
        if path.name == "__main__.py":
            continue
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as missing:
            if not str(missing.name).startswith(("cupy", "pyarrow")):  # extras
                raise
            continue
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, BaseException) and thing.__module__ == name:
                found[f"{name}.{thing.__name__}"] = thing
    assert {"capmix.errors.CapmixError", "capmix.reports.exits.UsageError"} <= set(found)
    assert len(found) > 25
    bare = {name for name, thing in found.items() if not issubclass(thing, CapmixError)}
    assert {name.rpartition(".")[2] for name in bare} == {"Interrupted"}


@pytest.mark.parametrize(
    ("name", "base"),
    [("CaseError", Exception), ("DeviceError", RuntimeError), ("SolverError", RuntimeError)],
)
def test_public_errors_keep_the_bases_that_callers_catch(name, base):
    import capmix

    assert issubclass(getattr(capmix, name), base)
    assert issubclass(getattr(capmix, name), capmix.CapmixError)


def test_help_loads_no_heavy_library():
    code = "from capmix.reports.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass"
    assert loaded_after(code) == set()


def test_check_compiles_and_models_nothing():
    code = "from capmix.reports.cli import main\nassert main(['check', 'hyperscaler']) == 0"
    assert not loaded_after(code) & {"numba", "pyomo", "highspy", "pandas", "pyarrow"}


def test_make_without_a_target_lists_the_targets():
    result = run("make", "--no-print-directory", cwd=ROOT)
    assert result.returncode == 0, result.stderr
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert {"plan", "test", "help"} <= targets <= set(result.stdout.split())


def test_make_names_the_cure_where_no_python_fits(tmp_path):
    here = checkout(tmp_path / "checkout")
    result = run("make", "--no-print-directory", "setup", "PYTHON=false", cwd=here)
    assert result.returncode != 0
    assert "Python 3.11, 3.12, 3.13 or 3.14" in result.stderr
    assert not (here / ".venv").exists()


def test_a_kind_of_array_is_named_once_a_floor() -> None:
    """FloatArray stood in a hundred files."""
    where = [
        str(path.relative_to(ROOT))
        for floor in ("kernels", "models", "optimizer", "reports")
        for path in sorted((ROOT / floor).rglob("*.py"))
        if re.search(r"^FloatArray\b.* = ", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert where == ["kernels/tables.py", "models/arrays.py", "optimizer/arrays.py"]
