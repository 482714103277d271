"""The contexts of a transition, composed and counted before a model reads one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from alignthermo.contexts import Cell, Context, check_lengths, prefix_counts
from alignthermo.errors import ConfigError
from alignthermo.experiments.responses import Problem
from alignthermo.experiments.stage import stage_shard_id
from alignthermo.experiments.transition_cells import reinforced_cells, sweep_cells
from alignthermo.experiments.transition_composing import ShardComposer
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_material import Sources
from alignthermo.experiments.transition_shards import ContextKey, PlannedShard, TransitionShard
from alignthermo.experiments.transition_stage import REINFORCE, SWEEP
from alignthermo.observables.forest import Question
from alignthermo.quantities import Tokenizer

__all__ = ["PlannedTokens", "TransitionPlan", "answer_rows", "compose_all", "planned_shards"]


@dataclass(frozen=True, kw_only=True)
class PlannedTokens:
    """Tokens of one model over the whole run: plain way, prefix tree, and what the run will forward.

    `planned` is the prefix tree of each shard (prefixes are not shared between shards) with the repeated
    question of each.
    """

    naive: int
    optimal: int
    planned: int


@dataclass(frozen=True, kw_only=True)
class TransitionPlan:
    """Everything that will be asked, refinement left out: that depends on the answers.

    Attributes
    ----------
    shards : tuple of TransitionShard
        Of the sweep, and of reinforcement where it is asked for.
    duplicates : int
        Cells left out because whole turns reached the same context as a neighbouring cell.
    """

    shards: tuple[TransitionShard, ...]
    duplicates: int

    @property
    def contexts(self) -> tuple[Context, ...]:
        """All contexts in order."""
        return tuple(c for shard in self.shards for one in shard.prompts for c in one.contexts)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Prompts (under a family, or at all) that are skipped, with the reason; each once."""
        return tuple(dict.fromkeys(problem for shard in self.shards for problem in shard.problems))

    def of_stage(self, stage: str) -> "TransitionPlan":
        """Return the shards of one stage."""
        kept = tuple(shard for shard in self.shards if shard.stage == stage)
        return TransitionPlan(shards=kept, duplicates=self.duplicates)

    def tokens(self) -> PlannedTokens:
        """Count what one model would read."""
        everything = [question for shard in self.shards for question in shard.questions]
        each = [_distinct(shard.questions) + _distinct(shard.repeated) for shard in self.shards]
        return PlannedTokens(
            naive=sum(len(row) for question in everything for row in answer_rows(question)),
            optimal=_distinct(everything),
            planned=sum(each),
        )


def planned_shards(
    stage: str,
    cells: Mapping[str, Sequence[Cell]],
    *,
    config: TransitionConfig,
    sources: Sources,
    known: Iterable[ContextKey] = (),
) -> tuple[PlannedShard, ...]:
    """Divide the cells of a stage into blocks of prompts; none where no cell is wanted."""
    if not cells:
        return ()
    size, queries = config.prompts_per_shard, sources.queries
    blocks = [queries[start : start + size] for start in range(0, len(queries), size)]
    wanted = {family: tuple(some) for family, some in cells.items()}
    there = frozenset(known)
    return tuple(
        PlannedShard(id=stage_shard_id(stage, number), stage=stage, prompts=block, cells=wanted, known=there)
        for number, block in enumerate(blocks)
    )


def compose_all(
    config: TransitionConfig, sources: Sources, *, tokenizer: Tokenizer, max_length: int
) -> TransitionPlan:
    """Compose every context that is known beforehand, and refuse what cannot be measured.

    A prompt that cannot be used is skipped with its reason; so is one under an attack family that has no
    material for it.

    Raises
    ------
    AlignthermoError
        Nothing at all can be composed: the first reason, as it was raised.
    ConfigError
        More than `max_contexts` contexts.
    ContextTooLong
        Contexts with their answers exceed `max_length`: lists the cells.
    """
    planned = tuple(_known_beforehand(config, sources))
    _require_few(config, planned)
    composer = ShardComposer(config, sources, tokenizer)
    plan = TransitionPlan(shards=tuple(map(composer.shard, planned)), duplicates=composer.duplicates)
    for stage in dict.fromkeys(shard.stage for shard in planned):
        if not plan.of_stage(stage).contexts:
            raise composer.errors[-1] if stage == REINFORCE else composer.errors[0]
    reserve = max(one.longest_answer for shard in plan.shards for one in shard.prompts)
    if config.samples:
        reserve = max(reserve, config.max_new_tokens)
    check_lengths(plan.contexts, max_length=max_length, reserve=reserve)
    return plan


def _known_beforehand(config: TransitionConfig, sources: Sources) -> Iterator[PlannedShard]:
    for stage, cells in ((SWEEP, sweep_cells(config)), (REINFORCE, reinforced_cells(config))):
        yield from planned_shards(stage, cells, config=config, sources=sources)


def _require_few(config: TransitionConfig, planned: Sequence[PlannedShard]) -> None:
    wanted = sum(len(shard.prompts) * sum(map(len, shard.cells.values())) for shard in planned)
    if wanted > config.max_contexts:
        raise ConfigError(
            f"the design asks for {wanted} contexts, more than max_contexts = {config.max_contexts}; take "
            f"fewer alphas, lengths, orders, families, replicates, reinforcements or prompts, or raise "
            f"--max-contexts"
        )


def answer_rows(question: Question) -> list[tuple[int, ...]]:
    """Return what has to be read: each answer in its context, but for the answer's last token."""
    return [(*question.context, *answer[:-1]) for answer in question.candidates]


def _distinct(questions: Iterable[Question]) -> int:
    return prefix_counts([row for question in questions for row in answer_rows(question)]).optimal_tokens
