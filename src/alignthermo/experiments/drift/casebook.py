"""Every case of some conversations: arms × points × probes, written with one tokenizer and no model."""

from collections.abc import Sequence
from dataclasses import dataclass

from alignthermo.errors import AlignthermoError, InputError
from alignthermo.experiments.drift.arms import DriftArm
from alignthermo.experiments.drift.cases import Asked, CaseWriter
from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.conversation import Conversation
from alignthermo.experiments.drift.points import (
    Point,
    conversation_points,
    ending_point,
    monologue_points,
)
from alignthermo.experiments.responses import Problem
from alignthermo.prompts import RenderOptions
from alignthermo.quantities import Tokenizer
from alignthermo.transcripts import PreparedTranscript, TranscriptWriter

__all__ = ["Case", "CaseBook", "problem_of"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A case with its conversation and arm."""

    conversation: Conversation
    arm: DriftArm
    asked: Asked


@dataclass(frozen=True, kw_only=True)
class _Written:
    """A conversation under one arm; `ending` are the probes of its last point, moved to its end."""

    regular: tuple[Asked, ...] = ()
    ending: tuple[Asked, ...] = ()

    def asked(self, *, to_the_end: bool) -> tuple[Asked, ...]:
        if not (to_the_end and self.ending):
            return self.regular
        last = self.ending[0].point.number
        return (*(asked for asked in self.regular if asked.point.number != last), *self.ending)


class CaseBook:
    """Writes the cases of conversations.

    Parameters
    ----------
    tokenizer : Tokenizer
    config : DriftConfig
    neutral : str
        Neutral text.
    max_length : int
        Of the models.

    Attributes
    ----------
    writer : TranscriptWriter
    most_tokens : int
        Of a context with its answer.
    filler : tuple of int
        Neutral text.
    problems : list of Problem
        What could not be written so far, and why.
    """

    def __init__(self, tokenizer: Tokenizer, config: DriftConfig, *, neutral: str, max_length: int) -> None:
        options = RenderOptions(
            system_fallback=config.system_fallback, template_kwargs=dict(config.template_kwargs)
        )
        self.writer = TranscriptWriter(tokenizer, options=options)
        self.most_tokens = min(config.tokens, max_length)
        self.filler = self.writer.encode_answer(neutral)
        self.problems: list[Problem] = []
        self._tokenizer, self._config = tokenizer, config
        self._cases = CaseWriter(self.writer, config, self.filler)

    def prepared(self, one: Conversation) -> PreparedTranscript | None:
        """Return a conversation in the form the template takes; None, and a problem, where it takes none."""
        try:
            return self.writer.prepare(one.transcript)
        except AlignthermoError as error:
            self.problems.append(problem_of(one, str(error)))
            return None

    def cases(self, one: Conversation, prepared: PreparedTranscript) -> list[Case]:
        """Write a conversation under every arm that reads it.

        The last point stands at the end of the conversation where it fits in all of them.
        """
        written = [(arm, self._written(one, arm, prepared)) for arm in self._arms_of(one)]
        to_the_end = all(self._fits(asked) for _, arm in written for asked in arm.ending)
        return [
            Case(conversation=one, arm=arm, asked=asked)
            for arm, found in written
            for asked in self._fitting(one, arm, found.asked(to_the_end=to_the_end))
        ]

    def _arms_of(self, one: Conversation) -> tuple[DriftArm, ...]:
        """Read recorded conversations under all; held ones under theirs, and plain ones as controls too."""
        if self._config.mode == "transcripts":
            return self._config.arms
        return tuple(
            arm for arm in self._config.arms if arm.name == one.arm or (arm.is_control and one.arm == "plain")
        )

    def _written(self, one: Conversation, arm: DriftArm, prepared: PreparedTranscript) -> "_Written":
        try:
            read = _under(prepared, arm, one)
            points = self._points(read)
            end = ending_point(points, read, count=self._cases.count)
            every, ending = (
                tuple(self._cases.asked(arm, point, probe) for point in some for probe in one.probes)
                for some in (points, () if end is None else (end,))
            )
        except AlignthermoError as error:
            self.problems.append(problem_of(one, f"{arm.name}: {error}"))
            return _Written()
        return _Written(regular=every, ending=ending)

    def _fits(self, asked: Asked) -> bool:
        return len(asked.case.here) <= self._room

    def _fitting(self, one: Conversation, arm: DriftArm, every: Sequence[Asked]) -> Sequence[Asked]:
        fitting = [asked for asked in every if self._fits(asked)]
        if len(fitting) < len(every):
            left_out = (
                f"{len(every) - len(fitting)} probes stand beyond {self._room} tokens and were left out"
            )
            self.problems.append(problem_of(one, f"{arm.name}: {left_out}"))
        return fitting

    @property
    def _room(self) -> int:
        return self.most_tokens - self._config.answer_tokens

    def _points(self, prepared: PreparedTranscript) -> tuple[Point, ...]:
        if self._config.mode == "monologue":
            return monologue_points(
                prepared,
                every=self._config.every,
                encode=self.writer.encode_answer,
                decode=self._tokenizer.decode,
            )
        return conversation_points(prepared, every=self._config.every, count=self._cases.count)


def problem_of(one: Conversation, message: str) -> Problem:
    """Say what could not be measured of a conversation, and in which line of its file it stands."""
    line = f" (line {one.transcript.line})" if one.transcript.line else ""
    return Problem(prompt_id=f"{one.transcript.id}{line}", category=one.category, message=message)


def _under(prepared: PreparedTranscript, arm: DriftArm, one: Conversation) -> PreparedTranscript:
    if arm.instruction == "own":
        return prepared
    if not prepared.has_instruction:
        raise InputError("there is no instruction that could be replaced")
    if arm.instruction == "none":
        return prepared
    if not one.other_instruction:
        raise InputError("no other conversation has another instruction")
    return prepared.with_instruction(one.other_instruction)
