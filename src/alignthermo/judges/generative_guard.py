"""A guard model that writes its verdict: asked in its own format, answered greedily, parsed strictly."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from alignthermo.errors import ContextTooLong, PromptError
from alignthermo.judges.asking import judged_once
from alignthermo.judges.exchange import Exchange, Judgement
from alignthermo.judges.guard_formats import GuardFormat, format_for
from alignthermo.models.checkpoint import load_model, load_tokenizer, place
from alignthermo.models.side import make_side
from alignthermo.models.sources import check_files, resolve
from alignthermo.prompts import render
from alignthermo.prompts.literal import ControlTokens, encode_literal
from alignthermo.quantities import LanguageModel, Message, Prompt

__all__ = ["GuardJudge", "load_guard"]


class GuardJudge:
    """Judges with a generative guard.

    The texts to be judged stay literal: a control token, or a forged answer, typed inside a response is only
    text to the guard. Decoding is greedy. Whatever the guard writes beyond its published form, and texts that
    do not fit its context, are abstentions.

    Parameters
    ----------
    model : LanguageModel
    guard_format : GuardFormat
    name : str
    batch_size : int
    """

    def __init__(
        self, model: LanguageModel, *, guard_format: GuardFormat, name: str, batch_size: int = 8
    ) -> None:
        self._model = model
        self._format = guard_format
        self._name = name
        self._batch_size = batch_size

    @property
    def name(self) -> str:
        """Model and format."""
        return f"{self._format.name}({self._name})"

    def judge(self, exchanges: Sequence[Exchange]) -> tuple[Judgement, ...]:
        """Judge exchanges, each text once and on its own, texts of like length together."""
        return judged_once(exchanges, self._distinct)

    def prompt_ids(self, exchange: Exchange) -> tuple[int, ...]:
        """Return the ids the guard reads for an exchange.

        Raises
        ------
        PromptError
            The texts cannot be kept literal, or are no valid Unicode.
        """
        tokenizer: Any = self._model.tokenizer
        if self._format.template is None:
            turns = (
                Message(role="user", content=exchange.request),
                Message(role="assistant", content=exchange.response),
            )
            return render(Prompt(id=exchange.id, messages=turns), tokenizer=tokenizer).ids
        text, spans = self._format.pieces(exchange.request, exchange.response)
        controls = ControlTokens.of(tokenizer, self._format.template)
        ids = encode_literal(text, spans, tokenizer=tokenizer, controls=controls)
        bos = getattr(tokenizer, "bos_token_id", None)
        return ids if not self._format.adds_bos or bos is None else (int(bos), *ids)

    def _distinct(self, exchanges: Sequence[Exchange]) -> tuple[Judgement, ...]:
        asked: dict[int, tuple[int, ...]] = {}
        found: dict[int, Judgement] = {}
        for i, exchange in enumerate(exchanges):
            if not exchange.response.strip():
                found[i] = Judgement.abstain("nothing to read", judge=self.name)
                continue
            try:
                asked[i] = self._fitting(exchange)
            except (PromptError, ContextTooLong) as error:
                found[i] = Judgement.abstain(str(error), judge=self.name)
        order = sorted(asked, key=lambda i: len(asked[i]))
        for start in range(0, len(order), self._batch_size):
            part = order[start : start + self._batch_size]
            for i, answer in zip(part, self._answers([asked[i] for i in part]), strict=True):
                found[i] = self._read(answer)
        return tuple(found[i] for i in range(len(exchanges)))

    def _read(self, answer: str) -> Judgement:
        outcome, ground = self._format.parse(answer)
        if outcome == "abstain":
            return Judgement.abstain(ground, judge=self.name)
        return Judgement(outcome=outcome, confidence=1.0, evidence=(ground,), judge=self.name)

    def _fitting(self, exchange: Exchange) -> tuple[int, ...]:
        ids = self.prompt_ids(exchange)
        room = self._model.max_length - self._format.max_new_tokens
        if len(ids) > room:
            raise ContextTooLong(f"{len(ids)} tokens, and the guard has room for {room}")
        return ids

    def _answers(self, prompts: Sequence[tuple[int, ...]]) -> list[str]:
        completions = self._model.sample(
            prompts,
            rngs=[np.random.default_rng(0) for _ in prompts],  # greedy: no number is drawn
            max_new_tokens=self._format.max_new_tokens,
            temperature=0.0,
        )
        return [self._model.tokenizer.decode(list(c.ids), skip_special_tokens=True) for c in completions]


def load_guard(
    model: str,
    *,
    guard_format: str | None = None,
    dtype: str = "auto",
    device: str = "auto",
    batch_size: int = 8,
) -> GuardJudge:
    """Load a generative guard by hub id (``org/name@revision``) or folder.

    Parameters
    ----------
    model : str
    guard_format : str, optional
        ``qwen3guard``, ``wildguard`` or ``harmbench``; by default what the model's name shows.
    dtype, device : str
        As in `models.load_pair`.
    batch_size : int

    Raises
    ------
    ConfigError
        The format is unknown and not shown by the name; an impossible dtype or device.
    ModelError
        The model is not found, or needs remote code.
    WeightsError
        Missing, damaged or pickled weights.
    """
    chosen = format_for(model, wanted=guard_format)
    source = resolve(model)
    check_files(source)
    side = make_side(
        source,
        load_tokenizer(source),
        load_model(source, place(dtype, device, (source,))),
        strict=False,
    )
    return GuardJudge(
        side.model(side.eos_ids),
        guard_format=chosen,
        name=f"{source.name}@{source.revision}",
        batch_size=batch_size,
    )
