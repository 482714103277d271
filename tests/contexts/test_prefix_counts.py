"""Tokens of common beginnings, against a trie of single tokens."""

from hypothesis import given
from hypothesis import strategies as st

from alignthermo.contexts import prefix_counts

SEQUENCES = st.lists(st.lists(st.sampled_from([0, 1, 255, 256, 70_000]), max_size=7), max_size=14)


def trie_size(sequences):
    return len({tuple(one[:stop]) for one in sequences for stop in range(1, len(one) + 1)})


@given(SEQUENCES)
def test_tokens_are_those_of_the_trie(sequences):
    counts = prefix_counts(sequences)
    assert counts.optimal_tokens == trie_size(sequences)
    assert counts.naive_tokens == sum(map(len, sequences))


def test_nothing_saves_nothing():
    counts = prefix_counts([])
    assert (counts.optimal_tokens, counts.naive_tokens) == (0, 0)
    assert counts.saving != counts.saving
