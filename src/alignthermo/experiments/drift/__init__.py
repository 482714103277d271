"""Experiment 3: conversations that are held or given, probed point by point under several arms."""

from alignthermo.experiments.drift.along import RunAt, drift_slopes
from alignthermo.experiments.drift.arms import DriftArm
from alignthermo.experiments.drift.casebook import CaseBook
from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.conversation import Conversation
from alignthermo.experiments.drift.instructions import (
    Instruction,
    InstructionSet,
    instructions_of,
    read_instruction_prompts,
)
from alignthermo.experiments.drift.material import DriftMaterial, neutral_text, recorded_conversations
from alignthermo.experiments.drift.measure import MeasuredDrift, measure_drift
from alignthermo.experiments.drift.probes import GENERAL_PROBES, Probe, probes_of
from alignthermo.experiments.drift.schema import DRIFT_SCHEMA, PROBE, TALK, TALK_SCHEMA
from alignthermo.experiments.drift.stages import drift_stages
from alignthermo.experiments.drift.summary import summarise_drift
from alignthermo.experiments.drift.table import DriftTable, drift_table
from alignthermo.experiments.drift.talk_rows import talk_lines, talk_rows_to_transcripts
from alignthermo.experiments.drift.user_turns import UserTurns

__all__ = [
    "DRIFT_SCHEMA",
    "GENERAL_PROBES",
    "PROBE",
    "TALK",
    "TALK_SCHEMA",
    "CaseBook",
    "Conversation",
    "DriftArm",
    "DriftConfig",
    "DriftMaterial",
    "DriftTable",
    "Instruction",
    "InstructionSet",
    "MeasuredDrift",
    "Probe",
    "RunAt",
    "UserTurns",
    "drift_slopes",
    "drift_stages",
    "drift_table",
    "instructions_of",
    "measure_drift",
    "neutral_text",
    "probes_of",
    "read_instruction_prompts",
    "recorded_conversations",
    "summarise_drift",
    "talk_lines",
    "talk_rows_to_transcripts",
]
