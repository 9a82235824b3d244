"""The progress line: on a terminal only, one line, gone at the end."""

from __future__ import annotations

import io
import math

from capmix.optimizer.cutting_planes.progress import ProgressEvent
from capmix.reports.progress import ProgressLine, describe


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def event(**changes):
    values = {
        "phase": "search",
        "upper": 1234600.0,
        "lower": 1234500.0,
        "gap": 8.1e-5,
        "full": 3,
        "equivalent": 4.25,
        "solves": 9,
        "elapsed": 2.1,
        "eta": 3.0,
    }
    return ProgressEvent(**{**values, **changes})


def test_words():
    assert describe(event(), 2.1) == (
        "search · 1,234,500 … 1,234,600 · gap 8.1e-05 · passes 3 full, 4.2 in all · 2.10 s · about 3.00 s left"
    )
    assert describe(event(lower=-math.inf, gap=math.inf, eta=None), 2.1) == (
        "search · at most 1,234,600 · passes 3 full, 4.2 in all · 2.10 s"
    )
    early = event(lower=-math.inf, upper=math.inf, gap=math.inf, eta=None, full=0, equivalent=0.0)
    assert describe(early, 2.1) == "search · 2.10 s"


def test_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    with ProgressLine(stream) as line:
        line(event())
        line(event(upper=1.0))  # too soon after the first: not shown
        line(event(phase="polish"))
    lines = stream.getvalue().split("\r\x1b[2K")
    assert [text.partition(" ")[0] for text in lines] == ["", "search", "polish", ""]
    assert all(len(text) < 60 for text in lines)
    assert "\n" not in stream.getvalue()


def test_silent_elsewhere(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    plain = io.StringIO()
    with ProgressLine(plain) as line:
        line(event())
    unwanted = Terminal()
    with ProgressLine(unwanted, wanted=False) as line:
        line(event())
    monkeypatch.setenv("TERM", "dumb")
    dumb = Terminal()
    with ProgressLine(dumb) as line:
        line(event())
    assert plain.getvalue() + unwanted.getvalue() + dumb.getvalue() == ""
