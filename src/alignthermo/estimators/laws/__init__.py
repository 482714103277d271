"""Laws of a compliance curve: α_c, slopes, widths, memory, loops, and what they may be called."""

from alignthermo.estimators.laws.bimodality import Bimodality, bimodality, bimodality_coefficient
from alignthermo.estimators.laws.comparison import RIVALS, Comparison, compare_laws
from alignthermo.estimators.laws.constant_field import ConstantField, constant_field_null
from alignthermo.estimators.laws.hysteresis import (
    HeldRamp,
    Hysteresis,
    hysteresis,
    loop_areas,
    survives_holding,
)
from alignthermo.estimators.laws.memory import LabelledTurns, MemoryKernel, memory_kernel
from alignthermo.estimators.laws.middle import Middle
from alignthermo.estimators.laws.refine import refined_doses, refined_grid
from alignthermo.estimators.laws.reply_kernel import ReplyKernel, ReplyRun, fit_reply_kernel
from alignthermo.estimators.laws.scaling import SizeScaling, size_scaling
from alignthermo.estimators.laws.shapes import ACCUMULATION, CONSTANT, LINE, LOGISTIC, POWER, SCALED
from alignthermo.estimators.laws.sharpness import Sharpness, sharpness
from alignthermo.estimators.laws.step import STEP
from alignthermo.estimators.laws.sweep import OrderParameter, Sweep
from alignthermo.estimators.laws.threshold import Threshold, threshold
from alignthermo.estimators.laws.threshold_difference import threshold_difference
from alignthermo.estimators.laws.verdict import Evidence, Verdict, verdict
from alignthermo.estimators.naming import LawScore

__all__ = [
    "ACCUMULATION",
    "CONSTANT",
    "LINE",
    "LOGISTIC",
    "POWER",
    "RIVALS",
    "SCALED",
    "STEP",
    "Bimodality",
    "Comparison",
    "ConstantField",
    "Evidence",
    "HeldRamp",
    "Hysteresis",
    "LabelledTurns",
    "LawScore",
    "MemoryKernel",
    "Middle",
    "OrderParameter",
    "ReplyKernel",
    "ReplyRun",
    "Sharpness",
    "SizeScaling",
    "Sweep",
    "Threshold",
    "Verdict",
    "bimodality",
    "bimodality_coefficient",
    "compare_laws",
    "constant_field_null",
    "fit_reply_kernel",
    "hysteresis",
    "loop_areas",
    "memory_kernel",
    "refined_doses",
    "refined_grid",
    "sharpness",
    "size_scaling",
    "survives_holding",
    "threshold",
    "threshold_difference",
    "verdict",
]
