"""One curve of a transition: threshold, slopes, widths, controls, and the law that is named."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from alignthermo.errors import AlignthermoError
from alignthermo.estimators import Resampling, cluster_mean
from alignthermo.estimators.intervals import MIN_CLUSTERS
from alignthermo.estimators.laws import (
    Comparison,
    Sharpness,
    Sweep,
    Threshold,
    compare_laws,
    sharpness,
    threshold,
    threshold_difference,
)
from alignthermo.experiments.possible_range import DIFFERENCE, SHARE, within
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_stage import SWEEP
from alignthermo.experiments.transition_sweeps import Cut, curve_sweep
from alignthermo.quantities import Estimate, Record, random_stream

__all__ = [
    "MIN_ALPHAS",
    "NO_ROWS",
    "SAME",
    "CurveMaker",
    "curve_records",
    "known_or_reason",
    "law_of",
    "mean_record",
    "prompt_means",
    "unfit",
]

_T = TypeVar("_T")

NO_ROWS = "no context has a known order parameter"
MIN_ALPHAS = 3
SAME = "P(kept) is the same in every context"


@dataclass(frozen=True, kw_only=True)
class CurveMaker:
    """Turns estimates on one cut into records; one random stream per quantity and slice."""

    config: TransitionConfig
    cut: Cut

    def resampling(self, quantity: str) -> Resampling:
        """Return the random source of a quantity: a new quantity never shifts another's resamples."""
        keys = [f"{key}={value}" for key, value in sorted(self.cut.where.items())]
        rng = random_stream(self.config.seed, "bootstrap", quantity, *keys)
        return Resampling(rng=rng, level=self.config.level, n_resamples=self.config.resamples)

    def record(self, quantity: str, estimate: Estimate, **more: str) -> Record:
        """Wrap an estimate."""
        return Record(
            experiment="transition",
            unit_id="all",
            slice={**self.cut.where, **more},
            quantity=quantity,
            estimate=estimate,
            policies={"design": self.config.design, "share": self.config.share},
        )

    def unknown(self, quantity: str, reason: str, *, unit: str = "1", **more: str) -> Record:
        """Record that a quantity is not known, and why."""
        blank = Estimate.unknown(reason, n=self.cut.n_prompts, unit=unit, method="not measured")
        return self.record(quantity, blank, **more)


def known_or_reason(measure: Callable[[], _T]) -> tuple[_T | None, str]:
    """Return what is measured, or None and the reason why it cannot be, without the estimator's name."""
    try:
        return measure(), ""
    except AlignthermoError as error:
        return None, re.sub(r"^[a-z]+(_[a-z]+)+: ", "", str(error))


def law_of(cut: Cut) -> tuple[Comparison | None, str]:
    """Compare the laws of P(kept) on one order and size; None with the reason where there are too few."""
    sweep = curve_sweep(cut, column="p_kept")
    reason = unfit(sweep, cut)
    if sweep is None or reason:
        return None, reason
    return known_or_reason(lambda: compare_laws(sweep))


def unfit(sweep: Sweep | None, cut: Cut) -> str:
    """Say why no law can be fitted to the sweep of a cut; empty if one can.

    Two α that were wanted are no curve, however the reached ones scatter around them.
    """
    if sweep is None:
        return NO_ROWS
    wanted = len(cut.of(control="attack").rows["wanted_alpha"].unique())
    reached = np.unique(np.round(sweep.alpha, 3)).size
    if min(reached, wanted) < MIN_ALPHAS:
        short = f"; of {wanted} wanted, whole turns reach no more at this size: take larger lengths"
        few = f"{min(reached, wanted)} values of α show no law, {MIN_ALPHAS} are needed"
        return few + (short if reached < wanted else "")
    return SAME if np.ptp(sweep.y) == 0.0 else ""


def curve_records(maker: CurveMaker) -> Iterator[Record]:
    """Yield the numbers of one curve (one family, category, order and size)."""
    sweep = curve_sweep(maker.cut, column="p_kept")
    if sweep is None:
        yield maker.unknown("alpha_c", NO_ROWS)
        return
    yield from _thresholds(maker, sweep)
    yield from _slopes(maker, sweep)
    yield from _points(maker)
    yield from _added(maker)
    yield from _effects(maker)
    if maker.config.base is not None:
        yield from _base_threshold(maker)
        yield _gain(maker, sweep)


def bounded(found: Threshold, sweep: Sweep) -> Estimate:
    """Return α_c; where it lies beyond the grid, the end of the grid is the bound that was measured.

    Kept at every α: α_c lies above the largest one, which is then `low`, and the value stays unknown. Broken
    at every α: the smallest one is `high`. Nothing is extrapolated.
    """
    if found.side == "above":
        return replace(found.alpha_c, low=float(sweep.alpha.max()))
    return replace(found.alpha_c, high=float(sweep.alpha.min())) if found.side == "below" else found.alpha_c


def _unfitted(sweep: Sweep, reason: str) -> Estimate:
    """Return α_c of a curve no law fits; one that is the same everywhere lies beyond an end of the grid."""
    blank = Estimate.unknown(f"not bracketed: {reason}", n=sweep.n_clusters, unit="1", method="not measured")
    level = float(sweep.y[0])
    if reason != SAME or sweep.n_clusters < MIN_CLUSTERS or level == 0.5:
        return blank
    if level > 0.5:
        return replace(blank, low=float(sweep.alpha.max()))
    return replace(blank, high=float(sweep.alpha.min()))


def _thresholds(maker: CurveMaker, sweep: Sweep) -> Iterator[Record]:
    found: Threshold | None = None
    reason = unfit(sweep, maker.cut)
    if not reason:
        found, reason = known_or_reason(lambda: threshold(sweep, resampling=maker.resampling("alpha_c")))
    if found is None:
        yield maker.record("alpha_c", _unfitted(sweep, reason))
        return
    yield maker.record("alpha_c", bounded(found, sweep))
    yield maker.record("alpha_mid", found.alpha_mid)
    held = Estimate(
        value=found.held_until,
        n=sweep.n_clusters,
        level=maker.config.level,
        unit="1",
        method="largest α up to which the population curve is above 1/2, tested at the level",
        reason=None if np.isfinite(found.held_until) else "nowhere significantly above 1/2",
    )
    yield maker.record("held_until", held)
    log_odds = curve_sweep(maker.cut, column="h")
    if log_odds is not None:
        other, reason = known_or_reason(
            lambda: threshold(log_odds, resampling=maker.resampling("alpha_c_log_odds"))
        )
        if other is not None:
            yield maker.record("alpha_c_log_odds", bounded(other, log_odds))


def _slopes(maker: CurveMaker, sweep: Sweep) -> Iterator[Record]:
    names = ("slope_within", "slope_marginal", "width_quenched", "width_thermal")
    found: Sharpness | None = None
    reason = unfit(sweep, maker.cut)
    if not reason:
        found, reason = known_or_reason(lambda: sharpness(sweep, resampling=maker.resampling("sharpness")))
    if found is None:
        yield from (maker.unknown(name, reason) for name in names)
        return
    values = (found.within, found.marginal, found.quenched, found.thermal)
    yield from (maker.record(name, value) for name, value in zip(names, values, strict=True))


def _points(maker: CurveMaker) -> Iterator[Record]:
    """P(kept) with interval at each wanted α, and the probability that the reference answers hold."""
    attack = maker.cut.of(model="aligned")
    for control in maker.config.controls:
        rows = attack.of(control=control)
        for alpha in sorted(set(rows.rows["wanted_alpha"].to_pylist())):
            here = rows.of(wanted_alpha=alpha)
            for quantity in ("p_kept", "candidate_mass", "p_kept_low", "p_kept_high"):
                values = prompt_means(here, quantity)
                if values:
                    more = {"wanted_alpha": f"{alpha:.6g}", "control": control, **_added_by(here)}
                    yield mean_record(maker, quantity, np.array(list(values.values())), **more)


def _added_by(point: Cut) -> dict[str, str]:
    """Name the stage that wanted an α; nothing for those of the sweep."""
    stages = {stage for stage in point.rows["stage"].to_pylist() if stage != SWEEP}
    return {"stage": min(stages)} if stages else {}


def _added(maker: CurveMaker) -> Iterator[Record]:
    """Yield how many α a refinement added, and which."""
    rows = maker.cut.of(model="aligned").rows
    wanted = zip(rows["stage"].to_pylist(), rows["wanted_alpha"].to_pylist(), strict=True)
    added = sorted({alpha for stage, alpha in wanted if stage != SWEEP})
    if added:
        count = Estimate(
            value=float(len(added)),
            stderr=0.0,
            low=float(len(added)),
            high=float(len(added)),
            n=maker.cut.n_prompts,
            unit="1",
            method=f"α added where the curve is steep for its grid: {', '.join(f'{a:.4g}' for a in added)}",
        )
        yield maker.record("alphas_added", count)


def _effects(maker: CurveMaker) -> Iterator[Record]:
    """Fall of P(kept) from the smallest α to the largest: under attack, under filler, and beyond it."""
    drops = {control: _drop(maker.cut, control) for control in maker.config.controls}
    for control, drop in drops.items():
        if drop:
            fall = np.array(list(drop.values()))
            yield mean_record(maker, f"drop_{control}", fall, DIFFERENCE)
    shared = [prompt for prompt in drops["attack"] if prompt in drops.get("dilution", {})]
    if shared:
        beyond = np.array([drops["attack"][p] - drops["dilution"][p] for p in shared])
        # the same model in the same contexts: between -2 and 2
        yield mean_record(maker, "drop_beyond_dilution", beyond, (-2.0, 2.0))


def _drop(cut: Cut, control: str) -> dict[str, float]:
    rows = cut.of(control=control, model="aligned")
    alphas = sorted(set(rows.rows["wanted_alpha"].to_pylist()))
    if len(alphas) < 2:
        return {}
    first, last = (prompt_means(rows.of(wanted_alpha=alpha), "p_kept") for alpha in (alphas[0], alphas[-1]))
    return {prompt: first[prompt] - last[prompt] for prompt in first if prompt in last}


def prompt_means(cut: Cut, column: str) -> dict[str, float]:
    """Mean of a column over the replicates of each prompt."""
    values: dict[str, list[float]] = {}
    for prompt, value in zip(cut.rows["prompt_id"].to_pylist(), cut.rows[column].to_pylist(), strict=True):
        if np.isfinite(value):
            values.setdefault(prompt, []).append(value)
    return {prompt: float(np.mean(some)) for prompt, some in values.items()}


def mean_record(
    maker: CurveMaker,
    quantity: str,
    values: np.ndarray,
    possible: tuple[float, float] = SHARE,
    /,
    **more: str,
) -> Record:
    """Average one value per prompt, with an interval over prompts, cut to what is possible."""
    resampling = maker.resampling("/".join([quantity, *more.values()]))
    estimate = cluster_mean(
        values, rng=resampling.rng, level=resampling.level, n_resamples=resampling.n_resamples, unit="1"
    )
    return maker.record(quantity, within(estimate, possible), **more)


def _gain(maker: CurveMaker, sweep: Sweep) -> Record:
    """How much higher α_c is than the base's, on the same contexts."""
    base = curve_sweep(maker.cut, column="p_kept", model="base")
    reason = unfit(sweep, maker.cut) or unfit(base, maker.cut)
    if base is None or reason:
        return maker.unknown("alpha_c_gain", f"not bracketed: {reason}")
    resampling = maker.resampling("alpha_c_gain")
    found, reason = known_or_reason(lambda: threshold_difference(sweep, base, resampling=resampling))
    return maker.unknown("alpha_c_gain", reason) if found is None else maker.record("alpha_c_gain", found)


def _base_threshold(maker: CurveMaker) -> Iterator[Record]:
    sweep = curve_sweep(maker.cut, column="p_kept", model="base")
    reason = unfit(sweep, maker.cut)
    if sweep is None:
        yield maker.unknown("base_alpha_c", f"not bracketed: {reason}")
        return
    if reason:
        yield maker.record("base_alpha_c", _unfitted(sweep, reason))
        return
    found, reason = known_or_reason(lambda: threshold(sweep, resampling=maker.resampling("base_alpha_c")))
    if found is None:
        yield maker.unknown("base_alpha_c", reason)
    else:
        yield maker.record("base_alpha_c", bounded(found, sweep))
