"""A conversation while it is held under one arm."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from alignthermo.errors import AlignthermoError
from alignthermo.experiments.drift.arms import DriftArm
from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.talk_plan import PlannedTalk
from alignthermo.experiments.drift.voices import Said
from alignthermo.quantities import Pair
from alignthermo.transcripts import (
    Asked,
    Speech,
    Transcript,
    TranscriptWriter,
    Treated,
    Treatment,
    Window,
    WrittenContext,
    reminder_text,
    treated,
)

__all__ = ["HeldTalk", "Room", "Seat"]

_OPENING = Speech(role="user", content="Hello.")
"""What the copy of the model that speaks the user is told before it has said anything."""


@dataclass(frozen=True, kw_only=True)
class HeldTalk:
    """A conversation that was held.

    Attributes
    ----------
    talk : PlannedTalk
    arm : DriftArm
    speeches : tuple of Speech
        Instruction first, then user and assistant in turn, without reminders.
    tokens, cut_replies, empty_replies, forwarded, naive : int
        See `TALK_SCHEMA`.
    """

    talk: PlannedTalk
    arm: DriftArm
    speeches: tuple[Speech, ...]
    tokens: int
    cut_replies: int
    empty_replies: int
    forwarded: int
    naive: int

    @property
    def replies(self) -> int:
        """How many there are."""
        return sum(one.role == "assistant" for one in self.speeches)


@dataclass(frozen=True, kw_only=True)
class Room:
    """How long contexts may become.

    Attributes
    ----------
    talk : int
        Tokens that are allowed.
    model : int
        Tokens the models were made for.
    answer : int
        Of the fewer of both, those kept free for the answer to a probe.
    instruction : int
        Tokens of the longest instruction that a conversation may be read under; 0 where that is its own.
    """

    talk: int
    model: int
    answer: int
    instruction: int = 0

    @classmethod
    def of(cls, pair: Pair, config: DriftConfig, *, longest_instruction: int) -> "Room":
        """Return the room that both models have."""
        lengths = [pair.aligned.max_length, *([pair.base.max_length] if config.base is not None else [])]
        longest = longest_instruction if "shuffled" in config.controls else 0
        return cls(talk=config.tokens, model=min(lengths), answer=config.answer_tokens, instruction=longest)

    def left(self, context: int, *, probing: int) -> int:
        """Tokens that a reply to a context may have, so that a probe of `probing` tokens can follow it."""
        return min(self.talk, self.model) - self.answer - probing - context


@dataclass(kw_only=True)
class Seat:
    """One conversation under one arm, growing.

    Attributes
    ----------
    talk : PlannedTalk
    arm : DriftArm
    said : list of Speech
        After the instruction.
    open : bool
        Whether it goes on.
    problem : str
        Why it could not be held; empty otherwise.
    """

    talk: PlannedTalk
    arm: DriftArm
    said: list[Speech] = field(default_factory=list)
    open: bool = True
    problem: str = ""
    cut_replies: int = 0
    empty_replies: int = 0
    forwarded: int = 0
    naive: int = 0

    def hear(self, role: str, said: Said, *, context: int) -> None:
        """Enter what the model said."""
        self.said.append(Speech(role=role, content=said.text))
        self.cut_replies += said.cut and role == "assistant"
        self.empty_replies += not said.text
        self.forwarded += said.forwarded
        self.naive += context

    def context(self, writer: TranscriptWriter) -> WrittenContext:
        """Write what the model reads before its reply to the last message.

        Raises
        ------
        AlignthermoError
            The template refuses the conversation, or words of it cannot be encoded.
        """
        found = self._treated(writer, self.said, self.talk.instruction.text, self.arm.treatment)
        return writer.context(found.prepared, upto=found.upto)

    def user_context(self, writer: TranscriptWriter, *, prompt: str, room: int) -> WrittenContext:
        """Write what the copy that speaks the user reads: roles swapped, oldest messages out if need be.

        Raises
        ------
        AlignthermoError
            As `context`.
        """
        swapped = {"user": "assistant", "assistant": "user"}
        said = [_OPENING, *(Speech(role=swapped[one.role], content=one.content) for one in self.said)]
        found = self._treated(writer, said, prompt, Treatment())
        written = writer.context(found.prepared, upto=found.upto)
        if len(written.ids) <= room:
            return written
        words = max(room - written.composition["template"], 1)
        found = self._treated(writer, said, prompt, Treatment(window=Window(policy="sliding", tokens=words)))
        return writer.context(found.prepared, upto=found.upto)

    def probing(self, writer: TranscriptWriter, context: WrittenContext, room: Room) -> int:
        """Tokens that probing may add to a context.

        The longest probe, its markers, a reminder before it, and what another instruction has more.
        """
        rule = self.talk.instruction.text
        return (
            max(writer.count(probe.text) for probe in self.talk.instruction.probes)
            + 2 * context.composition["template"] // max(len(self.said), 1)
            + max(map(writer.count, self._reminders()), default=0)
            + max(room.instruction - writer.count(rule), 0)
        )

    def _reminders(self) -> Iterator[str]:
        """Yield every text that a reminder of this arm may have."""
        instruction = self.talk.instruction
        for text in self.arm.treatment.reminders.texts:
            for turn in range(max(len(instruction.rephrased), 1)):
                yield reminder_text(
                    text,
                    rule=instruction.text,
                    rephrased=instruction.rephrased,
                    turn=turn,
                    who=self._id,
                )

    @property
    def _id(self) -> str:
        return f"{self.talk.id}/{self.arm.name}"

    def held(self, writer: TranscriptWriter) -> HeldTalk:
        """Return the conversation as it stands, a message without a reply left out.

        Raises
        ------
        AlignthermoError
            As `context`.
        """
        said = self.said[:-1] if self.said and self.said[-1].role == "user" else self.said
        found = self._treated(writer, said, self.talk.instruction.text, self.arm.treatment, asked="probe")
        last = writer.context(found.prepared, upto=found.upto, generation=False)
        return HeldTalk(
            talk=self.talk,
            arm=self.arm,
            speeches=(Speech(role="system", content=self.talk.instruction.text), *said),
            tokens=len(last.ids),
            cut_replies=self.cut_replies,
            empty_replies=self.empty_replies,
            forwarded=self.forwarded,
            naive=self.naive,
        )

    def fail(self, error: AlignthermoError) -> None:
        """Close it and keep why."""
        self.open = False
        self.problem = f"{self.arm.name}: {type(error).__name__}: {error}"

    def _treated(
        self,
        writer: TranscriptWriter,
        said: Sequence[Speech],
        instruction: str,
        treatment: Treatment,
        *,
        asked: Asked = "message",
    ) -> Treated:
        speeches = (Speech(role="system", content=instruction), *said)
        whole = Transcript(id=self._id, speeches=speeches, rephrased=self.talk.instruction.rephrased)
        prepared = writer.prepare(whole)
        return treated(prepared, treatment, upto=len(prepared.speeches), count=writer.count, asked=asked)
