"""Recorded conversations: read with tool calls and all, and written as token ids at any of their points."""

from alignthermo.transcripts.read import read_transcripts, transcripts_of
from alignthermo.transcripts.transcript import Speech, ToolCall, Transcript, TranscriptSet
from alignthermo.transcripts.writer import PreparedTranscript, TranscriptWriter
from alignthermo.transcripts.written import WrittenContext

__all__ = [
    "PreparedTranscript",
    "Speech",
    "ToolCall",
    "Transcript",
    "TranscriptSet",
    "TranscriptWriter",
    "WrittenContext",
    "read_transcripts",
    "transcripts_of",
]
