"""Which reminders keep a bound: drift against the lag since the last one, cost, held-out conversations."""

import math
import re
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from alignthermo.quantities import Estimate, Verdict
from alignthermo.report.chart_bars import Bar, bar_chart
from alignthermo.report.chart_lines import Frame, Level, Marks, Series, line_chart
from alignthermo.report.drift.absent import absent
from alignthermo.report.drift.course import TOKENS, span_of_n
from alignthermo.report.drift.index import CONTROLS, DriftIndex, Place, arm_name, short_arm
from alignthermo.report.drift.tables import arm_notes, verdict_table
from alignthermo.report.estimate_table import estimate_table
from alignthermo.report.layout import Figure
from alignthermo.report.numbers import format_interval, format_unit, format_value, times
from alignthermo.report.record_index import CurvePoint
from alignthermo.report.section import Part, Section
from alignthermo.report.table import Table

__all__ = ["bound_of", "schedule_section"]

_LEAD = (
    "Blue: the mean at a lag since the last reminder, on the conversations that chose the schedule; orange: "
    "its one-sided upper limit, which has to stay under the bound; grey: conversations that had no part in "
    "the choice. A reminder that is moved along is never far: there the bound has to hold "
    "all along the conversation. Only lags that were measured count, and only schedules that were tried. "
    "Cost is in reminder tokens over the horizon; a reminder at the end is read anew for every reply."
)
_HEADS = {
    "reminder_tokens": "reminder tokens read",
    "schedule_every": "at the latest every",
    "schedule_cost": "reminder tokens over the horizon",
    "schedule_upper": "upper limit",
    "held_out_upper": "upper limit, held out",
}
_GAIN = {"drift": "drift avoided per 100 reminder tokens", "non-compliance": "non-compliance avoided"}
_PANEL = (340, 262)
_EVERY = re.compile(r"@\d")
"""Arms with a reminder every so many tokens."""


def bound_of(config: Mapping[str, object]) -> tuple[float | None, str]:
    """Return the bound of a run and what it is on, in words."""
    bound = config.get("bound")
    on = "non-compliance" if config.get("bound_on") == "non_compliance" else "drift"
    if not isinstance(bound, (int, float)) or not math.isfinite(bound):
        return None, on
    return float(bound), on


def schedule_section(index: DriftIndex, verdicts: Sequence[Verdict], config: Mapping[str, object]) -> Section:
    """Return lags against the bound, costs and gains by arm, and what held-out conversations say."""
    bound, on = bound_of(config)
    lags, table = _lags(index, bound, on), _arms(index)
    said = verdict_table(verdicts, ("schedule", "keeps_bound"), caption="What was decided")
    cost = _cost(index)
    parts = (
        *((Part(tables=(said,), css="prose"),) if said.rows else ()),
        *((Part(heading="After a reminder", figure=lags, layout="small"),) if lags is not None else ()),
        *((Part(heading="Cost", figure=cost, layout="small"),) if cost is not None else ()),
        *((Part(tables=(table,), notes=arm_notes(index, _HEADS)),) if table.rows else ()),
    )
    missing = absent(
        index,
        ("lag_mean", "schedule_cost", "gain_per_reminder_token"),
        "Schedule",
        "Name what may keep the instruction and what it must keep: `--reminders repeat@end --reminders "
        "repeat@256 --bound 0.2` (or `--windows sliding:512`).",
    )
    return Section(
        anchor="schedule",
        name="Reminders",
        title="Which reminders keep it, and what they cost",
        lead=_LEAD if lags is not None else "",
        parts=parts,
        missing=missing,
    )


def _lags(index: DriftIndex, bound: float | None, on: str) -> Figure | None:
    charts, rows = [], []
    for number, arm in enumerate(arm for arm in index.arms if arm not in CONTROLS):
        series = _series(index, Place(arm=arm))
        if series:
            charts.append(_chart(series, arm, bound, on, chart_id=f"lags-{number}"))
            rows += _rows(series, arm)
    if not charts:
        return None
    held = "" if bound is None else f" Dotted: the bound, {bound:g}."
    columns = ("arm", "what", "lag (tokens)", "value", "interval", "n")
    table = Table(caption=f"Mean {on} by lag since the last reminder", columns=columns, rows=tuple(rows))
    return Figure(
        caption=f"Mean {on} by lag, all instructions.{held}", wide=tuple(charts), narrow=(), table=table
    )


def _series(index: DriftIndex, place: Place) -> tuple[Series, ...]:
    curves: tuple[tuple[str, str, str, str, Marks], ...] = (
        ("mean", "lag_mean", "chosen", "q", "all"),
        ("upper limit", "lag_upper", "chosen", "p solid", "line"),
        ("held out", "lag_mean", "held_out", "ink", "auto"),
    )
    found = []
    for name, quantity, part, css, marks in curves:
        points = index.curve(quantity, place, over="lag", set=part)
        if any(not math.isnan(point.estimate.value) for point in points):
            found.append(Series(name=name, points=points, css=css, marks=marks))
    return tuple(found)


def _chart(series: Sequence[Series], arm: str, bound: float | None, on: str, *, chart_id: str) -> Markup:
    points = [point for one in series for point in one.points]
    unit = format_unit(points[0].estimate.unit)
    frame = Frame(
        size=_PANEL,
        x_title="tokens since the last reminder" if _EVERY.search(arm) else TOKENS,
        y_title=f"{short_arm(arm)}: {on} ({unit})" if unit else f"{short_arm(arm)}: {on}",
        heading=(f"{on} by lag, {arm_name(arm)}", "Mean and upper limit; the table has the numbers"),
        chart_id=chart_id,
        note=f"n = {span_of_n(points)}",
        levels=() if bound is None else (Level(y=bound),),
    )
    return line_chart(series, frame)


def _rows(series: Sequence[Series], arm: str) -> list[tuple[str, ...]]:
    return [
        (arm_name(arm), one.name, f"{point.x:g}", *_numbers(point)) for one in series for point in one.points
    ]


def _numbers(point: CurvePoint) -> tuple[str, str, str]:
    found = point.estimate
    return format_value(found), format_interval(found), f"{found.n:,}"


def _cost(index: DriftIndex) -> Figure | None:
    bars = []
    for arm in index.arms:
        found = index.get("schedule_cost", Place(arm=arm))
        if found is not None:
            bars.append(Bar(label=arm, estimate=found))
    if not any(math.isfinite(bar.estimate.value) for bar in bars):
        return None
    heading = ("Cost of the arms that keep the bound", "Reminder tokens over the horizon; the table has why")
    chart = bar_chart(
        bars, title="reminder tokens", unit="tokens over the horizon", heading=heading, chart_id="cost"
    )
    caption = "Arms without a bar do not keep the bound, or were not measured far enough: see below."
    return Figure(caption=caption, wide=(chart,), narrow=(), table=_arms(index))


def _arms(index: DriftIndex) -> Table:
    rows: list[tuple[str, Mapping[str, Estimate | None]]] = []
    for arm in index.arms:
        place = Place(arm=arm)
        found = {quantity: index.get(quantity, place) for quantity in _HEADS}
        for measure, gain in index.named("gain_per_reminder_token", place, over="measure").items():
            found[measure] = times(gain, 100.0, unit=gain.unit.removesuffix("/token"))
        if any(estimate is not None for estimate in found.values()):
            rows.append((arm_name(arm), found))
    caption = "Reminders and windows, all instructions"
    return estimate_table(rows, {**_HEADS, **_GAIN}, caption=caption, first="arm")
