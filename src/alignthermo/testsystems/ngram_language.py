"""Markov chains dressed as a pair of language models, so that whole pipelines have exact answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from alignthermo.errors import ConfigError
from alignthermo.quantities import Pair, VocabularyMap
from alignthermo.testsystems.ngram_pair import NgramPair
from alignthermo.testsystems.table_model import TableModel
from alignthermo.testsystems.word_tokenizer import WordTokenizer

__all__ = ["ngram_language_pair"]

_UNKNOWN, _ASSISTANT, _END = "[unk]", "<assistant>", "<end>"
_MARKERS = (_UNKNOWN, "<system>", "<user>", _ASSISTANT, _END)


def ngram_language_pair(systems: Mapping[str, NgramPair], *, max_length: int = 4096) -> Pair:
    """Build a pair of table models in which a word of the prompt chooses the Markov chain of the answer.

    A prompt that holds the topic word ``name`` is answered by ``systems[name]`` from its start state, so
    its sequence KL, cut at n new tokens, is ``systems[name].sequence_kl(n)`` under either template policy
    (every token outside the chains counts as the start state). Without a topic word the first system
    answers. Tokens are words: the start state is ``<assistant>``, the stop token ``<end>``, the others
    ``w02``, ``w03`` … by their index in the chain.

    Parameters
    ----------
    systems : mapping from topic word to NgramPair
        Of equal size, start and stop.
    max_length : int
        Context length of both models.

    Returns
    -------
    Pair
        ``same_ids``; use `dataclasses.replace` for another template policy.

    Raises
    ------
    ConfigError
        No system, systems that differ in size, start or stop, or a topic that is not a single word.

    Examples
    --------
    >>> import numpy as np
    >>> chain = NgramPair.random(6, beta=1.0, stop_probability=0.2, rng=np.random.default_rng(0))
    >>> pair = ngram_language_pair({"rain": chain})
    >>> pair.aligned.tokenizer.decode(range(pair.vocabulary.size))
    '[unk] <system> <user> <assistant> <end> rain w02 w03 w04 w05'
    """
    first = _checked(systems)
    names = (*_MARKERS, *systems, *(f"w{state:02d}" for state in _words(first)))
    layout = _Layout(
        tokens=names, id_of_state=_ids_of_states(first, names), stop=first.stop is not None, start=first.start
    )
    sides = [
        _table_model([getattr(system, side) for system in systems.values()], layout, systems, max_length)
        for side in ("base", "aligned")
    ]
    vocabulary = VocabularyMap.identity(len(names))
    provenance = {"kind": "ngram table", "topics": " ".join(systems), "dtype": "float64"}
    return Pair(base=sides[0], aligned=sides[1], vocabulary=vocabulary, provenance=provenance)


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Where the states of a chain stand in the vocabulary."""

    tokens: tuple[str, ...]
    id_of_state: Int[np.ndarray, " state"]
    start: int
    stop: bool


def _checked(systems: Mapping[str, NgramPair]) -> NgramPair:
    shapes = {(system.n_tokens, system.start, system.stop) for system in systems.values()}
    if len(shapes) != 1:
        raise ConfigError(
            f"ngram_language_pair: needs at least one system, all of one (size, start, stop); got {shapes}"
        )
    return next(iter(systems.values()))


def _words(system: NgramPair) -> list[int]:
    """States that are neither the start nor the stop token."""
    return [state for state in range(system.n_tokens) if state not in (system.start, system.stop)]


def _ids_of_states(system: NgramPair, tokens: Sequence[str]) -> Int[np.ndarray, " state"]:
    names = {state: f"w{state:02d}" for state in _words(system)} | {system.start: _ASSISTANT}
    if system.stop is not None:
        names[system.stop] = _END
    return np.array([tokens.index(names[state]) for state in range(system.n_tokens)], dtype=np.int64)


def _table_model(
    tables: Sequence[Float[np.ndarray, "state token"]],
    layout: _Layout,
    topics: Mapping[str, NgramPair],
    max_length: int,
) -> TableModel:
    topic_of_token = np.full(len(layout.tokens), -1, dtype=np.int64)
    for index, topic in enumerate(topics):
        topic_of_token[layout.tokens.index(topic)] = index
    return TableModel(
        tokenizer=WordTokenizer(layout.tokens),
        log_tables=np.stack([_embedded(table, layout) for table in tables]),
        topic_of_token=topic_of_token,
        stop_ids=frozenset({layout.tokens.index(_END)}) if layout.stop else frozenset(),
        max_length=max_length,
    )


def _embedded(table: Float[np.ndarray, "state token"], layout: _Layout) -> Float[np.ndarray, "vocab vocab"]:
    """Log-probabilities over the whole vocabulary; tokens outside the chain act as its start state."""
    vocab = len(layout.tokens)
    state_of_id = np.full(vocab, layout.start, dtype=np.int64)
    state_of_id[layout.id_of_state] = np.arange(layout.id_of_state.size)
    log_table = np.full((vocab, vocab), -np.inf)
    with np.errstate(divide="ignore"):
        log_table[:, layout.id_of_state] = np.log(table[state_of_id])
    return log_table
