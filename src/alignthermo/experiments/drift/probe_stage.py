"""The stage that measures conversations: recorded ones, or those that the stage before has held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.conversation import Conversation
from alignthermo.experiments.drift.material import DriftMaterial, held_conversations, recorded_conversations
from alignthermo.experiments.drift.measure import measure_drift
from alignthermo.experiments.drift.schema import PROBE, TALK
from alignthermo.experiments.stage import StageResult, StageShard, stage_shard_id
from alignthermo.experiments.transition_problems import shard_records
from alignthermo.quantities import Pair

__all__ = ["ProbeStage"]


@dataclass(frozen=True, kw_only=True)
class ProbeStage:
    """Plans the shards; conversations with one number, held under several arms, stay together."""

    config: DriftConfig
    material: DriftMaterial

    @property
    def name(self) -> str:
        """Name of the stage."""
        return PROBE

    def plan(self, stored: Mapping[str, pa.Table]) -> Sequence[StageShard]:
        """Return shards of `conversations_per_shard` numbers."""
        conversations = (
            recorded_conversations(self.config, self.material)
            if self.config.mode == "transcripts"
            else held_conversations(self.config, self.material, stored.get(TALK))
        )
        by_number: dict[int, list[Conversation]] = {}
        for one in conversations:
            by_number.setdefault(one.number, []).append(one)
        numbers, size = sorted(by_number), self.config.conversations_per_shard
        blocks = [numbers[first : first + size] for first in range(0, len(numbers), size)]
        return tuple(
            _ProbeShard(
                number=number,
                conversations=tuple(one for which in block for one in by_number[which]),
                config=self.config,
                neutral=self.material.neutral,
            )
            for number, block in enumerate(blocks)
        )


@dataclass(frozen=True, kw_only=True)
class _ProbeShard:
    number: int
    conversations: tuple[Conversation, ...]
    config: DriftConfig
    neutral: str

    @property
    def id(self) -> str:
        return stage_shard_id(PROBE, self.number)

    def measure(self, pair: Pair) -> StageResult:
        found = measure_drift(pair, self.config, self.conversations, neutral=self.neutral)
        rows = found.rows if found.rows.num_rows else None
        return StageResult(
            rows=rows, records=shard_records(self.id, found.problems, found.counts, experiment="drift")
        )
