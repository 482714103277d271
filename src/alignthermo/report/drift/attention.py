"""Attention on the instruction, layer by layer, where the model shows any."""

import math

from markupsafe import Markup

from alignthermo.report.chart_lines import Frame, Level, Series, line_chart
from alignthermo.report.drift.absent import absent
from alignthermo.report.drift.course import span_of_n
from alignthermo.report.drift.index import PLAIN, DriftIndex, Place, arm_name
from alignthermo.report.layout import Figure
from alignthermo.report.numbers import format_interval, format_value
from alignthermo.report.section import Part, Section
from alignthermo.report.table import Table

__all__ = ["attention_section"]

_LEAD = (
    "Share of the attention of the last position that lies on tokens of the instruction, mean over heads, by "
    "layer: at the beginning and at the end. Dotted: what even attention over the last contexts would leave "
    "there. Attention that is lost to length is not obedience that is lost: look at compliance before you "
    "call it forgetting."
)
_LINES = (("attention_end", "at the end", "q"), ("attention_start", "at the beginning", "p solid"))
_UNIFORM = "attention_uniform_end"


def attention_section(index: DriftIndex) -> Section:
    """Return attention against the layer at both ends of the conversation, one chart per arm."""
    missing = absent(
        index,
        ("attention_start", "attention_end"),
        "Attention",
        "Give `--attention`; the model must be one that hands its attention out (eager attention, a local "
        "model, no server).",
    )
    parts: list[Part] = []
    for number, arm in enumerate(index.arms):
        series = _series(index, Place(arm=arm))
        if series:
            figure = Figure(
                caption="Whiskers: intervals over conversations.",
                wide=(_chart(index, series, arm, f"attention-{number}"),),
                narrow=(),
                table=_table(series, arm),
            )
            parts.append(Part(heading=arm_name(arm), figure=figure, folded=arm != PLAIN))
    return Section(
        anchor="attention",
        name="Attention",
        title="Attention on the instruction",
        lead=_LEAD if parts else "",
        parts=tuple(parts),
        missing=missing,
    )


def _series(index: DriftIndex, place: Place) -> tuple[Series, ...]:
    found = []
    for quantity, name, css in _LINES:
        points = index.curve(quantity, place, over="layer")
        if any(math.isfinite(point.estimate.value) for point in points):
            found.append(Series(name=name, points=points, css=css))
    return tuple(found)


def _chart(index: DriftIndex, series: tuple[Series, ...], arm: str, chart_id: str) -> Markup:
    even = index.get(_UNIFORM, Place(arm=arm))
    at = math.nan if even is None else even.value
    frame = Frame(
        size=(440, 278),
        x_title="layer",
        y_title="attention on the instruction",
        heading=(f"Attention on the instruction, {arm_name(arm)}", "By layer; the table has the numbers"),
        chart_id=chart_id,
        note=f"n = {span_of_n([point for one in series for point in one.points])}",
        levels=(Level(y=at, text="even"),) if math.isfinite(at) else (),
    )
    return line_chart(series, frame)


def _table(series: tuple[Series, ...], arm: str) -> Table:
    columns = [{point.x: point.estimate for point in one.points} for one in series]
    layers = sorted({x for column in columns for x in column})
    cell = Markup("{}<small>{}</small>")
    rows = tuple(
        (
            f"{layer:g}",
            *(
                cell.format(format_value(found.get(layer)), format_interval(found.get(layer)))
                for found in columns
            ),
        )
        for layer in layers
    )
    names = tuple(one.name for one in series)
    return Table(caption=f"Attention by layer, {arm_name(arm)}", columns=("layer", *names), rows=rows)
