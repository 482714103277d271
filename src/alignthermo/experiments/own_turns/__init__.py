"""Experiments in which the model hears itself: ramps, rollouts, early warning."""

from alignthermo.experiments.own_turns.dialogue import Script, SpeakSettings, hold_dialogues
from alignthermo.experiments.own_turns.escalation import EscalationPlan, EscalationScript
from alignthermo.experiments.own_turns.held_loops import (
    HeldLoops,
    measure_arm,
    measure_loops,
    ramp_record,
    self_test,
)
from alignthermo.experiments.own_turns.ramp_analysis import (
    ArmLoop,
    RampRecord,
    SelfTest,
    analyse_arm,
    name_loops,
    self_minus_neutral,
    self_test_of,
)
from alignthermo.experiments.own_turns.ramp_plan import AppendPlan, EditPlan, RampScript, Rung, rung_of
from alignthermo.experiments.own_turns.recording import Recording
from alignthermo.experiments.own_turns.request import ReplyJudge, Request, by_candidates
from alignthermo.experiments.own_turns.rollouts import (
    RolloutPlan,
    RolloutPoint,
    RolloutRecord,
    RolloutScript,
    analyse_rollouts,
    measure_rollouts,
)
from alignthermo.experiments.own_turns.warning import (
    WarningReport,
    WarningSettings,
    collapse_turns,
    judge_warnings,
)

__all__ = [
    "AppendPlan",
    "ArmLoop",
    "EditPlan",
    "EscalationPlan",
    "EscalationScript",
    "HeldLoops",
    "RampRecord",
    "RampScript",
    "Recording",
    "ReplyJudge",
    "Request",
    "RolloutPlan",
    "RolloutPoint",
    "RolloutRecord",
    "RolloutScript",
    "Rung",
    "Script",
    "SelfTest",
    "SpeakSettings",
    "WarningReport",
    "WarningSettings",
    "analyse_arm",
    "analyse_rollouts",
    "by_candidates",
    "collapse_turns",
    "hold_dialogues",
    "judge_warnings",
    "measure_arm",
    "measure_loops",
    "measure_rollouts",
    "name_loops",
    "ramp_record",
    "rung_of",
    "self_minus_neutral",
    "self_test",
    "self_test_of",
]
