"""What a drift run would cost, before it is run: no weight is loaded."""

from collections.abc import Sequence
from dataclasses import dataclass

from alignthermo.api.drift_sources import read_drift_sources
from alignthermo.api.measured_models import MeasuredModels
from alignthermo.api.plan import operations_per_second
from alignthermo.experiments.drift import CaseBook, Conversation, DriftConfig, recorded_conversations
from alignthermo.observables.drift import ProbeCase
from alignthermo.transcripts import PreparedTranscript

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
    """Tokens of the measured model, those of its base apart; `replies` are of one reading of them.

    `sampled` is what the model reads before it answers; its answers are read in every context after that, the
    base reads them where they were given.
    """

    conversations: int
    cases: int
    longest: int
    naive: int
    forwarded: int
    spoken: int
    sampled: int
    base_naive: int
    base_forwarded: int
    replies: int = 0
    attended_naive: int = 0
    attended: int = 0


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
        size = _exact(book, conversations, config)
        skipped = (*sources.unread, *(f"{p.prompt_id}: {p.message}" for p in book.problems))
    else:
        size, skipped = _bound(config, models.max_length), sources.unread
    n_models = 1 if config.base is None else 2
    generated = size.spoken + size.cases * config.answers * config.answer_tokens
    with_base = n_models - 1
    # replies are read with their instruction and without it, and under the base
    reread = (n_models + 1) * size.replies
    forwarded = size.forwarded + with_base * size.base_forwarded + size.sampled + reread + size.attended
    read = forwarded + generated
    return PlannedDrift(
        n_conversations=size.conversations,
        n_shards=-(-size.conversations // config.conversations_per_shard),
        n_arms=len(config.arms),
        n_models=n_models,
        n_cases=size.cases,
        at_most=config.mode != "transcripts",
        longest=size.longest,
        naive=size.naive + with_base * size.base_naive + reread + size.attended_naive,
        forwarded=forwarded,
        generated=generated,
        skipped=skipped,
        model_bytes=models.bytes_in_memory(config.dtype),
        seconds=2.0 * models.mean_parameters * read / operations_per_second(),
    )


def _exact(book: CaseBook, conversations: Sequence[Conversation], config: DriftConfig) -> _Size:
    """Write every context and count it; what is read once is so within a shard."""
    per_context = config.answers * config.answer_tokens
    n_cases = longest = naive = forwarded = sampled = base_naive = base_forwarded = replies = (
        attended_naive
    ) = attended = 0
    for first in range(0, len(conversations), config.conversations_per_shard):
        cases: list[ProbeCase] = []
        for one in conversations[first : first + config.conversations_per_shard]:
            talk = book.prepared(one)
            if talk is None:
                continue
            written = book.cases(one, talk)
            cases += [case.asked.case for case in written]
            if config.literal and talk.has_instruction:
                replies += min(_length(book, talk), book.most_tokens)
            if config.attention:
                seen = [case.asked.case.here for case in written if case.asked.written.instruction]
                attended_naive += sum(map(len, seen))
                attended += _distinct_tokens(set(seen))
        contexts = {ids for case in cases for ids in _contexts(case)}
        n_cases += len(cases)
        longest = max([longest, *map(len, contexts)])
        naive += sum(_naive(case, config.answers) for case in cases)
        base_naive += sum(_answers(case, config.answers) * len(case.here) for case in cases)
        here = {case.here for case in cases}
        base_forwarded += _distinct_tokens(here) + len(here) * per_context
        forwarded += _distinct_tokens(contexts) + len(contexts) * per_context
        sampled += _distinct_tokens(
            {ids for case in cases for ids in (case.here, case.neutral_history) if ids}
        )
    return _Size(
        conversations=len(conversations),
        cases=n_cases,
        longest=longest,
        naive=naive,
        forwarded=forwarded,
        spoken=0,
        sampled=sampled,
        base_naive=base_naive,
        base_forwarded=base_forwarded,
        replies=replies,
        attended_naive=attended_naive,
        attended=attended,
    )


def _length(book: CaseBook, talk: PreparedTranscript) -> int:
    return len(book.writer.context(talk, upto=len(talk.speeches), generation=False).ids)


def _naive(case: ProbeCase, answers: int) -> int:
    """Count a forward for each answer that is drawn, and for each that is read in each context."""
    drawn = [ids for ids in (case.here, case.neutral_history) if ids is not None]
    return answers * sum(map(len, drawn)) + _answers(case, answers) * sum(map(len, _contexts(case)))


def _answers(case: ProbeCase, drawn: int) -> int:
    return drawn + len(case.compliant) + len(case.defiant)


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
        base_naive=config.answers * cases * longest,
        base_forwarded=held * longest + cases * config.answers * config.answer_tokens,
        sampled=held * (1 + ("neutral" in config.controls)) * longest,
        replies=config.conversations * longest if config.literal and config.mode == "self_chat" else 0,
        attended_naive=cases * longest if config.attention else 0,
        attended=held * longest if config.attention else 0,
    )
