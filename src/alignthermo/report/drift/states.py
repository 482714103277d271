"""Entropy over the conversation and whether turns run forward differently than backward."""

from collections.abc import Sequence

from alignthermo.quantities import Verdict
from alignthermo.report.drift.absent import absent
from alignthermo.report.drift.course import Course, Line, course_parts
from alignthermo.report.drift.index import DriftIndex
from alignthermo.report.drift.tables import arm_notes, arm_table, verdict_table
from alignthermo.report.drift.together import arms_together
from alignthermo.report.section import Part, Section

__all__ = ["entropy_section"]

_LEAD = (
    "The paper's second law says that the entropy of what is said next rises. Its sign is measured here, and "
    "it can be either: a long context usually makes the next word surer. Path irreversibility is another "
    "thing, a lower bound on how differently turns follow each other forward and backward; any drift of "
    "where the conversation dwells shows in it."
)
_COURSES = (
    Course(lines=(Line(quantity="entropy_along", name="entropy"),), title="entropy of the next token"),
    Course(lines=(Line(quantity="surprisal_along", name="surprisal", css="ink"),), title="surprisal"),
)
_HEADS = {"entropy_rate_turns": "dS/dt", "path_irreversibility": "path irreversibility"}


def entropy_section(index: DriftIndex, verdicts: Sequence[Verdict], *, budget: int) -> Section:
    """Return entropy and surprisal over tokens, the sign of dS/dt, and the irreversibility."""
    parts, cut = course_parts(index, _COURSES, anchor="entropy", budget=budget)
    numbers = arm_table(index, _HEADS, caption="Production")
    said = verdict_table(verdicts, ("entropy", "irreversibility"), caption="What was decided")
    missing = absent(
        index,
        ("entropy_along", *_HEADS),
        "Entropy",
        "It is read where the model speaks next: conversations need at least two replies.",
    )
    return Section(
        anchor="entropy",
        name="Entropy",
        title="Entropy, and the second law that was claimed",
        lead=_LEAD if parts or numbers.rows else "",
        parts=(
            *arms_together(index, _COURSES, anchor="entropy"),
            *parts,
            *((Part(tables=(numbers,), notes=arm_notes(index, _HEADS)),) if numbers.rows else ()),
            *((Part(tables=(said,), css="prose"),) if said.rows else ()),
        ),
        missing=(*missing, *cut),
    )
