"""The cheapest reminders or window that keep a bound, chosen on some conversations, verified on others."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from alignthermo.errors import AlignthermoError, InsufficientData
from alignthermo.estimators.drift import (
    ArmResult,
    Conversation,
    DriftSeries,
    ReminderArm,
    Schedule,
    ScheduleCheck,
    cheapest_schedule,
    check_schedule,
)
from alignthermo.estimators.drift.schedule import Measure
from alignthermo.experiments.drift.arms import DriftArm
from alignthermo.experiments.drift.cuts import ALL, PLAIN, DriftCut
from alignthermo.experiments.drift.lag_cells import LagCells, lag_cells
from alignthermo.experiments.drift.lag_records import lag_records
from alignthermo.experiments.drift.laws import after_beginning
from alignthermo.experiments.drift.levels import end_of
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.experiments.drift.series import drift_series
from alignthermo.quantities import Estimate, Record, Verdict

__all__ = ["schedule_findings"]

METHOD = "one-sided limits over conversations at every measured lag"


@dataclass(frozen=True, kw_only=True)
class MeasuredArm:
    """A treatment with what it costs and how drift goes on under it."""

    cut: DriftCut
    arm: DriftArm
    chosen: DriftSeries
    held_out: DriftSeries | None
    cells: LagCells
    one_reminder: float
    replies: float

    def priced(self, horizon: float) -> ReminderArm:
        """Return it as the estimator takes it.

        A reminder that is moved along is always near, so its lag says nothing: the bound must hold all
        along the conversation instead, and every reply costs a reminder.
        """
        reminders, moved = self.arm.treatment.reminders, self.arm.is_moved
        replies = max(math.ceil(self.replies * horizon - 1e-9), 1)
        return ReminderArm(
            name=self.arm.name,
            placement="every" if reminders.placement == "every" else "start",
            form=reminders.form,
            reminder_tokens=self.one_reminder * (replies if moved else 1),
            series=self._cells(horizon).labelled(self.chosen),
        )

    def verifying(self, horizon: float) -> DriftSeries:
        """Return the held-out conversations in the same cells."""
        if self.held_out is None:
            raise InsufficientData("no conversation was held out to verify the schedule on")
        return self._cells(horizon).labelled(self.held_out)

    def _cells(self, horizon: float) -> LagCells:
        every = self.arm.treatment.reminders.every
        return self.cells.as_run(float(every)) if every else self.cells.ending_at(horizon)


def schedule_findings(run: DriftMaker) -> tuple[list[Record], list[Verdict]]:
    """Look for the cheapest treatment that keeps the bound; without a bound nothing is looked for.

    Drift at a lag after the last reminder, in cells as wide as the distance of two probes, is chosen on the
    conversations that are not held out and checked on those that are. The plain conversation and the windows
    cost nothing and keep the bound or not.

    Parameters
    ----------
    run : DriftMaker
        Of the whole run.
    """
    if run.config.bound is None:
        return [], []
    try:
        arms = list(_arms(run))
        if not arms:
            raise InsufficientData("no conversation of any treatment is left to choose a schedule on")
        horizon = _horizon(run, arms)
        schedule = _schedule(run, arms, horizon)
    except AlignthermoError as error:
        overall = _at(run, ALL)
        return [overall.unknown("schedule_every", str(error), unit="token")], [
            overall.verdict("schedule", "undecided", str(error))
        ]
    records: list[Record] = []
    verdicts: list[Verdict] = []
    for arm, result in zip(arms, schedule.arms, strict=True):
        maker = _at(run, arm.arm.name)
        records += _arm_records(maker, result, schedule, horizon)
        records += lag_records(maker, result.lags, of="chosen", unit=_unit(schedule.measure))
        verdicts.append(_keeps(maker, result, schedule))
    more, verdict = _checked(run, schedule, arms, horizon)
    return [*records, *more], [*verdicts, verdict]


def _at(run: DriftMaker, arm: str) -> DriftMaker:
    return DriftMaker(config=run.config, cut=run.cut.at(arm=arm, category=ALL))


def _measure(run: DriftMaker) -> Measure:
    return "drift" if run.config.bound_on == "drift" else "non-compliance"


def _arms(run: DriftMaker) -> Iterator[MeasuredArm]:
    column = "drift" if run.config.bound_on == "drift" else "compliance"
    arms = [arm for arm in run.config.arms if not arm.is_control]
    for arm in sorted(arms, key=lambda arm: (arm.name != PLAIN, arm.name)):
        cut = run.cut.of(arm=arm.name, kind="probe")
        chosen, held_out = cut.of(held_out=False), cut.of(held_out=True)
        series = [_since_reminder(part, column, arm) for part in (chosen, held_out)]
        if series[0] is None or not np.isfinite(series[0].value).any():
            continue
        repeated = arm.treatment.reminders.placement == "every"
        horizon = math.inf if repeated else float(run.config.horizon or math.inf)
        yield MeasuredArm(
            cut=cut,
            arm=arm,
            chosen=series[0],
            held_out=series[1],
            cells=lag_cells(series[0], series[1], width=float(run.config.every), horizon=horizon),
            one_reminder=_one_reminder(chosen),
            replies=_replies_per_token(chosen),
        )


def _since_reminder(cut: DriftCut, column: str, arm: DriftArm) -> DriftSeries | None:
    """Count time from the last reminder; of one that is moved along, from the beginning.

    The beginning itself is left out: without history there is nothing to keep.
    """
    if cut.rows.num_rows == 0:
        return None
    return drift_series(cut, column, keep=after_beginning, since_reminder=not arm.is_moved)


def _one_reminder(cut: DriftCut) -> float:
    """Tokens of one reminder: the mean over contexts that hold some."""
    count, tokens = cut.floats("reminders"), cut.floats("reminder_tokens")
    some = count > 0.0
    return float(tokens[some].sum() / count[some].sum()) if some.any() else 0.0


def _replies_per_token(cut: DriftCut) -> float:
    tokens, turns = cut.floats("tokens"), cut.floats("turns")
    return float(turns.sum() / tokens.sum()) if tokens.sum() > 0.0 else 0.0


def _horizon(run: DriftMaker, arms: list[MeasuredArm]) -> float:
    """Return the wanted horizon, or the longest that every treatment without repetition is measured to."""
    if run.config.horizon is not None:
        return float(run.config.horizon)
    once = [one.cells.reach for one in arms if one.arm.treatment.reminders.placement != "every"]
    longest = min(once) if once else max(float(arm.cut.floats("tokens").max()) for arm in arms)
    if not longest > 0.0:
        raise InsufficientData("no conversation goes beyond its beginning: nothing to keep a bound over")
    return longest


def _schedule(run: DriftMaker, arms: list[MeasuredArm], horizon: float) -> Schedule:
    overall = _at(run, ALL)
    replies = max(math.ceil(max(arm.replies for arm in arms) * horizon), 1)
    return cheapest_schedule(
        [arm.priced(horizon) for arm in arms],
        bound=float(run.config.bound or 0.0),
        # the lag of a cell is a mean, so its last bit may fall short of the horizon it stands for
        conversation=Conversation(horizon=horizon * (1.0 - 1e-9), replies=replies),
        resampling=overall.resampling("schedule"),
        measure=_measure(run),
    )


def _unit(measure: Measure) -> str:
    return "nat" if measure == "drift" else "1"


def _arm_records(
    maker: DriftMaker, result: ArmResult, schedule: Schedule, horizon: float
) -> Iterator[Record]:
    """Spacing, cost and limit of one treatment, or why it does not keep the bound."""
    unit = _unit(schedule.measure)
    names = {"schedule_every": "token", "schedule_cost": "token", "schedule_upper": unit}
    if result.reason is not None:
        for name, unit in names.items():
            yield maker.unknown(name, result.reason, unit=unit)
        return
    upper = max(lag.upper for lag in result.lags if lag.lag <= result.every)
    values = (result.every, result.cost, upper)
    for (name, unit), value in zip(names.items(), values, strict=True):
        yield maker.record(name, _exact(value, unit, result, horizon))


def _exact(value: float, unit: str, result: ArmResult, horizon: float) -> Estimate:
    n = max((lag.mean.n for lag in result.lags), default=0)
    return Estimate(
        value=value,
        n=n,
        unit=unit,
        method=METHOD,
        caveats=(f"over {horizon:g} tokens",),
        reason="a choice or a limit has no interval",
    )


def _keeps(maker: DriftMaker, result: ArmResult, schedule: Schedule) -> Verdict:
    """Say whether one treatment keeps the bound on the conversations of the choice."""
    tests = tuple(
        f"lag {lag.lag:.4g}: mean {lag.mean.value:.4g}, {_limit(lag.upper)}, n = {lag.mean.n}"
        for lag in result.lags
    )
    if result.reason is not None:
        return maker.verdict("keeps_bound", _failing(result, schedule), result.reason, tests=tests)
    text = (
        f"{schedule.measure} <= {schedule.bound:g} with {schedule.level:.0%} confidence up to "
        f"{result.every:.4g} tokens, {result.cost:.4g} reminder tokens"
    )
    return maker.verdict("keeps_bound", "kept", text, tests=tests)


def _limit(upper: float) -> str:
    return "no upper limit" if math.isnan(upper) else f"upper limit {upper:.4g}"


def _failing(result: ArmResult, schedule: Schedule) -> str:
    """Say whether an arm breaks the bound at some lag for certain, or only was not seen to keep it."""
    broken = any(lag.lower > schedule.bound for lag in result.lags)
    return "broken" if broken else "undecided"


def _checked(
    run: DriftMaker, schedule: Schedule, arms: list[MeasuredArm], horizon: float
) -> tuple[list[Record], Verdict]:
    """Verify the chosen treatment on the held-out conversations."""
    if schedule.arm is None:
        reasons = tuple(f"{result.name}: {result.reason}" for result in schedule.arms)
        text = f"{schedule.reason} over {horizon:.4g} tokens"
        broken = all(_failing(result, schedule) == "broken" for result in schedule.arms)
        outcome = "none keeps it" if broken else "undecided"
        return [], _at(run, ALL).verdict("schedule", outcome, text, tests=reasons)
    chosen = next(one for one in arms if one.arm.name == schedule.arm.name)
    maker = _at(run, chosen.arm.name)
    kept = (
        f"{chosen.arm.name}, every {schedule.every:.4g} tokens, {schedule.cost:.4g} reminder tokens "
        f"over {horizon:.4g}: {schedule.measure} <= {schedule.bound:g}"
    )
    try:
        check = check_schedule(
            schedule, chosen.verifying(horizon), resampling=maker.resampling("held_out_upper")
        )
    except AlignthermoError as error:
        blank = maker.unknown("held_out_upper", str(error), unit=_unit(schedule.measure))
        return [blank], maker.verdict("schedule", "undecided", f"{kept}; held out: {error}")
    text = f"{kept}; held-out conversations: {check.verdict}{f', {check.reason}' if check.reason else ''}"
    text += f"; {_beside(chosen.cut)}"
    verdict = maker.verdict("schedule", check.verdict, text, tests=_lag_lines(check))
    unit = _unit(schedule.measure)
    lags = lag_records(maker, check.lags, of="held_out", unit=unit)
    return [_upper_record(maker, check, unit), *lags], verdict


def _beside(cut: DriftCut) -> str:
    """Say what compliance is at the end: a drift alone does not say whether the instruction is kept."""
    kept = end_of(cut, "compliance").value
    return f"compliance at the end {kept.mean():.3g}" if kept.size else "compliance was not measured"


def _lag_lines(check: ScheduleCheck) -> tuple[str, ...]:
    return tuple(
        f"lag {lag.lag:.4g}: mean {lag.mean.value:.4g}, limits {lag.lower:.4g} to {lag.upper:.4g}, "
        f"n = {lag.mean.n}"
        for lag in check.lags
    )


def _upper_record(maker: DriftMaker, check: ScheduleCheck, unit: str) -> Record:
    if math.isnan(check.upper):
        return maker.unknown("held_out_upper", check.reason or "no upper limit", unit=unit)
    estimate = Estimate(
        value=check.upper,
        n=check.worst.n,
        unit=unit,
        method=METHOD,
        caveats=(f"mean {check.worst.value:.4g} at the worst lag",),
        reason="a limit has no interval",
    )
    return maker.record("held_out_upper", estimate)
