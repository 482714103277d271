"""Replies as they were given: the literal drift, and what the instruction does to their every token."""

from collections.abc import Callable, Sequence
from itertools import accumulate

import numpy as np
from jaxtyping import Float

from alignthermo.errors import InputError
from alignthermo.experiments.drift.casebook import CaseBook
from alignthermo.experiments.drift.conversation import Conversation
from alignthermo.experiments.drift.rows import known, place_of
from alignthermo.observables.drift import BaseSide, Trace, TraceCase, overwritten, trace_histories
from alignthermo.observables.forest import TokenCounts
from alignthermo.quantities import LanguageModel
from alignthermo.transcripts import PreparedTranscript, WrittenContext

__all__ = ["reply_rows"]

_COLUMNS = {
    "literal": "literal",
    "influence": "literal_influence",
    "relaxation": "literal_relaxation",
    "entropy": "entropy",
    "surprisal": "surprisal",
}


def reply_rows(
    one: Conversation,
    prepared: PreparedTranscript,
    *,
    book: CaseBook,
    model: LanguageModel,
    base: BaseSide | None,
    counted: Callable[[TokenCounts], None],
) -> list[dict[str, object]]:
    """Follow a whole conversation in one forward per context, and average over the tokens of each reply.

    Parameters
    ----------
    one : Conversation
    prepared : PreparedTranscript
    book : CaseBook
        Its writer, its neutral text, and the most tokens that are read; replies beyond are left out.
    model : LanguageModel
    base : BaseSide or None
    counted : callable
        Told what each sweep cost.

    Returns
    -------
    list of rows
        None where nobody has replied yet.

    Raises
    ------
    InputError
        The conversation has no instruction, or no reply within that many tokens.
    """
    if not any(speech.role == "assistant" for speech in prepared.speeches):
        return []
    if not prepared.has_instruction:
        raise InputError("there is no instruction to drift from")
    most = book.most_tokens
    whole = book.writer.context(prepared, upto=len(prepared.speeches), generation=False)
    cut = whole.instruction_stop
    spans = [(max(a, cut), b) for a, b in whole.own if b <= most and b > cut]
    if not spans or not cut:
        raise InputError(f"there is no reply within {most} tokens")
    positions = tuple(place - cut for a, b in spans for place in range(a, b))
    neutral = overwritten(whole.ids, whole.instruction, book.filler)[:cut]
    (trace,) = trace_histories(
        model,
        [
            TraceCase(
                key=f"{one.number}/replies",
                instruction=whole.ids[:cut],
                history=whole.ids[cut : spans[-1][1]],
                positions=positions,
                neutral=neutral,
            )
        ],
        base=base,
        counted=counted,
    )
    ends = list(accumulate(b - a for a, b in spans))
    starts = [0, *ends[:-1]]
    return [
        {
            **place_of(one, "plain"),
            **_means(trace, slice(first, last)),
            **_standing(whole, spans, number),
            "kind": "answer",
            "probe": "",
            "point": number,
            "reasons": "{}",
        }
        for number, (first, last) in enumerate(zip(starts, ends, strict=True))
    ]


def _means(trace: Trace, tokens: slice) -> dict[str, object]:
    return {column: known(_mean(getattr(trace, name)[tokens])) for name, column in _COLUMNS.items()}


def _mean(values: Float[np.ndarray, " token"]) -> float:
    return float(values.mean()) if values.size else float("nan")


def _standing(whole: WrittenContext, spans: Sequence[tuple[int, int]], number: int) -> dict[str, object]:
    """Where a reply stands: replies and words before it."""
    start = spans[number][0]
    told = sum(min(b, start) - a for a, b in whole.history if a < start)
    return {"turns": number, "tokens": told, "context_tokens": start}
