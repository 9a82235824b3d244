"""The documentation's site, glossary and tutorial, CI and the citation, as far as they show without being built."""

from __future__ import annotations

import importlib.util
import inspect
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import capmix
import pytest
from capmix.reports.cli import main

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
FEWER = {"20000": "400", "10": "2"}  # what the tutorial shows at full size is run smaller


def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("outside", DOCS / "hooks" / "outside.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def loaded(path: Path) -> Any:
    """A YAML file; tags of Python objects are read as what they stand on."""
    yaml = pytest.importorskip("yaml")

    class Loader(yaml.SafeLoader):  # type: ignore[misc, name-defined]
        pass

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, _, node: loader.construct_mapping(node))
    return yaml.load(path.read_text("utf-8"), Loader)


def pages(nav: Any) -> Iterator[str]:
    """The pages of a navigation, however deep."""
    if isinstance(nav, str):
        yield nav
    else:
        for entry in nav.values() if isinstance(nav, dict) else nav:
            yield from pages(entry)


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and the site make it."""
    words = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower())
    return words.replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def test_every_page_is_in_the_navigation_once_and_exists():
    found = Counter(pages(loaded(ROOT / "mkdocs.yml")["nav"]))
    outside = hook().PAGES
    assert {page for page, times in found.items() if times > 1} == set()
    here = {p.relative_to(DOCS).as_posix() for kind in ("*.md", "*.ipynb") for p in DOCS.rglob(kind)}
    assert set(found) == here | set(outside)
    assert [source for source in outside.values() if not (ROOT / source).is_file()] == []


def test_links_lead_to_pages_of_the_site():
    found = hook()
    files = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*") if page.is_file()} | set(found.PAGES)
    files |= {source.removeprefix("bench/") for source in found.ASSETS}
    dangling = []
    for place in (*(p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md")), *found.PAGES):
        source = ROOT / found.PAGES.get(place, f"docs/{place}")
        text = found.moved(source.read_text("utf-8"), place)
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text):
            if target not in files:
                dangling.append(f"{place}: {target}")
    assert dangling == []
    assert found.moved("[a](docs/gpu.md#x) [b](https://c.d/e.md) [c](bench/RESULTS.md)", "index.md") == (
        "[a](gpu.md#x) [b](https://c.d/e.md) [c](measurements.md)"
    )
    assert found.moved("[a](../bench/RESULTS.md)", "cvar.md") == "[a](measurements.md)"


def test_anchors_of_links_are_headings():
    lost = []
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.glob("*.md")):
        for target, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)#([^)\s]+)\)", page.read_text("utf-8")):
            other = page if not target else page.parent / target
            if anchor not in anchors(other):
                lost.append(f"{page.name}: {target}#{anchor}")
    assert lost == []


def test_the_library_page_lists_every_public_name():
    listed = re.findall(r"^::: capmix\.(\w+)$", (DOCS / "api.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(set(capmix.__all__) - {"Case"})  # the case reference is its page


def test_docstrings_of_public_names_name_their_arguments():
    """One entry per argument, each of the signature: what builds the site strictly."""
    wrong = []
    for name in capmix.__all__:
        thing = getattr(capmix, name)
        members = [thing, *(m for n, m in vars(thing).items() if n[0] != "_")] if isinstance(thing, type) else [thing]
        for member in members:
            if not callable(member) or not (
                found := re.search(r"\n( *)Args:\n(.*?)(\n\n|\Z)", member.__doc__ or "", re.S)
            ):
                continue
            entries = re.findall(rf"^{found[1]}    (\S[^:\n]*):", found[2], re.MULTILINE)
            known = {parameter.lstrip("*") for parameter in inspect.signature(member).parameters}
            wrong += [f"{name}: {entry}" for entry in entries if entry.split(" ")[0].lstrip("*") not in known]
    assert wrong == []


def test_the_glossary_is_sorted_unique_and_says_where():
    text = (DOCS / "glossary.md").read_text("utf-8")
    groups = re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]
    assert len(groups) == 4
    terms = []
    for group in groups:
        rows = [
            [cell.strip() for cell in row.strip("|").split("|")] for row in re.findall(r"^\|.*\|$", group, re.MULTILINE)
        ]
        entries = rows[2:]
        assert [len(entry) for entry in entries] == [3] * len(entries)
        here = [entry[0] for entry in entries]
        assert here == sorted(here, key=str.casefold)
        terms += [term.casefold() for term in here]
        for term, meaning, where in entries:
            assert re.fullmatch(r"\[[^\]]+\]\([^)]+\.md(#[^)]+)?\)", where), term
            assert meaning.endswith("."), term
            assert max(len(sentence.split()) for sentence in re.split(r"(?<=[.;:])\s", meaning)) <= 25, term
    assert len(terms) == len(set(terms)) > 50
    for page in (ROOT / "README.md", DOCS / "architecture.md"):
        assert "glossary.md" in page.read_text("utf-8"), page


def commands() -> list[list[str]]:
    text = (DOCS / "tutorial.md").read_text("utf-8")
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [line[2:].split() for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def test_the_tutorial_s_commands_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found = commands()
    assert {words[1] for words in found} == {"new", "check", "plan", "compare", "frontier", "verify"}
    for program, *words in found:
        assert program == "capmix"
        assert main([FEWER.get(word, word) for word in words]) == 0, words
    assert "verdict       verified" in capsys.readouterr().out


def test_ci_calls_targets_that_exist_on_every_python():
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    jobs = loaded(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]
    steps = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    releases = [entry["releases"] for entry in jobs["dependencies"]["strategy"]["matrix"]["include"]]
    called = {step.split()[1] for step in steps}
    called = (called - {"test-${{"}) | {f"test-{release}" for release in releases}
    assert all(step.startswith("make ") for step in steps)
    assert called <= targets
    assert {"test", "test-lowest", "test-newest", "wheel", "site", "bench-ci"} <= called
    meta = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    supported = [c.rpartition(" ")[2] for c in meta["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert jobs["test"]["strategy"]["matrix"]["python"] == supported


def test_templates_are_forms_of_known_fields():
    folder = ROOT / ".github" / "ISSUE_TEMPLATE"
    for path in sorted(folder.glob("*.yml")):
        form = loaded(path)
        if path.name == "config.yml":
            continue
        assert {"name", "description", "body"} <= set(form)
        ids = [entry["id"] for entry in form["body"]]
        assert len(ids) == len(set(ids))
        assert {entry["type"] for entry in form["body"]} <= {"input", "textarea", "dropdown", "checkboxes", "markdown"}


def test_the_citation_is_of_this_version():
    cited = loaded(ROOT / "CITATION.cff")
    meta = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert cited["version"] == meta["version"]
    assert cited["license"] == meta["license"]
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
