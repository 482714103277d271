"""What happened to a request, and with what error that is known: judges, checkers and their calibration."""

from alignthermo.judges.calibration import Calibration, ReportTable, calibrate, calibrate_file
from alignthermo.judges.checkers import CHECKERS, Check, CheckedJudge, check_instruction, checks_of
from alignthermo.judges.classifier import ClassifierJudge, load_classifier
from alignthermo.judges.confusion import Confusion, confusion_of
from alignthermo.judges.constancy import Constancy, error_constancy
from alignthermo.judges.correction import CorrectedRates, correct_rates
from alignthermo.judges.exchange import OUTCOMES, Exchange, Judge, Judgement
from alignthermo.judges.generative_guard import GuardJudge, load_guard
from alignthermo.judges.guard_formats import GUARD_FORMATS, GuardFormat
from alignthermo.judges.heuristic import HeuristicJudge
from alignthermo.judges.human import HumanLabels, read_human_labels
from alignthermo.judges.identity import JudgeIdentity, judge_identity
from alignthermo.judges.instruction import HELP_KEEPS, REFUSAL_KEEPS, InstructionMap, instruction_map
from alignthermo.judges.labelled import Labelled, LabelledSet, read_labelled
from alignthermo.judges.named import calibrate_by, load_judge, load_reply_judge, parse_judge
from alignthermo.judges.replies import (
    CheckedReplies,
    ReferenceReplies,
    ReplyJudge,
    ReplyVerdict,
    RequestReplies,
)
from alignthermo.judges.two_sides import SideRates, side_rates

__all__ = [
    "CHECKERS",
    "GUARD_FORMATS",
    "HELP_KEEPS",
    "OUTCOMES",
    "REFUSAL_KEEPS",
    "Calibration",
    "Check",
    "CheckedJudge",
    "CheckedReplies",
    "ClassifierJudge",
    "Confusion",
    "Constancy",
    "CorrectedRates",
    "Exchange",
    "GuardFormat",
    "GuardJudge",
    "HeuristicJudge",
    "HumanLabels",
    "InstructionMap",
    "Judge",
    "JudgeIdentity",
    "Judgement",
    "Labelled",
    "LabelledSet",
    "ReferenceReplies",
    "ReplyJudge",
    "ReplyVerdict",
    "ReportTable",
    "RequestReplies",
    "SideRates",
    "calibrate",
    "calibrate_by",
    "calibrate_file",
    "check_instruction",
    "checks_of",
    "confusion_of",
    "correct_rates",
    "error_constancy",
    "instruction_map",
    "judge_identity",
    "load_classifier",
    "load_guard",
    "load_judge",
    "load_reply_judge",
    "parse_judge",
    "read_human_labels",
    "read_labelled",
    "side_rates",
]
