"""Conversations to rows: every context of a shard is written first, then all are read together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from alignthermo.errors import AlignthermoError
from alignthermo.experiments.drift.casebook import Case, CaseBook, problem_of
from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.conversation import Conversation
from alignthermo.experiments.drift.replies import reply_rows
from alignthermo.experiments.drift.rows import Speaker, probe_row
from alignthermo.experiments.drift.schema import DRIFT_SCHEMA
from alignthermo.experiments.responses import Problem
from alignthermo.models.decoding import Stopping
from alignthermo.observables.drift import (
    BaseSide,
    InstructionAttention,
    ProbeCase,
    instruction_attention,
    measure_probes,
)
from alignthermo.observables.forest import ForestSettings, Sampling, TokenCounts
from alignthermo.quantities import Pair
from alignthermo.transcripts import PreparedTranscript

__all__ = ["MeasuredDrift", "measure_drift"]


@dataclass(frozen=True, kw_only=True)
class MeasuredDrift:
    """Rows of some conversations, what could not be measured, and what each sweep over the probes cost."""

    rows: pa.Table
    problems: tuple[Problem, ...]
    counts: tuple[TokenCounts, ...] = ()


def measure_drift(
    pair: Pair, config: DriftConfig, conversations: Sequence[Conversation], *, neutral: str
) -> MeasuredDrift:
    """Measure conversations under every arm that reads them.

    Parameters
    ----------
    pair : Pair
    config : DriftConfig
    conversations : sequence of Conversation
    neutral : str
        Neutral text.
    """
    book = CaseBook(
        pair.aligned.tokenizer,
        config,
        neutral=neutral,
        max_length=min(pair.aligned.max_length, pair.base.max_length),
    )
    meter = _Meter(pair, config, book)
    rows: list[dict[str, object]] = []
    cases: list[Case] = []
    for one in conversations:
        prepared = book.prepared(one)
        if prepared is None:
            continue
        cases += book.cases(one, prepared)
        if config.literal and one.arm == "plain" and config.mode != "monologue":
            rows += meter.replies(one, prepared)
    rows += meter.probed(cases)
    return MeasuredDrift(
        rows=pa.Table.from_pylist(rows, schema=DRIFT_SCHEMA),
        problems=tuple(book.problems),
        counts=tuple(meter.counts),
    )


class _Meter:
    """One pair, reading cases."""

    def __init__(self, pair: Pair, config: DriftConfig, book: CaseBook) -> None:
        self._pair, self._config, self._book = pair, config, book
        self._base = BaseSide.of(pair) if config.base is not None else None
        self.counts: list[TokenCounts] = []

    def probed(self, cases: Sequence[Case]) -> list[dict[str, object]]:
        """Measure all probes in one sweep."""
        if not cases:
            return []
        found = measure_probes(
            self._pair.aligned,
            [_named(case) for case in cases],
            base=self._base,
            sampling=Sampling(
                n=self._config.answers,
                seed=self._config.seed,
                max_new_tokens=self._config.answer_tokens,
                temperature=1.0,
            ),
            settings=ForestSettings(max_cached_tokens=self._config.max_cached_tokens),
            counted=self.counts.append,
        )
        attention = self._attention(cases) if self._config.attention else {}
        model = self._pair.aligned
        stop_ids = model.stop_ids if isinstance(model, Stopping) else frozenset[int]()
        speaker = Speaker(tokenizer=model.tokenizer, stop_ids=stop_ids)
        return [
            probe_row(case, drift, attention=attention.get(number), speaker=speaker)
            for number, (case, drift) in enumerate(zip(cases, found, strict=True))
        ]

    def replies(self, one: Conversation, prepared: PreparedTranscript) -> list[dict[str, object]]:
        """Follow the replies as they were given."""
        try:
            return reply_rows(
                one,
                prepared,
                book=self._book,
                model=self._pair.aligned,
                base=self._base,
                counted=self.counts.append,
            )
        except AlignthermoError as error:
            self._book.problems.append(problem_of(one, f"replies as they were given: {error}"))
            return []

    def _attention(self, cases: Sequence[Case]) -> dict[int, InstructionAttention]:
        """Look at the attention of the cases that have an instruction, conversation by conversation."""
        groups: dict[tuple[int, str, str], list[int]] = {}
        for number, case in enumerate(cases):
            if case.asked.written.instruction:
                key = (case.conversation.number, case.conversation.arm, case.arm.name)
                groups.setdefault(key, []).append(number)
        seen: dict[int, InstructionAttention] = {}
        for numbers in groups.values():
            contexts = [cases[number].asked.case.here for number in numbers]
            spans = [cases[number].asked.written.instruction for number in numbers]
            found, read = instruction_attention(
                self._pair.aligned, contexts, instructions=[(span[0][0], span[-1][1]) for span in spans]
            )
            seen |= dict(zip(numbers, found, strict=True))
            self.counts.append(_attention_counts(contexts, read, found[0].reason))
        return seen


def _attention_counts(contexts: Sequence[Sequence[int]], read: int, note: str) -> TokenCounts:
    return TokenCounts(
        naive=sum(map(len, contexts)) if read else 0,
        optimal=read,
        forwarded=read,
        padding=0,
        recomputed=0,
        generated=0,
        passes=len(contexts) if read else 0,
        route="prefix",
        note=note,
    )


def _named(case: Case) -> ProbeCase:
    return replace(case.asked.case, key=f"{case.conversation.number}/{case.asked.case.key}")
