"""Where a model went that no longer does what it was told."""

import math

from markupsafe import Markup

from alignthermo.quantities import Estimate
from alignthermo.report.chart_bars import Bar, bar_chart
from alignthermo.report.drift.absent import absent
from alignthermo.report.drift.index import DriftIndex, Place, arm_name, short_arm
from alignthermo.report.drift.tables import arm_notes, arm_table
from alignthermo.report.layout import Figure
from alignthermo.report.section import Part, Section

__all__ = ["destination_section"]

_LEAD = (
    "Only points where the instruction is broken. Each is given to the nearest of three: the base in the "
    "same context, the wish of an adversary, or its own beginning (then it broke without going far). To fall "
    "back to the base and to follow another order are two different failures, and only the first is "
    "relaxation. Bars are shares of failed points."
)
_NAMES = {"went_to_base": "the base", "went_to_wish": "the wish", "went_to_start": "its own beginning"}
_HEADS = {**_NAMES, "lean": "lean to the base", "failed_share": "points that failed"}


def destination_section(index: DriftIndex) -> Section:
    """Return shares by destination, one chart per arm."""
    charts = []
    for number, arm in enumerate(index.arms):
        found = {q: index.get(q, Place(arm=arm)) for q in _NAMES}
        if any(e is not None and math.isfinite(e.value) for e in found.values()):
            charts.append(_chart(found, arm, f"destination-{number}"))
    missing = absent(
        index,
        tuple(_NAMES),
        "Where a failed model went",
        "It takes points where the instruction is broken (reference answers or a checker), the base "
        "(`--base ID`) and what an adversary would ask for (`--wish TEXT`).",
    )
    parts: tuple[Part, ...] = ()
    if charts:
        table = arm_table(index, _HEADS, caption="Shares of failed points")
        figure = Figure(
            caption="Whiskers: intervals over conversations.", wide=tuple(charts), narrow=(), table=table
        )
        parts = (Part(figure=figure, layout="small", notes=arm_notes(index, _HEADS)),)
    return Section(
        anchor="destination",
        name="Where it went",
        title="Where a failed model went",
        lead=_LEAD if parts else "",
        parts=parts,
        missing=missing,
    )


def _chart(found: dict[str, Estimate | None], arm: str, chart_id: str) -> Markup:
    bars = tuple(
        Bar(label=_NAMES[quantity], estimate=estimate, strong=quantity == "went_to_base")
        for quantity, estimate in found.items()
        if estimate is not None
    )
    heading = (f"Where failed points went, {arm_name(arm)}", "Share of failed points; the table has the rest")
    return bar_chart(
        bars, title=short_arm(arm), unit="share of failed points", heading=heading, chart_id=chart_id
    )
