"""Drift of conversations: its law, its rate, its entropy production, and the reminders that hold it."""

from alignthermo.estimators.drift.change_point import ChangePoint, change_point
from alignthermo.estimators.drift.comparison import (
    LAW_NAMES,
    DriftComparison,
    compare_drift_laws,
)
from alignthermo.estimators.drift.correlates import RankCorrelation, rank_correlation
from alignthermo.estimators.drift.growth import Growth, drift_growth
from alignthermo.estimators.drift.irreversibility import (
    EntropyChange,
    PathIrreversibility,
    entropy_change,
    path_irreversibility,
)
from alignthermo.estimators.drift.law_rates import law_rates
from alignthermo.estimators.drift.rate import RatePoint, drift_rate, median_rate, rate_along
from alignthermo.estimators.drift.schedule import (
    ArmResult,
    Conversation,
    ReminderArm,
    Schedule,
    cheapest_schedule,
)
from alignthermo.estimators.drift.schedule_check import (
    ScheduleCheck,
    check_schedule,
    gain_per_reminder_token,
)
from alignthermo.estimators.drift.series import DriftPanel, DriftSeries
from alignthermo.estimators.naming import LawScore

__all__ = [
    "LAW_NAMES",
    "ArmResult",
    "ChangePoint",
    "Conversation",
    "DriftComparison",
    "DriftPanel",
    "DriftSeries",
    "EntropyChange",
    "Growth",
    "LawScore",
    "PathIrreversibility",
    "RankCorrelation",
    "RatePoint",
    "ReminderArm",
    "Schedule",
    "ScheduleCheck",
    "change_point",
    "cheapest_schedule",
    "check_schedule",
    "compare_drift_laws",
    "drift_growth",
    "drift_rate",
    "entropy_change",
    "gain_per_reminder_token",
    "law_rates",
    "median_rate",
    "path_irreversibility",
    "rank_correlation",
    "rate_along",
]
