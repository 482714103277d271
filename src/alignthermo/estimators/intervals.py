"""From clusters to an estimate: which are usable, which interval they allow, what must be said with it."""

import numpy as np
from jaxtyping import Float

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators.clusters import refuse_nan
from alignthermo.estimators.resampling import (
    RELATIVE_ZERO,
    Resampling,
    bootstrap_t,
    interval_from_quantiles,
    jackknife_ratio,
    upper_log_spread,
)
from alignthermo.estimators.scales import LOG, LOGIT, Scale
from alignthermo.quantities import Estimate

__all__ = ["MIN_CLUSTERS", "check_resampling", "interval_estimate", "sample_skewness", "usable_clusters"]

MIN_CLUSTERS = 8
"""Below this no interval is given: studies/coverage.py finds none that covers."""

SAFE_CLUSTERS = 30
"""From here on intervals cover at any skewness studied."""

MAX_SKEWNESS = 2.0
"""Largest skewness of the prompts for which intervals from fewer than SAFE_CLUSTERS prompts cover."""

MAX_IMPLIED_SKEWNESS = 3.0
"""The same for the skewness of a log-normal with the prompts' upper log-spread, an upward-biased estimate."""


def usable_clusters(
    name: str, numerator: Float[np.ndarray, " cluster"], denominator: Float[np.ndarray, " cluster"]
) -> tuple[Float[np.ndarray, " used"], Float[np.ndarray, " used"], tuple[str, ...]]:
    """Return the finite clusters that hold data, and a caveat for those left out; refuse the rest by name."""
    refuse_nan(name, numerator=numerator, denominator=denominator)
    if numerator.size != denominator.size:
        raise InputError(f"{name}: {numerator.size} numerators but {denominator.size} denominators")
    if (denominator < 0.0).any() or np.isinf(denominator).any():
        raise InputError(f"{name}: denominators must be finite and >= 0")
    if ((denominator == 0.0) & (numerator != 0.0)).any():
        raise InputError(f"{name}: a cluster has a numerator but an empty denominator")
    finite = np.isfinite(numerator)
    used = finite & (denominator > 0.0)
    n_infinite = int(np.count_nonzero(~finite))
    if numerator.size == 0 or not (denominator > 0.0).any():
        raise InsufficientData(f"{name} needs at least 1 cluster with data, got 0 of {numerator.size}")
    caveats = (f"n_infinite={n_infinite}: infinite clusters left out",) if n_infinite else ()
    return numerator[used], denominator[used], caveats


def interval_estimate(
    top: Float[np.ndarray, " cluster"],
    bottom: Float[np.ndarray, " cluster"],
    *,
    scale: Scale,
    resampling: Resampling,
    unit: str,
    labels: tuple[str, ...],
) -> Estimate:
    """Ratio of sums with its jackknife error and bootstrap-t interval; `labels` are method and caveats."""
    check_resampling(resampling)
    method = f"{labels[0]}, cluster bootstrap-t on the {scale.name} scale"
    caveats = labels[1:]
    if top.size == 0:
        return Estimate(
            value=float("nan"), n=0, unit=unit, method=method, caveats=caveats, reason="all values infinite"
        )
    ratio, stderr = (float(x) for x in jackknife_ratio(top, bottom))
    low, high, reason, notes = _interval(top, bottom, scale=scale, resampling=resampling)
    return Estimate(
        value=ratio,
        stderr=0.0 if _is_exact(ratio, stderr) else stderr,
        low=low,
        high=high,
        level=resampling.level,
        n=top.size,
        n_eff=float(bottom.sum() ** 2 / (bottom**2).sum()),
        unit=unit,
        method=method,
        caveats=(*caveats, *notes),
        reason=reason,
    )


def _interval(
    top: Float[np.ndarray, " cluster"],
    bottom: Float[np.ndarray, " cluster"],
    *,
    scale: Scale,
    resampling: Resampling,
) -> tuple[float, float, str | None, tuple[str, ...]]:
    """Return both ends, the reason why they are NaN, and caveats."""
    nan = float("nan")
    n_clusters = top.size
    if n_clusters < MIN_CLUSTERS:
        reason = f"too few prompts: {n_clusters}, an interval needs {MIN_CLUSTERS}"
        return nan, nan, reason, (reason,)
    ratio, stderr = (float(x) for x in jackknife_ratio(top, bottom))
    if scale is LOGIT and not 0.0 < ratio < 1.0:
        reason = f"no interval: the share is {ratio:g} in all {n_clusters} clusters"
        return nan, nan, reason, (reason,)
    if _is_exact(ratio, stderr):
        note = f"no spread: all {n_clusters} clusters agree, the interval is a point"
        return ratio, ratio, None, (note,)
    studentised = bootstrap_t(top, bottom, scale=scale, resampling=resampling)
    low, high = interval_from_quantiles(
        studentised,
        point=(ratio, stderr),
        n_clusters=n_clusters,
        scale=scale,
        level=resampling.level,
    )
    if np.isnan(low):
        apart = _n_apart(top, bottom, scale)
        few = f"only {apart} of {n_clusters} clusters differ from the rest"
        if apart == n_clusters:
            few = f"the resamples of {n_clusters} clusters are too skewed"
        reason = f"too few prompts: {few}"
        return nan, nan, reason, (reason,)
    return low, high, None, _skewness_caveat(top, bottom, positive=scale is LOG)


def _n_apart(top: Float[np.ndarray, " cluster"], bottom: Float[np.ndarray, " cluster"], scale: Scale) -> int:
    """Clusters that do not sit at the end of the scale: only they give a resample its spread."""
    at_low = int(np.count_nonzero(top))
    return min(at_low, int(np.count_nonzero(top != bottom))) if scale is LOGIT else at_low


def _is_exact(ratio: float, stderr: float) -> bool:
    return bool(stderr <= RELATIVE_ZERO * abs(ratio))


def _skewness_caveat(
    top: Float[np.ndarray, " cluster"], bottom: Float[np.ndarray, " cluster"], *, positive: bool
) -> tuple[str, ...]:
    if top.size >= SAFE_CLUSTERS:
        return ()
    skewness = sample_skewness(top - top.sum() / bottom.sum() * bottom)
    # eight draws cannot show a skewness above 2.8, so a log-normal tail is judged by its log-spread as well
    variance_ratio = float(np.exp(upper_log_spread(top, bottom) ** 2)) if positive else 1.0
    implied = (variance_ratio + 2.0) * float(np.sqrt(variance_ratio - 1.0))
    if abs(skewness) <= MAX_SKEWNESS and implied <= MAX_IMPLIED_SKEWNESS:
        return ()
    return (
        f"too few prompts: {top.size} with skewness about {max(abs(skewness), implied):.1f}; "
        f"the interval may cover less than it says, {SAFE_CLUSTERS} prompts would do",
    )


def sample_skewness(residual: Float[np.ndarray, " cluster"]) -> float:
    """Bias-corrected sample skewness; at most √n whatever the law."""
    n_clusters = residual.size
    centred = residual - residual.mean()
    biased = float((centred**3).mean() / (centred**2).mean() ** 1.5)
    return biased * float(np.sqrt(n_clusters * (n_clusters - 1.0))) / (n_clusters - 2.0)


def check_resampling(resampling: Resampling) -> None:
    """Raise `InputError` for a level or a number of resamples that makes no interval."""
    if not 0.0 < resampling.level < 1.0:
        raise InputError(f"level must lie inside (0, 1), got {resampling.level}")
    if resampling.n_resamples < 100:
        raise InputError(f"n_resamples must be at least 100, got {resampling.n_resamples}")
