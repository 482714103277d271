"""What the instruction still does, and whether the model falls back to its base."""

from collections.abc import Sequence

from alignthermo.quantities import Verdict
from alignthermo.report.drift.absent import absent
from alignthermo.report.drift.course import Course, Line, course_parts
from alignthermo.report.drift.index import DriftIndex
from alignthermo.report.drift.tables import arm_notes, arm_table, verdict_table
from alignthermo.report.drift.together import arms_together
from alignthermo.report.section import Part, Section

__all__ = ["influence_section"]

_LEAD = (
    "The influence compares the answer with the instruction to the answer with neutral text of its length in "
    "the same place. It may fall because the instruction is forgotten, or because the history, which was "
    "written under it, says the same by now: forgetting is claimed only where compliance falls too. "
    "KL(q‖p) falls when the model goes back to its base, and also when the base joins the model after "
    "reading how it speaks: a return is claimed only where compliance falls too."
)
_COURSES = (
    Course(lines=(Line(quantity="influence_along", name="influence"),), title="instruction influence"),
    Course(lines=(Line(quantity="relaxation_along", name="KL(q‖p)", css="p solid"),), title="KL(q‖p)"),
)
_HEADS = {
    "influence_start": "influence, first",
    "influence_end": "last",
    "influence_rate_tokens": "its rate",
    "relaxation_start": "KL(q‖p), first",
    "relaxation_end": "last",
    "relaxation_rate_tokens": "its rate",
}


def influence_section(index: DriftIndex, verdicts: Sequence[Verdict], *, budget: int) -> Section:
    """Return influence and relaxation over tokens, their rates, and what follows."""
    parts, cut = course_parts(index, _COURSES, anchor="influence", budget=budget)
    numbers = arm_table(index, _HEADS, caption="Means at the first measuring points and over the last ones")
    said = verdict_table(verdicts, ("forgetting", "relaxation"), caption="What was decided")
    return Section(
        anchor="influence",
        name="Influence",
        title="What the instruction still does, and the way back to the base",
        lead=_LEAD if parts else "",
        parts=(
            *arms_together(index, _COURSES, anchor="influence"),
            *parts,
            *((Part(tables=(numbers,), notes=arm_notes(index, _HEADS)),) if numbers.rows else ()),
            *((Part(tables=(said,), css="prose"),) if said.rows else ()),
        ),
        missing=(
            *absent(
                index,
                ("influence_along", "influence_end"),
                "Influence",
                "It is measured with the probes; conversations need a system message.",
            ),
            *absent(
                index,
                ("relaxation_along", "relaxation_end"),
                "Relaxation KL(q‖p)",
                "It needs the base: give `--base ID`.",
            ),
            *cut,
        ),
    )
