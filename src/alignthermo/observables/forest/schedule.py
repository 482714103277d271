"""In which order the branches of a tree go through the model, and which go together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from alignthermo.observables.forest.trie import Branch

__all__ = ["Bounds", "Grow", "Leave", "Read", "Step", "schedule"]

# A subtree this small is one row whatever its shape: a pass costs about as much as a hundred tokens.
_SMALL = 256
# A subtree of more than this many times its height is read trunk first: in one row, most of its tokens
# would be masked from each other, and attention would be paid for nothing.
_BUSHY = 2
# Branches shorter than this share a row, as far as the past they all see is no longer than the row.
_SHORTEST_ROW = 128
# Padding that a pass may hold: about what starting another pass would cost, and a tenth of its slots.
_FREE_PADDING, _PADDING_SHARE = 64, 0.1


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What one pass may hold.

    Attributes
    ----------
    slots : int
        Tokens with padding.
    cached : int
        Keys of all rows together, the past repeated in each.
    masked : int
        Pairs of a token and a key it may not see, about: where more would be computed in vain, another pass
        costs less.
    """

    slots: int
    cached: int
    masked: int = 2**24


@dataclass(frozen=True, kw_only=True)
class Grow:
    """Read a trunk after the first `known` tokens of the chain in hand, and take the longer chain in hand."""

    known: int
    tokens: Int[np.ndarray, " token"]


@dataclass(frozen=True, kw_only=True)
class Read:
    """Read rows that all hang within the first `known` tokens of the chain in hand."""

    known: int
    rows: tuple[Int[np.ndarray, " _"], ...]


@dataclass(frozen=True, kw_only=True)
class Leave:
    """Put the chain in hand away and take the one before."""


Step = Grow | Read | Leave


def schedule(root: Branch, *, bounds: Bounds) -> Iterator[Step]:
    """Cut a tree into passes such that every token is read once.

    A bushy subtree is read trunk (its heaviest way down) first; what hangs off the trunk at whatever depth
    then goes in rows that share the trunk as their past. Chains in hand nest no deeper than the logarithm
    of the number of tokens, because each subtree off a heaviest way holds at most half the tokens.
    """
    yield from _hanging(root.below, bounds)


def _hanging(branches: list[Branch], bounds: Bounds) -> Iterator[Step]:
    small = [branch for branch in branches if not _wants_trunk(branch, bounds)]
    yield from _reads(small, bounds)
    for branch in branches:
        if _wants_trunk(branch, bounds):
            trunk = _heaviest_way(branch)
            yield Grow(known=branch.depth, tokens=np.concatenate([np.asarray(b.own) for b in trunk]))
            off = [child for b in trunk for child in b.below if child not in trunk[1:]]
            yield from _hanging(off, bounds)
            yield Leave()


def _wants_trunk(branch: Branch, bounds: Bounds) -> bool:
    in_vain = branch.size * (branch.size - branch.height)
    bushy = branch.size > _BUSHY * branch.height or in_vain > bounds.masked
    return branch.size > bounds.slots or (branch.size > _SMALL and bushy)


def _heaviest_way(branch: Branch) -> list[Branch]:
    way = [branch]
    while way[-1].children:
        way.append(max(way[-1].below, key=lambda child: child.size))
    return way


@dataclass(frozen=True, kw_only=True)
class _Row:
    known: int
    tokens: Int[np.ndarray, " token"]


def _reads(branches: list[Branch], bounds: Bounds) -> Iterator[Read]:
    for level in _levels(branches, bounds):
        yield from _level_reads(level, bounds)


def _levels(branches: list[Branch], bounds: Bounds) -> Iterator[list[Branch]]:
    """Cut branches by depth: what hangs high is not read past keys that only what hangs low can see."""
    ordered = sorted(branches, key=lambda branch: (branch.depth, branch.first))
    n_levels, held, seen = 1, 0, 0
    for branch in ordered:
        held, seen = held + branch.size, seen + branch.size * branch.depth
        row = min(held, max(_SHORTEST_ROW, branch.depth))
        if held * (branch.depth + row) - seen > bounds.masked and held > branch.size:
            n_levels, held, seen = n_levels + 1, branch.size, branch.size * branch.depth
    ends = np.cumsum([branch.size for branch in ordered])
    level = (ends - 1) * n_levels // max(sum(branch.size for branch in ordered), 1)
    for n in range(n_levels):
        if chosen := [branch for branch, own in zip(ordered, level, strict=True) if own == n]:
            yield chosen


def _level_reads(branches: list[Branch], bounds: Bounds) -> Iterator[Read]:
    rows = sorted(_rows(branches, bounds), key=lambda row: -len(row.tokens))
    waiting: list[_Row] = []
    for row in rows:
        if waiting and not _fits([*waiting, row], bounds):
            yield _together(waiting)
            waiting = []
        waiting.append(row)
    if waiting:
        yield _together(waiting)


def _rows(branches: list[Branch], bounds: Bounds) -> Iterator[_Row]:
    """Short branches one after the other in one row, those of similar depth together."""
    sharing: list[Branch] = []
    held = 0
    for branch in sorted(branches, key=lambda b: (b.depth, b.first)):
        room = min(max(_SHORTEST_ROW, branch.depth), bounds.slots)
        if sharing and held + branch.size > room:
            yield _row(sharing)
            sharing, held = [], 0
        sharing.append(branch)
        held += branch.size
    if sharing:
        yield _row(sharing)


def _row(branches: Sequence[Branch]) -> _Row:
    ordered = sorted(branches, key=lambda branch: branch.first)
    tokens = np.concatenate([np.arange(b.first, b.first + b.size) for b in ordered])
    return _Row(known=max(b.depth for b in branches), tokens=tokens)


def _fits(rows: Sequence[_Row], bounds: Bounds) -> bool:
    longest = max(len(row.tokens) for row in rows)
    known = max(row.known for row in rows)
    slots = longest * len(rows)
    padding = slots - sum(len(row.tokens) for row in rows)
    return (
        slots <= bounds.slots
        and len(rows) * (known + longest) <= bounds.cached
        and padding <= _FREE_PADDING + _PADDING_SHARE * slots
    )


def _together(rows: Sequence[_Row]) -> Read:
    return Read(known=max(row.known for row in rows), rows=tuple(row.tokens for row in rows))
