"""Conversations to rows: every context of a shard is written first, then all are read together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from alignthermo.errors import AlignthermoError
from alignthermo.experiments.drift.casebook import Case, CaseBook, problem_of
from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.conversation import Conversation
from alignthermo.experiments.drift.replies import reply_rows
from alignthermo.experiments.drift.rows import AttentionRow, Speaker, probe_row
from alignthermo.experiments.drift.schema import DRIFT_SCHEMA
from alignthermo.experiments.responses import Problem
from alignthermo.models.decoding import Stopping
from alignthermo.observables.drift import BaseSide, ProbeCase, instruction_attention, measure_probes
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
    meter = _Meter(pair, config, book, neutral)
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

    def __init__(self, pair: Pair, config: DriftConfig, book: CaseBook, neutral: str) -> None:
        self._pair, self._config, self._book = pair, config, book
        self._filler = book.writer.encode_answer(neutral)
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
        model = self._pair.aligned
        stop_ids = model.stop_ids if isinstance(model, Stopping) else frozenset[int]()
        speaker = Speaker(tokenizer=model.tokenizer, stop_ids=stop_ids)
        return [
            probe_row(case, drift, attention=self._attention(case), speaker=speaker)
            for case, drift in zip(cases, found, strict=True)
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
                filler=self._filler,
            )
        except AlignthermoError as error:
            self._book.problems.append(problem_of(one, f"replies as they were given: {error}"))
            return []

    def _attention(self, case: Case) -> AttentionRow | None:
        instruction, ids = case.asked.written.instruction, case.asked.case.here
        if not self._config.attention or not instruction:
            return None
        found = instruction_attention(
            self._pair.aligned,
            ids,
            instruction=(instruction[0][0], instruction[-1][1]),
            positions=(len(ids) - 1,),
        )
        return AttentionRow(
            mass=tuple(float(layer) for layer in found.mass[:, 0]),
            uniform=float(found.share_of_tokens[0]),
            reason=found.reason,
        )


def _named(case: Case) -> ProbeCase:
    return replace(case.asked.case, key=f"{case.conversation.number}/{case.asked.case.key}")
