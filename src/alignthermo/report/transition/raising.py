"""What redundant instruction gains, by placement and phrasing."""

import math
from collections.abc import Mapping

from markupsafe import Markup

from alignthermo.quantities import Estimate
from alignthermo.report.caveats import grouped_caveats, warnings_of
from alignthermo.report.chart_bars import Bar, bar_chart
from alignthermo.report.chart_lines import Frame, Series, line_chart
from alignthermo.report.estimate_table import estimate_table
from alignthermo.report.layout import Figure
from alignthermo.report.names import in_words
from alignthermo.report.numbers import times
from alignthermo.report.record_index import ALL, CurvePoint
from alignthermo.report.section import Part, Section
from alignthermo.report.table import Table
from alignthermo.report.transition.curves import scene_name
from alignthermo.report.transition.slices import CurveKey, Slices

__all__ = ["raising_section"]

_LEAD = (
    "Reminders of the instruction were put on top of contexts that stayed the same otherwise. Left: what 100 "
    "redundant tokens add to the log-odds h at fixed α. Right: the threshold they reach. Filler is the "
    "control: what neutral words of the same length gain, the instruction did not. Gains are per token of "
    "the reminders that were tried; a first reminder may gain more than a tenth."
)
_PER_100 = 100.0
_STYLES = ("q", "ink dots", "p", "q dash", "ink", "p dots")
_COLUMNS = {
    "reinforcement_gain_h": "h",
    "reinforcement_gain_h_beyond_filler": "h beyond filler",
    "reinforcement_gain": "α_c",
    "tokens_to_reach": "tokens to the wanted α_c",
}
_Arm = tuple[str, str]


def raising_section(slices: Slices) -> Section:
    """Return gains by placement and phrasing for every curve that was reinforced."""
    keys = [key for key in slices.curves if _arms(slices, key)]
    parts = []
    for number, key in enumerate(key for key in keys if key.category == ALL):
        parts.append(_part(slices, key, f"raise-{number}"))
    others = tuple(_table(slices, key) for key in keys if key.category != ALL)
    if others:
        parts.append(Part(heading="Single categories", tables=others, folded=True))
    why = "; ".join(slices.reasons("reinforcement_gain_best"))
    missing = (
        f"Raising α_c: {why}."
        if why and not parts
        else (
            "Raising α_c: no redundant instruction was tried; give `--reinforce start,end,interleaved`, and "
            "`--wanted-alpha-c 0.7` for the cheapest that reaches a threshold."
        )
    )
    return Section(
        anchor="raising",
        name="Raising α_c",
        title="Raising α_c: the gain of a redundant token",
        lead=_LEAD if parts else "",
        parts=tuple(parts),
        missing=() if parts else (missing,),
    )


def _arms(slices: Slices, key: CurveKey) -> tuple[_Arm, ...]:
    """Placements and phrasings that were tried on a curve."""
    found = (
        (where["placement"], where["phrasing"])
        for where in slices.slices("reinforcement_gain_h")
        if {"placement", "phrasing"} <= set(where) and where.items() >= key.where.items()
    )
    return tuple(dict.fromkeys(found))


def _of(key: CurveKey, arm: _Arm) -> dict[str, str]:
    return {**key.where, "placement": arm[0], "phrasing": arm[1]}


def _name(arm: _Arm) -> str:
    return f"{in_words(arm[1])}, {in_words(arm[0])}"


def _part(slices: Slices, key: CurveKey, chart_id: str) -> Part:
    name = f"{scene_name(key.scene)}, {key.title}"
    arms = _arms(slices, key)
    charts = [_gains(slices, key, arms, name, f"{chart_id}-g")]
    reached = _reached(slices, key, arms, name, f"{chart_id}-a")
    figure = Figure(
        caption=_caption(slices, key, arms),
        wide=(*charts, *([reached] if reached is not None else [])),
        narrow=(),
        table=_table(slices, key),
    )
    return Part(heading=name, figure=figure, layout="small", notes=_notes(slices, key, arms))


def _caption(slices: Slices, key: CurveKey, arms: tuple[_Arm, ...]) -> str:
    found = [slices.get("reinforcement_gain_h", _of(key, arm)) for arm in arms]
    counts = sorted({estimate.n for estimate in found if estimate is not None})
    return (
        f"Whiskers: intervals over {' or '.join(map(str, counts))} prompts; without one they are too few. "
        "Hollow: the filler control."
    )


def _notes(slices: Slices, key: CurveKey, arms: tuple[_Arm, ...]) -> tuple[str, ...]:
    """Say why gains have no interval, and thresholds no value."""
    met = []
    for arm in arms:
        met += [(w, _name(arm)) for w in warnings_of(slices.get("reinforcement_gain_h", _of(key, arm)))]
        reached = slices.named("alpha_c_reinforced", _of(key, arm), over="tokens")
        met += [
            (f"α_c {w}", f"{_name(arm)}, {dose} tokens")
            for dose, estimate in reached.items()
            for w in warnings_of(estimate)
        ]
    return grouped_caveats(met)


def _gains(slices: Slices, key: CurveKey, arms: tuple[_Arm, ...], name: str, chart_id: str) -> Markup:
    bars = []
    for arm in arms:
        gain = slices.get("reinforcement_gain_h", _of(key, arm))
        if gain is not None:
            per_100 = times(gain, _PER_100, unit="nat per 100 tokens")
            bars.append(Bar(label=_name(arm), estimate=per_100, strong=arm[1] != "filler"))
    heading = (
        f"Gain in h by placement and phrasing, {name}",
        "Nat per 100 tokens; the table has the numbers",
    )
    return bar_chart(bars, title="gain in h", unit="nat per 100 tokens", heading=heading, chart_id=chart_id)


def _reached(
    slices: Slices, key: CurveKey, arms: tuple[_Arm, ...], name: str, chart_id: str
) -> Markup | None:
    start = slices.get("alpha_c", key.where)
    series = []
    for arm, css in zip(arms, _STYLES, strict=False):
        points = slices.curve("alpha_c_reinforced", _of(key, arm), over="tokens")
        if any(not math.isnan(point.estimate.value) for point in points):
            first = () if start is None else (CurvePoint(x=0.0, estimate=start),)
            series.append(Series(name=_name(arm), points=(*first, *points), css=css))
    if not series:
        return None
    frame = Frame(
        size=(340, 252),
        x_title="redundant tokens",
        y_title="α_c",
        heading=(f"Threshold by redundant tokens, {name}", "α_c with interval; the table has the numbers"),
        chart_id=chart_id,
        y_range=(0.0, 1.0),
    )
    return line_chart(series, frame)


def _table(slices: Slices, key: CurveKey) -> Table:
    rows: list[tuple[str, Mapping[str, Estimate | None]]] = []
    doses = dict.fromkeys(
        where["tokens"] for where in slices.slices("alpha_c_reinforced") if "tokens" in where
    )
    heads = {q: f"{name} per 100 tokens" if q != "tokens_to_reach" else name for q, name in _COLUMNS.items()}
    heads |= {f"at {dose}": f"α_c with {dose} tokens" for dose in doses}
    for arm in _arms(slices, key):
        where = _of(key, arm)
        found: dict[str, Estimate | None] = {}
        for quantity in _COLUMNS:
            estimate = slices.get(quantity, where)
            gain = quantity != "tokens_to_reach"
            found[quantity] = (
                times(estimate, _PER_100, unit=_unit(estimate)) if estimate and gain else estimate
            )
        for dose in doses:
            found[f"at {dose}"] = slices.get("alpha_c_reinforced", {**where, "tokens": dose})
        rows.append((_name(arm), found))
    caption = f"Redundant instruction, {scene_name(key.scene)}, {key.title}"
    return estimate_table(rows, heads, caption=caption, first="phrasing, placement")


def _unit(estimate: Estimate) -> str:
    return "nat" if estimate.unit.startswith("nat") else "1"
