"""Slopes, widths, growth with length, and what filler alone would have done."""

from collections.abc import Sequence

from alignthermo.quantities import Estimate
from alignthermo.report.estimate_table import estimate_table
from alignthermo.report.section import Part, Section
from alignthermo.report.transition.curves import scene_name
from alignthermo.report.transition.slices import CurveKey, Slices

__all__ = ["slopes_section"]

_SHAPE = {
    "slope_within": "slope within",
    "slope_marginal": "slope across",
    "width_thermal": "width within",
    "width_quenched": "width across",
    "gamma": "γ",
}
_PLACE = {
    "alpha_c_log_odds": "α_c of h",
    "alpha_mid": "midpoint",
    "held_until": "held until",
    "base_alpha_c": "α_c of the base",
    "alpha_c_gain": "α_c beyond the base",
}
_FALL = {
    "drop_attack": "under attack",
    "drop_dilution": "under filler",
    "drop_beyond_dilution": "beyond filler",
}
_LEAD = (
    "Within a prompt and across prompts are two things: a population can fade smoothly though every prompt "
    "flips at once, each at a threshold of its own. γ is how the slope within a prompt grows with length, "
    "slope ~ L^γ: 0 if only the ratio counts, 1 for accumulation and for a first-order transition alike, "
    "so γ alone decides nothing."
)


def slopes_section(slices: Slices) -> Section:
    """Return three tables over all curves."""
    rows = [(_name(key), _found(slices, key)) for key in slices.curves]
    tables = (
        estimate_table(rows, _SHAPE, caption="How steep, and why"),
        estimate_table(rows, _PLACE, caption="Other thresholds, each a quantity of its own"),
        estimate_table(rows, _FALL, caption="Fall of P(kept) from the smallest α to the largest"),
    )
    shown = tuple(table for table in tables if table.rows)
    missing = [] if "gamma" in slices.by_quantity else [_no_gamma(slices.curves)]
    if "drop_dilution" not in slices.by_quantity:
        missing.append("Dilution control: left out; give `--controls attack,dilution`.")
    return Section(
        anchor="slopes",
        name="Slopes",
        title="Slopes, widths, and the dilution control",
        lead=_LEAD if shown else "",
        parts=(Part(tables=shown),) if shown else (),
        missing=tuple(missing),
    )


def _no_gamma(curves: Sequence[CurveKey]) -> str:
    if any(key.size_name == "n_instr" for key in curves):
        return "γ: not defined where the instruction is held; run `--design fixed_length` with two lengths."
    return "γ: one length was measured; give at least two (`--lengths 200,400`)."


def _name(key: CurveKey) -> str:
    return f"{scene_name(key.scene)}, {key.title}"


def _found(slices: Slices, key: CurveKey) -> dict[str, Estimate | None]:
    of_order = {**key.scene, "order": key.order}
    found = {q: slices.get(q, key.where) for q in (*_SHAPE, *_PLACE, *_FALL)}
    return {**found, "gamma": slices.get("gamma", of_order)}
