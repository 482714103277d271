"""Every case of some conversations: arms × points × probes, written with one tokenizer and no model."""

from collections.abc import Sequence
from dataclasses import dataclass

from alignthermo.errors import AlignthermoError, InputError
from alignthermo.experiments.drift.arms import DriftArm
from alignthermo.experiments.drift.cases import Asked, CaseWriter
from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.conversation import Conversation
from alignthermo.experiments.drift.points import Point, conversation_points, monologue_points
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
    problems : list of Problem
        What could not be written so far, and why.
    """

    def __init__(self, tokenizer: Tokenizer, config: DriftConfig, *, neutral: str, max_length: int) -> None:
        options = RenderOptions(
            system_fallback=config.system_fallback, template_kwargs=dict(config.template_kwargs)
        )
        self.writer = TranscriptWriter(tokenizer, options=options)
        self.most_tokens = min(config.tokens, max_length)
        self.problems: list[Problem] = []
        self._tokenizer, self._config = tokenizer, config
        self._cases = CaseWriter(self.writer, config, neutral)

    def prepared(self, one: Conversation) -> PreparedTranscript | None:
        """Return a conversation in the form the template takes; None, and a problem, where it takes none."""
        try:
            return self.writer.prepare(one.transcript)
        except AlignthermoError as error:
            self.problems.append(problem_of(one, str(error)))
            return None

    def cases(self, one: Conversation, prepared: PreparedTranscript) -> list[Case]:
        """Write a conversation under every arm that reads it."""
        return [
            Case(conversation=one, arm=arm, asked=asked)
            for arm in self._arms_of(one)
            for asked in self._asked(one, arm, prepared)
        ]

    def _arms_of(self, one: Conversation) -> tuple[DriftArm, ...]:
        """Read recorded conversations under all; held ones under theirs, and plain ones as controls too."""
        if self._config.mode == "transcripts":
            return self._config.arms
        return tuple(
            arm for arm in self._config.arms if arm.name == one.arm or (arm.is_control and one.arm == "plain")
        )

    def _asked(self, one: Conversation, arm: DriftArm, prepared: PreparedTranscript) -> Sequence[Asked]:
        try:
            read = _under(prepared, arm, one)
            points = self._points(read)
            every = [self._cases.asked(arm, point, probe) for point in points for probe in one.probes]
        except AlignthermoError as error:
            self.problems.append(problem_of(one, f"{arm.name}: {error}"))
            return ()
        room = self.most_tokens - self._config.answer_tokens
        fitting = [case for case in every if len(case.case.here) <= room]
        if len(fitting) < len(every):
            left_out = f"{len(every) - len(fitting)} probes stand beyond {room} tokens and were left out"
            self.problems.append(problem_of(one, f"{arm.name}: {left_out}"))
        return fitting

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
    """Say what could not be measured of a conversation."""
    return Problem(prompt_id=one.transcript.id, category=one.category, message=message)


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
