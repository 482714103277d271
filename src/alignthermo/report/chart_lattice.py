"""Dot-and-interval charts: one row per category, one panel per quantity."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from alignthermo.quantities import Estimate
from alignthermo.report.axes import Scale, linear_scale, value_range, x_axis
from alignthermo.report.numbers import format_number, format_value
from alignthermo.report.svg import Attributes, Length, drawing, element, label, path_data

__all__ = ["LatticeRow", "Panel", "RowHead", "lattice", "panel_chart"]

_ROW, _TOP, _BOTTOM = 28.0, 50.0, 26.0
_MAIN_SHARE = 0.42
_GAP = 40.0
_SHORTEST_ARROW = 14.0


@dataclass(frozen=True, kw_only=True)
class LatticeRow:
    """One row: a category, its number of prompts, one estimate per panel (None where not measured).

    `hollow` points are of another kind, which the head of the chart names. `absent` is written where an
    estimate has no value. An unknown value with one finite end is a bound: an arrow that starts there.
    """

    label: str
    n: int
    estimates: tuple[Estimate | None, ...]
    pooled: bool = False
    flagged: bool = False
    hollow: bool = False
    absent: str = "unknown"


@dataclass(frozen=True, kw_only=True)
class RowHead:
    """What the rows are, and the room for their names in the wide chart, in units and in letters."""

    title: str = "category"
    width: Length = 168.0
    letters: int = 21


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One quantity: how it is called, in which unit it is drawn, and the range if it is fixed."""

    title: str
    unit: str
    css: str = "q"
    range: tuple[Length, Length] | None = None


def lattice(
    rows: Sequence[LatticeRow],
    panels: Sequence[Panel],
    *,
    heading: tuple[str, str],
    chart_id: str,
    head: RowHead | None = None,
) -> Markup:
    """Return the wide chart: all panels side by side on common rows, 1000 units wide."""
    head = head or RowHead()
    height = _TOP + _ROW * len(rows) + _BOTTOM
    parts = [_stripes(rows, head, width=1000), _row_heads(rows, head)]
    spans = _panel_spans(len(panels), start=head.width + 106.0, end=990.0)
    for j, (panel, span) in enumerate(zip(panels, spans, strict=True)):
        estimates = [row.estimates[j] for row in rows]
        scale = _scale(estimates, panel, pixels=span, n_ticks=5 if j == 0 else 3)
        parts.append(_panel_head(panel, span[0], y=18))
        parts.append(x_axis(scale, y=height - _BOTTOM, top=_TOP - 4))
        parts += [_mark(row, j, panel=panel, scale=scale, y=_row_y(i)) for i, row in enumerate(rows)]
    return drawing((1000, height), *parts, heading=heading, chart_id=chart_id)


def panel_chart(
    rows: Sequence[LatticeRow], j: int, *, panel: Panel, heading: tuple[str, str], chart_id: str
) -> Markup:
    """Return one panel for a narrow screen: labels above their intervals, 350 units wide."""
    pitch = 40.0
    height = 44 + pitch * len(rows) + _BOTTOM
    scale = _scale([row.estimates[j] for row in rows], panel, pixels=(18.0, 330.0), n_ticks=4)
    parts = [_panel_head(panel, 2, y=16), x_axis(scale, y=height - _BOTTOM, top=44)]
    for i, row in enumerate(rows):
        y = 44 + pitch * i
        css = "t strong" if row.pooled else "t"
        parts.append(_row_label(row, 2, y + 15, css=css, anchor="start", length=26))
        parts.append(label(f"n = {row.n:,}", 262, y + 15, css="tick", anchor="end"))
        parts.append(label(_value_text(row.estimates[j]), 344, y + 15, css=css + " num", anchor="end"))
        parts.append(_mark(row, j, panel=panel, scale=scale, y=y + 27))
    return drawing((350, height), *parts, heading=heading, chart_id=chart_id)


def _panel_spans(count: int, *, start: Length, end: Length) -> list[tuple[Length, Length]]:
    if count == 1:
        return [(start, end)]
    free = end - start - _GAP * (count - 1)
    widths = [free * _MAIN_SHARE] + [free * (1 - _MAIN_SHARE) / (count - 1)] * (count - 1)
    spans, x = [], start
    for width in widths:
        spans.append((x, x + width))
        x += width + _GAP
    return spans


def _scale(
    estimates: Sequence[Estimate | None], panel: Panel, *, pixels: tuple[Length, Length], n_ticks: int
) -> Scale:
    low, high = panel.range or value_range(estimates)
    return linear_scale(low, high, pixels=pixels, n_ticks=n_ticks)


def _row_y(i: int) -> float:
    return _TOP + _ROW * (i + 0.5)


def _stripes(rows: Sequence[LatticeRow], head: RowHead, *, width: Length) -> Markup:
    places = ((head.title, 0), ("n", 38), ("value", 92))
    parts = [label(name, head.width + right, 36, css="tick", anchor="end") for name, right in places]
    for i, row in enumerate(rows):
        if row.pooled:
            box: Attributes = {
                "x": 0.0,
                "y": _row_y(i) - _ROW / 2,
                "width": width,
                "height": _ROW,
                "class": "stripe",
            }
            parts.append(element("rect", box))
    return Markup("").join(parts)


def _row_heads(rows: Sequence[LatticeRow], head: RowHead) -> Markup:
    parts = []
    for i, row in enumerate(rows):
        y, css = _row_y(i) + 4.5, "t strong" if row.pooled else "t"
        parts.append(_row_label(row, head.width, y, css=css, anchor="end", length=head.letters))
        parts.append(label(f"{row.n:,}", head.width + 38, y, css="tick num", anchor="end"))
        value = _value_text(row.estimates[0])
        parts.append(label(value, head.width + 92, y, css=css + " num", anchor="end"))
    return Markup("").join(parts)


def _row_label(row: LatticeRow, x: Length, y: Length, *, css: str, anchor: str, length: int) -> Markup:
    full = row.label + (" †" if row.flagged else "")
    if len(full) <= length:
        return label(full, x, y, css=css, anchor=anchor)
    short = row.label[: length - 3] + "…" + (" †" if row.flagged else "")
    return element("g", {}, element("title", {}, full), label(short, x, y, css=css, anchor=anchor))


def _value_text(estimate: Estimate | None) -> str:
    if estimate is None:
        return "–"
    if math.isnan(estimate.value) and math.isfinite(estimate.low):
        return f"> {format_number(estimate.low)}"
    if math.isnan(estimate.value) and math.isfinite(estimate.high):
        return f"< {format_number(estimate.high)}"
    # the panel says that it is unknown; the word would run into the column before
    return "–" if math.isnan(estimate.value) else format_value(estimate)


def _panel_head(panel: Panel, x: Length, *, y: Length) -> Markup:
    return label(panel.title, x, y, css="t strong") + label(panel.unit, x, y + 17, css="tick")


def _mark(row: LatticeRow, j: int, *, panel: Panel, scale: Scale, y: Length) -> Markup:
    estimate = row.estimates[j]
    if estimate is None:
        return label("–", scale.start + 4, y + 4, css="tick")
    if math.isnan(estimate.value):
        return _bound(row, estimate, panel=panel, scale=scale, y=y)
    parts = [_interval(estimate, panel=panel, scale=scale, y=y)]
    if math.isinf(estimate.value):
        parts.append(label("∞", scale.end - 8, y + 5, css=f"t {panel.css}-text"))
    elif row.pooled:
        x = scale(estimate.value)
        diamond = path_data([(x, y - 6.5), (x + 6.5, y), (x, y + 6.5), (x - 6.5, y)]) + "Z"
        parts.append(element("path", {"d": diamond, "class": "dot pooled"}))
    else:
        css = f"dot {panel.css}" + (" hollow" if row.flagged or row.hollow else "")
        parts.append(element("circle", {"cx": scale(estimate.value), "cy": y, "r": 5.0, "class": css}))
    return Markup("").join(parts)


def _bound(row: LatticeRow, estimate: Estimate, *, panel: Panel, scale: Scale, y: Length) -> Markup:
    """Draw an arrow away from the one end that is known, and say in words what is not."""
    if math.isfinite(estimate.low):
        at, tip, side, words = scale(estimate.low), scale.end, -6.0, scale.start + 4
    elif math.isfinite(estimate.high):
        at, tip, side, words = scale(estimate.high), scale.start, 6.0, scale(estimate.high) + 10
    else:
        return label(row.absent, scale.start + 4, y + 4, css="tick")
    if abs(tip - at) < _SHORTEST_ARROW:  # a bound at the edge of the panel still has to point somewhere
        at = tip + _SHORTEST_ARROW * (1 if side > 0 else -1)
        words = words if side < 0 else at + 10
    css = f"interval {panel.css}"
    head = path_data([(tip + side, y - 5), (tip, y), (tip + side, y + 5)])
    stop = path_data([(at, y - 6), (at, y + 6)])
    parts = [element("line", {"x1": at, "x2": tip, "y1": y, "y2": y, "class": css})]
    parts += [element("path", {"d": data, "class": css}) for data in (head, stop)]
    return Markup("").join([*parts, label(row.absent, words, y + 4, css="tick")])


def _interval(estimate: Estimate, *, panel: Panel, scale: Scale, y: Length) -> Markup:
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return Markup("")
    low, high = scale(estimate.low), scale(estimate.high)
    parts = [element("line", {"x1": low, "x2": high, "y1": y, "y2": y, "class": f"interval {panel.css}"})]
    if estimate.high > scale.high:
        tip = path_data([(high - 6, y - 5), (high, y), (high - 6, y + 5)])
        parts.append(element("path", {"d": tip, "class": f"interval {panel.css}"}))
    if estimate.low < scale.low:
        tip = path_data([(low + 6, y - 5), (low, y), (low + 6, y + 5)])
        parts.append(element("path", {"d": tip, "class": f"interval {panel.css}"}))
    return Markup("").join(parts)
