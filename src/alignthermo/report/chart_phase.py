"""Phase pictures: how likely the instruction is kept, over two axes, with the line where it is one half.

A shade says it for the eye, a number in the cell for everyone, the table for a screen reader. Blue and orange
are told apart by every common colour blindness, and by lightness on either side of one half.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from alignthermo.quantities import Estimate
from alignthermo.report.axes import Scale, linear_scale, x_axis, y_axis
from alignthermo.report.svg import Attributes, Length, drawing, element, label, polyline

__all__ = ["PhaseRow", "plane_chart", "strip_chart"]

_WIDTH = 460.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 14.0, 46.0, 44.0
_STRIP, _TALLEST, _PICTURE = 38.0, 96.0, 290.0
_DOT = 7.5
_PLANE_HEIGHT = 380.0
_ROOM_FOR_NUMBER, _NUMBER_LINE = 27.0, 15.0
_STRONGEST = 0.45
"""Opacity at P = 0 or 1: the ink of numbers keeps a contrast of 4.5 : 1 on it, light and dark."""


@dataclass(frozen=True, kw_only=True)
class PhaseRow:
    """One size: P(kept) at each α, and its threshold.

    `points` holds (α, P); `alpha_c` is None where there is none, NaN where it is not bracketed.
    """

    size: float
    points: tuple[tuple[float, float], ...]
    alpha_c: Estimate | None


def strip_chart(
    rows: Sequence[PhaseRow], *, size_title: str, title: str, heading: tuple[str, str], chart_id: str
) -> Markup:
    """Return P(kept) over (α, size), one strip of cells per size, the largest on top."""
    ordered = sorted(rows, key=lambda row: -row.size)
    strip = min(max(_PICTURE / len(ordered), _STRIP), _TALLEST)
    bottom = _TOP + strip * len(ordered)
    x = linear_scale(0.0, 1.0, pixels=(_LEFT, _WIDTH - _RIGHT))
    parts = [label(title, 4, 15, css="t strong"), _key(y=24.0)]
    centres, numbers = [], []
    for number, row in enumerate(ordered):
        y = _TOP + strip * number
        parts += [_cell(one, x, y, strip) for one in _cells(row)]
        numbers += [_number(one, x, y) for one in _cells(row)]
        parts.append(label(f"{row.size:g}", _LEFT - 7, y + strip / 2 + 4, css="tick", anchor="end"))
        dot = y + 0.5 * (strip + _NUMBER_LINE)
        parts.append(_interval(row, x, dot))
        centres.append(_centre(row, x, dot))
    parts += [_contour(centres), *numbers]
    parts.append(label(size_title, _LEFT - 7, _TOP - 8, css="tick", anchor="end"))
    parts.append(x_axis(x, y=bottom, top=bottom, title="α"))
    return drawing((_WIDTH, bottom + _BOTTOM), *parts, heading=heading, chart_id=chart_id)


def plane_chart(
    rows: Sequence[PhaseRow], *, fixed_length: bool, title: str, heading: tuple[str, str], chart_id: str
) -> Markup:
    """Return P(kept) over (N_instr, N_adv); the line joins the thresholds of neighbouring sizes.

    Parameters
    ----------
    fixed_length : bool
        Sizes are L = N_instr + N_adv; else they are N_instr.
    """
    dots = [
        (_place(a, row.size, fixed_length=fixed_length), p)
        for row in rows
        for a, p in row.points
        if a < 1 or fixed_length
    ]
    bottom, right = _PLANE_HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    inner = (_LEFT + _DOT + 4, right - _DOT), (bottom - _DOT - 4, _TOP + 2 * _DOT)
    x = linear_scale(0.0, max(place[0] for place, _ in dots), pixels=inner[0], n_ticks=4)
    y = linear_scale(0.0, max(place[1] for place, _ in dots), pixels=inner[1], n_ticks=4)
    parts = [label(title, 4, 15, css="t strong"), _key(y=24.0)]
    parts += [y_axis(y, x=_LEFT, right=right), x_axis(x, y=bottom, top=bottom, title="N_instr (tokens)")]
    parts.append(label("N_adv (tokens)", 4, 36, css="tick"))
    for (instruction, adversarial), p in dots:
        at: Attributes = {"cx": x(instruction), "cy": y(adversarial), "r": _DOT, **_shade(p)}
        parts.append(element("circle", at))
    centres = []
    for row in sorted(rows, key=lambda row: row.size):
        parts.append(_reach(row, x, y, fixed_length=fixed_length))
        centres.append(_crossing(row, x, y, fixed_length=fixed_length))
    parts.append(_contour(centres))
    return drawing((_WIDTH, _PLANE_HEIGHT), *parts, heading=heading, chart_id=chart_id)


def _cells(row: PhaseRow) -> list[tuple[float, float, float]]:
    """Left edge, right edge and P of each cell: borders halfway between neighbours."""
    points = sorted(row.points)
    middles = [(a + b) / 2 for (a, _), (b, _) in pairwise(points)]
    edges = [points[0][0], *middles, points[-1][0]] if len(points) > 1 else [0.0, 1.0]
    return [(low, high, p) for (low, high), (_, p) in zip(pairwise(edges), points, strict=True)]


def _cell(cell: tuple[float, float, float], x: Scale, y: Length, strip: Length) -> Markup:
    left, right, p = x(cell[0]), x(cell[1]), cell[2]
    box: Attributes = {"x": left, "y": y + 2, "width": right - left, "height": strip - 4, **_shade(p)}
    return element("rect", box)


def _number(cell: tuple[float, float, float], x: Scale, y: Length) -> Markup:
    """Write P where it has room."""
    left, right, p = x(cell[0]), x(cell[1]), cell[2]
    if right - left < _ROOM_FOR_NUMBER or math.isnan(p):
        return Markup("")
    text = f"{p:.2f}".removeprefix("0") if p < 0.995 else "1"
    return label(text, (left + right) / 2, y + _NUMBER_LINE, css="cell num", anchor="middle")


def _shade(p: float) -> dict[str, str | Length]:
    """Class and opacity: the further from one half, the stronger."""
    if math.isnan(p):
        return {"class": "shade unknown"}
    side = "kept" if p >= 0.5 else "broken"
    return {"class": f"shade {side}", "fill-opacity": _STRONGEST * abs(2.0 * p - 1.0)}


def _key(*, y: Length) -> Markup:
    """Explain the shades, at the right above the picture."""
    steps = (0.0, 0.25, 0.5, 0.75, 1.0)
    start = _WIDTH - _RIGHT - 26.0 * len(steps)
    parts = [label("P(kept)", start - 8, y + 11, css="tick", anchor="end")]
    for number, p in enumerate(steps):
        box: Attributes = {"x": start + 26.0 * number, "y": y, "width": 26.0, "height": 15.0, **_shade(p)}
        parts.append(element("rect", box))
        text = f"{p:g}".removeprefix("0") or "0"
        parts.append(label(text, start + 26.0 * (number + 0.5), y + 11.5, css="cell num", anchor="middle"))
    return Markup("").join(parts)


def _contour(centres: Sequence[tuple[float, float] | None]) -> Markup:
    """Join the thresholds of neighbouring sizes where both are known."""
    lines = [polyline([a, b], css="contour") for a, b in pairwise(centres) if a is not None and b is not None]
    dots = [
        element("circle", {"cx": at[0], "cy": at[1], "r": 4.0, "class": "dot pooled"})
        for at in centres
        if at is not None
    ]
    return Markup("").join([*lines, *dots])


def _interval(row: PhaseRow, x: Scale, y: Length) -> Markup:
    if row.alpha_c is None or not (math.isfinite(row.alpha_c.low) and math.isfinite(row.alpha_c.high)):
        return Markup("")
    if not math.isfinite(row.alpha_c.value):
        return Markup("")
    return polyline([(x(row.alpha_c.low), y), (x(row.alpha_c.high), y)], css="contour wide")


def _centre(row: PhaseRow, x: Scale, y: Length) -> tuple[float, float] | None:
    if row.alpha_c is None or not math.isfinite(row.alpha_c.value):
        return None
    return x(row.alpha_c.value), float(y)


def _place(alpha: float, size: float, *, fixed_length: bool) -> tuple[float, float]:
    """Return (N_instr, N_adv) of a cell."""
    return ((1.0 - alpha) * size, alpha * size) if fixed_length else (size, size * alpha / (1.0 - alpha))


def _crossing(row: PhaseRow, x: Scale, y: Scale, *, fixed_length: bool) -> tuple[float, float] | None:
    if row.alpha_c is None or not math.isfinite(row.alpha_c.value):
        return None
    instruction, adversarial = _place(min(row.alpha_c.value, 0.999), row.size, fixed_length=fixed_length)
    return x(instruction), y(adversarial)


def _reach(row: PhaseRow, x: Scale, y: Scale, *, fixed_length: bool) -> Markup:
    """Draw the interval of a threshold along the line on which its size lies."""
    if row.alpha_c is None or not (math.isfinite(row.alpha_c.low) and math.isfinite(row.alpha_c.high)):
        return Markup("")
    ends = (
        _place(min(end, 0.999), row.size, fixed_length=fixed_length)
        for end in (row.alpha_c.low, row.alpha_c.high)
    )
    return polyline([(x(one), y(other)) for one, other in ends], css="contour wide")
