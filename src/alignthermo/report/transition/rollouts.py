"""Many own turns in one context: two kinds of conversation, fluctuations, commitment."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from alignthermo.quantities import Estimate, Verdict
from alignthermo.report.chart_lines import Frame, Level, Series, line_chart
from alignthermo.report.estimate_table import estimate_table
from alignthermo.report.layout import Figure
from alignthermo.report.record_index import CurvePoint
from alignthermo.report.section import Part, Section
from alignthermo.report.table import Table
from alignthermo.report.transition.dialogues import conversation_name, conversations, decided
from alignthermo.report.transition.slices import Slices

__all__ = ["rollouts_section"]

_LEAD = (
    "The model answers many requests in one context and hears its own replies. If conversations fall into "
    "two kinds, more sharply the longer they last and beyond what an additive memory does, there are two "
    "states. Any sigmoid has its largest outcome variance at the crossing, so the variance stands over p(1 − "
    "p), and variance and autocorrelation of h beside the additive null at the same α. Dashes: that null."
)
_PANELS: tuple[tuple[str, str, str], ...] = (
    ("rollout_p_kept", "", "mean compliance"),
    ("outcome_variance", "outcome_variance_null", "variance over p(1 − p)"),
    ("field_variance", "field_variance_null", "variance of h (nat²)"),
    ("field_lag_one", "field_lag_one_null", "lag-1 autocorrelation of h"),
    ("flips", "", "flips per conversation"),
    ("commitment_turns", "", "own turns to commitment"),
)
_EXCESSES = {
    "outcome_variance_excess": "excess variance",
    "field_variance_excess": "excess variance of h",
    "field_lag_one_excess": "excess autocorrelation",
    "rollout_feedback": "Σw of the null",
    "uncommitted": "uncommitted",
    "escape_kept": "a kept majority lasts",
    "escape_broken": "a broken majority lasts",
    "rollout_candidate_mass": "candidate mass",
    "rollout_left_out": "left out",
}
_TURN_STYLES = ("ink dots", "q", "p", "q dash")


def rollouts_section(slices: Slices, verdicts: Sequence[Verdict]) -> Section:
    """Return fluctuations against α and bimodality by own turns."""
    parts: list[Part] = []
    for number, where in enumerate(conversations(slices, "rollout_p_kept")):
        part = _part(slices, where, f"rollout-{number}")
        if part is not None:
            parts.append(part)
        said = decided(verdicts, "bimodality", where)
        parts += [Part(tables=(said,), css="prose")] if said.rows else []
    missing = (
        "Fluctuations: no rollout was made; give `--rollouts 200`. Without rollouts and ramps no verdict "
        "goes above a sigmoid."
    )
    return Section(
        anchor="fluctuations",
        name="Fluctuations",
        title="Own turns: two kinds of conversation, or one that wavers?",
        lead=_LEAD if parts else "",
        parts=tuple(parts),
        missing=() if parts else (missing,),
    )


def _part(slices: Slices, where: Mapping[str, str], chart_id: str) -> Part | None:
    name = conversation_name(where)
    charts = []
    for number, (quantity, null, title) in enumerate(_PANELS):
        measured = Series(name="measured", points=slices.curve(quantity, where, over="alpha"))
        compared = Series(name="additive null", points=slices.curve(null, where, over="alpha"), css="p")
        series = [one for one in (measured, compared) if one.points]
        if measured.points:
            charts.append(_chart(series, title, name, f"{chart_id}-{number}"))
    charts += _bimodality(slices, where, name, f"{chart_id}-b")
    if not charts:
        return None
    caption = "Whiskers: intervals over conversations. The null is a mean over simulations and has none."
    figure = Figure(caption=caption, wide=tuple(charts), narrow=(), table=_table(slices, where, name))
    return Part(heading=name, figure=figure, layout="small")


def _chart(series: Sequence[Series], title: str, name: str, chart_id: str) -> Markup:
    unit_range = (0.0, 1.0) if title == "mean compliance" else None
    frame = Frame(
        size=(340, 252),
        x_title="α",
        y_title=title,
        heading=(f"{title} against α, {name}", "with intervals; the table below has the numbers"),
        chart_id=chart_id,
        x_range=(0.0, 1.0),
        y_range=unit_range,
        levels=(Level(y=0.5),) if unit_range else (),
    )
    return line_chart(series, frame)


def _bimodality(slices: Slices, where: Mapping[str, str], name: str, chart_id: str) -> list[Markup]:
    """Excess of the bimodality coefficient over the null, one curve per number of own turns."""
    by_turns: dict[str, list[CurvePoint]] = {}
    for rest, estimate in slices.within("bimodality_excess", where):
        if set(rest) == {"alpha", "turns"}:
            by_turns.setdefault(rest["turns"], []).append(
                CurvePoint(x=float(rest["alpha"]), estimate=estimate)
            )
    series = [
        Series(name=f"{turns} own turns", points=tuple(sorted(points, key=lambda p: p.x)), css=css)
        for (turns, points), css in zip(by_turns.items(), _TURN_STYLES, strict=False)
    ]
    if not series:
        return []
    frame = Frame(
        size=(340, 272),
        x_title="α",
        y_title="bimodality beyond null",
        heading=(f"Bimodality beyond the additive null, {name}", "by own turns; the table has the numbers"),
        chart_id=chart_id,
        x_range=(0.0, 1.0),
        levels=(Level(y=0.0),),
    )
    return [line_chart(series, frame)]


def _table(slices: Slices, where: Mapping[str, str], name: str) -> Table:
    heads = {quantity: title for quantity, _, title in _PANELS} | _EXCESSES
    by_alpha: dict[float, dict[str, Estimate | None]] = {}
    for quantity in heads:
        for point in slices.curve(quantity, where, over="alpha"):
            by_alpha.setdefault(point.x, {})[quantity] = point.estimate
    turns: dict[str, str] = {}
    for rest, estimate in slices.within("bimodality_excess", where):
        if set(rest) == {"alpha", "turns"}:
            key = f"bimodality {rest['turns']}"
            turns[key] = f"bimodality beyond null, {rest['turns']} turns"
            by_alpha.setdefault(float(rest["alpha"]), {})[key] = estimate
    rows = [(f"{alpha:g}", found) for alpha, found in sorted(by_alpha.items())]
    return estimate_table(rows, heads | turns, caption=f"Own turns, {name}", first="α")
