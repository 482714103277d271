"""What redundant instruction gains: in h at fixed α, in α_c, and beyond neutral filler of the same length."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy import stats

from alignthermo.errors import InputError
from alignthermo.estimators.bootstrap import cluster_mean, cluster_ratio
from alignthermo.estimators.clusters import with_caveat
from alignthermo.estimators.intervals import MIN_CLUSTERS
from alignthermo.estimators.laws.reinforced_curve import Pairs, ReinforcedCurve, SteepCell, make_pairs
from alignthermo.estimators.resampling import Resampling
from alignthermo.quantities import Estimate

__all__ = ["field_gain", "gain_beyond", "reinforced_thresholds", "threshold_gain"]

N_POINTS = 401
PER_TOKEN = "1/token"
ABOVE = "kept at every α of the grid"
BELOW = "broken at every α of the grid"
UNDECIDED = "an end of the grid cannot be told from 1/2"


def field_gain(curve: ReinforcedCurve, *, resampling: Resampling, dose: int | None = None) -> Estimate:
    r"""Gain in h per redundant token at fixed α; measurable wherever h is.

    .. math:: g_h = \frac{\sum R\,(h_R - h_0)}{\sum R^2}

    A line through the origin over all doses, or the mean slope :math:`\sum(h_R - h_0)/\sum R` of one. Pairs
    are the same context without and with R redundant tokens; clusters are prompts. Nat per token.

    Parameters
    ----------
    curve : ReinforcedCurve
    resampling : Resampling
    dose : int, optional
        One of the wanted numbers of tokens.

    Raises
    ------
    InputError
        No pairs, an unknown dose, or no redundant token in any of them.

    References
    ----------
    Cochran, Sampling Techniques, 3rd ed., ch. 6. Formula F-190 in docs/formulas.md.
    """
    top, bottom = _field_sums(make_pairs(curve), dose)
    estimate = cluster_ratio(
        top,
        bottom,
        rng=resampling.rng,
        level=resampling.level,
        n_resamples=resampling.n_resamples,
        unit="nat/token",
    )
    return replace(estimate, method=f"h with less h without redundant tokens, {estimate.method}")


def gain_beyond(curve: ReinforcedCurve, control: ReinforcedCurve, *, resampling: Resampling) -> Estimate:
    r"""Gain in h per token beyond that of the control, for example neutral filler of the same length.

    .. math:: g_h - g_h^\text{control}

    over the prompts of both, delete-one-prompt pseudo-values. Nat per token.

    Raises
    ------
    InputError
        No prompt in common, or as `field_gain`.

    References
    ----------
    Formula F-193 in docs/formulas.md.
    """
    shared = np.intersect1d(curve.cluster, control.cluster)
    if shared.size == 0:
        raise InputError("gain_beyond: the two curves have no prompt in common")
    sums = [_field_sums(make_pairs(_of_prompts(one, shared)), None) for one in (curve, control)]

    def difference(keep: Float[np.ndarray, " prompt"]) -> float:
        first, second = (float(keep @ top) / float(keep @ bottom) for top, bottom in sums)
        return first - second

    estimate = _pseudo_mean(difference, sums[0][0].size, resampling=resampling, unit="nat/token")
    return replace(estimate, method=f"difference of two gains in h, {estimate.method}")


def reinforced_thresholds(curve: ReinforcedCurve, *, resampling: Resampling) -> dict[int, Estimate]:
    r"""α_c of the own turns at every dose, 0 included.

    .. math:: \frac1G \sum_g \sigma(h_g(\alpha_c; R)) = \tfrac12

    with h of each prompt on straight lines between its contexts: no law is fitted. Not bracketed as in
    `threshold`: NaN with the end of the grid as the bound that was measured.

    Raises
    ------
    InputError
        No pairs.
    """
    pairs = make_pairs(curve)
    return {dose: _one_threshold(pairs, index, resampling) for index, dose in enumerate(pairs.doses)}


def threshold_gain(curve: ReinforcedCurve, *, resampling: Resampling) -> Estimate:
    r"""Gain in α_c per redundant token.

    .. math:: g_\alpha = \frac{\sum_R R\,(\alpha_c(R) - \alpha_c(0))}{\sum_R R^2}

    over the doses whose crossing is bracketed, R the mean reached tokens; prompts are left out of all
    crossings at once. α is that of the own turns (`ReinforcedCurve`). Where a reinforced curve is kept at
    every α, only a lower bound of the gain is known, and given.

    Raises
    ------
    InputError
        No pairs.

    References
    ----------
    Efron & Tibshirani (1993), ch. 11 and 12.5. Formula F-191 in docs/formulas.md.
    """
    pairs = make_pairs(curve)
    sides = [_side(pairs, index, resampling.level) for index in range(len(pairs.doses))]
    if sides[0] is not None:
        return _not_bracketed(pairs, f"without reinforcement {sides[0]}")
    used = [index for index, side in enumerate(sides) if side is None and index]
    lost = [f"{dose} ({side})" for dose, side in zip(pairs.doses, sides, strict=True) if side is not None]
    if used:
        estimate = _pooled_gain(pairs, used, resampling)
        steep = [f"{pairs.doses[index]}" for index in (0, *used) if pairs.steep_cell(index) is not None]
        if steep:
            estimate = with_caveat(estimate, f"α_c is steep for its grid at doses {', '.join(steep)}")
        return (
            with_caveat(estimate, f"doses left out, not bracketed: {', '.join(lost)}") if lost else estimate
        )
    estimate = _not_bracketed(pairs, f"with reinforcement of {', '.join(lost)}")
    above = [index for index, side in enumerate(sides) if side == ABOVE]
    return replace(estimate, low=_least_gain(pairs, above[0], resampling).low) if above else estimate


def _not_bracketed(pairs: Pairs, what: str) -> Estimate:
    method = "crossings of the mean of σ(h)"
    return Estimate.unknown(f"not bracketed: {what}", n=pairs.n_prompts, unit=PER_TOKEN, method=method)


def _pooled_gain(pairs: Pairs, used: list[int], resampling: Resampling) -> Estimate:
    points = _points(pairs)
    kept = {index: pairs.kept(pairs.field(index, points)) for index in (0, *used)}
    tokens = {index: _prompt_tokens(pairs, index) for index in used}

    def gain(keep: Float[np.ndarray, " prompt"]) -> float:
        at = {index: crossing(points, keep @ kept[index] / keep.sum() - 0.5) for index in kept}
        reached = {index: float(keep @ tokens[index] / keep.sum()) for index in used}
        top = sum(reached[index] * (at[index] - at[0]) for index in used)
        return float(top / max(sum(reached[index] ** 2 for index in used), 1e-300))

    estimate = _pseudo_mean(gain, pairs.n_prompts, resampling=resampling, unit=PER_TOKEN)
    return replace(estimate, method=f"line through the origin in α_c, {estimate.method}")


def _least_gain(pairs: Pairs, index: int, resampling: Resampling) -> Estimate:
    """Gain if α_c of a dose that is kept throughout stood at the end of the grid."""
    points = _points(pairs)
    kept, tokens = pairs.kept(pairs.field(0, points)), _prompt_tokens(pairs, index)

    def least(keep: Float[np.ndarray, " prompt"]) -> float:
        room = points[-1] - crossing(points, keep @ kept / keep.sum() - 0.5)
        return float(room / max(float(keep @ tokens / keep.sum()), 1e-300))

    return _pseudo_mean(least, pairs.n_prompts, resampling=resampling, unit=PER_TOKEN)


def _one_threshold(pairs: Pairs, index: int, resampling: Resampling) -> Estimate:
    side = _side(pairs, index, resampling.level)
    method = "crossing of the mean of σ(h), h on straight lines between contexts"
    if side is not None:
        first, last = pairs.range
        return Estimate(
            value=float("nan"),
            low=last if side == ABOVE else float("nan"),
            high=first if side == BELOW else float("nan"),
            level=resampling.level,
            n=pairs.n_prompts,
            unit="1",
            method=method,
            reason=f"not bracketed: {side}",
        )
    points = _points(pairs)
    kept = pairs.kept(pairs.field(index, points))
    estimate = _pseudo_mean(
        lambda keep: crossing(points, keep @ kept / keep.sum() - 0.5),
        pairs.n_prompts,
        resampling=resampling,
        unit="1",
    )
    return _across(pairs.steep_cell(index), replace(estimate, method=f"{method}, {estimate.method}"))


def _across(cell: SteepCell | None, estimate: Estimate) -> Estimate:
    """Widen an interval to its cell where nothing inside was measured, as `threshold` does."""
    if cell is None or np.isnan(estimate.low):
        return estimate
    left, right = cell.reached
    wide = replace(estimate, low=min(estimate.low, left), high=max(estimate.high, right))
    return with_caveat(wide, "steep for the grid: the interval is a whole cell, refine it")


def _side(pairs: Pairs, index: int, level: float) -> str | None:
    """None where the ends of the grid lie on either side of 1/2 significantly; else what is the case."""
    first, last = pairs.range
    if not first < last or pairs.n_prompts < 2:
        return UNDECIDED
    excess = pairs.kept(pairs.field(index, np.array([first, last]))) - 0.5
    n = pairs.n_prompts
    error = stats.t.ppf(0.5 + 0.5 * level, n - 1) * excess.std(axis=0, ddof=1) / np.sqrt(n)
    high, low = excess.mean(axis=0) > error, excess.mean(axis=0) < -error
    if high[0] and low[1]:
        return None
    if high.all():
        return ABOVE
    return BELOW if low.all() else UNDECIDED


def crossing(points: Float[np.ndarray, " point"], excess: Float[np.ndarray, " point"]) -> float:
    """First place at which `excess` falls through 0, on a straight line between points; NaN if nowhere."""
    falls = np.flatnonzero((excess[:-1] > 0.0) & (excess[1:] <= 0.0))
    if falls.size == 0:
        return float("nan")
    at = int(falls[0])
    share = excess[at] / (excess[at] - excess[at + 1])
    return float(points[at] + share * (points[at + 1] - points[at]))


def _points(pairs: Pairs) -> Float[np.ndarray, " point"]:
    return np.linspace(*pairs.range, N_POINTS)


def _prompt_tokens(pairs: Pairs, index: int) -> Float[np.ndarray, " prompt"]:
    parts = (pairs.tokens[index], np.ones(pairs.prompt.size))
    reached, contexts = (pairs.by_prompt(part, pairs.whole) for part in parts)
    return np.asarray(reached / contexts)


def _field_sums(
    pairs: Pairs, dose: int | None
) -> tuple[Float[np.ndarray, " prompt"], Float[np.ndarray, " prompt"]]:
    """Numerator and denominator of the gain in h, prompt by prompt."""
    if dose is not None and dose not in pairs.doses[1:]:
        raise InputError(f"reinforcement: {dose} redundant tokens were not tried, {pairs.doses[1:]} were")
    gained, tokens = pairs.h[1:] - pairs.h[0], pairs.tokens[1:]
    if dose is not None:
        at = pairs.doses.index(dose) - 1
        gained, tokens, weight = gained[at : at + 1], tokens[at : at + 1], np.ones((1, 1))
    else:
        weight = tokens
    if not (tokens > 0.0).any():
        raise InputError("reinforcement: whole turns reached no redundant token; ask for more tokens")
    sums = (weight * gained).sum(axis=0), (weight * tokens).sum(axis=0)
    return pairs.by_prompt(sums[0], pairs.whole), pairs.by_prompt(sums[1], pairs.whole)


def _of_prompts(curve: ReinforcedCurve, prompts: np.ndarray) -> ReinforcedCurve:
    rows = np.isin(curve.cluster, prompts)
    names = ("cluster", "replicate", "cell", "alpha", "dose", "tokens", "h")
    return ReinforcedCurve(**{name: getattr(curve, name)[rows] for name in names})


def _pseudo_mean(
    statistic: Callable[[Float[np.ndarray, " prompt"]], float],
    n_prompts: int,
    *,
    resampling: Resampling,
    unit: str,
) -> Estimate:
    """Delete-one-prompt pseudo-values Gθ − (G − 1)θ₍g₎ and the bootstrap-t interval of their mean."""
    whole = statistic(np.ones(n_prompts))
    without = np.array([statistic(row) for row in 1.0 - np.eye(n_prompts)]) if n_prompts > 1 else np.zeros(0)
    if n_prompts < MIN_CLUSTERS or not np.isfinite(without).all():
        few = f"too few prompts: {n_prompts}, an interval needs {MIN_CLUSTERS}"
        reason = few if n_prompts < MIN_CLUSTERS else "one prompt decides whether there is a crossing"
        return Estimate(value=whole, n=n_prompts, unit=unit, method="plug-in", reason=reason)
    pseudo = n_prompts * whole - (n_prompts - 1) * without
    estimate = cluster_mean(
        pseudo, rng=resampling.rng, level=resampling.level, n_resamples=resampling.n_resamples, unit=unit
    )
    return replace(estimate, method=f"delete-one-prompt pseudo-values, {estimate.method}")
