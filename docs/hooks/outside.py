"""For the site: pages that lie outside docs/ (README, CHANGELOG, CONTRIBUTING, measurements) belong to it too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "index.md": "README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "measurements.md": "bench/RESULTS.md",
    "history.md": "bench/HISTORY.md",
}  # place on the site: place in the repository
ASSETS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "bench" / "pictures").glob("*.svg"))

_LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)#\s]+)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages and the pictures in them."""
    from mkdocs.structure.files import File

    for place, source in PAGES.items():
        files.append(File.generated(config, place, content=(ROOT / source).read_text("utf-8")))
    for source in ASSETS:
        files.append(File.generated(config, source.removeprefix("bench/"), abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links between pages as they lie in the repository become links on the site."""
    return moved(markdown, page.file.src_uri)


def moved(markdown: str, place: str) -> str:
    """The text of the page at `place` of the site with its relative links changed."""
    source = PAGES.get(place, f"docs/{place}")
    at = {origin: site for site, origin in PAGES.items()}

    def link(found: re.Match[str]) -> str:
        target = (ROOT / source).parent.joinpath(found[2]).resolve().relative_to(ROOT).as_posix()
        site = at.get(target, target.removeprefix("docs/").removeprefix("bench/"))
        return found[1] + site

    return _LINK.sub(link, markdown)
