"""The cheapest reminders that keep drift under a bound, out of those that were measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from alignthermo.errors import InputError
from alignthermo.estimators.drift.lags import LagMean, lag_means
from alignthermo.estimators.drift.series import DriftSeries, TimeAxis
from alignthermo.estimators.resampling import Resampling
from alignthermo.quantities import Estimate

__all__ = [
    "ArmResult",
    "Conversation",
    "Measure",
    "Placement",
    "ReminderArm",
    "Schedule",
    "cheapest_schedule",
]

Placement = Literal["start", "end", "every"]
Measure = Literal["drift", "non-compliance"]


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """The conversation a schedule is for.

    Attributes
    ----------
    horizon : float
        Length that must be held, in the unit of the axis (tokens or turns).
    replies : int
        Model replies within it: a reminder at the end is read anew at every one.
    """

    horizon: float
    replies: int

    def __post_init__(self) -> None:
        if not self.horizon > 0.0 or self.replies < 1:
            raise InputError(
                f"Conversation: horizon > 0 and replies >= 1, got {self.horizon}, {self.replies}"
            )


@dataclass(frozen=True, kw_only=True)
class ReminderArm:
    """A kind of reminder and how drift went on after it.

    Attributes
    ----------
    name : str
    placement : {"start", "end", "every"}
        *start*: once, before everything. *end*: moved along, right before every reply. *every*: repeated
        every k tokens or turns, k to be chosen.
    form : str
        ``repeat``, ``rephrase``, ``summary``, ``compaction`` …; ``none`` for no reminder.
    reminder_tokens : float
        Tokens of one reminder, ≥ 0.
    series : DriftSeries
        Times count from the last reminder. Numbers of conversations name the same ones in all arms, and no
        other ones in the held-out measurements.
    """

    name: str
    placement: Placement
    form: str
    reminder_tokens: float
    series: DriftSeries

    def __post_init__(self) -> None:
        if not self.reminder_tokens >= 0.0:
            raise InputError(f"ReminderArm {self.name!r}: reminder_tokens must be >= 0")

    def cost(self, every: float, conversation: Conversation) -> float:
        """Reminder tokens that are read over the conversation.

        Raises
        ------
        InputError
            Reminders are repeated, and `every` is not above 0.
        """
        if self.placement == "start":
            return self.reminder_tokens
        if self.placement == "end":
            return self.reminder_tokens * conversation.replies
        if not every > 0.0:
            raise InputError(f"ReminderArm {self.name!r}: a spacing must be > 0, got {every:g}")
        # a reminder that falls on the end of the conversation is not needed any more
        return self.reminder_tokens * max(math.ceil(conversation.horizon / every - 1e-9) - 1, 0)


@dataclass(frozen=True, kw_only=True)
class ArmResult:
    """One arm against the bound.

    Attributes
    ----------
    name : str
    every : float
        Largest measured lag up to which the bound is kept; NaN if at none.
    cost : float
        Reminder tokens over the conversation; NaN where the bound is not kept.
    lags : tuple of LagMean
        Every measured lag, with its mean and one-sided upper limit.
    reason : str or None
        Why the arm does not do.
    """

    name: str
    every: float
    cost: float
    lags: tuple[LagMean, ...]
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The cheapest schedule that keeps the bound, or that none does.

    Attributes
    ----------
    arm : ReminderArm or None
        None: no schedule that was measured keeps the bound; `reason` says so.
    every : float
        k on the axis; the horizon where there is one reminder; NaN without a schedule.
    cost : float
        Reminder tokens over the conversation.
    upper : float
        Largest one-sided upper limit at any lag the schedule visits, ≤ bound.
    worst : Estimate
        Mean at that lag.
    bound, level : float
    axis : {"turns", "tokens"}
    measure : {"drift", "non-compliance"}
    arms : tuple of ArmResult
    reason : str or None
    """

    arm: ReminderArm | None
    every: float
    cost: float
    upper: float
    worst: Estimate
    bound: float
    level: float
    axis: TimeAxis
    measure: Measure
    arms: tuple[ArmResult, ...]
    reason: str | None


def cheapest_schedule(
    arms: Sequence[ReminderArm],
    *,
    bound: float,
    conversation: Conversation,
    resampling: Resampling,
    axis: TimeAxis = "tokens",
    measure: Measure = "drift",
) -> Schedule:
    r"""Choose the cheapest schedule whose drift stays under a bound with confidence, from measured lags only.

    .. math:: k^* = \max\Big\{k \text{ measured} : \max_{s \le k}\, U_{1 - a/J}\big(\bar D(s)\big) \le B\Big\}

    where D(s) is the drift a lag s after the last reminder and U its upper confidence limit over
    conversations. Within an arm the lags need no correction (each must pass, and larger k are only tried
    after smaller ones); over J arms the level is Bonferroni's. An arm at the start must be measured up to the
    horizon; one at the end needs the shortest lag only. Nothing is extrapolated: k is never above the largest
    lag that was measured. That drift depends on the lag alone (a reminder wipes out what was before) is an
    assumption: `check_schedule` tests it on conversations that run under the schedule.

    Parameters
    ----------
    arms : sequence of ReminderArm
    bound : float
        B, in the unit of the measure.
    conversation : Conversation
    resampling : Resampling
        Its level is that of the one-sided claim.
    axis : {"tokens", "turns"}
    measure : {"drift", "non-compliance"}
        1 − compliance for the latter.

    Raises
    ------
    InputError
        No arm, or two of one name.
    InsufficientData
        An arm without any measured value.

    References
    ----------
    Berger, Technometrics 24, 295 (1982); Westfall & Krishen, J. Stat. Plan. Inference 99, 25 (2001). Formula
    F-226 in docs/formulas.md.
    """
    if not arms or len({arm.name for arm in arms}) != len(arms):
        raise InputError("cheapest_schedule: needs arms with different names")
    tail = (1.0 - resampling.level) / len(arms)
    results = []
    for arm in arms:
        lags = lag_means(arm.series, axis=axis, measure=measure, tail=tail, resampling=resampling)
        results.append(_against_bound(arm, lags, bound, conversation))
    kept = [i for i, result in enumerate(results) if result.reason is None]
    if not kept:
        return _none(results, bound, resampling.level, axis=axis, measure=measure)
    best = min(kept, key=lambda i: (results[i].cost, -results[i].every))
    visited = [lag for lag in results[best].lags if lag.lag <= results[best].every]
    worst = max(visited, key=lambda lag: lag.upper)
    return Schedule(
        arm=arms[best],
        every=results[best].every,
        cost=results[best].cost,
        upper=worst.upper,
        worst=worst.mean,
        bound=bound,
        level=resampling.level,
        axis=axis,
        measure=measure,
        arms=tuple(results),
        reason=None,
    )


def _against_bound(
    arm: ReminderArm, lags: tuple[LagMean, ...], bound: float, conversation: Conversation
) -> ArmResult:
    """Follow the lags upward until one does not keep the bound for certain."""
    passed: list[LagMean] = []
    for lag in lags:
        if not lag.upper <= bound:
            break
        passed.append(lag)
    nan = float("nan")
    if not passed:
        first = lags[0]
        since = f"{first.lag:g} after {'a reminder' if arm.placement == 'every' else 'the beginning'}"
        reason = f"upper limit {first.upper:.4g} above the bound already {since}"
        if np.isnan(first.upper):
            reason = f"no upper limit {since}: {first.mean.reason}"
        return ArmResult(name=arm.name, every=nan, cost=nan, lags=lags, reason=reason)
    reached = passed[-1].lag
    if arm.placement == "start" and reached < conversation.horizon:
        what = "kept" if reached < lags[-1].lag else "measured"
        reason = f"the bound is {what} up to {reached:g} of {conversation.horizon:g} only"
        return ArmResult(name=arm.name, every=reached, cost=nan, lags=lags, reason=reason)
    every = lags[0].lag if arm.placement == "end" else min(reached, conversation.horizon)
    return ArmResult(name=arm.name, every=every, cost=arm.cost(every, conversation), lags=lags, reason=None)


def _none(
    results: Sequence[ArmResult], bound: float, level: float, *, axis: TimeAxis, measure: Measure
) -> Schedule:
    nan = float("nan")
    reason = f"no schedule measured keeps {measure} under {bound:g}"
    return Schedule(
        arm=None,
        every=nan,
        cost=nan,
        upper=nan,
        worst=Estimate.unknown(reason, n=0, unit="", method="cheapest of the measured schedules"),
        bound=bound,
        level=level,
        axis=axis,
        measure=measure,
        arms=tuple(results),
        reason=reason,
    )
