"""What a drift run would cost, before it is run: no weight is loaded."""

from collections.abc import Sequence
from dataclasses import dataclass

from alignthermo.api.drift_sources import read_drift_sources
from alignthermo.api.measured_models import MeasuredModels
from alignthermo.api.plan import operations_per_second
from alignthermo.experiments.drift import CaseBook, DriftConfig, recorded_conversations
from alignthermo.observables.drift import ProbeCase

__all__ = ["PlannedDrift", "plan_drift"]


@dataclass(frozen=True, kw_only=True)
class PlannedDrift:
    """The size of a run.

    Attributes
    ----------
    n_conversations, n_shards, n_arms, n_models : int
    n_cases : int
        Probes at points under arms.
    at_most : bool
        The conversations are not held yet: counts are upper ends.
    longest : int
        Tokens of the longest context.
    naive, forwarded : int
        Tokens of a forward for each context and answer; where every shared token is read once, before
        what memory makes it read again.
    generated : int
        Most tokens of replies and answers that are drawn.
    skipped : tuple of str
    model_bytes : int
    seconds : float
        From the arithmetic and this machine's speed on one matrix product.
    """

    n_conversations: int
    n_shards: int
    n_arms: int
    n_models: int
    n_cases: int
    at_most: bool
    longest: int
    naive: int
    forwarded: int
    generated: int
    skipped: tuple[str, ...]
    model_bytes: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class _Size:
    conversations: int
    cases: int
    longest: int
    naive: int
    forwarded: int
    spoken: int
    skipped: tuple[str, ...] = ()


def plan_drift(config: DriftConfig) -> PlannedDrift:
    """Count a run without loading a weight: exactly for recorded conversations, from above for others.

    Raises
    ------
    ModelError, InputError
        A model cannot be found; a file cannot be read.
    """
    sources = read_drift_sources(config)
    models = MeasuredModels.of(config)
    if config.mode == "transcripts":
        conversations = recorded_conversations(config, sources.material)
        book = CaseBook(
            models.tokenizer, config, neutral=sources.material.neutral, max_length=models.max_length
        )
        prepared = [(one, book.prepared(one)) for one in conversations]
        cases = [
            case.asked.case for one, talk in prepared if talk is not None for case in book.cases(one, talk)
        ]
        size = _exact(cases, config, conversations=len(conversations))
        skipped = (*sources.unread, *(f"{p.prompt_id}: {p.message}" for p in book.problems))
    else:
        size, skipped = _bound(config, models.max_length), sources.unread
    n_models = 1 if config.base is None else 2
    generated = size.spoken + size.cases * config.answers * config.answer_tokens
    read = n_models * size.forwarded + generated
    return PlannedDrift(
        n_conversations=size.conversations,
        n_shards=-(-size.conversations // config.conversations_per_shard),
        n_arms=len(config.arms),
        n_models=n_models,
        n_cases=size.cases,
        at_most=config.mode != "transcripts",
        longest=size.longest,
        naive=n_models * size.naive,
        forwarded=n_models * size.forwarded,
        generated=generated,
        skipped=skipped,
        model_bytes=models.bytes_in_memory(config.dtype),
        seconds=2.0 * models.mean_parameters * read / operations_per_second(),
    )


def _exact(cases: Sequence[ProbeCase], config: DriftConfig, *, conversations: int) -> _Size:
    contexts = {ids for case in cases for ids in _contexts(case)}
    per_context = config.answers * config.answer_tokens
    return _Size(
        conversations=conversations,
        cases=len(cases),
        longest=max((len(ids) for ids in contexts), default=0),
        naive=config.answers * sum(len(ids) for case in cases for ids in _contexts(case)),
        forwarded=_distinct_tokens(contexts) + len(contexts) * per_context,
        spoken=0,
    )


def _contexts(case: ProbeCase) -> list[tuple[int, ...]]:
    given = (case.here, case.start, case.neutral_instruction, case.neutral_history, case.wish)
    return [ids for ids in given if ids is not None]


def _distinct_tokens(contexts: set[tuple[int, ...]]) -> int:
    """Count the nodes of the prefix tree: neighbours in order share the most."""
    total, before = 0, tuple[int, ...]()
    for ids in sorted(contexts):
        shared = next((n for n, (a, b) in enumerate(zip(ids, before, strict=False)) if a != b), None)
        total += len(ids) - (min(len(ids), len(before)) if shared is None else shared)
        before = ids
    return total


def _bound(config: DriftConfig, max_length: int) -> _Size:
    """Return the size if every conversation takes all its turns and tokens."""
    longest = min(config.tokens, max_length)
    arms = config.arms
    held = config.conversations * sum(not arm.is_control for arm in arms)
    points = 1 + min(config.turns, longest // config.every)
    if config.mode == "monologue":
        points = 1 + longest // config.every
    cases = config.conversations * len(arms) * points * config.probes
    contexts = 2 + ("neutral" in config.controls) + (config.wish is not None)
    spoken = longest if config.mode == "monologue" else min(config.turns * config.reply_tokens, longest)
    return _Size(
        conversations=config.conversations,
        cases=cases,
        longest=longest,
        naive=config.answers * cases * contexts * longest,
        forwarded=held * contexts * longest + cases * contexts * config.answers * config.answer_tokens,
        spoken=held * spoken,
    )
