"""A point of a conversation as the model reads it."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["WrittenContext"]

Ids = tuple[int, ...]
Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class WrittenContext:
    """Token ids with the places of the instruction and of what was said since.

    Attributes
    ----------
    ids : tuple of int
    instruction : tuple of (start, stop)
        Tokens of the instruction's words.
    history : tuple of (start, stop)
        Tokens of the words said after it, the probe left out.
    own : tuple of (start, stop)
        Those of them that the assistant said.
    reminders : tuple of (start, stop)
        Those of them that a treatment put in to remind of the instruction.
    probe : tuple of (start, stop)
        Tokens of the probe's words.
    instruction_stop : int
        The last control token before the first words after the instruction (their role marker, as a rule):
        ``ids[:instruction_stop]`` is the instruction with its own markers.
    composition : mapping
        Tokens of words by role, ``instruction``, ``reminder`` and ``probe`` apart, and ``template`` for
        everything else.
    """

    ids: Ids
    instruction: tuple[Span, ...]
    history: tuple[Span, ...]
    own: tuple[Span, ...]
    reminders: tuple[Span, ...]
    probe: tuple[Span, ...]
    instruction_stop: int
    composition: Mapping[str, int]
