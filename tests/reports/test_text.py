"""Numbers and names as they are printed; bars and columns as they are drawn."""

from __future__ import annotations

import math

import pytest
from capmix.reports import glyphs, text
from capmix.reports.glyphs import ASCII, UNICODE, Scale
from capmix.reports.summary.layout import short
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (1234567.2, "1,234,567"),
        (12.3456, "12.35"),
        (-0.00123456, "-0.001235"),
        (1e-7, "1.000e-07"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_figure(value, shown):
    assert text.figure(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.004, "0.00 s"),
        (9.99, "9.99 s"),
        (9.996, "10.0 s"),
        (99.96, "1 min 40 s"),
        (3599.6, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_seconds(value, shown):
    assert text.seconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(999, "999 bytes"), (104e6, "104 MB"), (1.04e9, "1.04 GB"), (25.3e12, "25.3 TB")]
)
def test_size(value, shown):
    assert text.size(value) == shown


def test_small_money_is_a_dot_and_never_minus_zero():
    assert text.money(-0.004) == "·"
    assert text.money(-0.005) == "-0.01"


@given(st.text())
def test_safe_text_is_one_visible_line(value):
    shown = text.safe(value)
    assert shown.isprintable()
    assert text.safe(shown) == shown


@given(st.floats(min_value=-9.9e8, max_value=9.9e8), st.sampled_from([1, 2]))
def test_short_is_short_and_close(value, decimals):
    shown = short(value, decimals)
    assert len(shown) <= 4 + (value < 0)
    read = 0.0 if shown == "·" else float(shown.rstrip("kM")) * {"k": 1e3, "M": 1e6}.get(shown[-1], 1.0)
    assert abs(read - value) <= max(0.051 * abs(value), 0.51 * 10.0**-decimals)


@given(st.floats(min_value=0, max_value=1), st.integers(1, 60), st.sampled_from([UNICODE, ASCII]))
def test_bars_have_their_length(share, width, g):
    drawn = glyphs.bar(share, width, g)
    steps = len(g.eighths) - 1
    part = g.eighths.index(drawn[-1]) if drawn else 0
    eighths = steps * (len(drawn) - 1) + part if drawn else 0
    assert len(drawn) <= width
    assert abs(eighths - share * width * steps) <= 1.0


def test_columns():
    assert glyphs.columns([0, 1, 2, 4, 8, -3], UNICODE) == "·▁▂▄█·"
    assert glyphs.columns([0, 0], ASCII) == ".."
    assert glyphs.columns([9.0, 0.1, 4.5], ASCII) == "9.4"


def test_spread():
    scale = Scale(0.0, 10.0, 11)
    assert glyphs.spread((1, 3, 5, 7, 9), 2.0, scale, ASCII) == " -|==o==-- "[:11]
    assert glyphs.spread((5, 5, 5, 5, 5), None, Scale(5.0, 5.0, 3), ASCII) == " o "


def test_year_ticks():
    assert (
        glyphs.year_ticks(["2026Q4", "2027Q1", "2027Q2", "2027Q3", "2027Q4", "2028Q1"], 2)
        == "  2027    "[:2] + "2027    " + "  "
    )
    assert glyphs.year_ticks(["2026Q3", "2026Q4", "2027Q1", "2027Q2", "2027Q3", "2027Q4"]) == "  27  "


def test_ascii_text():
    assert glyphs.to_ascii("a · b – c … é") == "a . b - c ~ ?"
