"""A program of its own: Vega-Lite specifications on standard input become SVG on standard output, both as JSON lists.

It knows nothing of capmix. It is started by `pictures.py`, since the JavaScript engine inside vl-convert ends the whole
process where memory is short.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module


def main() -> None:
    draw = import_module("vl_convert").vegalite_to_svg
    specifications = json.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(json.dumps([draw(one) for one in specifications]).encode())


if __name__ == "__main__":
    main()
