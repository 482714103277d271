"""Probe drift with its neutral control and its excess, and compliance always beside it."""

from collections.abc import Sequence

from alignthermo.quantities import Verdict
from alignthermo.report.drift.absent import absent
from alignthermo.report.drift.course import Course, Line, course_parts
from alignthermo.report.drift.index import DriftIndex
from alignthermo.report.drift.tables import arm_notes, arm_table, verdict_table
from alignthermo.report.drift.together import arms_together
from alignthermo.report.section import Part, Section

__all__ = ["drift_section"]

_LEAD = (
    "Blue: how far answers to a probe have moved from those to the same probe at the beginning. Grey dots: "
    "what neutral history of as many tokens moves them; what remains is orange, the excess, and only that is "
    "about what was said. The dashed law was fitted to the excess where there is one. Beside it "
    "compliance, because drift has no sign: a model can become surer of its "
    "instruction and drift all the same. Drift without a fall of compliance is no forgetting."
)
_DRIFT = Course(
    lines=(
        Line(quantity="drift_along", name="drift"),
        Line(quantity="excess_along", name="excess", css="p solid"),
        Line(quantity="control_along", name="neutral control", css="ink dots", marks="line"),
        Line(quantity="median_drift_along", name="median", css="q dots", marks="line"),
        Line(quantity="law_along", name="named law", css="ink dash", marks="line"),
    ),
    title="probe drift",
)
_COMPLIANCE = Course(
    lines=(
        Line(quantity="compliance_along", name="compliance"),
        Line(quantity="kept_along", name="kept answers", css="p solid", marks="auto"),
        Line(quantity="compliance_neutral_along", name="after neutral history", css="ink dots", marks="line"),
        Line(quantity="compliance_base_along", name="base", css="ink dash", marks="line"),
    ),
    title="compliance",
    range=(0.0, 1.0),
    level=0.5,
)
_ENDS = {
    "drift_start": "drift, first",
    "drift_end": "drift, last",
    "control_end": "neutral control, last",
    "excess_end": "excess, last",
    "compliance_start": "compliance, first",
    "compliance_end": "compliance, last",
    "compliance_change": "change",
    "log_odds_change": "change of h",
    "kept_change": "change of kept answers",
}
_TRUST = {
    "conversations": "conversations",
    "points": "points of each",
    "mass_start": "mass of the reference answers",
    "truncated_share": "answers cut at the budget",
    "base_compliance_end": "compliance of the base, last",
}
_KEPT = ("compliance_along", "kept_along")


def drift_section(index: DriftIndex, verdicts: Sequence[Verdict], *, budget: int) -> Section:
    """Return drift and compliance of every arm, side by side and each for itself."""
    courses = (_DRIFT, _COMPLIANCE)
    parts, cut = course_parts(index, courses, anchor="drift", budget=budget, unfolded=True)
    numbers = arm_table(index, _ENDS, caption="Means at the first measuring points, and over the last ones")
    trust = arm_table(index, _TRUST, caption="What it rests on")
    said = verdict_table(verdicts, ("compliance", "length_or_content"), caption="What was decided")
    return Section(
        anchor="drift",
        name="Drift",
        title="Drift, and compliance beside it",
        lead=_LEAD if parts else "",
        parts=(
            *arms_together(index, courses, anchor="drift"),
            *parts,
            *((Part(tables=(numbers,), notes=arm_notes(index, _ENDS)),) if numbers.rows else ()),
            *((Part(tables=(trust,)),) if trust.rows else ()),
            *((Part(tables=(said,), css="prose"),) if said.rows else ()),
        ),
        missing=(*_missing(index), *cut),
    )


def _missing(index: DriftIndex) -> tuple[str, ...]:
    return (
        *absent(
            index,
            ("drift_along", "drift_end"),
            "Drift",
            "Probes must be asked at several points of a conversation: give them in `--prompts FILE` and "
            "a smaller `--every`.",
        ),
        *absent(
            index,
            _KEPT,
            "Compliance",
            "Without it drift says that answers changed, not that the instruction was forgotten. Give "
            "reference answers (`--compliant`, `--defiant`) or, with the probes, answers or a checker.",
        ),
        *absent(
            index,
            ("control_along", "control_end"),
            "Neutral control",
            "Without it nobody can say whether length or content moves the answers: give "
            "`--controls neutral`.",
        ),
    )
