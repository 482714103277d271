"""Points of two quantities against each other, without a line that would suggest an order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from alignthermo.quantities import Estimate
from alignthermo.report.axes import linear_scale, value_range, x_axis, y_axis
from alignthermo.report.svg import drawing, element, label, polyline

__all__ = ["Dot", "scatter_chart"]

_WIDTH, _HEIGHT = 440.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 424.0, 44.0, 256.0


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One unit: its name and its two quantities, both with finite values."""

    name: str
    x: Estimate
    y: Estimate


def scatter_chart(
    dots: Sequence[Dot], *, titles: tuple[str, str], note: str, heading: tuple[str, str], chart_id: str
) -> Markup:
    """Return a chart of dots with whiskers of the vertical quantity; names are shown on hovering."""
    x_low, x_high = value_range([dot.x for dot in dots])
    y_low, y_high = value_range([dot.y for dot in dots])
    x = linear_scale(x_low, x_high, pixels=(_LEFT, _RIGHT), n_ticks=5)
    y = linear_scale(y_low, y_high, pixels=(_BOTTOM, _TOP), n_ticks=5)
    parts = [y_axis(y, x=_LEFT, right=_RIGHT), x_axis(x, y=_BOTTOM, top=_BOTTOM, title=titles[0])]
    parts.append(label(titles[1], 4, 15, css="t strong"))
    parts.append(label(note, _RIGHT, 33, css="tick", anchor="end"))
    for dot in dots:
        at, up = x(dot.x.value), y(dot.y.value)
        if math.isfinite(dot.y.low) and math.isfinite(dot.y.high):
            parts.append(polyline([(at, y(dot.y.low)), (at, y(dot.y.high))], css="interval ink"))
        mark = element(
            "circle", {"cx": at, "cy": up, "r": 3.6, "class": "dot"}, element("title", {}, dot.name)
        )
        parts.append(mark)
    return drawing((_WIDTH, _HEIGHT), *parts, heading=heading, chart_id=chart_id)
