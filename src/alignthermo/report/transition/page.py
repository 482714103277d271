"""From the data of a transition to one HTML file that is whole in itself."""

from collections.abc import Mapping, Sequence
from functools import partial

from alignthermo.experiments import Certificate, certificate_of
from alignthermo.quantities import Verdict
from alignthermo.report.checks import TRANSITION_CHECKS, check_status, check_tables
from alignthermo.report.escape import clipped, marked
from alignthermo.report.left_out import left_out_table
from alignthermo.report.names import in_words
from alignthermo.report.page import bounded_page, environment, style
from alignthermo.report.provenance import command_of, methods_table, policies_table, provenance_table
from alignthermo.report.section import Section
from alignthermo.report.transition.certificate import certificate_section
from alignthermo.report.transition.cost import tokens_table
from alignthermo.report.transition.curves import curves_section, laws_section
from alignthermo.report.transition.glossary import TRANSITION_GLOSSARY
from alignthermo.report.transition.loops import loops_section
from alignthermo.report.transition.memory import field_section, memory_section
from alignthermo.report.transition.model import TransitionData
from alignthermo.report.transition.outcomes import outcomes_section
from alignthermo.report.transition.phase import phase_section
from alignthermo.report.transition.raising import raising_section
from alignthermo.report.transition.rollouts import rollouts_section
from alignthermo.report.transition.slices import Slices, index_slices
from alignthermo.report.transition.slopes import slopes_section
from alignthermo.report.transition.warning import warning_section
from alignthermo.report.transition.words import plain_words

__all__ = ["render_transition", "render_transition_summary"]

_CHART_BUDGETS = (60, 24, 0)
"""Panels of single categories; where the page would be too large they give way."""

_LONGEST_COMMAND = 4_000


def render_transition(data: TransitionData) -> str:
    """Render the page of a transition.

    Parameters
    ----------
    data : TransitionData
        What the run measured. A panel without records says why and how to get them.

    Returns
    -------
    str
        A complete HTML document, valid UTF-8, at most 3 MB, without scripts and without anything a
        browser would have to fetch.
    """
    return bounded_page(partial(_render, data), _CHART_BUDGETS)


def render_transition_summary(data: TransitionData) -> str:
    """Render a fragment for a notebook: the certificate as a table; nothing to fetch."""
    certificate = certificate_of(data.records, data.verdicts)
    return (
        environment()
        .get_template("transition_summary.html.j2")
        .render(
            data=data,
            words=plain_words(certificate),
            status=check_status(data.verdicts, TRANSITION_CHECKS),
            columns=certificate.header,
            rows=certificate.rows,
        )
    )


def _render(data: TransitionData, budget: int) -> str:
    certificate = certificate_of(data.records, data.verdicts)
    slices = index_slices(data.records)
    return (
        environment()
        .get_template("transition.html.j2")
        .render(
            data=data,
            css=style(),
            words=plain_words(certificate),
            design=_design(data.config),
            status=check_status(data.verdicts, TRANSITION_CHECKS),
            sections=_sections(certificate, slices, data.verdicts, budget),
            check_tables=check_tables(data.records, data.verdicts, TRANSITION_CHECKS),
            tokens=tokens_table(slices),
            left_out=left_out_table(data.left_out, of="prompts or rows"),
            policies=policies_table(data.records),
            methods=methods_table(data.records, TRANSITION_GLOSSARY),
            provenance=provenance_table(data.run),
            command=marked(clipped(command_of(data.run), _LONGEST_COMMAND)),
        )
    )


def _sections(
    certificate: Certificate, slices: Slices, verdicts: Sequence[Verdict], budget: int
) -> tuple[Section, ...]:
    return (
        certificate_section(certificate),
        curves_section(slices, budget=budget),
        laws_section(slices),
        slopes_section(slices),
        phase_section(slices),
        field_section(slices),
        memory_section(slices),
        outcomes_section(slices),
        rollouts_section(slices, verdicts),
        loops_section(slices, verdicts),
        warning_section(slices, verdicts),
        raising_section(slices),
    )


def _design(config: Mapping[str, object]) -> str:
    """Say in one line what was swept."""
    parts = []
    for name, noun in (
        ("prompts", "prompts"),
        ("families", "attack"),
        ("orders", "order"),
        ("lengths", "size"),
    ):
        value = config.get(name)
        if value:
            many = value if isinstance(value, (list, tuple)) else [value]
            parts.append(f"{noun}: {', '.join(in_words(_short(one)) for one in many)}")
    return " · ".join(parts) or "design not recorded"


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
