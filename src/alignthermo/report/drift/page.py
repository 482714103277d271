"""From the data of a drift run to one HTML file that is whole in itself."""

from functools import partial

from alignthermo.report.checks import check_status, check_tables
from alignthermo.report.drift.attention import attention_section
from alignthermo.report.drift.checks import DRIFT_CHECKS, checks_of
from alignthermo.report.drift.composition import composition_section
from alignthermo.report.drift.controls import controls_section
from alignthermo.report.drift.correlates import correlates_section
from alignthermo.report.drift.cost import tokens_table
from alignthermo.report.drift.destination import destination_section
from alignthermo.report.drift.drifting import drift_section
from alignthermo.report.drift.glossary import DRIFT_GLOSSARY, by_measure
from alignthermo.report.drift.index import DriftIndex, index_drift
from alignthermo.report.drift.influence import influence_section
from alignthermo.report.drift.laws import laws_section
from alignthermo.report.drift.literal import literal_section
from alignthermo.report.drift.model import DriftData
from alignthermo.report.drift.overview import OVERVIEW_HEADS, overview_section
from alignthermo.report.drift.schedule import schedule_section
from alignthermo.report.drift.states import entropy_section
from alignthermo.report.drift.tables import arm_table
from alignthermo.report.drift.words import design_of, plain_words
from alignthermo.report.escape import clipped, marked
from alignthermo.report.left_out import left_out_table
from alignthermo.report.page import bounded_page, environment, style
from alignthermo.report.provenance import command_of, methods_table, policies_table, provenance_table
from alignthermo.report.section import Section

__all__ = ["render_drift", "render_drift_summary"]

_CHART_BUDGETS = (24, 8, 0)
"""Charts of single categories in each section; where the page would be too large they give way."""

_LONGEST_COMMAND = 4_000


def render_drift(data: DriftData) -> str:
    """Render the page of a drift run.

    Parameters
    ----------
    data : DriftData
        What the run measured. A panel without records says why and how to get them.

    Returns
    -------
    str
        A complete HTML document, valid UTF-8, at most 3 MB, without scripts and without anything a
        browser would have to fetch.
    """
    return bounded_page(partial(_render, data, index_drift(data.records)), _CHART_BUDGETS)


def render_drift_summary(data: DriftData) -> str:
    """Render a fragment for a notebook: the arms as a table; nothing to fetch."""
    index = index_drift(data.records)
    table = arm_table(index, OVERVIEW_HEADS, caption="All instructions", categories=index.categories)
    return (
        environment()
        .get_template("drift_summary.html.j2")
        .render(
            data=data,
            words=plain_words(index, data.verdicts, data.config),
            status=check_status(checks_of(data.verdicts), DRIFT_CHECKS),
            table=table,
        )
    )


def _render(data: DriftData, index: DriftIndex, budget: int) -> str:
    return (
        environment()
        .get_template("drift.html.j2")
        .render(
            data=data,
            css=style(),
            words=plain_words(index, data.verdicts, data.config),
            design=design_of(data.config),
            status=check_status(checks_of(data.verdicts), DRIFT_CHECKS),
            sections=_sections(data, index, budget),
            check_tables=check_tables(data.records, checks_of(data.verdicts), DRIFT_CHECKS),
            tokens=tokens_table(data.records),
            left_out=left_out_table(data.left_out, of="conversations or rows"),
            policies=policies_table(data.records),
            methods=methods_table(by_measure(data.records), DRIFT_GLOSSARY),
            provenance=provenance_table(data.run),
            command=marked(clipped(command_of(data.run), _LONGEST_COMMAND)),
        )
    )


def _sections(data: DriftData, index: DriftIndex, budget: int) -> tuple[Section, ...]:
    return (
        overview_section(index, data.verdicts),
        drift_section(index, data.verdicts, budget=budget),
        laws_section(index, data.verdicts),
        influence_section(index, data.verdicts, budget=budget),
        destination_section(index),
        schedule_section(index, data.verdicts, data.config),
        controls_section(index, data.verdicts),
        correlates_section(index, data.verdicts),
        entropy_section(index, data.verdicts, budget=budget),
        attention_section(index),
        composition_section(index, budget=budget),
        literal_section(index, budget=budget),
    )
