"""Early warning: indicators on held-out attacks, against what needs no theory."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from alignthermo.quantities import Estimate, Verdict
from alignthermo.report.chart_lattice import LatticeRow, Panel, RowHead, lattice, panel_chart
from alignthermo.report.chart_lines import Frame, Series, line_chart
from alignthermo.report.estimate_table import estimate_table
from alignthermo.report.layout import Figure
from alignthermo.report.record_index import CurvePoint
from alignthermo.report.section import Part, Section
from alignthermo.report.table import Table
from alignthermo.report.transition.dialogues import conversation_name, conversations, decided
from alignthermo.report.transition.slices import Slices

__all__ = ["warning_section"]

_LEAD = (
    "Detectors were set on harmless dialogues and judged on attacks and harmless dialogues they had not "
    "seen. An indicator of critical slowing down is worth its name only where it beats the baselines: how "
    "surprising the input is, how long the context, a CUSUM of the entropy, or simply how low h is already. "
    "Chance is the diagonal, an area of one half."
)
_COLUMNS = {
    "warning_area": "area under the ROC",
    "warning_beyond_baseline": "beyond the best baseline",
    "warning_detection": "attacks detected in time",
    "warning_false_alarms": "false alarms",
    "warning_lead_time": "lead time",
}
_PANELS = (
    Panel(title="area under the ROC", unit="0.5 is chance", range=(0.0, 1.0)),
    Panel(title="detected", unit="share of attacks", range=(0.0, 1.0)),
    Panel(title="false alarms", unit="share of harmless", css="p", range=(0.0, 1.0)),
    Panel(title="lead time", unit="own turns", css="ink"),
)
_DRAWN = ("warning_area", "warning_detection", "warning_false_alarms", "warning_lead_time")
_STYLES = ("q", "p", "ink dots", "q dash", "ink", "p dots", "q dots")
"""No two alike in colour and dash, none told apart by colour alone."""


def warning_section(slices: Slices, verdicts: Sequence[Verdict]) -> Section:
    """Return ROC, lead time and false alarms of every detector."""
    parts: list[Part] = []
    for number, where in enumerate(conversations(slices, "warning_area")):
        part = _part(slices, where, f"warn-{number}")
        if part is not None:
            parts.append(part)
        said = decided(verdicts, "early_warning", where)
        parts += [Part(tables=(said,), css="prose")] if said.rows else []
    missing = (
        "Early warning: no dialogue escalated; give `--warnings 60` for as many attacks and twice as many "
        "harmless dialogues."
    )
    return Section(
        anchor="warning",
        name="Early warning",
        title="Early warning, against plain baselines",
        lead=_LEAD if parts else "",
        parts=tuple(parts),
        missing=() if parts else (missing,),
    )


def _detectors(slices: Slices, where: Mapping[str, str]) -> list[tuple[str, str]]:
    """Name and kind of each detector, indicators first."""
    found = [
        (rest["detector"], rest["kind"])
        for rest, _ in slices.within("warning_area", where)
        if set(rest) == {"detector", "kind"}
    ]
    return sorted(found, key=lambda pair: pair[1] != "indicator")


def _part(slices: Slices, where: Mapping[str, str], chart_id: str) -> Part | None:
    detectors = _detectors(slices, where)
    if not detectors:
        return None
    name = conversation_name(where)
    rows = tuple(_row(slices, where, detector, kind) for detector, kind in detectors)
    heading = (f"Detectors, {name}", "area, detection, false alarms, lead time; the table has the numbers")
    head = RowHead(title="detector (hollow: baseline)", width=210.0, letters=25)
    wide = [lattice(rows, _PANELS, heading=heading, chart_id=f"{chart_id}-w", head=head)]
    narrow = [
        panel_chart(rows, j, panel=panel, heading=heading, chart_id=f"{chart_id}-n{j}")
        for j, panel in enumerate(_PANELS)
    ]
    rocs = _rocs(slices, where, name, chart_id)
    figure = Figure(
        caption="Points with intervals; hollow: baselines. n counts dialogues.",
        wide=tuple(wide),
        narrow=tuple(narrow),
        table=_table(slices, where, detectors, name),
    )
    return Part(heading=name, figure=figure, beside=rocs)


def _row(slices: Slices, where: Mapping[str, str], detector: str, kind: str) -> LatticeRow:
    at = {**where, "detector": detector, "kind": kind}
    estimates = tuple(slices.get(quantity, at) for quantity in _DRAWN)
    n = max((e.n for e in estimates if e is not None), default=0)
    return LatticeRow(label=detector, n=n, estimates=estimates, hollow=kind != "indicator")


def _rocs(slices: Slices, where: Mapping[str, str], name: str, chart_id: str) -> Figure | None:
    """Return two charts, indicators and baselines."""
    charts: list[Markup] = []
    for kind, title in (("indicator", "indicators"), ("baseline", "baselines")):
        named = [detector for detector, of in _detectors(slices, where) if of == kind]
        series = [
            Series(name=detector, points=points, css=css, marks="line")
            for detector, css in zip(named, _STYLES, strict=False)
            if (points := _roc(slices, where, detector))
        ]
        if series:
            frame = Frame(
                size=(460, 360),
                x_title="false alarms per harmless dialogue",
                y_title=f"attacks detected: {title}",
                heading=(
                    f"ROC of {title}, {name}",
                    "detection against false alarms; the table has the areas",
                ),
                chart_id=f"{chart_id}-{kind}",
                x_range=(0.0, 1.0),
                y_range=(0.0, 1.0),
                diagonal=True,
            )
            charts.append(line_chart(series, frame))
    if not charts:
        return None
    return Figure(
        caption="Receiver operating characteristic on dialogues that no detector was set on; dots: chance.",
        wide=tuple(charts),
        narrow=(),
        table=_roc_table(slices, where, name),
    )


def _roc(slices: Slices, where: Mapping[str, str], detector: str) -> tuple[CurvePoint, ...]:
    points = slices.curve("warning_roc", {**where, "detector": detector}, over="false_alarms")
    if not points:
        return ()
    corner = points[-1].estimate
    ends = (_at(corner, 0.0), _at(corner, 1.0))
    return (CurvePoint(x=0.0, estimate=ends[0]), *points, CurvePoint(x=1.0, estimate=ends[1]))


def _at(like: Estimate, value: float) -> Estimate:
    return Estimate(value=value, n=like.n, unit="1", method="corner of the ROC")


def _roc_table(slices: Slices, where: Mapping[str, str], name: str) -> Table:
    rows: list[tuple[str, dict[str, Estimate | None]]] = []
    heads: dict[str, str] = {}
    for detector, _ in _detectors(slices, where):
        curve = slices.curve("warning_roc", {**where, "detector": detector}, over="false_alarms")
        heads |= {f"{point.x:g}": f"at {point.x:g}" for point in curve}
        rows.append((detector, {f"{point.x:g}": point.estimate for point in curve}))
    caption = f"Attacks detected by rate of false alarms, {name}"
    return estimate_table(rows, heads, caption=caption, first="detector")


def _table(
    slices: Slices, where: Mapping[str, str], detectors: Sequence[tuple[str, str]], name: str
) -> Table:
    rows: list[tuple[str, dict[str, Estimate | None]]] = []
    for detector, kind in detectors:
        at = {**where, "detector": detector}
        found = {q: slices.get(q, {**at, "kind": kind}) for q in _COLUMNS}
        found["warning_beyond_baseline"] = slices.get("warning_beyond_baseline", at)
        rows.append((f"{detector} ({kind})", found))
    return estimate_table(rows, _COLUMNS, caption=f"Detectors, {name}", first="detector")
