"""A process of the command line whose engine is a stub: `CAPMIX_TEST_PLAN=FILE python stubbed.py WORDS…`.

The stub gives the pickled plan, and prints as libraries do: by Python, by C, and to the descriptor itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
from pathlib import Path
from typing import Any

import capmix.optimizer.run as engine
from capmix.reports.cli import main


def optimize(case: object, **_: Any) -> Any:
    print("printed by Python")
    if os.name == "posix":
        ctypes.CDLL(None).puts(b"printed by C, which holds it until the end")
        ctypes.CDLL(None).printf(b"no line end")
    with contextlib.suppress(OSError):  # as C, which looks at no result
        os.write(1, b"written to the descriptor\n")
    return pickle.loads(Path(os.environ["CAPMIX_TEST_PLAN"]).read_bytes())


if __name__ == "__main__":
    engine.optimize = optimize
    raise SystemExit(main())
