"""Horizontal bars with whiskers: one row per rival, zero always in sight."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from alignthermo.quantities import Estimate
from alignthermo.report.axes import Scale, linear_scale, value_range, x_axis
from alignthermo.report.escape import visible
from alignthermo.report.numbers import format_value
from alignthermo.report.svg import Length, drawing, element, label, polyline

__all__ = ["Bar", "bar_chart"]

_WIDTH, _LABELS, _ROW = 340.0, 152.0, 22.0
_VALUES = 80.0
_TOP, _BOTTOM = 26.0, 40.0
_WIDE, _NARROW, _WIDE_LETTERS, _LATIN = 12.5, 7.6, '@%mwMWGOQ"=+<>', 0x24F


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar; a `strong` one is filled; `text` stands at its end, its value unless given."""

    label: str
    estimate: Estimate
    strong: bool = True
    text: str = ""


def bar_chart(
    bars: Sequence[Bar], *, title: str, unit: str, heading: tuple[str, str], chart_id: str
) -> Markup:
    """Return bars from zero to each estimate with the ends of its interval and its value, 340 units wide."""
    height = _TOP + _ROW * len(bars) + _BOTTOM
    low, high = value_range([bar.estimate for bar in bars])
    scale = linear_scale(min(low, 0.0), max(high, 0.0), pixels=(_LABELS, _WIDTH - _VALUES), n_ticks=2)
    bottom = height - _BOTTOM
    parts = [label(title, 4, 14, css="t strong"), x_axis(scale, y=bottom, top=_TOP - 4, title=unit)]
    for number, bar in enumerate(bars):
        parts.append(_bar(bar, scale, _TOP + _ROW * (number + 0.5)))
    zero = scale(0.0)
    parts.append(element("line", {"x1": zero, "x2": zero, "y1": _TOP - 4, "y2": bottom, "class": "axis"}))
    return drawing((_WIDTH, height), *parts, heading=heading, chart_id=chart_id)


def _bar(bar: Bar, scale: Scale, y: Length) -> Markup:
    estimate = bar.estimate
    parts = [_name(bar, y)]
    if not math.isfinite(estimate.value):
        return Markup("").join([*parts, label("unknown", scale(0.0) + 5, y + 4, css="tick")])
    start, end = sorted((scale(0.0), scale(estimate.value)))
    css = "bar" if bar.strong else "bar hollow"
    box = {"x": start, "y": y - 6, "width": max(end - start, 1.0), "height": 12.0, "class": css}
    parts.append(element("rect", box))
    if math.isfinite(estimate.low) and math.isfinite(estimate.high):
        ends = [(scale(estimate.low), y), (scale(estimate.high), y)]
        parts.append(polyline(ends, css="interval ink"))
    parts.append(label(bar.text or format_value(estimate), _WIDTH - 2, y + 4, css="tick num", anchor="end"))
    return Markup("").join(parts)


def _name(bar: Bar, y: Length) -> Markup:
    css = "t strong" if bar.strong else "t"
    shown = visible(bar.label)
    if _width(shown) <= _LABELS - 12:
        return label(shown, _LABELS - 8, y + 4.5, css=css, anchor="end")
    while _width(shown + "…") > _LABELS - 12:
        shown = shown[:-1]
    short = label(shown + "…", _LABELS - 8, y + 4.5, css=css, anchor="end")
    return element("g", {}, element("title", {}, bar.label), short)


def _width(text: str) -> float:
    """Width of bold text, on the safe side: fonts differ from machine to machine."""
    return sum(_WIDE if one in _WIDE_LETTERS or ord(one) > _LATIN else _NARROW for one in text)
