"""What goes with drift: the free energy of the instruction, its kind, the settings of the run."""

import math
from collections.abc import Sequence

from alignthermo.quantities import Estimate, Verdict
from alignthermo.report.caveats import grouped_caveats, warnings_of
from alignthermo.report.drift.absent import absent
from alignthermo.report.drift.index import DriftIndex, Place
from alignthermo.report.drift.scatter import Dot, scatter_chart
from alignthermo.report.drift.tables import per_1000, verdict_table
from alignthermo.report.estimate_table import estimate_table
from alignthermo.report.layout import Figure
from alignthermo.report.numbers import format_unit
from alignthermo.report.section import Part, Section
from alignthermo.report.table import Table

__all__ = ["correlates_section"]

_LEAD = (
    "The paper says that what costs more to hold drifts faster. Tested here by rank over instructions: the "
    "drift rate against KL(q‖p) at the beginning, with and without the kind of instruction taken out. Errors "
    "of both pull the correlation towards 0, and a correlation is no cause."
)
_NEEDED = ("drift_vs_free_energy", "drift_vs_kind")
_ADJUSTED = {"none": "against KL(q‖p)", "category": "the same within kinds"}
_DOTS = ("instruction_relaxation", "instruction_drift_rate")


def correlates_section(index: DriftIndex, verdicts: Sequence[Verdict]) -> Section:
    """Return rank correlations, and one dot per instruction where there are not too many."""
    table = _correlations(index)
    said = verdict_table(verdicts, ("drift_vs_free_energy",), caption="What was decided")
    figure = _figure(index)
    return Section(
        anchor="correlates",
        name="Correlates",
        title="What goes with drift",
        lead=_LEAD if table.rows or figure is not None else "",
        parts=(
            *((Part(figure=figure),) if figure is not None else ()),
            *((Part(tables=(table,), notes=_notes(index)),) if table.rows else ()),
            *((Part(tables=(said,), css="prose"),) if said.rows else ()),
        ),
        missing=absent(
            index,
            _NEEDED,
            "Correlates",
            "They need 8 instructions and, for KL(q‖p), the base (`--base ID`).",
        ),
    )


def _found(index: DriftIndex) -> dict[str, Estimate]:
    """Correlations by what they are."""
    by_kind = index.get("drift_vs_kind", Place())
    adjusted = index.named("drift_vs_free_energy", Place(), over="adjusted")
    found = {_ADJUSTED.get(name, name): estimate for name, estimate in adjusted.items()}
    return found if by_kind is None else {**found, "between kinds": by_kind}


def _correlations(index: DriftIndex) -> Table:
    rows = [(name, {"value": estimate}) for name, estimate in _found(index).items()]
    caption = "Drift rate of instructions: rank correlations, and the share of rank variance between kinds"
    return estimate_table(rows, {"value": "value"}, caption=caption, first="drift rate")


def _notes(index: DriftIndex) -> tuple[str, ...]:
    return grouped_caveats(
        (warning, name) for name, estimate in _found(index).items() for warning in warnings_of(estimate)
    )


def _figure(index: DriftIndex) -> Figure | None:
    place = Place()
    cost, rate = (index.named(quantity, place, over="instruction") for quantity in _DOTS)
    dots = [
        Dot(name=name, x=cost[name], y=per_1000(rate[name]))
        for name in cost
        if name in rate and math.isfinite(cost[name].value) and math.isfinite(rate[name].value)
    ]
    if not dots:
        return None
    units = [format_unit(estimate.unit) for estimate in (dots[0].x, dots[0].y)]
    chart = scatter_chart(
        dots,
        titles=(f"KL(q‖p) at the beginning ({units[0]})", f"drift rate ({units[1]})"),
        note=f"{len(dots)} instructions",
        heading=("Drift rate against KL(q‖p) by instruction", "One dot per instruction; the table has them"),
        chart_id="correlates-dots",
    )
    rows = [(dot.name, {_DOTS[0]: dot.x, _DOTS[1]: dot.y}) for dot in dots]
    heads = dict(zip(_DOTS, ("KL(q‖p) at the beginning", "drift rate"), strict=True))
    table = estimate_table(rows, heads, caption="By instruction, plain conversations", first="instruction")
    return Figure(
        caption="Whiskers: intervals of the rate over conversations.", wide=(chart,), narrow=(), table=table
    )
