"""Curves with their intervals: a line with a band where points are dense, whiskers where they are few."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from alignthermo.quantities import Estimate
from alignthermo.report.axes import Scale, linear_scale, log_scale, value_range, x_axis, y_axis
from alignthermo.report.record_index import CurvePoint
from alignthermo.report.svg import Length, drawing, element, label, path_data, polyline

__all__ = ["Frame", "Level", "Marker", "Marks", "Series", "line_chart"]

Marks = Literal["auto", "all", "line"]

_DENSE = 14
_LOG_RATIO = 8.0
_TITLE_LETTER, _NOTE_LETTER = 7.4, 6.6
"""Widths of a letter of 13 and 12 pixels, on the safe side."""

_TITLE_LINE, _LEGEND_TOP, _LEGEND_LINE = 15.0, 33.0, 16.0


@dataclass(frozen=True, kw_only=True)
class Series:
    """One curve.

    Attributes
    ----------
    css : str
        Colour: ``q`` aligned, ``p`` base, ``ink`` neither; ``ink dots`` dotted, ``p solid`` undashed.
    marks : str
        ``auto``: a band where points are dense, points with whiskers where they are few. ``all``: band,
        points and whiskers. ``line``: the line alone.
    """

    name: str
    points: tuple[CurvePoint, ...]
    css: str = "q"
    marks: Marks = "auto"


@dataclass(frozen=True, kw_only=True)
class Level:
    """A horizontal line that curves are held against: one half, zero, chance."""

    y: Length
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Marker:
    """A vertical line at an estimate on the x axis, its interval shaded."""

    text: str
    estimate: Estimate


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Everything around the curves.

    Attributes
    ----------
    size : width and height in user units
    x_title, y_title : str
        Axis titles with units.
    note : str
        Written at the right above the plot: n, level.
    x_range, y_range : pair of float or None
        Fixed range, for panels that are compared.
    x_log : bool
        Logarithmic x where the range is wide enough and positive.
    levels : tuple of Level
    diagonal : bool
        Draw the line from corner to corner: chance in a ROC.
    """

    size: tuple[Length, Length]
    x_title: str
    y_title: str
    heading: tuple[str, str]
    chart_id: str
    note: str = ""
    x_range: tuple[Length, Length] | None = None
    y_range: tuple[Length, Length] | None = None
    x_log: bool = False
    markers: tuple[Marker, ...] = ()
    levels: tuple[Level, ...] = ()
    diagonal: bool = False


def line_chart(series: Sequence[Series], frame: Frame) -> Markup:
    """Return a chart of one or a few curves over a common x; the first lies on top."""
    width, height = frame.size
    left, right, bottom = 58.0, width - 14.0, height - 44.0
    note_y = _note_y(frame)
    taken = _NOTE_LETTER * len(frame.note) if note_y > _TITLE_LINE else 0.0
    legend, depth = _legend(series, left=left + 4, right=right, taken=taken)
    top = 44.0 + depth
    points = [point for one in series for point in one.points]
    x = _x_scale([point.x for point in points], frame, pixels=(left, right))
    low, high = frame.y_range or _reach(points, frame.levels)
    y = linear_scale(low, high, pixels=(bottom, top), n_ticks=5 if height > 220 else 3)
    parts = [y_axis(y, x=left, right=right), x_axis(x, y=bottom, top=bottom, title=frame.x_title)]
    parts.append(label(frame.y_title, 4, 15, css="t strong"))
    parts.append(label(frame.note, right, note_y, css="tick", anchor="end"))
    parts += [_level(level, x, y) for level in frame.levels]
    if frame.diagonal:
        parts.append(polyline([(left, bottom), (right, top)], css="level"))
    parts += [_marker(marker, x, top=top, bottom=bottom) for marker in frame.markers]
    parts += [_curve(one, x, y) for one in reversed(series)]
    parts.append(legend)
    return drawing(frame.size, *parts, heading=frame.heading, chart_id=frame.chart_id)


def _reach(points: Sequence[CurvePoint], levels: Sequence[Level]) -> tuple[float, float]:
    low, high = value_range([point.estimate for point in points])
    at = [level.y for level in levels]
    return min([low, *at]), max([high, *at])


def _note_y(frame: Frame) -> float:
    """On the line of the title where both fit, else below it."""
    needed = _TITLE_LETTER * len(frame.y_title) + _NOTE_LETTER * len(frame.note)
    return _TITLE_LINE if needed < frame.size[0] - 30 else _LEGEND_TOP


def _level(level: Level, x: Scale, y: Scale) -> Markup:
    at = y(level.y)
    parts = [element("line", {"x1": x.start, "x2": x.end, "y1": at, "y2": at, "class": "level"})]
    if level.text:
        parts.append(label(level.text, x.end - 4, at - 5, css="tick", anchor="end"))
    return Markup("").join(parts)


def _x_scale(values: Sequence[float], frame: Frame, *, pixels: tuple[Length, Length]) -> Scale:
    low, high = frame.x_range or (min(values, default=0.0), max(values, default=1.0))
    if frame.x_log and low > 0 and high / low >= _LOG_RATIO:
        return log_scale(low, high, pixels=pixels)
    n_ticks = 8 if frame.size[0] > 500 else 4
    return linear_scale(min(low, 0.0), high, pixels=pixels, n_ticks=n_ticks)


def _curve(series: Series, x: Scale, y: Scale) -> Markup:
    drawn = [p for p in series.points if math.isfinite(p.estimate.value)]
    dense = len(drawn) > _DENSE
    banded = series.marks == "all" or (series.marks == "auto" and dense)
    dotted = series.marks == "all" or (series.marks == "auto" and not dense)
    parts = [_band(drawn, series.css, x, y)] if banded else []
    if dotted:
        parts.append(_whiskers(drawn, series.css, x, y))
    parts.append(polyline([(x(p.x), y(p.estimate.value)) for p in drawn], css=f"curve {series.css}"))
    if dotted:
        radius = 2.8 if dense else 3.6
        parts += [
            element(
                "circle", {"cx": x(p.x), "cy": y(p.estimate.value), "r": radius, "class": f"dot {series.css}"}
            )
            for p in drawn
        ]
    return Markup("").join(parts)


def _band(points: Sequence[CurvePoint], css: str, x: Scale, y: Scale) -> Markup:
    runs: list[list[CurvePoint]] = [[]]
    for point in points:  # a gap in the intervals is a gap in the band
        if math.isnan(point.estimate.low) or math.isnan(point.estimate.high):
            runs.append([])
        else:
            runs[-1].append(point)
    return Markup("").join(_ribbon(run, css, x, y) for run in runs if len(run) > 1)


def _ribbon(run: Sequence[CurvePoint], css: str, x: Scale, y: Scale) -> Markup:
    upper = [(x(p.x), y(p.estimate.high)) for p in run]
    lower = [(x(p.x), y(p.estimate.low)) for p in reversed(run)]
    return element("path", {"d": path_data([*upper, *lower]) + "Z", "class": f"band {css}"})


def _whiskers(points: Sequence[CurvePoint], css: str, x: Scale, y: Scale) -> Markup:
    parts = []
    for p in points:
        if not (math.isnan(p.estimate.low) or math.isnan(p.estimate.high)):
            line = [(x(p.x), y(p.estimate.low)), (x(p.x), y(p.estimate.high))]
            parts.append(polyline(line, css=f"interval {css}"))
    return Markup("").join(parts)


def _marker(marker: Marker, x: Scale, *, top: Length, bottom: Length) -> Markup:
    estimate = marker.estimate
    if not math.isfinite(estimate.value) or not x.low <= estimate.value <= x.high:
        return Markup("")
    at = x(estimate.value)
    parts = []
    if math.isfinite(estimate.low) and math.isfinite(estimate.high):
        start = x(estimate.low)
        box = {"x": start, "y": top, "width": max(x(estimate.high) - start, 0.5), "height": bottom - top}
        parts.append(element("rect", {**box, "class": "marker-band"}))
    parts.append(element("line", {"x1": at, "x2": at, "y1": top, "y2": bottom, "class": "marker"}))
    past_middle = at > (x.start + x.end) / 2
    anchor, shift = ("end", -7) if past_middle else ("start", 7)
    parts.append(label(marker.text, at + shift, top + 13, css="t", anchor=anchor))
    return Markup("").join(parts)


def _legend(series: Sequence[Series], *, left: Length, right: Length, taken: Length) -> tuple[Markup, float]:
    """Name the curves below the title, on as many lines as they need; return the height beyond the first.

    `taken` is the room that a note takes at the right of the first line.
    """
    named = [one for one in series if one.name]
    if len(named) < 2:
        return Markup(""), 0.0
    parts, x, y, end = [], left, _LEGEND_TOP, right - taken
    for one in named:
        width = 40 + _NOTE_LETTER * len(one.name)
        if x + width - 16 > end and (x > left or end < right):
            x, y, end = left, y + _LEGEND_LINE, right
        parts.append(polyline([(x, y - 4), (x + 18, y - 4)], css=f"curve {one.css}"))
        parts.append(label(one.name, x + 24, y, css="tick"))
        x += width
    return Markup("").join(parts), y - _LEGEND_TOP
