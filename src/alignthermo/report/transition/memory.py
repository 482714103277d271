"""What earlier turns add to h, and whether alignment only added a constant field."""

from collections.abc import Mapping

from markupsafe import Markup

from alignthermo.quantities import Estimate
from alignthermo.report.axes import value_range
from alignthermo.report.chart_lines import Frame, Level, Series, line_chart
from alignthermo.report.estimate_table import estimate_cell, estimate_table
from alignthermo.report.layout import Figure
from alignthermo.report.numbers import format_interval, format_value
from alignthermo.report.record_index import CurvePoint
from alignthermo.report.section import Part, Section
from alignthermo.report.table import Table
from alignthermo.report.transition.curves import scene_name
from alignthermo.report.transition.slices import Slices

__all__ = ["field_section", "memory_section"]

_RANDOM = {"order": "random"}
_KERNEL_LEAD = (
    "Each turn of the context speaks for the instruction (+1) or against it (−1). The kernel is what a turn "
    "adds to the log-odds h, by how many turns ago it was said, fitted over contexts in random order. If it "
    "falls with the lag, order matters and α is only part of the story: the same α with the attack last, "
    "first or mixed has its own threshold."
)
_FIELD_LEAD = (
    "If alignment only added a constant field, the aligned log-odds would be the base’s plus one number in "
    "every context, and the aligned curve could be told from the base’s. Measured against that null, in the "
    "same contexts, paired by prompt."
)
_NUMBERS = {
    "kernel_field": "h without memory",
    "kernel_total": "sum over lags",
    "kernel_r2": "R² by lag",
    "kernel_r2_mean": "R² of the mean label",
}


def memory_section(slices: Slices) -> Section:
    """Return the kernel by lag, aligned beside base, with what it explains."""
    parts = []
    for number, scene in enumerate(slices.pooled_scenes):
        chart = _kernel_chart(slices, {**scene, **_RANDOM}, scene_name(scene), f"kernel-{number}")
        if chart is not None:
            figure = Figure(
                caption=f"Whiskers: {_level(slices)} intervals over prompts. {_explained(slices, scene)}",
                wide=(chart,),
                narrow=(),
                table=_kernel_table(slices, {**scene, **_RANDOM}, scene_name(scene)),
            )
            parts.append(Part(heading=scene_name(scene), figure=figure))
    numbers = _numbers(slices)
    if parts and numbers.rows:
        parts.append(Part(tables=(numbers,)))
    return Section(
        anchor="memory",
        name="Memory",
        title="Memory: what each earlier turn adds",
        lead=_KERNEL_LEAD if parts else "",
        parts=tuple(parts),
        missing=() if parts else (_why_no_kernel(slices),),
    )


def field_section(slices: Slices) -> Section:
    """Return the measured curve against base plus constant, and their difference."""
    parts = []
    for number, scene in enumerate(slices.pooled_scenes):
        where = {**scene, **_RANDOM}
        difference = slices.curve("constant_field_difference", where, over="turn_alpha")
        if difference:
            charts = _field_charts(slices, where, scene_name(scene), f"field-{number}")
            figure = Figure(
                caption=_field_caption(slices, where),
                wide=charts,
                narrow=(),
                table=_field_table(slices, where, scene_name(scene)),
            )
            parts.append(Part(heading=scene_name(scene), figure=figure))
    return Section(
        anchor="field",
        name="Constant field",
        title="Did alignment only add a constant field?",
        lead=_FIELD_LEAD if parts else "",
        parts=tuple(parts),
        missing=() if parts else (_why_no_field(slices),),
    )


def _kernel_chart(slices: Slices, where: Mapping[str, str], name: str, chart_id: str) -> Markup | None:
    named = (
        ("aligned", "q", slices.curve("kernel", where, over="lag")),
        ("base", "p", slices.curve("base_kernel", where, over="lag")),
    )
    series = [Series(name=one, points=points, css=css) for one, css, points in named if points]
    if not series:
        return None
    frame = Frame(
        size=(460, 270),
        x_title="turns ago",
        y_title="added to h (nat)",
        heading=(f"Memory kernel, {name}", "What a turn adds to h by lag; the table below has the numbers"),
        chart_id=chart_id,
        note=f"n = {series[0].points[0].estimate.n:,}",
        levels=(Level(y=0.0),),
    )
    return line_chart(series, frame)


def _explained(slices: Slices, scene: Mapping[str, str]) -> str:
    where = {**scene, **_RANDOM}
    by_lag, mean = (slices.get(q, where) for q in ("kernel_r2", "kernel_r2_mean"))
    if by_lag is None or mean is None:
        return ""
    return (
        f"Turns by lag explain {format_value(by_lag)} of the variance of h ({format_interval(by_lag)}), "
        f"their mean alone {format_value(mean)}: the difference is what order adds."
    )


def _kernel_table(slices: Slices, where: Mapping[str, str], name: str) -> Table:
    aligned, base = (slices.curve(q, where, over="lag") for q in ("kernel", "base_kernel"))
    columns = ("turns ago", "aligned (nat)", "base (nat)")
    return Table(caption=f"Memory kernel, {name}", columns=columns, rows=_joined(aligned, base))


def _joined(*curves: tuple[CurvePoint, ...]) -> tuple[tuple[str, ...], ...]:
    by_x = [{point.x: point.estimate for point in curve} for curve in curves]
    xs = sorted({x for curve in by_x for x in curve})
    return tuple((f"{x:g}", *(estimate_cell(curve.get(x)) for curve in by_x)) for x in xs)


def _numbers(slices: Slices) -> Table:
    rows = []
    for scene in slices.scenes:
        for prefix, side in (("", "aligned"), ("base_", "base")):
            found: dict[str, Estimate | None] = {
                q: slices.get(f"{prefix}{q}", {**scene, **_RANDOM}) for q in _NUMBERS
            }
            if any(found.values()):
                rows.append((f"{scene_name(scene)}, {side}", found))
    return estimate_table(rows, _NUMBERS, caption="Kernel in numbers", first="attack and model")


def _level(slices: Slices) -> str:
    levels = {f"{100 * e.level:g} %" for e in slices.by_quantity.get("kernel", {}).values()}
    return " and ".join(sorted(levels))


def _why_no_kernel(slices: Slices) -> str:
    reason = "; ".join(slices.reasons("kernel_total")) or "no contexts in random order"
    return f"Memory kernel: {reason}. It needs `random` among `--orders` and several turns per context."


def _field_charts(slices: Slices, where: Mapping[str, str], name: str, chart_id: str) -> tuple[Markup, ...]:
    curves = {q: slices.curve(f"constant_field_{q}", where, over="turn_alpha") for q in _FIELD_CURVES}
    series = tuple(
        Series(name=name, points=curves[q], css=css, marks="line")
        for q, (name, css) in _FIELD_CURVES.items()
        if q != "difference" and curves[q]
    )
    about = "in the same contexts; the table below has the numbers"
    both = Frame(
        size=(460, 270),
        x_title="adversarial share of turns",
        y_title="P(kept)",
        heading=(f"Measured against base plus constant, {name}", about),
        chart_id=f"{chart_id}-m",
        note="random order, all sizes",
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        levels=(Level(y=0.5),),
    )
    apart = Frame(
        size=(460, 270),
        x_title="adversarial share of turns",
        y_title="measured − null",
        heading=(f"Measured minus base plus constant, {name}", about),
        chart_id=f"{chart_id}-d",
        x_range=(0.0, 1.0),
        y_range=_at_least(value_range([point.estimate for point in curves["difference"]])),
        levels=(Level(y=0.0),),
    )
    difference = Series(name="difference", points=curves["difference"])
    drawn = (line_chart(series, both),) if series else ()
    return (*drawn, line_chart([difference], apart))


def _at_least(found: tuple[float, float]) -> tuple[float, float]:
    """Widen a range so that a difference nobody would call one does not fill the panel."""
    return min(found[0], -_NARROWEST), max(found[1], _NARROWEST)


_NARROWEST = 0.05
_FIELD_CURVES = {
    "predicted": ("base + constant", "p"),
    "measured": ("aligned, measured", "q"),
    "difference": ("measured − null", "q"),
}


def _field_caption(slices: Slices, where: Mapping[str, str]) -> str:
    field, slope = (slices.get(q, where) for q in ("constant_field", "constant_field_excess_slope"))
    parts = ["Whiskers: intervals over prompts, paired."]
    if field is not None:
        parts.append(f"The constant is {format_value(field)} nat ({format_interval(field)}).")
    if slope is not None:
        parts.append(
            f"Beyond it, h follows the context by {format_value(slope)} nat per unit of the mean label "
            f"({format_interval(slope)}): 0 if alignment only added a field, more if the aligned model "
            "follows its context more than the base does."
        )
    return " ".join(parts)


def _field_table(slices: Slices, where: Mapping[str, str], name: str) -> Table:
    curves = (
        slices.curve(f"constant_field_{q}", where, over="turn_alpha")
        for q in ("measured", "predicted", "difference")
    )
    columns = ("share of turns", "measured", "base + constant", "difference")
    return Table(caption=f"Constant-field null, {name}", columns=columns, rows=_joined(*curves))


def _why_no_field(slices: Slices) -> str:
    reason = "; ".join(slices.reasons("constant_field"))
    if reason:
        return f"Constant-field null: {reason}."
    return (
        "Constant-field null: one model was measured, or no context was in random order; give the base "
        "(`--base ID`) and `--orders random`."
    )
