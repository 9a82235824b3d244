"""The case that lies in a run folder, and the variant of it that was planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .run_folder import RunFolder, Unreadable

if TYPE_CHECKING:
    from ...models.schema.case import Case


def case_of(run: RunFolder) -> tuple[str, Case]:
    """The name of the case's file in the folder, and the case.

    Raises:
        Unreadable: the folder holds none. CaseError: it is a bad one.
    """
    from ...models.reading.load import load_case

    name = run.manifest.get("case", {}).get("path")
    if not isinstance(name, str) or not name.startswith("case/"):
        raise Unreadable("manifest.json names no case in this folder")
    run.read(name)  # a listed, plain file
    return name, load_case((run.path / name).absolute())


def varied(case: Case, name: str) -> Case:
    """The case, or its variant of that name. Unreadable where there is none."""
    from ...models.reading.variants import apply_variant

    if name == case.case.name:
        return case
    for variant in case.variant:
        if name == f"{case.case.name}-{variant.id}":
            return apply_variant(case, variant.id)
    raise Unreadable(f"the case has no variant that is called {name!r}")
