"""Phase pictures over (α, L) and over (N_instr, N_adv)."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from alignthermo.report.chart_phase import PhaseRow, plane_chart, strip_chart
from alignthermo.report.estimate_table import estimate_cell
from alignthermo.report.layout import Figure
from alignthermo.report.names import in_words
from alignthermo.report.numbers import format_number
from alignthermo.report.section import Part, Section
from alignthermo.report.table import Table
from alignthermo.report.transition.curves import scene_name
from alignthermo.report.transition.slices import SIZE_NAMES, CurveKey, Slices

__all__ = ["phase_section"]

_LEAD = (
    "Where the instruction holds (blue) and where it breaks (orange), over the share and the size of the "
    "context. The heavy line joins the thresholds of neighbouring sizes; where one is not bracketed there is "
    "no line. If only the ratio mattered, the line in the right picture would be a ray from the origin. "
    "Plain accumulation of evidence draws a straight line there too, one that misses the origin by its "
    "prior, and steepens every curve with length: a steeper curve at greater length is no sign of a phase "
    "transition."
)
_CAPTION = (
    "Cells stand at the wanted sizes; thresholds are fitted to what was reached. Short bars: intervals "
    "of α_c."
)


def phase_section(slices: Slices) -> Section:
    """Return both pictures for every family and order of the pooled prompts."""
    parts = tuple(
        _part(slices, scene, keys, f"phase-{n}-{m}")
        for n, scene in enumerate(slices.pooled_scenes)
        for m, keys in enumerate(_by_order(slices, scene))
        if len(keys) > 1
    )
    missing = (
        "Phase picture: one size was measured; give at least two (`--lengths 200,400`), three or more to see "
        "a shape."
    )
    return Section(
        anchor="phase",
        name="Phase picture",
        title="Phase picture",
        lead=_LEAD if parts else "",
        parts=parts,
        missing=() if parts else (missing,),
    )


def _by_order(slices: Slices, scene: Mapping[str, str]) -> list[list[CurveKey]]:
    """Curves that have points, by their order."""
    orders: dict[str, list[CurveKey]] = {}
    for key in slices.of(scene):
        if _row(slices, key).points:
            orders.setdefault(key.order, []).append(key)
    return list(orders.values())


def _part(slices: Slices, scene: Mapping[str, str], keys: Sequence[CurveKey], chart_id: str) -> Part:
    rows = tuple(_row(slices, key) for key in keys)
    name = f"{scene_name(scene)}, {in_words(keys[0].order)}"
    size = SIZE_NAMES[keys[0].size_name]
    fixed = keys[0].size_name == "length"
    about = "probability that the instruction is kept; the table below has the numbers"
    charts: tuple[Markup, ...] = (
        strip_chart(
            rows,
            size_title=size,
            title=f"over α and {size}",
            heading=(f"Phase picture over α and {size}, {name}", about),
            chart_id=f"{chart_id}-s",
        ),
        plane_chart(
            rows,
            fixed_length=fixed,
            title="over instruction and attack",
            heading=(f"Phase picture over N_instr and N_adv, {name}", about),
            chart_id=f"{chart_id}-p",
        ),
    )
    figure = Figure(caption=_CAPTION, wide=charts, narrow=(), table=_table(slices, keys, name))
    return Part(heading=name, figure=figure)


def _row(slices: Slices, key: CurveKey) -> PhaseRow:
    curve = slices.curve("p_kept", {**key.where, "control": "attack"}, over="wanted_alpha")
    return PhaseRow(
        size=float(key.size),
        points=tuple((point.x, point.estimate.value) for point in curve),
        alpha_c=slices.get("alpha_c", key.where),
    )


def _table(slices: Slices, keys: Sequence[CurveKey], name: str) -> Table:
    rows = []
    for key in keys:
        row = _row(slices, key)
        alpha_c = estimate_cell(row.alpha_c)
        for alpha, p in row.points:
            rows.append((key.size, f"{alpha:.3g}", format_number(p), alpha_c))
    columns = (SIZE_NAMES[keys[0].size_name], "α", "P(kept)", "α_c")
    return Table(caption=f"Phase picture, {name}", columns=columns, rows=tuple(rows))
