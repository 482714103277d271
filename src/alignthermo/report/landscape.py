"""The landscape: what each category of prompts costs, side by side."""

from collections.abc import Sequence

from markupsafe import Markup

from alignthermo.quantities import Estimate
from alignthermo.report.caveats import grouped_caveats, warnings_of
from alignthermo.report.chart_lattice import LatticeRow, Panel, lattice, panel_chart
from alignthermo.report.layout import Figure
from alignthermo.report.numbers import as_percent, complement, format_interval, format_unit, format_value
from alignthermo.report.record_index import ALL, RecordIndex
from alignthermo.report.table import Table

__all__ = ["landscape_caveats", "landscape_figure", "landscape_rows", "landscape_tables"]

MOST_ROWS = 60
_PANELS = {
    "f_align": Panel(title="F_align", unit="nat/token"),
    "sequence_kl": Panel(title="sequence KL", unit="nat/response"),
    "sequence_kl_base_aligned": Panel(title="reverse seq. KL", unit="nat/response"),
    "compliance_entropy": Panel(title="entropy S", unit="nat/token", css="ink"),
    "top1_disagreement": Panel(title="top-1 differs", unit="%", css="ink"),
}
_DIVERGENCES = (
    "f_align",
    "sequence_kl",
    "kl_base_aligned",
    "jensen_shannon",
    "depth_90",
    "first_3_share",
)
_RESPONSES = (
    "response_length",
    "sequence_kl_base_aligned",
    "sequence_heat_capacity",
    "sequence_fisher_information",
)
_DISTRIBUTIONS = (
    "compliance_entropy",
    "base_entropy",
    "branching_factor",
    "top1_agreement",
    "rank_marginal_share",
    "rank_shifted_share",
    "heat_capacity_aligned",
    "heat_capacity_base",
)
_SHARES = frozenset({"top1_agreement", "rank_marginal_share", "rank_shifted_share", "first_3_share"})
_HEADS = {
    "f_align": "F_align",
    "sequence_kl": "sequence KL",
    "kl_base_aligned": "reverse KL",
    "jensen_shannon": "JS",
    "compliance_entropy": "S (q)",
    "base_entropy": "S (p)",
    "branching_factor": "branching",
    "top1_agreement": "top-1 agreement",
    "rank_marginal_share": "rank 2–3",
    "rank_shifted_share": "rank > 3",
    "depth_90": "depth_90",
    "first_3_share": "first 3 tokens",
    "response_length": "length",
    "heat_capacity_aligned": "C (q)",
    "heat_capacity_base": "C (p)",
    "sequence_kl_base_aligned": "reverse sequence KL",
    "sequence_heat_capacity": "C of a response",
    "sequence_fisher_information": "Fisher information",
}


def landscape_rows(
    index: RecordIndex, *, policy: str, quantities: Sequence[str], limit: int = MOST_ROWS
) -> tuple[LatticeRow, ...]:
    """Return one row per category by falling F_align, the pooled one last; at most `limit` categories."""
    names = [*index.categories(policy=policy)[:limit], ALL]
    rows = [_row(index, name, policy=policy, quantities=quantities) for name in names]
    return tuple(row for row in rows if any(estimate is not None for estimate in row.estimates))


def landscape_figure(index: RecordIndex, *, policy: str, chart_id: str) -> Figure | None:
    """Return the dot-and-interval chart of a context policy; None where nothing was measured on it."""
    shown = tuple(q for q in _panel_quantities(policy) if _measured(index, q, policy))
    rows = landscape_rows(index, policy=policy, quantities=shown)
    if not shown or not rows:
        return None
    panels = tuple(_PANELS[q] for q in shown)
    names = ", ".join(panel.title for panel in panels)
    about = f"{names} by category with intervals; the tables below have the numbers."
    heading = (f"Landscape by category, {policy}", about)
    narrow = tuple(
        panel_chart(rows, j, panel=panel, heading=heading, chart_id=f"{chart_id}-n{j}")
        for j, panel in enumerate(panels)
    )
    wide = (lattice(rows, panels, heading=heading, chart_id=f"{chart_id}-w"),)
    return Figure(caption=_caption(rows), wide=wide, narrow=narrow)


def landscape_tables(index: RecordIndex, *, policy: str) -> tuple[Table, ...]:
    """Return every aggregate by category with its interval: divergences, distributions, responses."""
    divergences = _table(index, _DIVERGENCES, policy=policy, caption=f"How far apart, and where: {policy}")
    distributions = _table(
        index, _DISTRIBUTIONS, policy=policy, caption=f"The next-token distributions: {policy}"
    )
    responses = _table(index, _RESPONSES, policy=policy, caption=f"Whole responses: {policy}")
    return tuple(table for table in (divergences, distributions, responses) if len(table.columns) > 2)


def _table(index: RecordIndex, quantities: Sequence[str], *, policy: str, caption: str) -> Table:
    shown = tuple(q for q in quantities if _measured(index, q, policy))
    rows = landscape_rows(index, policy=policy, quantities=shown)
    heads = tuple(_head(q, rows, j) for j, q in enumerate(shown))
    cells = tuple(
        (_name(row), f"{row.n:,}", *(_cell(estimate) for estimate in row.estimates)) for row in rows
    )
    left_out = len(index.categories(policy=policy)) - MOST_ROWS
    footer = f"{left_out:,} more categories stand in the run folder." if left_out > 0 else ""
    return Table(caption=caption, columns=("category", "n", *heads), rows=cells, footer=footer)


def landscape_caveats(index: RecordIndex, *, policy: str) -> tuple[str, ...]:
    """Return the warnings that travel with the numbers, one line per kind, with the categories it touches."""
    return grouped_caveats(
        (warning, f"{_HEADS[quantity]}, {'all prompts' if name == ALL else name}")
        for name in (ALL, *index.categories(policy=policy))
        for quantity in (*_DIVERGENCES, *_DISTRIBUTIONS, *_RESPONSES)
        for warning in warnings_of(index.get(quantity, policy=policy, category=name))
    )


def _panel_quantities(policy: str) -> tuple[str, ...]:
    sequence = "sequence_kl_base_aligned" if policy.startswith("base_policy") else "sequence_kl"
    return ("f_align", sequence, "compliance_entropy", "top1_disagreement")


def _measured(index: RecordIndex, quantity: str, policy: str) -> bool:
    names = (ALL, *index.categories(policy=policy))
    return any(_found(index, quantity, policy, name) is not None for name in names)


def _found(index: RecordIndex, quantity: str, policy: str, category: str) -> Estimate | None:
    """Return an estimate as it is shown: shares in per cent, agreement turned round for the chart."""
    if quantity == "top1_disagreement":
        return as_percent(complement(index.get("top1_agreement", policy=policy, category=category)))
    estimate = index.get(quantity, policy=policy, category=category)
    return as_percent(estimate) if quantity in _SHARES else estimate


def _row(index: RecordIndex, name: str, *, policy: str, quantities: Sequence[str]) -> LatticeRow:
    found = [_found(index, quantity, policy, name) for quantity in quantities]
    known = [estimate for estimate in found if estimate is not None]
    return LatticeRow(
        label="all prompts" if name == ALL else name,
        n=known[0].n if known else 0,
        estimates=tuple(found),
        pooled=name == ALL,
        flagged=any(warnings_of(estimate) for estimate in known),
    )


def _caption(rows: Sequence[LatticeRow]) -> str:
    levels = {f"{100 * e.level:g} %" for row in rows for e in row.estimates if e is not None}
    level = " and ".join(sorted(levels))
    text = f"Points with {level} intervals; n counts prompts; the diamond pools all prompts."
    flagged = " † and a hollow point: a caveat stands below." if any(row.flagged for row in rows) else ""
    arrow = " An arrowhead marks an interval cut at the edge of the panel."
    return text + flagged + (arrow if any(_is_wide(row) for row in rows) else "")


def _is_wide(row: LatticeRow) -> bool:
    return any(e is not None and e.high > 3 * abs(e.value) for e in row.estimates)


def _head(quantity: str, rows: Sequence[LatticeRow], j: int) -> str:
    column = [row.estimates[j] for row in rows]
    units = {format_unit(estimate.unit) for estimate in column if estimate is not None}
    unit = ", ".join(sorted(units - {""}))
    return Markup("{} <small>{}</small>").format(_HEADS[quantity], unit)


def _cell(estimate: Estimate | None) -> str:
    if estimate is None:
        return "–"
    return Markup("{}<small>{}</small>").format(format_value(estimate), format_interval(estimate))


def _name(row: LatticeRow) -> str:
    return row.label + (" †" if row.flagged else "")
