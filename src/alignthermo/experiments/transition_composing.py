"""Planned shards to composed ones: every context and every reference answer as tokens."""

from collections.abc import Iterable, Iterator, Sequence

from alignthermo.contexts import Cell, Context, ContextComposer, Task
from alignthermo.errors import AlignthermoError, InputError, PromptError
from alignthermo.experiments.responses import Problem
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_material import Sources, task_of
from alignthermo.experiments.transition_replies import require_judgeable
from alignthermo.experiments.transition_shards import (
    ComposedPrompt,
    ContextKey,
    PlannedShard,
    TransitionShard,
    context_key,
)
from alignthermo.prompts import RenderOptions, encode_response
from alignthermo.quantities import Prompt, Tokenizer

__all__ = ["ShardComposer"]


class ShardComposer:
    """Composes shard by shard with one tokenizer, and keeps what went wrong.

    Parameters
    ----------
    config : TransitionConfig
    sources : Sources
    tokenizer : Tokenizer
        Of the aligned model.

    Attributes
    ----------
    errors : list of AlignthermoError
        As they were raised.
    duplicates : int
        Cells left out because whole turns reached the context of another.
    """

    def __init__(self, config: TransitionConfig, sources: Sources, tokenizer: Tokenizer) -> None:
        self._config, self._sources, self._tokenizer = config, sources, tokenizer
        # Turns are dealt for the whole grid, so that every stage deals the same ones.
        self._design = config.context_design()
        self._composer = ContextComposer(
            tokenizer,
            options=RenderOptions(template_kwargs=config.template_kwargs),
            raw=config.raw,
            refused_turns=config.refused_turns,
        )
        self.errors: list[AlignthermoError] = []
        self.duplicates = 0

    def shard(self, planned: PlannedShard) -> TransitionShard:
        """Compose one shard; what cannot be composed is among its problems."""
        problems: list[Problem] = []
        composed = [self._prompt(prompt, planned, problems) for prompt in planned.prompts]
        kept = tuple(one for one in composed if one is not None and one.contexts)
        return TransitionShard(id=planned.id, stage=planned.stage, prompts=kept, problems=tuple(problems))

    def _prompt(
        self, prompt: Prompt, planned: PlannedShard, problems: list[Problem]
    ) -> ComposedPrompt | None:
        try:
            compliant, defiant = (self._answers(prompt, side) for side in ("compliant", "defiant"))
            _require_apart(prompt, compliant, defiant)
            require_judgeable(prompt, self._config)
        except AlignthermoError as error:
            problems.append(self._problem(prompt, str(error), error))
            return None
        contexts: list[Context] = []
        for family, cells in planned.cells.items():
            reinforced = any(cell.reinforcement for cell in cells)
            try:
                task = task_of(prompt, family, self._config, self._sources, reinforced=reinforced)
                contexts += self._distinct(self._contexts(task, cells), planned.known)
            except AlignthermoError as error:
                name = f"{family} with reinforcement" if reinforced else family
                problems.append(self._problem(prompt, f"{name}: {error}", error))
        return ComposedPrompt(prompt=prompt, contexts=tuple(contexts), compliant=compliant, defiant=defiant)

    def _contexts(self, task: Task, cells: Sequence[Cell]) -> Iterator[Context]:
        decks = {
            replicate: self._composer.deal(self._design, task, replicate=replicate)
            for replicate in sorted({cell.replicate for cell in cells})
        }
        for cell in cells:
            yield self._composer.compose(cell, task, design=self._design, deck=decks[cell.replicate])

    def _problem(self, prompt: Prompt, message: str, error: AlignthermoError) -> Problem:
        self.errors.append(error)
        return Problem(prompt_id=prompt.id, category=prompt.category, message=message)

    def _answers(self, prompt: Prompt, side: str) -> tuple[tuple[int, ...], ...]:
        texts = prompt.compliant if side == "compliant" else prompt.defiant
        encoded = dict.fromkeys(encode_response(text, tokenizer=self._tokenizer) for text in texts if text)
        if not encoded:
            raise InputError(
                f"prompt {prompt.id!r} has no {side} reference answer; the order parameter compares the two, "
                f"so give it a column {side!r}, or --{side} TEXT for every prompt without one"
            )
        # An answer that begins with another is part of that other's event already.
        return tuple(a for a in encoded if not any(b != a and a[: len(b)] == b for b in encoded))

    def _distinct(self, contexts: Iterable[Context], known: frozenset[ContextKey]) -> list[Context]:
        """Drop cells that whole turns bring to a context which another cell of their curve has reached."""
        seen: dict[ContextKey, Context] = {}
        for context in contexts:
            key = context_key(context)
            again = key in known or key in seen
            self.duplicates += again
            if not again:
                seen[key] = context
        return list(seen.values())


def _require_apart(
    prompt: Prompt, compliant: Sequence[tuple[int, ...]], defiant: Sequence[tuple[int, ...]]
) -> None:
    for kept in compliant:
        for broken in defiant:
            n = min(len(kept), len(broken))
            if kept[:n] == broken[:n]:
                raise PromptError(
                    f"prompt {prompt.id!r}: a compliant and a defiant reference answer begin alike to the "
                    f"end of the shorter one, so they do not exclude each other; change one of them"
                )
