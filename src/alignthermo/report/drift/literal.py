"""The paper's literal measure beside the probe drift."""

from alignthermo.report.drift.absent import absent
from alignthermo.report.drift.course import Course, Line, course_parts
from alignthermo.report.drift.index import DriftIndex
from alignthermo.report.drift.tables import arm_notes, arm_table
from alignthermo.report.section import Part, Section

__all__ = ["literal_section"]

_LEAD = (
    "The literal drift holds the reply given here against what the instruction alone would have answered. "
    "Those are answers to different questions: it is large from the first turn on, whatever the model "
    "remembers, and that it stays large is no plateau of drift. It is here because the paper defines it."
)
_COURSES = (
    Course(
        lines=(
            Line(quantity="literal_along", name="literal", css="p solid"),
            Line(quantity="drift_along", name="probe drift"),
        ),
        title="literal drift",
    ),
)
_HEADS = {
    "literal_start": "literal, first",
    "literal_end": "literal, last",
    "drift_start": "probe drift, first",
    "drift_end": "probe drift, last",
}


def literal_section(index: DriftIndex, *, budget: int) -> Section:
    """Return literal and probe drift on one scale."""
    missing = absent(
        index,
        ("literal_along", "literal_end"),
        "Literal drift",
        "Give `--literal`; for it the replies of the conversation are read once more.",
    )
    drawn = "literal_along" in index.quantities
    parts, cut = course_parts(index, _COURSES, anchor="literal", budget=budget) if drawn else ((), ())
    if not missing:
        table = arm_table(index, _HEADS, caption="Literal and probe drift, nat")
        parts = (*parts, Part(tables=(table,), notes=arm_notes(index, _HEADS)))
    return Section(
        anchor="literal",
        name="Literal drift",
        title="The literal measure, and why it misleads",
        lead=_LEAD if parts else "",
        parts=parts,
        missing=(*missing, *cut),
    )
