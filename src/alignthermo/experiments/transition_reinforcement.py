"""What raises α_c: redundant instruction by placement and phrasing, and the cheapest that is enough."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alignthermo.contexts.reinforcing import FILLER
from alignthermo.estimators import with_caveat
from alignthermo.estimators.intervals import MIN_CLUSTERS
from alignthermo.estimators.laws.reinforced_curve import ReinforcedCurve
from alignthermo.estimators.laws.reinforcement import (
    field_gain,
    gain_beyond,
    reinforced_thresholds,
    threshold_gain,
)
from alignthermo.estimators.laws.reinforcement_cost import best_gain, cheapest, tokens_to_reach
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_curves import CurveMaker, known_or_reason
from alignthermo.experiments.transition_stored import curve_rows, reinforced_rows
from alignthermo.experiments.transition_sweeps import Cut, clusters_of, cuts
from alignthermo.quantities import Estimate, Record

__all__ = ["Arm", "reinforced_curves", "reinforced_cuts", "reinforcement_records"]

MIN_MASS = 0.9
Arm = tuple[str, str]
"""Placement and phrasing."""


def reinforcement_records(stored: Mapping[str, pa.Table], config: TransitionConfig) -> Iterator[Record]:
    """Yield gains and costs of redundant instruction at the first length, under attack.

    Per category, family and order: ``reinforcement_gain_h`` (nat/token), ``reinforcement_gain`` (α_c per
    token), ``alpha_c_reinforced`` and ``tokens_to_reach`` of each placement and phrasing; over them all
    ``reinforcement_gain_best`` and, where a wanted α_c is given, ``tokens_to_raise``. Neutral filler is a
    control and never among the best.

    Parameters
    ----------
    stored : mapping of str to pyarrow.Table
        Rows of each stage.
    config : TransitionConfig
    """
    if not config.reinforcements:
        return
    for cut in reinforced_cuts(stored, config):
        yield from _of_curve(CurveMaker(config=config, cut=cut))


def reinforced_cuts(stored: Mapping[str, pa.Table], config: TransitionConfig) -> Iterator[Cut]:
    """Yield what reinforcement was measured on: each family, category and order at the first length."""
    size = config.lengths[0]
    rows = pa.concat_tables([curve_rows(stored), reinforced_rows(stored)])
    rows = rows.filter(pc.and_(pc.equal(rows["model"], "aligned"), pc.equal(rows["control"], "attack")))
    rows = rows.sort_by([(name, "ascending") for name in ("family", "prompt_id", "context_id")])
    for cut in cuts(rows):
        for order in config.orders:
            here = cut.of(order=order, size=size).at(order=order, **{config.size_name: f"{size:g}"})
            if here.rows.num_rows:
                yield here


def reinforced_curves(cut: Cut, config: TransitionConfig) -> dict[Arm, ReinforcedCurve]:
    """Return the curve of each placement and phrasing, with the one without redundant instruction."""
    arms = [(placement, phrasing) for placement in config.reinforce for phrasing in config.phrasings]
    return {arm: _curve(cut, arm) for arm in arms}


def _of_curve(maker: CurveMaker) -> Iterator[Record]:
    curves = reinforced_curves(maker.cut, maker.config)
    for arm, curve in curves.items():
        yield from _of_arm(maker, arm, curve)
        control = curves.get((arm[0], FILLER))
        if control is not None and arm[1] != FILLER:
            yield _measured(
                maker,
                "reinforcement_gain_h_beyond_filler",
                lambda r, curve=curve, control=control: gain_beyond(curve, control, resampling=r),
                unit="nat/token",
                **_named(arm),
            )
    yield from _best(maker, {arm: curve for arm, curve in curves.items() if arm[1] != FILLER})


def _of_arm(maker: CurveMaker, arm: Arm, curve: ReinforcedCurve) -> Iterator[Record]:
    named = _named(arm)
    yield _measured(
        maker,
        "reinforcement_gain_h",
        lambda resampling: field_gain(curve, resampling=resampling),
        unit="nat/token",
        **named,
    )
    gained = _measured(
        maker,
        "reinforcement_gain",
        lambda resampling: threshold_gain(curve, resampling=resampling),
        unit="1/token",
        **named,
    )
    yield replace(gained, estimate=_with_mass(gained.estimate, maker.cut))
    found, _ = known_or_reason(
        lambda: reinforced_thresholds(
            curve, resampling=maker.resampling("/".join(["alpha_c_reinforced", *arm]))
        )
    )
    for dose, estimate in (found or {}).items():
        if dose:
            yield maker.record(
                "alpha_c_reinforced", _with_mass(_enough(estimate), maker.cut), tokens=str(dose), **named
            )
            yield _measured(
                maker,
                "reinforcement_gain_h",
                lambda resampling, dose=dose: field_gain(curve, resampling=resampling, dose=dose),
                unit="nat/token",
                tokens=str(dose),
                **named,
            )
    wanted = maker.config.wanted_alpha_c
    if wanted is not None:
        cost = _measured(
            maker,
            "tokens_to_reach",
            lambda resampling: tokens_to_reach(curve, wanted, resampling=resampling),
            unit="token",
            **named,
        )
        yield replace(cost, estimate=_with_mass(cost.estimate, maker.cut))


def _best(maker: CurveMaker, curves: Mapping[Arm, ReinforcedCurve]) -> Iterator[Record]:
    """Yield the largest gain and the lowest cost, with intervals that allow for the choice."""
    alpha = maker.config.wanted_alpha_c
    measured = {" at ".join(reversed(arm)): curve for arm, curve in curves.items() if _measurable(curve)}
    if not measured:
        reason = "no context with redundant instruction could be read"
        yield maker.unknown("reinforcement_gain_best", reason, unit="1/token")
        if alpha is not None:
            yield maker.unknown("tokens_to_raise", reason, unit="token")
        return
    gains = {name: _both_gains(maker, name, curve, len(measured)) for name, curve in measured.items()}
    yield _chosen(maker, "reinforcement_gain_best", *best_gain(gains))
    if alpha is not None:
        name, cost = cheapest(measured, alpha, resampling=maker.resampling("tokens_to_raise"))
        yield _chosen(maker, "tokens_to_raise", name, cost)


def _both_gains(maker: CurveMaker, name: str, curve: ReinforcedCurve, n: int) -> tuple[Estimate, Estimate]:
    resampling = maker.resampling(f"reinforcement_gain_best/{name}")
    strict = replace(resampling, level=1.0 - (1.0 - resampling.level) / n)
    return threshold_gain(curve, resampling=resampling), threshold_gain(curve, resampling=strict)


def _chosen(maker: CurveMaker, quantity: str, name: str, estimate: Estimate) -> Record:
    record = maker.record(quantity, _with_mass(estimate, maker.cut))
    return replace(record, policies={**record.policies, **({"reinforcement": name} if name else {})})


def _measured(
    maker: CurveMaker,
    quantity: str,
    measure: Callable[..., Estimate],
    *,
    unit: str,
    **more: str,
) -> Record:
    resampling = maker.resampling("/".join([quantity, *(more[key] for key in sorted(more))]))
    found, reason = known_or_reason(lambda: measure(resampling))
    return (
        maker.unknown(quantity, reason, unit=unit, **more)
        if found is None
        else maker.record(quantity, found, **more)
    )


def _measurable(curve: ReinforcedCurve) -> bool:
    return bool((curve.tokens > 0.0).any())


def _named(arm: Arm) -> dict[str, str]:
    return {"placement": arm[0], "phrasing": arm[1]}


def _enough(estimate: Estimate) -> Estimate:
    """Take the bound from a threshold beyond the grid where too few prompts stand behind it."""
    if estimate.n >= MIN_CLUSTERS or not np.isnan(estimate.value):
        return estimate
    few = f"too few prompts: {estimate.n}, a bound needs {MIN_CLUSTERS}"
    return replace(estimate, low=float("nan"), high=float("nan"), reason=f"not bracketed: {few}")


def _with_mass(estimate: Estimate, cut: Cut) -> Estimate:
    """Say so where the reference answers do not hold the mass: h = 0 is then not P(kept) = 1/2."""
    mass = float(np.mean(cut.rows["candidate_mass"].to_numpy(zero_copy_only=False)))
    return (
        estimate
        if mass >= MIN_MASS
        else with_caveat(estimate, f"candidate mass {mass:.2f}, below {MIN_MASS}")
    )


def _curve(cut: Cut, arm: Arm) -> ReinforcedCurve:
    """Rows of the sweep and of one placement and phrasing; α is that of the context's own turns."""
    plain = pc.equal(cut.rows["wanted_reinforcement"], 0)
    own = pc.and_(pc.equal(cut.rows["placement"], arm[0]), pc.equal(cut.rows["phrasing"], arm[1]))
    rows = cut.rows.filter(pc.or_(plain, own))
    columns = ("n_instruction", "n_adversarial", "n_reinforcement", "wanted_alpha", "h")
    instruction, adversarial, redundant, cell, h = (_floats(rows, name) for name in columns)
    # filler on top is no part of the instruction
    kept = instruction - (redundant if arm[1] != FILLER else 0.0)
    with np.errstate(invalid="ignore"):
        alpha = adversarial / (kept + adversarial)
    known = np.isfinite(alpha)
    return ReinforcedCurve(
        cluster=clusters_of(rows)[known],
        replicate=np.asarray(rows["replicate"].to_numpy(zero_copy_only=False))[known],
        cell=cell[known],
        alpha=alpha[known],
        dose=np.asarray(rows["wanted_reinforcement"].to_numpy(zero_copy_only=False))[known],
        tokens=redundant[known],
        h=h[known],
    )


def _floats(rows: pa.Table, name: str) -> np.ndarray:
    return np.asarray(rows[name].to_numpy(zero_copy_only=False), dtype=np.float64)
