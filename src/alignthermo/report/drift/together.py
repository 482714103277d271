"""All arms in one chart: what each does to the same quantity."""

import dataclasses
import math
from collections.abc import Sequence

from alignthermo.report.chart_lines import Series
from alignthermo.report.drift.course import Course, course_table, panel
from alignthermo.report.drift.index import CONTROLS, DriftIndex, Place, short_arm
from alignthermo.report.layout import Figure
from alignthermo.report.section import Part

__all__ = ["arms_together"]

_STYLES = ("q", "p", "ink dots", "q dash", "ink", "p dots", "q dots")
"""No two alike in colour and dash, none told apart by colour alone."""


def arms_together(index: DriftIndex, courses: Sequence[Course], *, anchor: str) -> tuple[Part, ...]:
    """Return one part with a chart per course, in which every arm but the controls is a line; or nothing.

    Of each course the first line that was measured is drawn.
    """
    arms = [arm for arm in index.arms if arm not in CONTROLS]
    drawn = [(course, _lines(index, course, arms)) for course in courses]
    shown = [(course, series) for course, series in drawn if len(series) > 1]
    if not shown:
        return ()
    charts = tuple(
        panel(series, title=course.title, about="all arms", chart_id=f"{anchor}-arms-{i}", course=course)
        for i, (course, series) in enumerate(shown)
    )
    named = [
        dataclasses.replace(one, name=f"{course.title}, {one.name}")
        for course, series in shown
        for one in series
    ]
    more = len(arms) - len(_STYLES)
    note = f" {more} more arms are drawn below only." if more > 0 else ""
    figure = Figure(
        caption=f"Means; each arm has its intervals below.{note}",
        wide=charts,
        narrow=(),
        table=course_table(named, "all arms"),
    )
    return (Part(heading="Arms side by side", figure=figure),)


def _lines(index: DriftIndex, course: Course, arms: Sequence[str]) -> tuple[Series, ...]:
    measured = [line for line in course.lines if line.quantity in index.quantities]
    if not measured:
        return ()
    found = (index.course(measured[0].quantity, Place(arm=arm), **dict(measured[0].more)) for arm in arms)
    return tuple(
        Series(name=short_arm(arm), points=points, css=css, marks="line")
        for arm, points, css in zip(arms, found, _STYLES, strict=False)
        if any(math.isfinite(point.estimate.value) for point in points)
    )
