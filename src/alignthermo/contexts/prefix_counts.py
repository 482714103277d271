"""What a set of token sequences has in common: the tokens of reading it once."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["PrefixCounts", "prefix_counts"]

_WIDTH = array("Q").itemsize


@dataclass(frozen=True, kw_only=True)
class PrefixCounts:
    """Tokens of a set of sequences.

    Attributes
    ----------
    naive_tokens : int
        Of all sequences, each read from its beginning.
    optimal_tokens : int
        Of the tree of their common beginnings: each shared stretch read once.
    """

    naive_tokens: int
    optimal_tokens: int

    @property
    def saving(self) -> float:
        """How many times fewer tokens the tree has; NaN without any."""
        return self.naive_tokens / self.optimal_tokens if self.optimal_tokens else float("nan")


def prefix_counts(sequences: Sequence[Sequence[int]]) -> PrefixCounts:
    """Count tokens with and without common beginnings.

    In sorted order a sequence shares most with the one before it, so the tree has the tokens of all distinct
    sequences less what neighbours share.

    Parameters
    ----------
    sequences : sequence of token id sequences
        For example the ids of contexts, or of contexts with each reference response after them.

    Examples
    --------
    >>> counts = prefix_counts([(1, 2, 3), (1, 2, 4), (1, 2)])
    >>> counts.naive_tokens, counts.optimal_tokens, counts.saving
    (8, 4, 2.0)
    """
    # bytes are compared at once, and any order of the ids will do
    rows = sorted({array("Q", sequence).tobytes() for sequence in sequences})
    distinct = sum(len(row) // _WIDTH for row in rows)
    return PrefixCounts(
        naive_tokens=sum(len(sequence) for sequence in sequences),
        optimal_tokens=distinct - sum(_shared(a, b) for a, b in pairwise(rows)),
    )


def _shared(a: bytes, b: bytes) -> int:
    """Tokens of the common beginning, by bisection."""
    low, high = 0, min(len(a), len(b)) // _WIDTH
    while low < high:
        middle = (low + high + 1) // 2
        if a[: middle * _WIDTH] == b[: middle * _WIDTH]:
            low = middle
        else:
            high = middle - 1
    return low
