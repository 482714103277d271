"""One function per verb."""

from alignthermo.api.doctor import diagnose
from alignthermo.api.drift_along import drift_along
from alignthermo.api.drift_plan import PlannedDrift, plan_drift
from alignthermo.api.drift_result import DriftResult
from alignthermo.api.drift_run import drift, run_drift
from alignthermo.api.judging import JUDGED_AGAIN, calibrate_judge, judge_again
from alignthermo.api.measuring import landscape, load_pair, run_landscape
from alignthermo.api.names import load_prompts
from alignthermo.api.plan import Plan, plan_landscape
from alignthermo.api.result import LandscapeResult
from alignthermo.api.stored import rerender, show
from alignthermo.api.transition_plan import PlannedTransition, plan_transition
from alignthermo.api.transition_result import TransitionResult
from alignthermo.api.transition_run import run_transition, transition
from alignthermo.experiments import LandscapeConfig, TransitionConfig
from alignthermo.experiments.drift import DriftConfig

__all__ = [
    "JUDGED_AGAIN",
    "DriftConfig",
    "DriftResult",
    "LandscapeConfig",
    "LandscapeResult",
    "Plan",
    "PlannedDrift",
    "PlannedTransition",
    "TransitionConfig",
    "TransitionResult",
    "calibrate_judge",
    "diagnose",
    "drift",
    "drift_along",
    "judge_again",
    "landscape",
    "load_pair",
    "load_prompts",
    "plan_drift",
    "plan_landscape",
    "plan_transition",
    "rerender",
    "run_drift",
    "run_landscape",
    "run_transition",
    "show",
    "transition",
]
