"""What is asked in each context of a sweep, and what comes back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from alignthermo.errors import ConfigError, ContextTooLong, InputError
from alignthermo.quantities import Completion, LanguageModel, Readout

__all__ = ["Answer", "Question", "Sampling", "require_questions"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """One context with the responses to be scored in it.

    Attributes
    ----------
    key : str
        Name of the cell, unique in a sweep; with the replicate it selects the random stream.
    context : tuple of int
        Token ids, at least one.
    candidates : tuple of tuples of int
        Responses; ln q(response | context) is wanted of each.
    positions : tuple of int
        Tokens of the context after which the whole distribution is wanted, by place.
    unfolded : int
        Of so many first candidates the distribution before every token is wanted.
    unscored : int
        Of so many first candidates no log-probability is wanted: the logits of all tokens are not made.
    """

    key: str
    context: tuple[int, ...]
    candidates: tuple[tuple[int, ...], ...] = ()
    positions: tuple[int, ...] = ()
    unfolded: int = 0
    unscored: int = 0


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How many continuations are drawn in each context, and how.

    Attributes
    ----------
    n : int
        Replicates per context. Replicate r draws from ``random_stream(seed, key, r, "sample")``, so neither
        the batch nor the order nor the other questions change it.
    seed : int
    max_new_tokens : int
    temperature : float
        0 is greedy.
    stop_ids : frozenset of int, optional
        Tokens that end a continuation; the model's own unless given.

    Raises
    ------
    ConfigError
        Fewer than one replicate or token, or a negative temperature.
    """

    n: int
    seed: int
    max_new_tokens: int
    temperature: float = 1.0
    stop_ids: frozenset[int] | None = None

    def __post_init__(self) -> None:
        if self.n < 1 or self.max_new_tokens < 1 or not self.temperature >= 0.0:
            raise ConfigError(
                f"sampling: n = {self.n} and max_new_tokens = {self.max_new_tokens} must be at least 1, "
                f"temperature = {self.temperature} at least 0"
            )


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the model says in one context.

    Attributes
    ----------
    key : str
    index : int
        Place of the question among those asked.
    log_probs : float64 array, shape (candidate,)
        ln q(response | context) in nat; 0 for an empty response, −inf for an impossible one, NaN for one that
        was not to be scored.
    readout : Readout or None
        One row: the distribution over the token that follows the context, where asked for.
    completions : tuple of Completion
        One per replicate, where asked for.
    rows : Readout or None
        Distributions after the question's `positions`, then those before each token of its `unfolded`
        candidates, one candidate after the other; None where it asked for none.
    """

    key: str
    index: int
    log_probs: Float[np.ndarray, " candidate"]
    readout: Readout | None = None
    completions: tuple[Completion, ...] = ()
    rows: Readout | None = None


def require_questions(model: LanguageModel, questions: Sequence[Question], *, room: int) -> None:
    """Refuse what cannot be asked, before anything is read.

    Parameters
    ----------
    model : LanguageModel
    questions : sequence of Question
    room : int
        Tokens that have to fit after every context.

    Raises
    ------
    InputError
        Two questions of one key, an empty context, an id outside the vocabulary, or a position outside the
        context.
    ContextTooLong
        A context with a response exceeds the model's length.
    """
    seen: set[str] = set()
    for question in questions:
        if question.key in seen:
            raise InputError(f"two questions have the key {question.key!r}; a key selects a random stream")
        seen.add(question.key)
        if not question.context:
            raise InputError(f"question {question.key!r}: the context is empty; it needs at least one token")
        after = max(max((len(c) - 1 for c in question.candidates), default=0), room)
        if len(question.context) + after > model.max_length:
            raise ContextTooLong(
                f"question {question.key!r}: {len(question.context)} tokens of context and {after} after it "
                f"exceed the {model.max_length} the model was made for; shorten the context"
            )
        _require_ids(question, model.vocab_size)
        if any(not 0 <= place < len(question.context) for place in question.positions):
            raise InputError(
                f"question {question.key!r}: a position lies outside its {len(question.context)} tokens"
            )


def _require_ids(question: Question, vocab_size: int) -> None:
    for ids in (question.context, *question.candidates):
        if ids and not (min(ids) >= 0 and max(ids) < vocab_size):
            bad = next(i for i in ids if not 0 <= i < vocab_size)
            raise InputError(
                f"question {question.key!r}: token id {bad} lies outside the model's vocabulary of "
                f"{vocab_size}"
            )
