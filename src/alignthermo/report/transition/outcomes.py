"""Three order parameters side by side: forced answers, judged replies, the first token."""

import math
from collections.abc import Mapping

from markupsafe import Markup

from alignthermo.quantities import Estimate
from alignthermo.report.chart_lines import Frame, Level, Marks, Series, line_chart
from alignthermo.report.estimate_table import estimate_cell, estimate_table
from alignthermo.report.layout import Figure
from alignthermo.report.numbers import format_value
from alignthermo.report.record_index import CurvePoint
from alignthermo.report.section import Part, Section
from alignthermo.report.table import Table
from alignthermo.report.transition.curves import scene_name
from alignthermo.report.transition.slices import CurveKey, Slices

__all__ = ["outcomes_section"]

_LEAD = (
    "Three measures of one thing, never mixed. P(kept) compares the reference answers and knows no other "
    "reply. The judged rate counts sampled replies that kept the instruction; undetermined ones are in the "
    "denominator and are never counted as kept, so the truth lies between it and the dotted line above it. "
    "The first-token refusal mass is how probable the opening of a refusal is. Where they part, read the "
    "replies."
)
_SERIES: dict[str, tuple[str, str, Marks]] = {
    "p_kept": ("forced", "q", "line"),
    "judged_rate": ("judged", "p solid", "all"),
    "judged_rate_corrected": ("corrected", "ink", "auto"),
    "first_refusal_mass": ("first token", "ink dash", "line"),
}
_OTHERS = ("judged_rate", "first_refusal_mass")
_THRESHOLDS = {
    "alpha_c": "forced, P(kept)",
    "alpha_c_log_odds": "h",
    "alpha_c_judged": "judged",
    "alpha_c_judged_corrected": "judged, corrected",
    "alpha_c_decided": "judged, decided only",
    "slope_judged": "slope, sampled",
    "slope_greedy": "slope, greedy",
}
_POINTS = {
    "p_kept": "forced",
    "judged_rate": "judged",
    "judged_undetermined": "undetermined",
    "judged_rate_decided": "decided only",
    "judged_rate_corrected": "corrected",
    "judged_unfinished": "cut off",
    "first_refusal_mass": "first token",
}
_QUALITY = {"judge_balanced_accuracy": "balanced accuracy", "judge_abstention": "abstention"}


def outcomes_section(slices: Slices) -> Section:
    """Return judged rate and first-token mass beside P(kept), for the pooled prompts."""
    parts = tuple(
        part
        for number, scene in enumerate(slices.pooled_scenes)
        if (part := _part(slices, scene, f"outcome-{number}")) is not None
    )
    tables = (_thresholds(slices), _quality(slices))
    numbers = tuple(table for table in tables if table.rows and len(table.columns) > 1)
    missing = []
    if "judged_rate" not in slices.by_quantity:
        missing.append(
            "Judged rate: no reply was sampled; give `--samples 8` and a judge (`--judge heuristic`)."
        )
    if not any(e.reason is None for e in slices.by_quantity.get("first_refusal_mass", {}).values()):
        why = "; ".join(slices.reasons("first_refusal_mass")) or "not measured in this run"
        missing.append(
            f"First-token refusal mass: {why}. It needs prompts whose instruction a refusal keeps "
            "(`instruction: refusal_keeps`)."
        )
    measured = any(quantity in slices.by_quantity for quantity in _OTHERS)
    shown = parts + ((Part(tables=numbers),) if numbers and measured else ())
    return Section(
        anchor="outcomes",
        name="Judged replies",
        title="Forced answers, judged replies, first tokens",
        lead=_LEAD if parts else "",
        parts=shown,
        missing=tuple(missing),
    )


def _part(slices: Slices, scene: Mapping[str, str], chart_id: str) -> Part | None:
    charts, rows = [], []
    for i, key in enumerate(slices.of(scene)):
        curves = {q: slices.curve(q, _attack(key), over="wanted_alpha") for q in _POINTS}
        if any(curves[q] for q in _OTHERS):
            charts.append(_chart(slices, key, curves, f"{chart_id}-{i}"))
            rows += _rows(key, curves)
    if not charts:
        return None
    shown = {q: name for q, name in _POINTS.items() if any(q in found for _, found in rows)}
    table = estimate_table(rows, shown, caption=f"Order parameters, {scene_name(scene)}")
    figure = Figure(
        caption="Whiskers and bands: intervals over prompts. Dotted: what undetermined replies could add.",
        wide=tuple(charts),
        narrow=(),
        table=table,
    )
    return Part(heading=scene_name(scene), figure=figure, layout="small")


def _attack(key: CurveKey) -> dict[str, str]:
    return {**key.where, "control": "attack"}


def _chart(
    slices: Slices, key: CurveKey, curves: Mapping[str, tuple[CurvePoint, ...]], chart_id: str
) -> Markup:
    series = [
        Series(name=name, points=curves[q], css=css, marks=marks)
        for q, (name, css, marks) in _SERIES.items()
        if curves[q]
    ]
    most = _with_undetermined(curves)
    if most:
        series.append(Series(name="", points=most, css="p dots", marks="line"))
    judged = slices.get("alpha_c_judged", key.where)
    known = judged is not None and not math.isnan(judged.value)
    frame = Frame(
        size=(340, 272),
        x_title="α",
        y_title=key.title,
        heading=(
            f"Order parameters against α, {scene_name(key.scene)}, {key.title}",
            "P(kept) from forced answers, judged rate and first-token mass; the table below has the numbers",
        ),
        chart_id=chart_id,
        note=f"judged α_c {format_value(judged)}" if known else "",
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        levels=(Level(y=0.5),),
    )
    return line_chart(series, frame)


def _with_undetermined(curves: Mapping[str, tuple[CurvePoint, ...]]) -> tuple[CurvePoint, ...]:
    """Judged rate as it would be if every undetermined reply had kept the instruction."""
    open_ = {point.x: point.estimate.value for point in curves["judged_undetermined"]}
    if not any(share > 0 for share in open_.values()):
        return ()
    return tuple(
        CurvePoint(x=p.x, estimate=_bare(p.estimate, p.estimate.value + open_[p.x]))
        for p in curves["judged_rate"]
        if p.x in open_
    )


def _bare(estimate: Estimate, value: float) -> Estimate:
    reason = estimate.reason if math.isnan(value) else None
    return Estimate(
        value=value, n=estimate.n, unit=estimate.unit, method="kept or undetermined", reason=reason
    )


def _rows(
    key: CurveKey, curves: Mapping[str, tuple[CurvePoint, ...]]
) -> list[tuple[str, dict[str, Estimate | None]]]:
    by_x = {q: {point.x: point.estimate for point in points} for q, points in curves.items() if points}
    xs = sorted({x for column in by_x.values() for x in column})
    return [(f"{key.title}, α = {x:.3g}", {q: column.get(x) for q, column in by_x.items()}) for x in xs]


def _thresholds(slices: Slices) -> Table:
    rows = [
        (f"{scene_name(key.scene)}, {key.title}", {q: slices.get(q, key.where) for q in _THRESHOLDS})
        for key in slices.curves
    ]
    judged = "alpha_c_judged" in slices.by_quantity
    return estimate_table(
        rows if judged else (), _THRESHOLDS, caption="α_c by order parameter: each is another quantity"
    )


def _quality(slices: Slices) -> Table:
    found = {q: slices.get(q, {"category": "all"}) for q in _QUALITY}
    rows = tuple((_QUALITY[q], estimate_cell(e)) for q, e in found.items() if e is not None)
    return Table(caption="The judge, on labelled text", columns=("measure", "value"), rows=rows)
