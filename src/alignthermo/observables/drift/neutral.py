"""Neutral text of exactly as many tokens: what an instruction or a history is held against."""

from collections.abc import Sequence
from itertools import cycle, islice

from alignthermo.errors import InputError

__all__ = ["overwritten", "run_of_filler"]

Ids = tuple[int, ...]


def run_of_filler(filler: Sequence[int], length: int, *, start: int = 0) -> Ids:
    """Return `length` tokens of a neutral text that is read round and round, from its token `start` on.

    Raises
    ------
    InputError
        Tokens are wanted of an empty filler.

    Examples
    --------
    >>> run_of_filler([7, 8, 9], 5, start=2)
    (9, 7, 8, 9, 7)
    """
    if length and not filler:
        raise InputError("run_of_filler: the neutral text is empty; give one of at least one token")
    if not length:
        return ()
    at = start % len(filler)
    return tuple(islice(cycle(filler), at, at + length))


def overwritten(ids: Sequence[int], spans: Sequence[tuple[int, int]], filler: Sequence[int]) -> Ids:
    """Replace the tokens of some spans by neutral ones, one for one.

    What stands outside the spans (role markers) is kept, so the result has the same length, the same turns
    and the same positions. The filler goes on from span to span.

    Parameters
    ----------
    ids : sequence of int
    spans : sequence of (start, stop)
        Contents of messages, ascending and apart.
    filler : sequence of int
        Token ids of neutral text.

    Raises
    ------
    InputError
        An empty filler, or spans that overlap or leave the sequence.

    Examples
    --------
    >>> overwritten([0, 1, 2, 3, 4], [(1, 3), (4, 5)], [7, 8])
    (0, 7, 8, 3, 7)
    """
    written, used, at = list(ids), 0, 0
    for start, stop in spans:
        if not at <= start <= stop <= len(written):
            raise InputError(f"overwritten: span {start}:{stop} after {at} in {len(written)} tokens")
        written[start:stop] = run_of_filler(filler, stop - start, start=used)
        used, at = used + stop - start, stop
    return tuple(written)
