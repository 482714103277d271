"""P(kept) against α: the curve behind each threshold, beside filler, base and rival laws."""

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from alignthermo.quantities import Estimate
from alignthermo.report.chart_bars import Bar, bar_chart
from alignthermo.report.chart_lines import Frame, Level, Marker, Series, line_chart
from alignthermo.report.layout import Figure
from alignthermo.report.names import in_words
from alignthermo.report.numbers import format_interval, format_number, format_value, with_error
from alignthermo.report.record_index import ALL, CurvePoint
from alignthermo.report.section import Part, Section
from alignthermo.report.table import Table
from alignthermo.report.transition.slices import CurveKey, Slices

__all__ = ["TRUSTED_MASS", "curves_section", "laws_section", "scene_name"]

TRUSTED_MASS = 0.9
"""Below this candidate mass h = 0 need not mean P(kept) = 1/2."""

_PANEL = (340, 252)
_LEAD = (
    "P(kept) is the probability of the compliant reference answers against the defiant ones, averaged over "
    "prompts. Blue points and band: the model that is measured, with intervals over prompts. Orange dashes: "
    "its base in the same contexts. Grey dots: the same contexts with neutral filler in the place of the "
    "attack; what falls there too was lost to dilution, not to the attack. Shaded: α_c."
)
_LAW_LEAD = (
    "How far each law is behind the best, in held-out log-likelihood per prompt. A law whose whisker of two "
    "standard errors reaches zero is not ruled out; named is the simplest of those. That a curve looks like "
    "a sigmoid names nothing: most of these laws do."
)


def curves_section(slices: Slices, *, budget: int) -> Section:
    """Return one panel per curve: pooled prompts first, then as many categories as the page may hold."""
    pooled = [_curve_part(slices, scene, number) for number, scene in enumerate(slices.pooled_scenes)]
    missing = () if any(part.figure for part in pooled) else ("P(kept) by α: the run holds no points.",)
    parts, left_out = list(pooled), 0
    for number, scene in enumerate(scene for scene in slices.scenes if scene["category"] != ALL):
        n_charts = len(slices.of(scene))
        if n_charts > budget:
            left_out += 1
            continue
        budget -= n_charts
        parts.append(_curve_part(slices, scene, number + len(pooled), folded=True))
    if left_out:
        missing = (*missing, f"{left_out} more categories are drawn in no panel; summary.json has them.")
    shown = tuple(part for part in parts if part.figure)
    return Section(
        anchor="curves",
        name="Curves",
        title="The curve behind each threshold",
        lead=_LEAD if shown else "",
        parts=shown,
        missing=missing,
    )


def laws_section(slices: Slices) -> Section:
    """Return the held-out gaps of the rival laws for the pooled prompts."""
    parts = []
    for number, scene in enumerate(slices.pooled_scenes):
        charts = [_gaps(slices, key, f"law-{number}-{i}") for i, key in enumerate(slices.of(scene))]
        drawn = tuple(chart for chart in charts if chart is not None)
        if drawn:
            figure = Figure(
                caption="Bars end at the gap; whiskers and ± are two paired, clustered standard errors. "
                "Bold: not ruled out.",
                wide=drawn,
                narrow=(),
                table=_gap_table(slices, scene),
            )
            parts.append(Part(heading=scene_name(scene), figure=figure, layout="small"))
    missing = "Rival laws: compared in no curve; they need 8 prompts and 3 values of α."
    return Section(
        anchor="laws",
        name="Laws",
        title="Which law, and which are not ruled out",
        lead=_LAW_LEAD if parts else "",
        parts=tuple(parts),
        missing=() if parts else (missing,),
    )


def scene_name(scene: Mapping[str, str]) -> str:
    """Name an attack family, and the instruction where it is not all of them."""
    family = in_words(scene["family"])
    return family if scene["category"] == ALL else f"{scene['category']}: {family}"


def _curve_part(slices: Slices, scene: Mapping[str, str], number: int, *, folded: bool = False) -> Part:
    charts, tables = [], []
    for i, key in enumerate(slices.of(scene)):
        series = _series(slices, key)
        if series:
            charts.append(_chart(slices, key, series, f"curve-{number}-{i}"))
            tables.append(_rows(slices, key))
    figure = None
    if charts:
        level = f"{100 * slices.curve('p_kept', _attack(key), over='wanted_alpha')[0].estimate.level:g} %"
        figure = Figure(
            caption=f"Bands and whiskers: {level} intervals over prompts. {_mass_note(slices, scene)}",
            wide=tuple(charts),
            narrow=(),
            table=_table(tables, scene),
        )
    return Part(heading=scene_name(scene), figure=figure, layout="small", folded=folded)


def _attack(key: CurveKey) -> dict[str, str]:
    return {**key.where, "control": "attack"}


def _series(slices: Slices, key: CurveKey) -> tuple[Series, ...]:
    filler = slices.curve("p_kept", {**key.where, "control": "dilution"}, over="wanted_alpha")
    base = slices.curve("base_p_kept", _attack(key), over="wanted_alpha")
    aligned = slices.curve("p_kept", _attack(key), over="wanted_alpha")
    if not aligned:
        return ()
    named = (
        Series(name="aligned", points=aligned, marks="all"),
        Series(name="base", points=base, css="p", marks="line"),
        Series(name="filler", points=filler, css="ink dots", marks="line"),
    )
    return tuple(series for series in named if series.points)


def _chart(slices: Slices, key: CurveKey, series: Sequence[Series], chart_id: str) -> Markup:
    alpha_c = slices.get("alpha_c", key.where)
    n = max(point.estimate.n for one in series for point in one.points)
    frame = Frame(
        size=_PANEL,
        x_title="α",
        y_title=key.title,
        heading=(
            f"P(kept) against α, {scene_name(key.scene)}, {key.title}",
            "Probability that the instruction is kept by adversarial share; the table below has the numbers",
        ),
        chart_id=chart_id,
        note=f"{_place(alpha_c)} · n = {n:,}",
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        markers=() if alpha_c is None else (Marker(text="", estimate=alpha_c),),
        levels=(Level(y=0.5),),
    )
    return line_chart(series, frame)


def _place(alpha_c: Estimate | None) -> str:
    known = alpha_c is not None and not math.isnan(alpha_c.value)
    return f"α_c {format_value(alpha_c)}" if known else "α_c not bracketed"


def _mass_note(slices: Slices, scene: Mapping[str, str]) -> str:
    """Say where the reference answers hold too little probability for h to mean much."""
    low = [
        (point.estimate.value, key)
        for key in slices.of(scene)
        for point in slices.curve("candidate_mass", _attack(key), over="wanted_alpha")
        if point.estimate.value < TRUSTED_MASS
    ]
    if not low:
        return f"The reference answers hold at least {TRUSTED_MASS:g} of the probability everywhere."
    worst, key = min(low, key=lambda pair: pair[0])
    return (
        f"In {len(low)} cells the reference answers hold less than {TRUSTED_MASS:g} of the probability, at "
        f"worst {format_number(worst)} ({key.title}): there P(kept) speaks about those answers, not about "
        "all replies. The table has the mass and the bounds."
    )


_Row = tuple[str, ...]


def _rows(slices: Slices, key: CurveKey) -> tuple[_Row, ...]:
    attack, diluted = _attack(key), {**key.where, "control": "dilution"}
    columns = [
        {p.x: p for p in slices.curve(quantity, where, over="wanted_alpha")}
        for quantity, where in (
            ("p_kept", attack),
            ("base_p_kept", attack),
            ("p_kept", diluted),
            ("candidate_mass", attack),
            ("p_kept_low", attack),
            ("p_kept_high", attack),
        )
    ]
    xs = sorted({x for column in columns for x in column})
    return tuple(
        (
            key.title,
            f"{x:.3g}",
            *(_ends(column.get(x)) for column in columns[:3]),
            _value(columns[3].get(x)),
            _bounds(columns[4].get(x), columns[5].get(x)),
        )
        for x in xs
    )


def _ends(point: CurvePoint | None) -> Markup:
    if point is None:
        return Markup("–")
    shown = Markup("{}<small>{}</small>")
    return shown.format(format_value(point.estimate), format_interval(point.estimate))


def _value(point: CurvePoint | None) -> str:
    return "–" if point is None else format_number(point.estimate.value)


def _bounds(low: CurvePoint | None, high: CurvePoint | None) -> str:
    return "–" if low is None or high is None else f"{_value(low)} to {_value(high)}"


def _table(blocks: Sequence[tuple[_Row, ...]], scene: Mapping[str, str]) -> Table:
    columns = ("curve", "α", "aligned", "base", "filler", "candidate mass", "bounds of P(kept)")
    rows = tuple(row for block in blocks for row in block)
    return Table(caption=f"P(kept), {scene_name(scene)}", columns=columns, rows=rows)


def _gaps(slices: Slices, key: CurveKey, chart_id: str) -> Markup | None:
    found = slices.named("law_gap", key.where, over="law")
    if not found:
        return None
    bars = tuple(
        Bar(
            label=law,
            estimate=gap,
            strong=gap.value <= 2.0 * gap.stderr,
            text=with_error(gap.value, 2.0 * gap.stderr),
        )
        for law, gap in found.items()
    )
    heading = (
        f"Rival laws, {scene_name(key.scene)}, {key.title}",
        "Held-out log-likelihood behind the best law with two errors; the table below has the numbers",
    )
    return bar_chart(
        bars, title=key.title, unit="nat per prompt behind the best", heading=heading, chart_id=chart_id
    )


def _gap_table(slices: Slices, scene: Mapping[str, str]) -> Table:
    rows = tuple(
        (key.title, law, with_error(gap.value, 2.0 * gap.stderr), f"{gap.n:,}")
        for key in slices.of(scene)
        for law, gap in slices.named("law_gap", key.where, over="law").items()
    )
    columns = ("curve", "law", "gap ± two errors (nat per prompt)", "n")
    return Table(caption=f"Rival laws, {scene_name(scene)}", columns=columns, rows=rows)
