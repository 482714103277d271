"""The rate of drift without a law: pooled slope, median slope, and the literal rate along time."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators.drift.series import Column, DriftPanel, DriftSeries, TimeAxis
from alignthermo.estimators.intervals import interval_estimate, usable_clusters
from alignthermo.estimators.resampling import Resampling
from alignthermo.estimators.scales import IDENTITY
from alignthermo.estimators.summary import quantile
from alignthermo.quantities import Estimate

__all__ = [
    "RatePoint",
    "drift_rate",
    "in_conversations",
    "median_rate",
    "rate_along",
    "ratio_over_conversations",
]


@dataclass(frozen=True, kw_only=True)
class RatePoint:
    """Literal rate of drift in one stretch of time.

    Attributes
    ----------
    start, end : float
        Stretch, in turns or tokens; the increments whose middle lies in it.
    rate : Estimate
    """

    start: float
    end: float
    rate: Estimate


def drift_rate(
    series: DriftSeries,
    *,
    resampling: Resampling,
    axis: TimeAxis = "turns",
    column: Column = "value",
    within: tuple[float, float] | None = None,
) -> Estimate:
    r"""Average rate: least squares within conversations, each with a level of its own.

    .. math:: b = \frac{\sum_g \sum_i (t_{gi} - \bar t_g)\, y_{gi}}{\sum_g \sum_i (t_{gi} - \bar t_g)^2}

    a ratio of sums over conversations with bootstrap-t: serial correlation of any form is in the error. It is
    the rate of a linear law, and of any other the slope of the line nearest to its mean course.

    Parameters
    ----------
    series : DriftSeries
    resampling : Resampling
    axis, column
        What is measured against what.
    within : tuple, optional
        Only times between the two, both included.

    Raises
    ------
    InsufficientData
        No conversation with two measured times.

    References
    ----------
    Liang & Zeger, Biometrika 73, 13 (1986), independence working matrix. Formula F-216 in docs/formulas.md.

    Examples
    --------
    >>> import numpy as np
    >>> turns = np.tile(np.arange(5.0), 9)
    >>> drift = DriftSeries(conversation=np.repeat(np.arange(9), 5), turns=turns, tokens=turns,
    ...                     value=0.25 * turns)
    >>> drift_rate(drift, resampling=Resampling(rng=np.random.default_rng(0))).value
    0.25
    """
    panel = series.panel(axis, column=column)
    top, bottom = slope_sums(panel, within=within)
    if not (bottom > 0.0).any():
        raise InsufficientData("drift_rate: no conversation has two measured times")
    return ratio_over_conversations(
        top, bottom, resampling=resampling, unit=panel.rate_unit, labels=("pooled slope", *panel.caveats)
    )


def slope_sums(
    panel: DriftPanel, *, within: tuple[float, float] | None = None
) -> tuple[Float[np.ndarray, " conversation"], Float[np.ndarray, " conversation"]]:
    """Numerator and denominator of each conversation's least-squares slope."""
    used = panel.measured
    if within is not None:
        used = used & (panel.time >= within[0]) & (panel.time <= within[1])
    n = np.maximum(used.sum(axis=1, keepdims=True), 1)
    middle = (panel.time * used).sum(axis=1, keepdims=True) / n
    centred = (panel.time - middle) * used
    return (centred * panel.value).sum(axis=1), (centred**2).sum(axis=1)


def median_rate(
    series: DriftSeries, *, axis: TimeAxis = "turns", column: Column = "value", level: float = 0.95
) -> Estimate:
    r"""Median over conversations of the median of pairwise slopes within each (Theil and Sen).

    .. math:: \operatorname{med}_g \operatorname{med}_{i<j} \frac{y_{gj} - y_{gi}}{t_{gj} - t_{gi}}

    with the order-statistic interval: outlying values move neither median. Conversations with fewer than
    three measured times are left out.

    Raises
    ------
    InsufficientData
        No conversation with three measured times.

    References
    ----------
    Sen, J. Am. Stat. Assoc. 63, 1379 (1968). Formula F-217 in docs/formulas.md.
    """
    panel = series.panel(axis, column=column)
    enough = panel.counts >= 3
    if not enough.any():
        raise InsufficientData("median_rate: no conversation has three measured times")
    first, second = np.triu_indices(panel.time.shape[1], 1)
    both = panel.measured[enough][:, first] & panel.measured[enough][:, second]
    rise = panel.value[enough][:, second] - panel.value[enough][:, first]
    run = np.where(both, panel.time[enough][:, second] - panel.time[enough][:, first], 1.0)
    slopes = np.nanmedian(np.where(both, rise / run, np.nan), axis=1)
    left_out = int((~enough).sum())
    notes = (f"{left_out} conversations with fewer than 3 values left out",) if left_out else ()
    found = quantile(slopes, level=level, unit=panel.rate_unit)
    return in_conversations(
        replace(
            found,
            method="median of Theil-Sen slopes, order-statistic interval",
            caveats=(*found.caveats, *panel.caveats, *notes),
        )
    )


def rate_along(
    series: DriftSeries,
    edges: Float[np.ndarray, " edge"],
    *,
    resampling: Resampling,
    axis: TimeAxis = "turns",
    column: Column = "value",
) -> tuple[RatePoint, ...]:
    r"""Literal rate dD/dt between consecutive measurements, averaged over conversations in stretches of time.

    .. math:: \dot D_b = \sum_{g,\,i \in b} (y_{g,i+1} - y_{g,i}) \Big/
              \sum_{g,\,i \in b} (t_{g,i+1} - t_{g,i})

    Raises
    ------
    InputError
        Edges that do not ascend.

    References
    ----------
    Alignment thermodynamics §6.1. Formula F-218 in docs/formulas.md.
    """
    if edges.size < 2 or (np.diff(edges) <= 0.0).any():
        raise InputError("rate_along: edges must ascend, at least two of them")
    panel = series.panel(axis, column=column)
    run = np.diff(panel.time, axis=1)
    usable = panel.measured[:, 1:] & (run > 0.0)
    rise = np.diff(panel.value, axis=1)
    middle = 0.5 * (panel.time[:, 1:] + panel.time[:, :-1])
    points = []
    for start, end in pairwise(edges.tolist()):
        inside = usable & (middle >= start) & (middle < end)
        points.append(
            RatePoint(
                start=start,
                end=end,
                rate=ratio_over_conversations(
                    (rise * inside).sum(axis=1),
                    (run * inside).sum(axis=1),
                    resampling=resampling,
                    unit=panel.rate_unit,
                    labels=("literal rate", *panel.caveats),
                ),
            )
        )
    return tuple(points)


def ratio_over_conversations(
    top: Float[np.ndarray, " conversation"],
    bottom: Float[np.ndarray, " conversation"],
    *,
    resampling: Resampling,
    unit: str,
    labels: tuple[str, ...],
) -> Estimate:
    """Ratio of sums with bootstrap-t on the natural scale; without data unknown."""
    if not (bottom > 0.0).any():
        return Estimate.unknown("nothing measured here", n=0, unit=unit, method=labels[0])
    numerator, denominator, notes = usable_clusters(labels[0], np.where(bottom > 0.0, top, 0.0), bottom)
    return in_conversations(
        interval_estimate(
            numerator,
            denominator,
            scale=IDENTITY,
            resampling=resampling,
            unit=unit,
            labels=(*labels, *notes),
        )
    )


def in_conversations(estimate: Estimate) -> Estimate:
    """Say *conversations* where the shared estimators say *prompts*."""
    reason = estimate.reason.replace("prompts", "conversations") if estimate.reason else None
    caveats = tuple(note.replace("prompts", "conversations") for note in estimate.caveats)
    return replace(estimate, reason=reason, caveats=caveats)
