"""A chosen schedule on conversations that had no part in choosing it, and what a reminder token buys."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators.clusters import Clusters
from alignthermo.estimators.difference import cluster_difference
from alignthermo.estimators.drift.lags import LagMean, lag_means, measured_panel
from alignthermo.estimators.drift.rate import in_conversations
from alignthermo.estimators.drift.schedule import Measure, Schedule
from alignthermo.estimators.drift.series import DriftPanel, DriftSeries, TimeAxis
from alignthermo.estimators.resampling import Resampling
from alignthermo.quantities import Estimate

__all__ = ["ScheduleCheck", "check_schedule", "gain_per_reminder_token"]


@dataclass(frozen=True, kw_only=True)
class ScheduleCheck:
    """A bound on held-out conversations.

    Attributes
    ----------
    verdict : {"held", "broken", "undecided"}
        *held*: at every lag the upper limit stands under the bound. *broken*: at some lag the lower limit,
        corrected for the number of lags, stands above. Else *undecided*.
    worst : Estimate
        Mean at the lag with the largest mean, with its interval.
    upper : float
        Largest one-sided upper limit.
    lags : tuple of LagMean
    reason : str or None
        Why it is undecided.
    """

    verdict: Literal["held", "broken", "undecided"]
    worst: Estimate
    upper: float
    lags: tuple[LagMean, ...]
    reason: str | None


def check_schedule(schedule: Schedule, held_out: DriftSeries, *, resampling: Resampling) -> ScheduleCheck:
    r"""Say whether the bound of a schedule holds on held-out conversations that ran under it.

    .. math:: \text{held: } \max_s U_{1-a}(\bar D(s)) \le B, \qquad
              \text{broken: } \max_s L_{1 - a/m}(\bar D(s)) > B

    over the m measured lags s ≤ k since the last reminder. Conversations may be measured after later
    reminders too: all their lags count.

    Parameters
    ----------
    schedule : Schedule
        With an arm.
    held_out : DriftSeries
        Times count from the last reminder; conversations other than those of the arms.
    resampling : Resampling
        Its level is that of the one-sided claims.

    Raises
    ------
    InputError
        No schedule to check, or a held-out conversation that took part in the choice.
    InsufficientData
        No measured value at a lag the schedule visits.

    References
    ----------
    Berger, Technometrics 24, 295 (1982). Formula F-227 in docs/formulas.md.
    """
    if schedule.arm is None:
        raise InputError(f"check_schedule: nothing to check, {schedule.reason}")
    both = np.intersect1d(held_out.conversation, schedule.arm.series.conversation)
    if both.size:
        raise InputError(
            f"check_schedule: conversation {both[0]} took part in the choice; number held-out ones apart"
        )
    visited = _up_to(held_out, schedule)
    tail = 1.0 - resampling.level
    lags = lag_means(visited, axis=schedule.axis, measure=schedule.measure, tail=tail, resampling=resampling)
    strict = lag_means(
        visited, axis=schedule.axis, measure=schedule.measure, tail=tail / len(lags), resampling=resampling
    )
    worst = max(lags, key=lambda lag: lag.mean.value)
    uppers = np.array([lag.upper for lag in lags])
    verdict: Literal["held", "broken", "undecided"] = "undecided"
    reason = f"mean {worst.mean.value:.4g}, upper limit {np.max(uppers):.4g}, bound {schedule.bound:g}"
    if any(lag.lower > schedule.bound for lag in strict):
        verdict, reason = "broken", ""
    elif np.isnan(uppers).any():
        reason = "too few held-out conversations at some lag"
    elif (uppers <= schedule.bound).all():
        reach = float(visited.time(schedule.axis).max())
        short = reach < 0.9 * schedule.every
        verdict = "undecided" if short else "held"
        reason = (
            f"held-out conversations reach a lag of {reach:g} of {schedule.every:g} only" if short else ""
        )
    return ScheduleCheck(
        verdict=verdict, worst=worst.mean, upper=float(np.max(uppers)), lags=lags, reason=reason or None
    )


def _up_to(held_out: DriftSeries, schedule: Schedule) -> DriftSeries:
    rows = held_out.time(schedule.axis) <= schedule.every * (1.0 + 1e-9)
    if not rows.any():
        raise InsufficientData(f"check_schedule: no held-out value at a lag up to {schedule.every:g}")
    names = ("conversation", "turns", "tokens", "value", "compliance")
    return replace(
        held_out, **{n: getattr(held_out, n)[rows] for n in names if getattr(held_out, n) is not None}
    )


def gain_per_reminder_token(
    without: DriftSeries,
    with_reminders: DriftSeries,
    *,
    tokens: float,
    resampling: Resampling,
    axis: TimeAxis = "tokens",
    measure: Measure = "drift",
) -> Estimate:
    r"""Drift (or non-compliance) avoided per reminder token.

    .. math:: g = \frac{\bar D_{without} - \bar D_{with}}{N_{reminder}}

    with the mean over measured times within each conversation. Paired by conversation where both have the
    same ones, else unpaired.

    Parameters
    ----------
    without, with_reminders : DriftSeries
        Over the same times.
    tokens : float
        Mean reminder tokens of a conversation, taken as known; > 0.
    resampling : Resampling
    axis, measure
        As in `cheapest_schedule`.

    Raises
    ------
    InputError
        Tokens not positive.
    InsufficientData
        Nothing measured on one side.

    References
    ----------
    Definition; errors as F-44. Formula F-228 in docs/formulas.md.
    """
    if not tokens > 0.0:
        raise InputError(f"gain_per_reminder_token: tokens must be > 0, got {tokens}")
    panels = [measured_panel(one, axis=axis, measure=measure) for one in (without, with_reminders)]
    paired = np.array_equal(panels[0].conversation, panels[1].conversation)
    sides = [Clusters(totals=_means(panel), counts=np.ones(panel.n_conversations)) for panel in panels]
    found = cluster_difference(sides[0], sides[1], paired=paired, resampling=resampling, unit=panels[0].unit)
    return in_conversations(
        replace(
            found,
            value=found.value / tokens,
            stderr=found.stderr / tokens,
            low=found.low / tokens,
            high=found.high / tokens,
            unit=f"{panels[0].unit}/token",
            method=f"{found.method}, per reminder token",
        )
    )


def _means(panel: DriftPanel) -> Float[np.ndarray, " conversation"]:
    return np.asarray((panel.value * panel.measured).sum(axis=1) / panel.counts)
