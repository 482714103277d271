"""Charts against the tokens of a conversation: one per arm, on scales that all arms share."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from alignthermo.report.axes import value_range
from alignthermo.report.caveats import grouped_caveats, warnings_of
from alignthermo.report.chart_lines import Frame, Level, Marks, Series, line_chart
from alignthermo.report.drift.index import CONTROLS, PLAIN, DriftIndex, Place, arm_name
from alignthermo.report.escape import clipped, visible
from alignthermo.report.layout import Figure
from alignthermo.report.numbers import format_interval, format_unit, format_value
from alignthermo.report.record_index import ALL, CurvePoint
from alignthermo.report.section import Part
from alignthermo.report.table import Table

__all__ = ["TOKENS", "Course", "Line", "course_parts", "course_table", "panel", "span_of_n"]

TOKENS = "tokens said since the instruction"
_PANEL = (440, 278)
_MOST_NOTES = 8
_LONGEST_NAME = 80


@dataclass(frozen=True, kw_only=True)
class Line:
    """One curve: the quantity of its records, its name in the legend, its style and a further key."""

    quantity: str
    name: str
    css: str = "q"
    marks: Marks = "all"
    more: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Course:
    """One chart: curves over tokens.

    Attributes
    ----------
    lines : tuple of Line
        The first lies on top.
    title : str
        What is drawn, without its unit.
    range : pair of float or None
        Fixed range of y.
    level : float or None
        What the curves are held against.
    """

    lines: tuple[Line, ...]
    title: str
    range: tuple[float, float] | None = None
    level: float | None = None


def course_parts(
    index: DriftIndex,
    courses: Sequence[Course],
    *,
    anchor: str,
    budget: int,
    unfolded: bool = False,
) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """Return one part per arm and category that has any of the courses, and a line on what was left out.

    Parameters
    ----------
    courses : sequence of Course
        Drawn side by side for one arm.
    anchor : str
        Begins the ids of the charts.
    budget : int
        Charts of single categories that the page may hold.
    unfolded : bool
        Show every arm at once, and not the plain one alone; controls and single categories never are.
    """
    parts, left_out = [], 0
    scaled = {category: _on_common_scales(index, courses, category) for category in index.categories}
    for number, place in enumerate(_places(index)):
        shown = place.arm == PLAIN or (unfolded and place.arm not in CONTROLS)
        folded = not shown or place.category != ALL
        part = _part(index, scaled[place.category], place, chart_id=f"{anchor}-{number}", folded=folded)
        if part is None or part.figure is None:
            continue
        if place.category != ALL and budget < len(part.figure.wide):
            left_out += 1
            continue
        budget -= len(part.figure.wide) if place.category != ALL else 0
        parts.append(part)
    note = f"{left_out} more pairs of arm and category are drawn in no panel; summary.json has them."
    return tuple(parts), (note,) if left_out else ()


def panel(
    series: Sequence[Series], *, title: str, about: str, chart_id: str, course: Course | None = None
) -> Markup:
    """Return one chart over tokens; `about` says of what."""
    points = [point for one in series for point in one.points]
    unit = format_unit(points[0].estimate.unit)
    course = course or Course(lines=(), title=title)
    frame = Frame(
        size=_PANEL,
        x_title=TOKENS,
        y_title=f"{title} ({unit})" if unit else title,
        heading=(f"{title}, {about}", f"{title} over the conversation; the table below has the numbers"),
        chart_id=chart_id,
        note=f"n = {span_of_n(points)}",
        y_range=course.range,
        levels=() if course.level is None else (Level(y=course.level),),
    )
    return line_chart(series, frame)


def course_table(lines: Sequence[Series], name: str) -> Table:
    """Return values and intervals of curves over tokens, side by side."""
    columns = [{point.x: point for point in one.points} for one in lines]
    xs = sorted({x for column in columns for x in column})
    rows = tuple(
        (
            f"{x:g}",
            *(_cell(column.get(x)) for column in columns),
            span_of_n([column[x] for column in columns if x in column]),
        )
        for x in xs
    )
    heads = (_head(one) for one in lines)
    return Table(caption=f"Over {TOKENS}, {name}", columns=("tokens", *heads, "n"), rows=rows)


def span_of_n(points: Sequence[CurvePoint]) -> str:
    """Write the smallest and the largest number of conversations behind these points."""
    counts = [point.estimate.n for point in points]
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def _places(index: DriftIndex) -> tuple[Place, ...]:
    return tuple(Place(arm=arm, category=category) for category in index.categories for arm in index.arms)


def _part(
    index: DriftIndex, courses: Sequence[Course], place: Place, *, chart_id: str, folded: bool
) -> Part | None:
    drawn = [(course, _series(index, course, place)) for course in courses]
    shown = [(course, series) for course, series in drawn if series]
    if not shown:
        return None
    name = _name(place)
    charts = tuple(
        panel(
            series,
            title=course.title,
            about=name,
            chart_id=f"{chart_id}-{i}",
            course=course,
        )
        for i, (course, series) in enumerate(shown)
    )
    lines = [one for _, series in shown for one in series]
    figure = Figure(caption=_caption(lines), wide=charts, narrow=(), table=course_table(lines, name))
    return Part(heading=name, figure=figure, notes=_notes(lines), folded=folded)


def _series(index: DriftIndex, course: Course, place: Place) -> tuple[Series, ...]:
    found = []
    for line in course.lines:
        points = index.course(line.quantity, place, **dict(line.more))
        if any(math.isfinite(point.estimate.value) for point in points):
            found.append(Series(name=line.name, points=points, css=line.css, marks=line.marks))
    return tuple(found)


def _on_common_scales(index: DriftIndex, courses: Sequence[Course], category: str) -> tuple[Course, ...]:
    """Give every arm of a category the same range, so that they can be compared."""
    return tuple(
        course
        if course.range is not None
        else dataclasses.replace(course, range=_range(index, course, category))
        for course in courses
    )


def _range(index: DriftIndex, course: Course, category: str) -> tuple[float, float]:
    return value_range(
        point.estimate
        for arm in index.arms
        for one in _series(index, course, Place(arm=arm, category=category))
        for point in one.points
    )


def _caption(lines: Sequence[Series]) -> str:
    levels = {point.estimate.level for one in lines for point in one.points}
    written = " and ".join(f"{100 * level:g} %" for level in sorted(levels))
    return f"Bands and whiskers: {written} intervals over conversations; n counts conversations."


def _head(one: Series) -> Markup:
    unit = format_unit(one.points[0].estimate.unit)
    return Markup("{} <small>{}</small>").format(visible(clipped(one.name, _LONGEST_NAME)), unit)


def _cell(point: CurvePoint | None) -> Markup:
    if point is None:
        return Markup("–")
    return Markup("{}<small>{}</small>").format(format_value(point.estimate), format_interval(point.estimate))


def _notes(lines: Sequence[Series]) -> tuple[str, ...]:
    met = (
        (warning, f"{one.name} at {point.x:g}")
        for one in lines
        for point in one.points
        for warning in warnings_of(point.estimate)
    )
    return grouped_caveats(met)[:_MOST_NOTES]


def _name(place: Place) -> str:
    arm = arm_name(place.arm)
    return arm if place.category == ALL else f"{place.category}, {arm}"
