"""Which law drift follows, its rates, and whether the rate grows."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from alignthermo.quantities import Estimate, Verdict
from alignthermo.report.chart_bars import Bar, bar_chart
from alignthermo.report.drift.absent import absent
from alignthermo.report.drift.index import DriftIndex, Place, arm_name, short_arm
from alignthermo.report.drift.tables import arm_notes, arm_table, per_1000, verdict_table
from alignthermo.report.estimate_table import estimate_table
from alignthermo.report.layout import Figure
from alignthermo.report.numbers import with_error
from alignthermo.report.record_index import ALL
from alignthermo.report.section import Part, Section
from alignthermo.report.table import Table

__all__ = ["laws_section"]

_LEAD = (
    "Laws are compared by how well they foretell conversations they have not seen. A law whose whisker of "
    "two standard errors reaches zero is not ruled out; named is the simplest of those, and none where they "
    "contradict each other. The paper foretells a rate that grows for ever; published work finds drift that "
    "is bounded. Nothing is claimed beyond the last measured token."
)
_RATES = {
    "drift_rate_tokens": "rate",
    "median_drift_rate_tokens": "median rate",
    "excess_rate_tokens": "excess rate",
    "drift_rate_turns": "rate per turn",
    "median_drift_rate_turns": "median rate per turn",
}
_OF_LAW = {
    "law_rate": "rate of the law",
    "law_initial_rate": "initial rate",
    "law_late_rate": "late rate",
    "law_plateau": "plateau",
    "law_relaxation_time": "relaxation time",
    "law_exponent": "exponent",
    "law_drift_over_range": "drift over the range",
}
_STEP = {"change_point": "change-point", "jump": "jump", "change_spread": "spread of the change-points"}
_GROWTH = {
    "rate_early": "rate, first half",
    "rate_late": "rate, second half",
    "rate_change": "late less early",
    "curvature": "curvature",
}


def laws_section(index: DriftIndex, verdicts: Sequence[Verdict]) -> Section:
    """Return rival laws of every arm, rates with medians beside them, and the growth of the rate."""
    tables: tuple[tuple[Table, dict[str, str]], ...] = (
        (arm_table(index, _RATES, caption="Rates without a law; medians are not moved by outliers"), _RATES),
        (_implied(index), {}),
        (arm_table(index, _STEP, caption="Where a step would stand"), _STEP),
        (arm_table(index, _GROWTH, caption="Does the rate grow?"), _GROWTH),
    )
    said = verdict_table(verdicts, ("law", "growth"), caption="What was decided")
    figure = _figure(index)
    numbers = tuple(Part(tables=(t,), notes=arm_notes(index, heads)) for t, heads in tables if t.rows)
    return Section(
        anchor="laws",
        name="Law and rate",
        title="Which law, how fast, and does it grow",
        lead=_LEAD if figure is not None or numbers else "",
        parts=(
            *((Part(figure=figure, layout="small"),) if figure is not None else ()),
            *((Part(tables=(said,), css="prose"),) if said.rows else ()),
            *numbers,
        ),
        missing=(
            *absent(
                index,
                ("law_gap",),
                "Rival laws",
                "They need 8 conversations with three measuring points each (`--conversations`, `--every`).",
            ),
            *absent(
                index,
                ("drift_rate_tokens", "drift_rate_turns"),
                "Rate",
                "It needs two measuring points in a conversation (`--every`).",
            ),
        ),
    )


def _implied(index: DriftIndex) -> Table:
    """One row per arm and law."""
    rows: dict[tuple[str, str], dict[str, Estimate | None]] = {}
    for arm in index.arms:
        for quantity in _OF_LAW:
            for law, estimate in index.named(quantity, Place(arm=arm), over="law").items():
                rows.setdefault((arm, law), {})[quantity] = per_1000(estimate)
    named = [(f"{arm_name(arm)}: {law}", found) for (arm, law), found in rows.items()]
    return estimate_table(named, _OF_LAW, caption="What a law implies, where it holds", first="arm: law")


def _figure(index: DriftIndex) -> Figure | None:
    charts, rows = [], []
    for number, arm in enumerate(index.arms):
        gaps = index.named("law_gap", Place(arm=arm), over="law")
        if gaps:
            charts.append(_chart(gaps, arm, f"laws-{number}"))
            rows += [
                (arm_name(arm), law, with_error(gap.value, 2.0 * gap.stderr), f"{gap.n:,}")
                for law, gap in gaps.items()
            ]
    if not charts:
        return None
    columns = ("arm", "law", "gap ± two errors (nat per conversation)", "n")
    return Figure(
        caption="Bars end at the gap; whiskers and ± are two paired, clustered standard errors. Bold: not "
        "ruled out. All instructions.",
        wide=tuple(charts),
        narrow=(),
        table=Table(caption=f"Rival laws, {ALL} instructions", columns=columns, rows=tuple(rows)),
    )


def _chart(gaps: Mapping[str, Estimate], arm: str, chart_id: str) -> Markup:
    bars = tuple(
        Bar(
            label=law,
            estimate=gap,
            strong=gap.value <= 2.0 * gap.stderr,
            text=with_error(gap.value, 2.0 * gap.stderr),
        )
        for law, gap in gaps.items()
    )
    heading = (f"Rival laws, {arm_name(arm)}", "Held-out log-likelihood behind the best law with two errors")
    return bar_chart(
        bars,
        title=short_arm(arm),
        unit="nat per conversation behind the best",
        heading=heading,
        chart_id=chart_id,
    )
