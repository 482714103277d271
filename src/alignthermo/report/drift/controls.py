"""Plain conversations against reminders and against controls, paired."""

from collections.abc import Sequence

from alignthermo.quantities import Estimate, Verdict
from alignthermo.report.caveats import grouped_caveats, warnings_of
from alignthermo.report.drift.absent import absent
from alignthermo.report.drift.index import CONTROLS, DriftIndex, arm_name
from alignthermo.report.drift.tables import verdict_table
from alignthermo.report.estimate_table import estimate_table
from alignthermo.report.record_index import ALL
from alignthermo.report.section import Part, Section

__all__ = ["controls_section"]

_LEAD = (
    "Differences at the end, paired by conversation. Against the control with another conversation’s "
    "instruction, or with neutral text in its place: if what was measured were not about this instruction, "
    "they would be zero. Against reminders: what the arm changes. In recorded transcripts the history was "
    "written without the reminder, so its effect is that of a reminder on this history, not on the "
    "conversation it would have made."
)
_LESS_CONTROL, _LESS_PLAIN = "plain less control", "arm less plain"
_CONTROLS = {"shuffled_difference": "shuffled", "no_instruction_difference": "no_instruction"}


def controls_section(index: DriftIndex, verdicts: Sequence[Verdict]) -> Section:
    """Return paired differences as one table."""
    rows = _rows(index)
    heads = {_LESS_CONTROL: _LESS_CONTROL, _LESS_PLAIN: _LESS_PLAIN}
    table = estimate_table(rows, heads, caption="Paired differences at the end", first="arm: of what")
    said = verdict_table(verdicts, ("reminders", "window"), caption="What was decided")
    notes = grouped_caveats(
        (warning, name)
        for name, found in rows
        for estimate in found.values()
        for warning in warnings_of(estimate)
    )
    names = " and ".join(f"`--controls {name}`" for name in CONTROLS)
    return Section(
        anchor="controls",
        name="Controls",
        title="Against controls and reminders",
        lead=_LEAD if table.rows else "",
        parts=(
            *((Part(tables=(table,), notes=notes),) if table.rows else ()),
            *((Part(tables=(said,), css="prose"),) if said.rows else ()),
        ),
        missing=absent(index, tuple(_CONTROLS), "Controls", f"Give {names}."),
    )


def _rows(index: DriftIndex) -> list[tuple[str, dict[str, Estimate | None]]]:
    """One row per arm or control and measure, controls first."""
    rows: list[tuple[str, dict[str, Estimate | None]]] = []
    for quantity in (*_CONTROLS, "reminder_effect", "window_effect"):
        for (name, place), held in index.found.items():
            if name == quantity and place.category == ALL:
                arm = arm_name(_CONTROLS.get(quantity, place.arm))
                effect = _LESS_CONTROL if quantity in _CONTROLS else _LESS_PLAIN
                for rest, estimate in held.items():
                    rows.append((f"{arm}: {dict(rest).get('measure', 'drift')}", {effect: estimate}))
    return rows
