"""Recorded conversations: read with tool calls and all, and written as token ids at any of their points."""

from alignthermo.transcripts.read import read_transcripts, transcripts_of
from alignthermo.transcripts.reminding import reminder_text
from alignthermo.transcripts.rows import rephrased_of
from alignthermo.transcripts.transcript import Speech, ToolCall, Transcript, TranscriptSet
from alignthermo.transcripts.treated import Asked, Treated, treated
from alignthermo.transcripts.treatment import NO_REMINDERS, WHOLE, Reminders, Treatment, Window
from alignthermo.transcripts.writer import PreparedTranscript, TranscriptWriter
from alignthermo.transcripts.written import WrittenContext

__all__ = [
    "NO_REMINDERS",
    "WHOLE",
    "Asked",
    "PreparedTranscript",
    "Reminders",
    "Speech",
    "ToolCall",
    "Transcript",
    "TranscriptSet",
    "TranscriptWriter",
    "Treated",
    "Treatment",
    "Window",
    "WrittenContext",
    "read_transcripts",
    "reminder_text",
    "rephrased_of",
    "transcripts_of",
    "treated",
]
