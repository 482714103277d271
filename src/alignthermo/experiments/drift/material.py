"""What a drift run is made from: conversations, instructions with their probes, neutral text."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from alignthermo.contexts.texts import SMALL_TALK
from alignthermo.errors import ConfigError
from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.conversation import Conversation, shuffled_instructions
from alignthermo.experiments.drift.held_out import is_held_out
from alignthermo.experiments.drift.instructions import Instruction
from alignthermo.experiments.drift.probes import Probe
from alignthermo.experiments.drift.talk_rows import talk_rows_to_transcripts
from alignthermo.experiments.drift.user_turns import UserTurns
from alignthermo.quantities import random_stream
from alignthermo.transcripts import Transcript, TranscriptSet

__all__ = ["DriftMaterial", "held_conversations", "neutral_text", "recorded_conversations"]


@dataclass(frozen=True, kw_only=True)
class DriftMaterial:
    """What was read before a run.

    Attributes
    ----------
    neutral : str
    transcripts : TranscriptSet or None
        Recorded conversations.
    probes : tuple of Probe
        That are asked of every one of them which names none itself.
    own_probes : mapping
        Conversation id to the probes that it names.
    instructions : tuple of Instruction
        Of conversations that are to be held, with their probes.
    user_turns : UserTurns or None
    """

    neutral: str
    transcripts: TranscriptSet | None = None
    probes: tuple[Probe, ...] = ()
    own_probes: Mapping[str, tuple[Probe, ...]] = field(default_factory=dict)
    instructions: tuple[Instruction, ...] = ()
    user_turns: UserTurns | None = None


def neutral_text(config: DriftConfig) -> str:
    """Return the neutral text of a run: that of the settings, or small talk."""
    if config.neutral_text is not None:
        return config.neutral_text
    return " ".join(f"{said} {answer}" for said, answer in SMALL_TALK) + " "


def recorded_conversations(config: DriftConfig, material: DriftMaterial) -> tuple[Conversation, ...]:
    """Return recorded conversations with the probes that are asked along each.

    Raises
    ------
    ConfigError
        There are none.
    """
    if material.transcripts is None:
        raise ConfigError("there are no recorded conversations")
    chosen = material.transcripts.transcripts[: config.limit]
    texts = {one.id: _instruction_of(one) for one in chosen}
    others = shuffled_instructions(texts, seed=config.seed)
    return tuple(
        Conversation(
            transcript=one,
            number=number,
            arm="plain",
            category=str(one.meta.get("category") or "transcripts"),
            instruction=_name(texts[one.id]),
            probes=_some(material.own_probes.get(one.id) or material.probes, config, one.id),
            held_out=is_held_out(config, number),
            other_instruction=others[one.id],
        )
        for number, one in enumerate(chosen)
    )


def held_conversations(
    config: DriftConfig, material: DriftMaterial, talk: pa.Table | None
) -> tuple[Conversation, ...]:
    """Return the conversations that a stage before has held."""
    if talk is None:
        return ()
    by_name = {one.name: one for one in material.instructions}
    transcripts = talk_rows_to_transcripts(talk).transcripts
    names = {one.id: str(one.meta["instruction"]) for one in transcripts}
    texts = {key: by_name[name].text for key, name in names.items()}
    others = shuffled_instructions(texts, seed=config.seed)
    return tuple(
        Conversation(
            transcript=replace(one, line=0, rephrased=by_name[names[one.id]].rephrased),
            number=int(str(one.meta["number"])),
            arm=str(one.meta["arm"]),
            category=str(one.meta["category"]),
            instruction=names[one.id],
            probes=_some(by_name[names[one.id]].probes, config, str(one.meta["number"])),
            held_out=bool(one.meta["held_out"]),
            other_instruction=others[one.id],
        )
        for one in transcripts
    )


def _some(probes: Sequence[Probe], config: DriftConfig, who: str) -> tuple[Probe, ...]:
    """Draw the probes of a conversation: the same ones at all of its points and in all arms."""
    if len(probes) <= config.probes:
        return tuple(probes)
    places = random_stream(config.seed, "probes", who).permutation(len(probes))[: config.probes]
    return tuple(probes[place] for place in sorted(places))


def _instruction_of(one: Transcript) -> str:
    return "\n\n".join(speech.content for speech in one.speeches[: one.n_instructing])


def _name(text: str) -> str:
    """Name an instruction by its beginning, and by a digest that tells it from others that begin so."""
    if not text:
        return ""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{' '.join(text.split())[:40]} [{digest}]"
