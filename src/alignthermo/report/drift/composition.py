"""What the contexts are made of, by owner of the tokens."""

from alignthermo.report.drift.absent import absent
from alignthermo.report.drift.course import Course, Line, course_parts
from alignthermo.report.drift.index import DriftIndex
from alignthermo.report.section import Section

__all__ = ["composition_section"]

_LEAD = (
    "Mean tokens in the context, by whose they are. The share of the instruction falls in every growing "
    "conversation: that alone is dilution, and it says nothing about what is still obeyed."
)
_ROLES = {
    "instruction": "q",
    "reminder": "q dash",
    "user": "p solid",
    "assistant": "p",
    "tool": "p dots",
    "system": "q dots",
    "template": "ink dots",
}
_COURSES = (
    Course(
        lines=tuple(
            Line(quantity="composition_along", name=role, css=css, marks="line", more=(("role", role),))
            for role, css in _ROLES.items()
        ),
        title="tokens in the context",
    ),
)


def composition_section(index: DriftIndex, *, budget: int) -> Section:
    """Return tokens by role over the conversation."""
    parts, cut = course_parts(index, _COURSES, anchor="composition", budget=budget)
    missing = absent(
        index, ("composition_along",), "Composition", "It is counted with every point that is measured."
    )
    return Section(
        anchor="composition",
        name="Context",
        title="What the context is made of",
        lead=_LEAD if parts else "",
        parts=parts,
        missing=(*missing, *cut),
    )
