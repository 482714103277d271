"""The stage in which conversations are held; recorded ones need none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from alignthermo.errors import AlignthermoError
from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.instructions import Instruction
from alignthermo.experiments.drift.monologue import hold_monologues
from alignthermo.experiments.drift.schema import TALK
from alignthermo.experiments.drift.seat import HeldTalk, Room, Seat
from alignthermo.experiments.drift.self_chat import hold_self_chats
from alignthermo.experiments.drift.talk_plan import PlannedTalk, planned_talks, talk_arms
from alignthermo.experiments.drift.talk_rows import talk_table
from alignthermo.experiments.drift.user_turns import UserTurns
from alignthermo.experiments.drift.voices import Voice
from alignthermo.experiments.responses import Problem
from alignthermo.experiments.stage import StageResult, StageShard, stage_shard_id
from alignthermo.experiments.transition_problems import problem_records
from alignthermo.observables.forest import ForestSettings
from alignthermo.prompts import RenderOptions
from alignthermo.quantities import Estimate, Pair, Record
from alignthermo.transcripts import TranscriptWriter

__all__ = ["TalkStage"]


@dataclass(frozen=True, kw_only=True)
class TalkStage:
    """Holds conversations, each under every arm, `conversations_per_shard` of them in a shard.

    Attributes
    ----------
    config : DriftConfig
    instructions : tuple of Instruction
    user_turns : UserTurns or None
        Of a self-chat; another copy of the model speaks where there are none.
    """

    config: DriftConfig
    instructions: tuple[Instruction, ...]
    user_turns: UserTurns | None = None

    @property
    def name(self) -> str:
        """Return ``talk``."""
        return TALK

    def plan(self, stored: Mapping[str, pa.Table]) -> Sequence[StageShard]:
        """Return the shards, the same ones whatever is stored; none for recorded conversations.

        Raises
        ------
        InputError
            Too few user turns.
        """
        if self.config.mode == "transcripts":
            return ()
        talks = planned_talks(self.config, self.instructions, self.user_turns)
        size = self.config.conversations_per_shard
        blocks = [talks[first : first + size] for first in range(0, len(talks), size)]
        texts = tuple(one.text for one in self.instructions)
        return tuple(
            _TalkShard(number=number, talks=block, config=self.config, instructions=texts)
            for number, block in enumerate(blocks)
        )


@dataclass(frozen=True, kw_only=True)
class _TalkShard:
    number: int
    talks: tuple[PlannedTalk, ...]
    config: DriftConfig
    instructions: tuple[str, ...]

    @property
    def id(self) -> str:
        return stage_shard_id(TALK, self.number)

    def measure(self, pair: Pair) -> StageResult:
        config, model = self.config, pair.aligned
        options = RenderOptions(
            system_fallback=config.system_fallback, template_kwargs=config.template_kwargs
        )
        writer = TranscriptWriter(model.tokenizer, options=options)
        voice = Voice(
            model,
            seed=config.seed,
            temperature=config.temperature,
            forest=ForestSettings(max_cached_tokens=config.max_cached_tokens),
        )
        seats = [Seat(talk=talk, arm=arm) for talk in self.talks for arm in talk_arms(config)]
        longest = max(writer.count(text) for text in self.instructions)
        room = Room.of(pair, config, longest_instruction=longest)
        if config.mode == "monologue":
            hold_monologues(seats, voice=voice, writer=writer, room=room)
        else:
            hold_self_chats(seats, config, voice=voice, writer=writer, room=room)
        held = [found for seat in seats if (found := _held(seat, writer)) is not None]
        return StageResult(
            rows=talk_table(held) if held else None,
            records=(
                *problem_records([_problem(seat) for seat in seats if seat.problem], experiment="drift"),
                *self._cost(held),
            ),
        )

    def _cost(self, held: Sequence[HeldTalk]) -> tuple[Record, ...]:
        return tuple(
            Record(
                experiment="drift",
                unit_id=self.id,
                slice={},
                quantity=f"tokens_{name}",
                estimate=Estimate(value=n, stderr=0.0, low=n, high=n, n=1, unit="token", method="counted"),
            )
            for name, n in (
                ("forwarded", float(sum(one.forwarded for one in held))),
                ("naive", float(sum(one.naive for one in held))),
            )
        )


def _held(seat: Seat, writer: TranscriptWriter) -> HeldTalk | None:
    """Return what was held; a conversation without a reply is none, and its seat says why."""
    if seat.problem:
        return None
    try:
        held = seat.held(writer)
    except AlignthermoError as error:
        seat.fail(error)
        return None
    if held.replies:
        return held
    seat.problem = f"{seat.arm.name}: no room for a reply: allow more tokens (--tokens), or shorter replies"
    return None


def _problem(seat: Seat) -> Problem:
    instruction = seat.talk.instruction
    return Problem(
        prompt_id=f"{seat.talk.id}: {instruction.name}", category=instruction.category, message=seat.problem
    )
