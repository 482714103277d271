"""The stages of a transition: the sweep, its refinement, redundant instruction, dialogues."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from alignthermo.contexts import Cell
from alignthermo.experiments.stage import Stage, StageResult, StageShard
from alignthermo.experiments.transition import Transition
from alignthermo.experiments.transition_cells import (
    refined_cells,
    refined_reinforced_cells,
    reinforced_cells,
    sweep_cells,
)
from alignthermo.experiments.transition_composing import ShardComposer
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_dialogues import DialogueStage
from alignthermo.experiments.transition_material import Sources
from alignthermo.experiments.transition_plan import TransitionPlan, planned_shards
from alignthermo.experiments.transition_problems import shard_records
from alignthermo.experiments.transition_shards import (
    ContextKey,
    PlannedShard,
    TransitionShard,
    reinforcement_name,
)
from alignthermo.experiments.transition_stage import (
    REFINE,
    REINFORCE,
    SWEEP,
    Grounded,
    Grounds,
    TransitionStage,
)
from alignthermo.experiments.transition_stored import context_rows, curve_rows
from alignthermo.judges import ReplyJudge, load_reply_judge
from alignthermo.quantities import Pair, Tokenizer

__all__ = ["transition_stages"]


def transition_stages(
    plan: TransitionPlan | None, config: TransitionConfig, sources: Sources
) -> tuple[Stage, ...]:
    """Return the stages of a run in their order.

    Parameters
    ----------
    plan : TransitionPlan or None
        Contexts that are composed already; the others are composed when they are measured.
    config : TransitionConfig
    sources : Sources
    """
    ready = {shard.id: shard for shard in plan.shards} if plan else {}
    refining = (_Refine(round=number, ready=ready) for number in range(1, config.refine + 1))
    stages: tuple[TransitionStage, ...] = (
        _Sweep(ready=ready),
        *refining,
        _Reinforce(ready=ready),
        *(_RefineReinforced(round=number, ready=ready) for number in range(1, config.refine + 1)),
        DialogueStage(),
    )
    return tuple(Grounded(stage=stage, config=config, sources=sources) for stage in stages)


@dataclass(frozen=True, kw_only=True)
class _Sweep:
    ready: Mapping[str, TransitionShard]

    @property
    def name(self) -> str:
        return SWEEP

    def plan(self, grounds: Grounds) -> Sequence[StageShard]:
        return _shards(self.name, sweep_cells(grounds.config), grounds=grounds, ready=self.ready)


@dataclass(frozen=True, kw_only=True)
class _Refine:
    round: int
    ready: Mapping[str, TransitionShard]

    @property
    def name(self) -> str:
        return f"{REFINE}{self.round}"

    def plan(self, grounds: Grounds) -> Sequence[StageShard]:
        rows = curve_rows(grounds.stored)
        cells = refined_cells(grounds.config, rows)
        return _shards(self.name, cells, grounds=grounds, ready=self.ready, known=_known(rows))


@dataclass(frozen=True, kw_only=True)
class _Reinforce:
    ready: Mapping[str, TransitionShard]

    @property
    def name(self) -> str:
        return REINFORCE

    def plan(self, grounds: Grounds) -> Sequence[StageShard]:
        return _shards(self.name, reinforced_cells(grounds.config), grounds=grounds, ready=self.ready)


@dataclass(frozen=True, kw_only=True)
class _RefineReinforced:
    round: int
    ready: Mapping[str, TransitionShard]

    @property
    def name(self) -> str:
        return f"{REINFORCE}{self.round}"

    def plan(self, grounds: Grounds) -> Sequence[StageShard]:
        cells = refined_reinforced_cells(grounds.config, grounds.stored)
        known = _known(context_rows(grounds.stored))
        return _shards(self.name, cells, grounds=grounds, ready=self.ready, known=known)


class _Composing:
    """One composer and one judge for all shards of a stage, made when the first of them needs it."""

    def __init__(self, grounds: Grounds) -> None:
        self._grounds = grounds
        self._composer: ShardComposer | None = None

    def shard(self, planned: PlannedShard, tokenizer: Tokenizer) -> TransitionShard:
        if self._composer is None:
            self._composer = ShardComposer(self._grounds.config, self._grounds.sources, tokenizer)
        return self._composer.shard(planned)

    @cached_property
    def judge(self) -> ReplyJudge:
        """Who judges sampled replies; loaded once for all shards of the stage, and freed with them."""
        config = self._grounds.config
        return load_reply_judge(config.judge, device=config.device)


@dataclass(frozen=True, kw_only=True)
class _ContextShard:
    """Contexts to compose, if that is not done, and to read."""

    planned: PlannedShard
    config: TransitionConfig
    composing: _Composing
    ready: Mapping[str, TransitionShard]

    @property
    def id(self) -> str:
        return self.planned.id

    def measure(self, pair: Pair) -> StageResult:
        composed = self.ready.get(self.id) or self.composing.shard(self.planned, pair.aligned.tokenizer)
        fitting = composed.within(min(pair.aligned.max_length, pair.base.max_length))
        asked = self._asked()
        judge = self.composing.judge if asked.samples else None
        experiment = Transition(pair=pair, config=asked, loaded_judge=judge)
        result = experiment.measure(fitting)
        return StageResult(rows=result.rows, records=shard_records(self.id, result.problems, result.counts))

    def _asked(self) -> TransitionConfig:
        """Reinforcement is judged by h alone: replies would cost far more and say less."""
        if not self.planned.stage.startswith(REINFORCE):
            return self.config
        return self.config.model_copy(update={"samples": 0})


def _shards(
    stage: str,
    cells: Mapping[str, Sequence[Cell]],
    *,
    grounds: Grounds,
    ready: Mapping[str, TransitionShard],
    known: Iterable[ContextKey] = (),
) -> tuple[StageShard, ...]:
    planned = planned_shards(stage, cells, config=grounds.config, sources=grounds.sources, known=known)
    composing = _Composing(grounds)
    return tuple(
        _ContextShard(planned=one, config=grounds.config, composing=composing, ready=ready) for one in planned
    )


def _known(rows: pa.Table) -> frozenset[ContextKey]:
    names = ("prompt_id", "family", "order", "replicate", "control", "context_digest")
    more = ("placement", "phrasing", "wanted_reinforcement")
    columns = zip(*(rows[name].to_pylist() for name in (*names, *more)), strict=True)
    return frozenset((*row[:6], reinforcement_name(*row[6:])) for row in columns)
