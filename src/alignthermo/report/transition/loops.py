"""Hysteresis: ramps of α up and down, the loop they leave, and what an additive memory leaves too."""

from collections.abc import Mapping, Sequence
from itertools import islice

from markupsafe import Markup

from alignthermo.quantities import Estimate, Verdict
from alignthermo.report.chart_lines import Frame, Level, Series, line_chart
from alignthermo.report.estimate_table import estimate_table
from alignthermo.report.layout import Figure
from alignthermo.report.names import in_words
from alignthermo.report.numbers import format_value
from alignthermo.report.record_index import CurvePoint
from alignthermo.report.section import Part, Section
from alignthermo.report.table import Table
from alignthermo.report.transition.dialogues import conversation_name, conversations, decided
from alignthermo.report.transition.slices import Slices

__all__ = ["loops_section"]

_LEAD = (
    "α is raised and lowered again while the model hears its own replies. A loop between the two ways is not "
    "hysteresis yet: any additive memory makes one. The additive null is a kernel fitted to the same ramps "
    "and simulated along them; only the excess over it counts, and only if it survives holding α for many "
    "turns. What fades with holding is memory. Ramps with neutral replies show how much the own replies do."
)
_CAPTION = (
    "Blue: upwards; orange dashes: downwards, P(kept) before the last reply held at each α, with intervals "
    "over dialogues. First panel: loop areas by how long α is held; the null has no interval."
)
_HEADS = {
    "loop_area": "area",
    "loop_null": "additive null",
    "loop_excess": "excess",
    "loop_area_expected": "area of P(kept)",
    "loop_area_field": "area of h",
    "loop_feedback": "Σw of the null",
    "loop_candidate_mass": "candidate mass",
    "loop_left_out": "left out",
}
_PLATEAU = (
    ("loop_area", "own", "own replies", "q"),
    ("loop_area", "neutral", "neutral replies", "ink dots"),
    ("loop_null", "own", "additive null", "p"),
    ("loop_excess", "own", "excess", "q dash"),
)
_MOST_PANELS = 24


def loops_section(slices: Slices, verdicts: Sequence[Verdict]) -> Section:
    """Return the loops of every protocol, hold and arm, and how they stand holding."""
    parts: list[Part] = []
    for number, where in enumerate(conversations(slices, "loop_area", "loop_excess")):
        parts += _conversation(slices, verdicts, where, f"loop-{number}")
    missing = (
        "Hysteresis: no ramp was made; give `--ramps 32` for three protocols at hold 1, 4 and 16. It also "
        "needs one instruction with several requests."
    )
    return Section(
        anchor="hysteresis",
        name="Hysteresis",
        title="Hysteresis: up, down, and the null",
        lead=_LEAD if parts else "",
        parts=tuple(parts),
        missing=() if parts else (missing,),
    )


def _conversation(
    slices: Slices, verdicts: Sequence[Verdict], where: Mapping[str, str], chart_id: str
) -> list[Part]:
    name = conversation_name(where)
    found = slices.within("loop_excess", where)
    protocols = list(dict.fromkeys(rest["protocol"] for rest, _ in found if "protocol" in rest))
    parts = []
    for number, protocol in enumerate(protocols):
        at = {**where, "protocol": protocol}
        title = f"{name}: {in_words(protocol)}"
        charts = [
            *_plateau(slices, at, title, f"{chart_id}-{number}-p"),
            *_ways(slices, at, title, f"{chart_id}-{number}"),
        ]
        figure = Figure(
            caption=_CAPTION,
            wide=tuple(charts),
            narrow=(),
            table=_table(slices, at, title),
        )
        parts.append(Part(heading=title, figure=figure, layout="small"))
    said = decided(verdicts, "hysteresis", where)
    return [*parts, Part(tables=(said,), css="prose")] if said.rows else parts


def _arms(slices: Slices, at: Mapping[str, str]) -> list[tuple[str, str]]:
    found = {(rest["arm"], rest["hold"]) for rest, _ in slices.within("loop_excess", at) if "arm" in rest}
    return sorted(found, key=lambda arm: (arm[0] != "own", _whole(arm[1])))


def _whole(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _plateau(slices: Slices, at: Mapping[str, str], title: str, chart_id: str) -> tuple[Markup, ...]:
    """Areas against the hold."""
    series = []
    for quantity, arm, name, css in _PLATEAU:
        points = slices.curve(quantity, {**at, "arm": arm}, over="hold")
        if any(point.estimate.reason is None for point in points):
            series.append(Series(name=name, points=points, css=css))
    if not series:
        return ()
    frame = Frame(
        size=(340, 272),
        x_title="own turns at each α",
        y_title="loop area (α)",
        heading=(
            f"Loop areas against holding, {title}",
            "area, null and excess; the table below has the numbers",
        ),
        chart_id=chart_id,
        levels=(Level(y=0.0),),
    )
    return (line_chart(series, frame),)


def _ways(slices: Slices, at: Mapping[str, str], title: str, chart_id: str) -> list[Markup]:
    """Both ways of each arm and hold; for append-only ramps over what the whole context reached as well."""
    axes = ["alpha"]
    if at["protocol"] == "append_only":
        axes.append("context_alpha")
    wanted = ((arm, hold, axis) for arm, hold in _arms(slices, at) for axis in axes)
    charts = []
    for number, (arm, hold, axis) in enumerate(islice(wanted, _MOST_PANELS)):
        chart = _loop(slices, {**at, "arm": arm, "hold": hold}, axis, title, f"{chart_id}-{number}")
        charts += [] if chart is None else [chart]
    return charts


def _loop(slices: Slices, at: Mapping[str, str], axis: str, title: str, chart_id: str) -> Markup | None:
    found = slices.within("ramp_p_kept", at)
    series = []
    for way, css in (("up", "q"), ("down", "p")):
        points = [
            CurvePoint(x=float(rest[axis]), estimate=e)
            for rest, e in found
            if rest.get("way") == way and axis in rest
        ]
        if points:
            series.append(Series(name=way, points=tuple(sorted(points, key=lambda p: p.x)), css=css))
    if not series:
        return None
    area = slices.get("loop_area_expected", at)
    named = f"{at['arm']} replies, hold {at['hold']}"
    frame = Frame(
        size=(340, 252),
        x_title="α of the turn" if axis == "alpha" else "α of the whole context",
        y_title=named,
        heading=(f"Ramp, {title}, {named}", "P(kept) upwards and downwards; the tables have areas"),
        chart_id=chart_id,
        note="" if area is None else f"area {format_value(area)}",
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        levels=(Level(y=0.5),),
    )
    return line_chart(series, frame)


def _table(slices: Slices, at: Mapping[str, str], title: str) -> Table:
    rows: list[tuple[str, Mapping[str, Estimate | None]]] = []
    for arm, hold in _arms(slices, at):
        where = {**at, "arm": arm, "hold": hold}
        found: dict[str, Estimate | None] = {q: slices.get(q, where) for q in _HEADS}
        if arm == "own":
            found["beyond"] = slices.get("loop_self_minus_neutral", {**at, "hold": hold})
        rows.append((f"{arm}, hold {hold}", found))
    heads = {**_HEADS, "beyond": "own minus neutral"}
    return estimate_table(rows, heads, caption=f"Loops, {title}", first="replies and hold")
