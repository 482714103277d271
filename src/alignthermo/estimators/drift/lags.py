"""Mean drift at each lag after a reminder, with one-sided limits that hold for few and for equal values."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy import stats

from alignthermo.errors import InputError
from alignthermo.estimators.bootstrap import cluster_mean
from alignthermo.estimators.drift.rate import in_conversations
from alignthermo.estimators.drift.series import DriftPanel, DriftSeries, TimeAxis
from alignthermo.estimators.intervals import MIN_CLUSTERS
from alignthermo.estimators.resampling import Resampling
from alignthermo.quantities import Estimate

__all__ = ["LagMean", "lag_means", "measured_panel"]

MAX_LAGS = 24
N_BINS = 8


@dataclass(frozen=True, kw_only=True)
class LagMean:
    """Mean over conversations at one lag.

    Attributes
    ----------
    lag : float
        Time since the last reminder; of a bin, the mean of its times.
    mean : Estimate
        Two-sided, its tails as wide as those of `upper`.
    upper, lower : float
        One-sided limits; NaN where too few conversations were measured.
    """

    lag: float
    mean: Estimate
    upper: float
    lower: float


def measured_panel(
    series: DriftSeries, *, axis: TimeAxis, measure: Literal["drift", "non-compliance"]
) -> DriftPanel:
    """Panel of the drift, or of 1 − compliance."""
    if measure == "drift":
        return series.panel(axis)
    panel = series.panel(axis, column="compliance")
    return replace(panel, value=np.where(panel.measured, 1.0 - panel.value, 0.0))


def lag_means(
    series: DriftSeries,
    *,
    axis: TimeAxis,
    measure: Literal["drift", "non-compliance"],
    tail: float,
    resampling: Resampling,
) -> tuple[LagMean, ...]:
    """Mean at every measured lag, ascending; more than 24 different lags are put into 8 bins of equal counts.

    Raises
    ------
    InputError
        A tail outside (0, 1/2).
    """
    if not 0.0 < tail < 0.5:
        raise InputError(f"lag_means: the tail must lie inside (0, 0.5), got {tail}")
    panel = measured_panel(series, axis=axis, measure=measure)
    times = panel.time[panel.measured]
    edges = np.unique(times)
    if edges.size > MAX_LAGS:
        edges = np.unique(np.quantile(times, np.linspace(0.0, 1.0, N_BINS + 1)[1:]))
    bins = np.searchsorted(edges, panel.time)
    wanted = replace(resampling, level=1.0 - 2.0 * tail)
    out = []
    for index in range(edges.size):
        inside = panel.measured & (bins == index)
        n = inside.sum(axis=1)
        means = (panel.value * inside).sum(axis=1)[n > 0] / n[n > 0]
        out.append(
            _lag_mean(
                float(panel.time[inside].mean()),
                means,
                panel.unit,
                resampling=wanted,
                share=measure != "drift",
            )
        )
    return tuple(out)


def _lag_mean(
    lag: float, means: Float[np.ndarray, " conversation"], unit: str, *, resampling: Resampling, share: bool
) -> LagMean:
    """Limits of one lag; conversations that all agree bound a share no better than their number allows."""
    found = in_conversations(
        cluster_mean(
            means, rng=resampling.rng, level=resampling.level, n_resamples=resampling.n_resamples, unit=unit
        )
    )
    if share and means.size >= MIN_CLUSTERS:
        found = _share(found, means, resampling.level)
    return LagMean(lag=lag, mean=found, upper=found.high, lower=found.low)


def _share(found: Estimate, means: Float[np.ndarray, " conversation"], level: float) -> Estimate:
    """Widen to the exact binomial limits of as many draws as there are conversations, rounded outward.

    A share of conversations in [0, 1] has at most the binomial variance of its mean, so these limits hold for
    any clustering; the bootstrap alone fails where hardly any conversation differs.
    """
    n, tail = means.size, 0.5 * (1.0 - level)
    failed = float(means.sum())
    up, down = int(np.ceil(failed - 1e-9)), int(np.floor(failed + 1e-9))
    high = float(stats.beta.ppf(1.0 - tail, up + 1, n - up)) if up < n else 1.0
    low = float(stats.beta.ppf(tail, down, n - down + 1)) if down else 0.0
    few = min(failed, n - failed) < 5.0
    ends = (low, high) if few or not np.isfinite(found.low) else (max(found.low, 0.0), min(found.high, 1.0))
    return replace(found, low=ends[0], high=ends[1], reason=None)
