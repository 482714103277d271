"""The cheapest redundant instruction that reaches a wanted α_c, and the best of several kinds of it."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy import stats

from alignthermo.errors import InputError
from alignthermo.estimators.intervals import MIN_CLUSTERS, check_resampling
from alignthermo.estimators.laws.reinforced_curve import Pairs, ReinforcedCurve, make_pairs
from alignthermo.estimators.resampling import Resampling
from alignthermo.quantities import Estimate

__all__ = ["best_gain", "cheapest", "tokens_to_reach"]

N_POINTS = 401
METHOD = "first R with mean σ(h) = 1/2 at the wanted α, bootstrap-t test inversion over prompts"


def tokens_to_reach(
    curve: ReinforcedCurve, alpha: float, *, resampling: Resampling, candidates: int = 1
) -> Estimate:
    r"""Fewest redundant tokens at which α_c is at least the wanted one.

    .. math:: R^* = \min\{R : \bar m(\alpha^*; R) \ge \tfrac12\}, \qquad
              \bar m = \frac1G \sum_g \sigma(h_g(\alpha^*; R))

    where h of each prompt stands on straight lines between its contexts and between the doses that were read.
    *Reached* means that :math:`\bar m` at the largest dose is significantly above 1/2; otherwise the answer
    is *not reached within N tokens*, `low` says how many are certainly too few, and nothing is extrapolated.
    0 if it is reached without any. The interval goes from the first R that is not significantly below 1/2 to
    the first that is significantly above, with clustered errors and bootstrap quantiles.

    Parameters
    ----------
    curve : ReinforcedCurve
    alpha : float
        The wanted α_c, of the context's own turns.
    resampling : Resampling
    candidates : int
        Number of curves out of which the cheapest is taken: its upper end is that of ``1 − a/candidates``.

    Raises
    ------
    InputError
        No pairs, or a resampling that makes no interval.

    References
    ----------
    Fieller, JRSS B 16, 175 (1954). Formula F-192 in docs/formulas.md.
    """
    check_resampling(resampling)
    pairs = make_pairs(curve)
    first, last = pairs.range
    if not first <= alpha <= last:
        reason = f"the wanted α_c {alpha:g} lies outside the grid, {first:.3g} to {last:.3g}"
        return _unknown(pairs, reason)
    if pairs.n_prompts < MIN_CLUSTERS:
        return _unknown(pairs, f"too few prompts: {pairs.n_prompts}, an interval needs {MIN_CLUSTERS}")
    tokens, excess = _along_tokens(pairs, alpha)
    return _inverted(tokens, excess, resampling=resampling, candidates=candidates)


def cheapest(
    curves: Mapping[str, ReinforcedCurve], alpha: float, *, resampling: Resampling
) -> tuple[str, Estimate]:
    r"""Return the cheapest of several reinforcements that reach a wanted α_c, with its name.

    .. math:: \min_k R^*_k \in \big[\min_k \text{low}_k,\ \min_k \text{high}_k\big]

    with upper ends at 1 − a/K each, since the smallest of K upper ends is taken. The name is empty where none
    reaches it.

    Raises
    ------
    InputError
        No curve, or as `tokens_to_reach`.

    References
    ----------
    Bonferroni's inequality for the upper end. Formula F-194 in docs/formulas.md.
    """
    if not curves:
        raise InputError("cheapest: needs at least one curve")
    found = {
        name: tokens_to_reach(curve, alpha, resampling=resampling, candidates=len(curves))
        for name, curve in curves.items()
    }
    reached = {name: one for name, one in found.items() if np.isfinite(one.value)}
    lows = [one.low for one in found.values()]
    low = float(min(lows)) if np.isfinite(lows).all() else float("nan")
    if not reached:
        name = min(found, key=lambda one: _or_infinite(found[one].low))
        return "", replace(found[name], low=low)
    name = min(reached, key=lambda one: (reached[one].value, _or_infinite(reached[one].high)))
    high = min(_or_infinite(one.high) for one in reached.values())
    caveats = (f"cheapest of {len(curves)}",) if len(curves) > 1 else ()
    return name, replace(reached[name], low=low, high=high, caveats=(*reached[name].caveats, *caveats))


def best_gain(gains: Mapping[str, tuple[Estimate, Estimate]]) -> tuple[str, Estimate]:
    r"""Return the largest of several gains with its name.

    .. math:: \max_k g_k \in \big[\max_k \text{low}_k,\ \max_k \text{high}_k\big]

    Parameters
    ----------
    gains : mapping
        Name to the gain at its level, and at ``1 − a/K``: the lower ends are taken from the second.

    Raises
    ------
    InputError
        No gain.

    References
    ----------
    Bonferroni's inequality for the lower end. Formula F-194 in docs/formulas.md.
    """
    known = {name: both for name, both in gains.items() if np.isfinite(both[0].value)}
    if not gains:
        raise InputError("best_gain: needs at least one gain")
    if not known:
        name = next(iter(gains))
        return "", gains[name][0]
    name = max(known, key=lambda one: known[one][0].value)
    low = max(_or_minus_infinite(both[1].low) for both in known.values())
    high = max(_or_infinite(both[0].high) for both in known.values())
    caveats = (f"best of {len(gains)}",) if len(gains) > 1 else ()
    best = known[name][0]
    return name, replace(
        best,
        low=low if np.isfinite(low) else float("nan"),
        high=high if np.isfinite(high) else float("nan"),
        caveats=(*best.caveats, *caveats),
    )


def _along_tokens(
    pairs: Pairs, alpha: float
) -> tuple[Float[np.ndarray, " point"], Float[np.ndarray, "prompt point"]]:
    """Excess of each prompt over 1/2 at the wanted α, along the tokens that every series reached."""
    field = np.stack([pairs.field(index, np.array([alpha]))[:, 0] for index in range(len(pairs.doses))])
    reached = pairs.series_tokens()
    tokens = np.linspace(0.0, float(reached[-1].min()), N_POINTS)
    rows = [_between_doses(tokens, reached[:, one], field[:, one]) for one in range(field.shape[1])]
    return tokens, pairs.kept(np.stack(rows)) - 0.5


def _between_doses(
    tokens: Float[np.ndarray, " point"], reached: Float[np.ndarray, " dose"], h: Float[np.ndarray, " dose"]
) -> Float[np.ndarray, " point"]:
    """Return h of one series on straight lines between the doses that reached different tokens."""
    values, first = np.unique(reached, return_index=True)
    return np.asarray(np.interp(tokens, values, h[first]))


def _inverted(
    tokens: Float[np.ndarray, " point"],
    excess: Float[np.ndarray, "prompt point"],
    *,
    resampling: Resampling,
    candidates: int,
) -> Estimate:
    n = excess.shape[0]
    mean, error = excess.mean(axis=0), excess.std(axis=0, ddof=1) / np.sqrt(n)
    rises = np.flatnonzero(mean >= 0.0)
    at = int(rises[0]) if rises.size else int(np.argmax(mean))
    studentised = _studentised(excess[:, at], resampling)
    tail = 0.5 * (1.0 - resampling.level)
    least = float(_quantile(studentised, tail, n))
    most = float(_quantile(studentised, 1.0 - tail / candidates, n))
    # at the ends of the grid there is no crossing to studentise at
    strict = max(most, float(stats.t.ppf(1.0 - tail / candidates, n - 1)))
    below, above = mean < least * error, mean > most * error
    low = float(tokens[-1]) if below.all() else float(tokens[int(np.argmin(below))])
    if not mean[-1] > strict * error[-1]:
        reason = f"not reached within {tokens[-1]:.0f} tokens"
        blank = Estimate.unknown(reason, n=n, unit="token", method=METHOD)
        return replace(blank, low=low, level=resampling.level)
    value = 0.0 if at == 0 else _between(tokens, mean, at)
    high = 0.0 if mean[0] > strict * error[0] else float(tokens[int(np.argmax(above))])
    slope = abs(float(np.interp(value, tokens, np.gradient(mean, tokens))))
    return Estimate(
        value=value,
        stderr=float(np.interp(value, tokens, error)) / max(slope, 1e-12),
        low=min(low, value),
        high=max(high, value),
        level=resampling.level,
        n=n,
        unit="token",
        method=METHOD,
        caveats=("reached without reinforcement",) if at == 0 else (),
    )


def _between(tokens: Float[np.ndarray, " point"], mean: Float[np.ndarray, " point"], at: int) -> float:
    share = mean[at] / (mean[at] - mean[at - 1])
    return float(tokens[at] - share * (tokens[at] - tokens[at - 1]))


def _studentised(
    values: Float[np.ndarray, " prompt"], resampling: Resampling
) -> Float[np.ndarray, " resample"]:
    n = values.size
    drawn = values[resampling.rng.integers(0, n, (resampling.n_resamples, n))]
    spread = drawn.std(axis=1, ddof=1) / np.sqrt(n)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nan_to_num((drawn.mean(axis=1) - values.mean()) / spread, nan=0.0))


def _quantile(studentised: Float[np.ndarray, " resample"], tail: float, n: int) -> float:
    """Quantile with the tail widened by 1/G, as in `interval_from_quantiles`."""
    shrunk = 1.0 - 1.0 / n
    wide = tail * shrunk if tail < 0.5 else 1.0 - (1.0 - tail) * shrunk
    return float(np.quantile(studentised, wide))


def _unknown(pairs: Pairs, reason: str) -> Estimate:
    return Estimate.unknown(reason, n=pairs.n_prompts, unit="token", method=METHOD)


def _or_infinite(value: float) -> float:
    return value if np.isfinite(value) else float("inf")


def _or_minus_infinite(value: float) -> float:
    return value if np.isfinite(value) else float("-inf")
