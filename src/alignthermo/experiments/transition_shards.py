"""The unit of work of the stages that read contexts: prompts, the cells wanted, what was composed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from alignthermo.contexts import Cell, Context
from alignthermo.experiments.responses import Problem
from alignthermo.experiments.transition_stage import SWEEP
from alignthermo.observables.forest import Question
from alignthermo.quantities import Prompt

__all__ = [
    "ComposedPrompt",
    "ContextKey",
    "PlannedShard",
    "TransitionShard",
    "context_key",
    "reinforcement_name",
]

ContextKey = tuple[str, str, str, int, str, str, str]
"""Prompt, family, order, replicate, control, digest and redundant instruction: one context of one curve."""


def context_key(context: Context) -> ContextKey:
    """Return what tells a context from every other of its curve."""
    cell, more = context.wanted, context.wanted.reinforcement
    name = reinforcement_name(more.placement, more.phrasing, more.tokens) if more else ""
    return (context.query, context.family, cell.order, cell.replicate, cell.control, context.digest, name)


def reinforcement_name(placement: str, phrasing: str, tokens: int) -> str:
    """Return what tells a redundant instruction from every other; empty for none."""
    return f"{tokens} {phrasing} at {placement}" if tokens else ""


@dataclass(frozen=True, kw_only=True)
class PlannedShard:
    """Prompts with the cells that are wanted of them, before anything is composed.

    Attributes
    ----------
    id, stage : str
    prompts : tuple of Prompt
    cells : mapping of str to tuple of Cell
        By attack family.
    known : frozenset of ContextKey
        Contexts of earlier stages; a cell that whole turns bring to one of them is left out.
    """

    id: str
    stage: str
    prompts: tuple[Prompt, ...]
    cells: Mapping[str, tuple[Cell, ...]]
    known: frozenset[ContextKey] = field(default_factory=frozenset)


@dataclass(frozen=True, kw_only=True)
class ComposedPrompt:
    """A prompt with its contexts and its reference answers as tokens."""

    prompt: Prompt
    contexts: tuple[Context, ...]
    compliant: tuple[tuple[int, ...], ...]
    defiant: tuple[tuple[int, ...], ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        """What a model is asked: every reference answer in every context."""
        candidates = (*self.compliant, *self.defiant)
        return tuple(Question(key=c.id, context=c.ids, candidates=candidates) for c in self.contexts)

    @property
    def longest_answer(self) -> int:
        """Tokens that are read after a context: all of the longest answer but its last."""
        return max(map(len, (*self.compliant, *self.defiant))) - 1


@dataclass(frozen=True, kw_only=True)
class TransitionShard:
    """A unit of work: some prompts with all their contexts; `id` names it in the run folder."""

    id: str
    stage: str
    prompts: tuple[ComposedPrompt, ...]
    problems: tuple[Problem, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions of the whole shard."""
        return tuple(question for one in self.prompts for question in one.questions)

    @property
    def repeated(self) -> tuple[Question, ...]:
        """One question of the sweep asked again by itself: the same model read twice must agree."""
        asked = self.questions if self.stage == SWEEP else ()
        return (asked[len(asked) // 2],) if asked else ()

    def within(self, max_length: int) -> "TransitionShard":
        """Leave out contexts that do not fit, and say so."""
        kept = [_fitting(one, max_length) for one in self.prompts]
        lost = [
            Problem(
                prompt_id=one.prompt.id,
                category=one.prompt.category,
                message=f"{self.stage}: {n} context(s) do not fit the model's {max_length} tokens",
            )
            for one, n in zip(self.prompts, _lost(self.prompts, kept), strict=True)
            if n
        ]
        return TransitionShard(
            id=self.id,
            stage=self.stage,
            prompts=tuple(one for one in kept if one.contexts),
            problems=(*self.problems, *lost),
        )


def _fitting(one: ComposedPrompt, max_length: int) -> ComposedPrompt:
    room = max_length - one.longest_answer
    contexts = tuple(context for context in one.contexts if context.counts.total <= room)
    return ComposedPrompt(prompt=one.prompt, contexts=contexts, compliant=one.compliant, defiant=one.defiant)


def _lost(before: Iterable[ComposedPrompt], after: Iterable[ComposedPrompt]) -> list[int]:
    return [len(a.contexts) - len(b.contexts) for a, b in zip(before, after, strict=True)]
