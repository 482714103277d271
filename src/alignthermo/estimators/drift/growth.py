"""Whether the rate of drift grows with time, as the paper predicts, or drift is bounded."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from alignthermo.errors import InsufficientData
from alignthermo.estimators.clusters import Clusters
from alignthermo.estimators.difference import cluster_difference
from alignthermo.estimators.drift.rate import in_conversations, ratio_over_conversations, slope_sums
from alignthermo.estimators.drift.series import Column, DriftPanel, DriftSeries, TimeAxis
from alignthermo.estimators.resampling import Resampling
from alignthermo.quantities import Estimate

__all__ = ["Growth", "GrowthVerdict", "drift_growth"]

GrowthVerdict = Literal["no drift", "the rate grows", "bounded so far", "slowing", "steady", "undecided"]


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Whether the rate of drift changes.

    Attributes
    ----------
    verdict : str
        *no drift*: neither rate nor curvature differs from 0. *the rate grows*: late − early > 0 (what the
        paper predicts). *bounded so far*: the rate falls and the interval of the late rate holds 0.
        *slowing*: it falls, and the late rate is not 0. *steady*: no change, and the change is known to be
        smaller than the rate. Else *undecided*.
    rate, early, late : Estimate
        Of the whole range, its first and its second half.
    change : Estimate
        Late minus early, paired by conversation.
    curvature : Estimate
        Second derivative of the parabola nearest to the mean course.
    middle : float
        Where the halves meet.
    tests : tuple of str
        What the verdict rests on.
    """

    verdict: GrowthVerdict
    rate: Estimate
    early: Estimate
    late: Estimate
    change: Estimate
    curvature: Estimate
    middle: float
    tests: tuple[str, ...]


def drift_growth(
    series: DriftSeries, *, resampling: Resampling, axis: TimeAxis = "turns", column: Column = "value"
) -> Growth:
    r"""Compare late and early rate, and the curvature with 0.

    .. math:: \delta = b_{late} - b_{early}, \qquad
              \kappa = 2 \frac{\sum_g \sum_i r_{gi}\, y_{gi}}{\sum_g \sum_i r_{gi}^2}

    with r the part of t² that is orthogonal to 1 and t within the conversation. The verdict follows δ, which
    holds for any law; both halves share the middle time. Nothing is said beyond the measured range.

    Parameters
    ----------
    series : DriftSeries
    resampling : Resampling
    axis, column
        What is measured against what.

    Raises
    ------
    InsufficientData
        No conversation with two measured times in each half.

    References
    ----------
    Alignment thermodynamics §6.2, prediction 1; Dongre et al. 2510.07777. Formula F-221 in docs/formulas.md.
    """
    panel = series.panel(axis, column=column)
    first, last = float(panel.time[:, 0].min()), panel.span
    middle = 0.5 * (first + last)
    halves = tuple(slope_sums(panel, within=ends) for ends in ((first, middle), (middle, last)))
    if not ((halves[0][1] > 0.0) & (halves[1][1] > 0.0)).any():
        raise InsufficientData(
            "drift_growth: no conversation has two measured times in each half of the range"
        )
    early, late = (Clusters(totals=top, counts=bottom) for top, bottom in halves)
    change = in_conversations(
        cluster_difference(late, early, paired=True, resampling=resampling, unit=panel.rate_unit)
    )

    def ratio(sums: tuple[np.ndarray, np.ndarray], name: str, unit: str) -> Estimate:
        labels = (name, *panel.caveats)
        return ratio_over_conversations(*sums, resampling=resampling, unit=unit, labels=labels)

    rate = ratio(slope_sums(panel), "pooled slope", panel.rate_unit)
    rates = [
        ratio(sums, f"{name} slope", panel.rate_unit)
        for sums, name in zip(halves, ("early", "late"), strict=True)
    ]
    curvature = ratio(_curvature_sums(panel), "curvature", f"{panel.rate_unit}^2")
    return Growth(
        verdict=_verdict(rate, rates[1], change, curvature),
        rate=rate,
        early=rates[0],
        late=rates[1],
        change=change,
        curvature=curvature,
        middle=middle,
        tests=(
            f"late minus early rate {change}",
            f"late rate {rates[1]}",
            f"average rate {rate}",
            f"curvature {curvature}",
        ),
    )


def _curvature_sums(
    panel: DriftPanel,
) -> tuple[Float[np.ndarray, " conversation"], Float[np.ndarray, " conversation"]]:
    """Return the sums of r·y and r²/2, with r the part of t² orthogonal to level and slope."""
    used = panel.measured
    n = np.maximum(used.sum(axis=1, keepdims=True), 1)
    t = (panel.time - (panel.time * used).sum(axis=1, keepdims=True) / n) * used
    square = (t**2 - (t**2).sum(axis=1, keepdims=True) / n) * used
    along = (square * t).sum(axis=1, keepdims=True) / np.maximum((t**2).sum(axis=1, keepdims=True), 1e-300)
    rest = square - along * t
    weight = (rest**2).sum(axis=1)
    weight = np.where(weight > 1e-12 * (t**4).sum(axis=1), weight, 0.0)
    return np.where(weight > 0.0, (rest * panel.value).sum(axis=1), 0.0), 0.5 * weight


def _verdict(rate: Estimate, late: Estimate, change: Estimate, curvature: Estimate) -> GrowthVerdict:
    if any(np.isnan(one.low) for one in (rate, late, change)):
        return "undecided"
    if change.low > 0.0:
        return "the rate grows"
    if change.high < 0.0:
        return "bounded so far" if late.low <= 0.0 <= late.high else "slowing"
    if rate.low <= 0.0 <= rate.high:
        return "no drift" if curvature.low <= 0.0 <= curvature.high else "undecided"
    return "steady" if max(-change.low, change.high) < abs(rate.value) else "undecided"
