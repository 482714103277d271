"""From the data of a run to one HTML file that is whole in itself."""

from collections.abc import Mapping, Sequence
from functools import partial

from alignthermo.report.checks import check_status, check_tables, is_self_check
from alignthermo.report.curves import PATH, PREFILL, TEMPERATURE, curve_figure
from alignthermo.report.depth import category_profiles, profile_figure
from alignthermo.report.escape import clipped, marked
from alignthermo.report.headline import headline_cards, not_measured, plain_words
from alignthermo.report.landscape import landscape_caveats, landscape_figure, landscape_tables
from alignthermo.report.layout import Figure
from alignthermo.report.model import ReportData
from alignthermo.report.page import MAX_BYTES, bounded_page, environment, style
from alignthermo.report.provenance import command_of, methods_table, policies_table, provenance_table
from alignthermo.report.record_index import RecordIndex, index_records
from alignthermo.report.text_view import SHADES, text_view

__all__ = ["MAX_BYTES", "render_report", "render_summary_html"]

_TOKEN_BUDGETS = (8_000, 3_000, 1_000, 0)
"""Where the page would be too large, the text view gives way."""

_LONGEST_COMMAND = 4_000
_UNSTATED = "unstated"


def render_report(data: ReportData) -> str:
    """Render the page of a run.

    Parameters
    ----------
    data : ReportData
        What the run measured. Missing quantities are shown as *not measured*.

    Returns
    -------
    str
        A complete HTML document, valid UTF-8, at most 3 MB, without scripts and without anything a
        browser would have to fetch.
    """
    return bounded_page(partial(_render, data), _TOKEN_BUDGETS)


def render_summary_html(data: ReportData) -> str:
    """Render a fragment for a notebook: headline numbers and the landscape as tables; nothing to fetch."""
    index = index_records(data.records)
    policy = _primary(index)
    return (
        environment()
        .get_template("summary.html.j2")
        .render(
            data=data,
            policy=policy,
            cards=headline_cards(index, policy=policy),
            status=check_status(data.verdicts),
            tables=landscape_tables(index, policy=policy),
        )
    )


def _render(data: ReportData, budget: int) -> str:
    index = index_records(data.records)
    policy = _primary(index)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            data=data,
            css=style(),
            policy=policy,
            findings=[verdict for verdict in data.verdicts if not is_self_check(verdict)][:100],
            status=check_status(data.verdicts),
            check_tables=check_tables(data.records, data.verdicts),
            policies=policies_table(data.records),
            methods=methods_table(data.records),
            provenance=provenance_table(data.run),
            command=marked(clipped(command_of(data.run), _LONGEST_COMMAND)),
            shades=SHADES,
            texts=text_view(
                data.tokens,
                policy=policy,
                categories=_text_categories(data, index, policy),
                prompts=data.prompts,
                budget=budget,
            ),
            **_measured(index, policy),
        )
    )


def _measured(index: RecordIndex, policy: str) -> Mapping[str, object]:
    figure = partial(curve_figure, index, policy=policy)
    landscapes = [_landscape(index, name, i) for i, name in enumerate(index.policies)]
    return {
        "cards": headline_cards(index, policy=policy),
        "missing": not_measured(index),
        "words": plain_words(index, policy=policy),
        "landscapes": [one for one in landscapes if one["figure"] is not None],
        "profile": profile_figure(index, policy=policy, chart_id="depth"),
        "category_profiles": category_profiles(index, policy=policy, chart_id="depth-c"),
        "prefill": figure(PREFILL, caption=_PREFILL_CAPTION),
        "path": figure(PATH, caption=_PATH_CAPTION),
        "temperature": figure(TEMPERATURE, caption=_TEMPERATURE_CAPTION),
    }


_PREFILL_CAPTION = (
    "The first k tokens of a given non-compliant answer are forced; the measurement is made on what follows. "
    "If KL falls towards zero as k grows, the aligned model goes on as the base would."
)
_PATH_CAPTION = (
    "C_align(λ) = λ² Var_λ(ln q − ln p) along π_λ ∝ p^(1−λ) q^λ, token by token. The area under λ Var_λ "
    "is KL(q‖p). Mixing token by token is not the tilt of whole sequences."
)
_TEMPERATURE_CAPTION = (
    "Mean varentropy of the tempered next-token distribution, Var_T(E)/T². Every distribution over finitely "
    "many tokens has such a bump: it is no transition."
)


def _landscape(index: RecordIndex, policy: str, number: int) -> Mapping[str, object]:
    figure: Figure | None = landscape_figure(index, policy=policy, chart_id=f"landscape-{number}")
    return {
        "policy": policy,
        "figure": figure,
        "tables": landscape_tables(index, policy=policy),
        "caveats": landscape_caveats(index, policy=policy),
    }


def _primary(index: RecordIndex) -> str:
    return index.policies[0] if index.policies else _UNSTATED


def _text_categories(data: ReportData, index: RecordIndex, policy: str) -> Sequence[str]:
    """Categories in the order of the landscape, then those only the token table knows."""
    ordered = list(index.categories(policy=policy))
    if data.tokens is not None:
        ordered += sorted(set(data.tokens["category"].unique().to_pylist()) - set(ordered))
    return ordered
