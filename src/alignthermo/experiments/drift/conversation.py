"""A conversation that is measured, whoever held it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alignthermo.experiments.drift.instructions import Probe
from alignthermo.quantities import random_stream
from alignthermo.transcripts import Transcript

__all__ = ["Conversation", "shuffled_instructions"]


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """A conversation and what is asked along it.

    Attributes
    ----------
    transcript : Transcript
    number : int
        The same one in every arm.
    arm : str
        Under which it was held; ``plain`` of recorded ones, which every arm reads.
    category, instruction : str
        Of its instruction.
    probes : tuple of Probe
    held_out : bool
    other_instruction : str
        That of another conversation; empty where all have the same.
    """

    transcript: Transcript
    number: int
    arm: str
    category: str
    instruction: str
    probes: tuple[Probe, ...]
    held_out: bool
    other_instruction: str = ""


def shuffled_instructions(texts: Mapping[str, str], *, seed: int) -> dict[str, str]:
    """Give every conversation the instruction text of another one, a different text; none where all agree.

    Parameters
    ----------
    texts : mapping
        Conversation id to the text of its instruction.
    seed : int
    """
    distinct: Sequence[str] = sorted({text for text in texts.values() if text})
    found = {}
    for name, own in texts.items():
        others = [text for text in distinct if text != own]
        place = random_stream(seed, "shuffled instruction", name).integers(max(len(others), 1))
        found[name] = others[int(place)] if others else ""
    return found
