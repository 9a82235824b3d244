"""Charts as SVG, all of a page in one go, drawn in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import CapmixError
from .theme import VARIABLES

PATIENCE = 120.0  # seconds; a page takes about one


class PictureError(CapmixError):
    """The pictures cannot be drawn on this machine; says why."""


def pictures(charts: Sequence[Any]) -> list[str]:
    """The charts as SVG whose text and lines follow the page's variables --ink, --quiet, --line and --paper.

    Raises:
        PictureError: the program that draws cannot be started, fails, or takes too long.
    """
    if not charts:
        return []
    asked = json.dumps([chart.to_dict(validate=False) for chart in charts]).encode()  # the tests validate
    command = [sys.executable, "-I", str(Path(__file__).with_name("draw_svg.py"))]
    try:
        done = subprocess.run(command, input=asked, capture_output=True, timeout=PATIENCE, check=False, cwd=os.sep)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PictureError(f"the charts cannot be drawn: {error}") from None
    if done.returncode != 0:
        why = done.stderr.decode(errors="replace").strip().splitlines()
        raise PictureError(f"the charts cannot be drawn: {why[0] if why else 'the program ended'} ({done.returncode})")
    drawn: list[str] = json.loads(done.stdout)
    return [_with_variables(one) for one in drawn]


def _with_variables(picture: str) -> str:
    for colour, variable in VARIABLES.items():
        picture = picture.replace(f'"{colour}"', f'"{variable}"')
    return picture
