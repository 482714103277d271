"""Experiment 2: the order parameters in every context of a sweep, for one model or a pair."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial

import pyarrow as pa

from alignthermo.errors import IncompatiblePair
from alignthermo.experiments.responses import Problem
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_first_token import Openings, first_token_mass, refusing_openings
from alignthermo.experiments.transition_replies import judge_rows, reply_columns
from alignthermo.experiments.transition_rows import transition_table
from alignthermo.experiments.transition_shards import ComposedPrompt, TransitionShard
from alignthermo.judges import ReplyJudge, load_reply_judge
from alignthermo.models.side_by_side import side_by_side
from alignthermo.observables.forest import (
    Answer,
    ForestSettings,
    Question,
    Sampling,
    TokenCounts,
    read_forest,
)
from alignthermo.quantities import LanguageModel, Pair

__all__ = ["Transition", "TransitionShardResult"]


@dataclass(frozen=True, kw_only=True)
class TransitionShardResult:
    """Rows of a shard, what was skipped, and what reading cost, model by model."""

    rows: pa.Table | None
    problems: tuple[Problem, ...]
    counts: tuple[TokenCounts, ...]


@dataclass(frozen=True, kw_only=True)
class _Side:
    """What one model says in the contexts of a shard."""

    answers: Mapping[str, Answer]
    extras: Mapping[str, Mapping[str, object]]
    counts: TokenCounts


@dataclass(frozen=True, kw_only=True)
class _SideRows:
    """Rows of one model, and what they cost: the shard, and what was read again."""

    rows: pa.Table
    counts: tuple[TokenCounts, TokenCounts]


@dataclass(frozen=True, kw_only=True)
class Transition:
    """The experiment bound to its models; it measures, and neither averages nor writes.

    Attributes
    ----------
    pair : Pair
        `aligned` is measured; `base` too, if the configuration names one. Replies are sampled from the
        aligned model only.
    config : TransitionConfig
    loaded_judge : ReplyJudge or None
        The judge that the configuration names, where it is loaded already.
    """

    pair: Pair
    config: TransitionConfig
    loaded_judge: ReplyJudge | None = None

    @cached_property
    def judge(self) -> ReplyJudge:
        """The judge of sampled replies, loaded on first use.

        Raises
        ------
        ConfigError, ModelError, WeightsError
            See `alignthermo.judges.load_reply_judge`.
        """
        return self.loaded_judge or load_reply_judge(self.config.judge, device=self.config.device)

    def measure(self, shard: TransitionShard) -> TransitionShardResult:
        """Measure one shard.

        Raises
        ------
        IncompatiblePair
            The base lacks a token of a context.
        AlignthermoError
            The judge of the replies cannot be loaded.
        """
        if not shard.prompts:
            return TransitionShardResult(rows=None, problems=shard.problems, counts=())
        sides: dict[str, LanguageModel] = {"aligned": self.pair.aligned}
        if self.config.base is not None:
            sides["base"] = self.pair.base
        if self.config.samples:
            _ = self.judge  # a wrong name should not cost a sweep
        found = side_by_side(sides, partial(self._side, shard))
        return TransitionShardResult(
            rows=pa.concat_tables(
                self._judged(one.rows, shard) if self._samples(name) else one.rows
                for name, one in zip(sides, found, strict=True)
            ),
            problems=shard.problems,
            counts=tuple(counts for one in found for counts in one.counts),
        )

    def _side(
        self, shard: TransitionShard, side: str, model: LanguageModel, go_on: Callable[[], None]
    ) -> _SideRows:
        read = self._read(model, shard, side=side, go_on=go_on)
        again, cost = self._again(model, shard, side=side)
        rows = transition_table(
            shard, read.answers, again=again, model=side, config=self.config, extras=read.extras
        )
        return _SideRows(rows=rows, counts=(read.counts, cost))

    def _samples(self, side: str) -> bool:
        return self.config.samples > 0 and side == "aligned"

    def _read(
        self, model: LanguageModel, shard: TransitionShard, *, side: str, go_on: Callable[[], None]
    ) -> _Side:
        openings = dict(pair for one in shard.prompts for pair in _openings(one))
        run = read_forest(
            model,
            self._spelled(shard.questions, side),
            settings=ForestSettings(
                max_cached_tokens=self.config.max_cached_tokens,
                readouts=any(opening.tokens for opening in openings.values()),
            ),
            sampling=self._sampling() if self._samples(side) else None,
        )
        answers: dict[str, Answer] = {}
        extras: dict[str, Mapping[str, object]] = {}
        for answer in run:
            go_on()
            extras[answer.key] = {
                **self._first_token(answer, openings[answer.key], side),
                **(reply_columns(answer.completions, model.tokenizer) if self._samples(side) else {}),
            }
            answers[answer.key] = replace(answer, readout=None)  # a sweep of readouts would not fit
        return _Side(answers=answers, extras=extras, counts=run.counts)

    def _again(
        self, model: LanguageModel, shard: TransitionShard, *, side: str
    ) -> tuple[Mapping[str, Answer], TokenCounts]:
        settings = ForestSettings(max_cached_tokens=self.config.max_cached_tokens)
        run = read_forest(model, self._spelled(shard.repeated, side), settings=settings)
        return {answer.key: answer for answer in run}, run.counts

    def _sampling(self) -> Sampling:
        return Sampling(
            n=self.config.samples,
            seed=self.config.seed,
            max_new_tokens=self.config.max_new_tokens,
            temperature=self.config.temperature,
        )

    def _first_token(self, answer: Answer, opening: Openings, side: str) -> dict[str, object]:
        if answer.readout is None or not opening.tokens:
            return {"log_first_refusal": None, "first_token_note": opening.note}
        tokens = opening.tokens if side == "aligned" else self.pair.vocabulary.to_base(opening.tokens)
        mass = first_token_mass(answer.readout, tokens)
        return {"log_first_refusal": mass, "first_token_note": opening.note}

    def _judged(self, table: pa.Table, shard: TransitionShard) -> pa.Table:
        return judge_rows(table, {one.prompt.id: one.prompt for one in shard.prompts}, self.judge)

    def _spelled(self, questions: tuple[Question, ...], side: str) -> tuple[Question, ...]:
        return questions if side == "aligned" else tuple(map(self._for_base, questions))

    def _for_base(self, question: Question) -> Question:
        """Spell a question in the base's ids."""
        to_base = self.pair.vocabulary.to_base
        try:
            return Question(
                key=question.key,
                context=to_base(question.context),
                candidates=tuple(map(to_base, question.candidates)),
            )
        except KeyError as error:
            raise IncompatiblePair(
                f"context {question.key!r} holds the token {error.args[0]}, which the base does not have; "
                "measure the aligned model alone (leave out --base)"
            ) from None


def _openings(one: ComposedPrompt) -> Iterator[tuple[str, Openings]]:
    found = refusing_openings(one.prompt, compliant=one.compliant, defiant=one.defiant)
    return ((context.id, found) for context in one.contexts)
