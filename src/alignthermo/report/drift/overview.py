"""First of all: every arm on one line, and everything that was decided."""

import math
from collections.abc import Sequence

from alignthermo.quantities import Verdict
from alignthermo.report.chart_lattice import LatticeRow, Panel, RowHead, lattice, panel_chart
from alignthermo.report.drift.checks import is_check
from alignthermo.report.drift.index import CONTROLS, PLAIN, DriftIndex, Place, short_arm
from alignthermo.report.drift.tables import arm_table, verdict_table
from alignthermo.report.layout import Figure
from alignthermo.report.record_index import ALL
from alignthermo.report.section import Part, Section

__all__ = ["OVERVIEW_HEADS", "overview_section"]

_LEAD = (
    "Each line is one way to run the conversations, at their last measuring points. Excess drift is what the "
    "content of the history did; compliance says whether it matters."
)
_PANELS = (
    ("excess_end", Panel(title="excess drift, last", unit="nat per answer", css="p")),
    (
        "compliance_end",
        Panel(title="compliance, last", unit="share that keeps the instruction", range=(0.0, 1.0)),
    ),
    ("influence_end", Panel(title="influence, last", unit="nat per answer", css="ink")),
)
OVERVIEW_HEADS = {
    "drift_end": "drift, last",
    "excess_end": "excess, last",
    "compliance_start": "compliance, first",
    "compliance_end": "compliance, last",
    "drift_rate_tokens": "drift rate",
}
_MOST_ROWS = 40


def overview_section(index: DriftIndex, verdicts: Sequence[Verdict]) -> Section:
    """Return the arms with their last values, and the verdicts on the plain conversations."""
    figure = _figure(index)
    numbers = arm_table(index, OVERVIEW_HEADS, caption="All instructions", categories=index.categories)
    whole = [v for v in verdicts if not is_check(v) and _is_of_the_whole(v)]
    caption = "What was decided: plain conversations, all instructions"
    said = verdict_table(whole, dict.fromkeys(v.name for v in whole), caption=caption, by_arm=False)
    return Section(
        anchor="overview",
        name="Overview",
        title="What was found",
        lead=_LEAD if numbers.rows else "",
        parts=(
            *((Part(figure=figure),) if figure is not None else ()),
            *((Part(tables=(numbers,)),) if numbers.rows else ()),
            *((Part(tables=(said,), css="prose"),) if said.rows else ()),
        ),
        missing=() if numbers.rows or said.rows else ("Nothing was measured: the run holds no point.",),
    )


def _is_of_the_whole(verdict: Verdict) -> bool:
    """Whether a verdict is on all instructions: of the plain conversations, or the choice among arms."""
    plain = verdict.slice.get("arm", PLAIN) == PLAIN or verdict.name == "schedule"
    return plain and verdict.slice.get("category", ALL) == ALL


def _figure(index: DriftIndex) -> Figure | None:
    shown = [(q, panel) for q, panel in _PANELS if q in index.quantities]
    rows = []
    for arm in index.arms[:_MOST_ROWS]:
        estimates = tuple(index.get(quantity, Place(arm=arm)) for quantity, _ in shown)
        known = [e for e in estimates if e is not None]
        if any(not math.isnan(e.value) for e in known):
            n = max(e.n for e in known)
            rows.append(
                LatticeRow(
                    label=short_arm(arm),
                    n=n,
                    estimates=estimates,
                    pooled=arm == PLAIN,
                    hollow=arm in CONTROLS,
                    flagged=any(e.caveats for e in known),
                )
            )
    if not rows:
        return None
    panels = [panel for _, panel in shown]
    heading = ("Arms at the end", "Last values of every arm with intervals; the table below has the numbers")
    head = RowHead(title="arm (hollow: control)", width=210.0, letters=25)
    return Figure(
        caption="Points with intervals over conversations; n counts conversations. † a caveat stands below.",
        wide=(lattice(rows, panels, heading=heading, chart_id="overview-w", head=head),),
        narrow=tuple(
            panel_chart(rows, j, panel=panel, heading=heading, chart_id=f"overview-n{j}")
            for j, panel in enumerate(panels)
        ),
    )
