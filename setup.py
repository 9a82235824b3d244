"""The build: what lies in build/ from an earlier one, such as a case deleted since, does not come back in the wheel."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class FromTheSourcesAlone(build_py):
    """Empties the package's folder under build/ before it is filled, and leaves this file out of it."""

    def run(self) -> None:
        if not self.editable_mode:
            shutil.rmtree(Path(self.build_lib) / "capmix", ignore_errors=True)
        super().run()

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        """(package, module, file) of each source; the checkout is the package, and this file is no part of it."""
        return [
            found for found in super().find_package_modules(package, package_dir) if found[:2] != ("capmix", "setup")
        ]


setup(cmdclass={"build_py": FromTheSourcesAlone})
