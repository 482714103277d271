"""What a history does to an instruction: exact distances between distributions over whole answers."""

from alignthermo.observables.drift.attention import (
    Attentive,
    InstructionAttention,
    instruction_attention,
)
from alignthermo.observables.drift.base_side import BaseSide
from alignthermo.observables.drift.compliance import Compliance
from alignthermo.observables.drift.destination import Destination, destination
from alignthermo.observables.drift.neutral import overwritten, run_of_filler
from alignthermo.observables.drift.probe import measure_probes
from alignthermo.observables.drift.probe_case import ProbeCase
from alignthermo.observables.drift.probe_drift import AnswerKL, ProbeDrift
from alignthermo.observables.drift.rows import row_divergences, row_entropies
from alignthermo.observables.drift.trace import trace_histories
from alignthermo.observables.drift.trace_case import Trace, TraceCase

__all__ = [
    "AnswerKL",
    "Attentive",
    "BaseSide",
    "Compliance",
    "Destination",
    "InstructionAttention",
    "ProbeCase",
    "ProbeDrift",
    "Trace",
    "TraceCase",
    "destination",
    "instruction_attention",
    "measure_probes",
    "overwritten",
    "row_divergences",
    "row_entropies",
    "run_of_filler",
    "trace_histories",
]
