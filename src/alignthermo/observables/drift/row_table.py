"""Many short readouts compared at once: every distinct row becomes logits once, stretch by stretch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from alignthermo.observables.drift.rows import row_divergences, row_entropies
from alignthermo.observables.head_logits import head_logits
from alignthermo.quantities import HeadReadout, OutputHead, Readout, VocabularyMap

__all__ = ["ComparedRows", "compare_rows"]

# Rows of one model that are held at once, and logits of one stretch of vocabulary: few enough to stay in the
# processor's cache and to be given the same memory again; pages of fresh memory cost more than the sums.
_ROWS = 2048
_LOGITS = {"cpu": 2**18}
_LOGITS_ELSEWHERE = 2**24

_Pairs = Sequence[tuple[Readout, Readout]]
_Column = Float[Tensor, " row"]


@dataclass(frozen=True, kw_only=True)
class ComparedRows:
    """Arrays of shape (row,) of one pair of readouts, in nat.

    Attributes
    ----------
    kl : array
        KL(first ‖ second).
    entropy : array
        Of the first over its whole vocabulary; with a vocabulary map over the common tokens.
    """

    kl: Float[np.ndarray, " row"]
    entropy: Float[np.ndarray, " row"]


def compare_rows(pairs: _Pairs, *, vocabulary: VocabularyMap | None = None) -> list[ComparedRows]:
    r"""`row_divergences` and `row_entropies` of many short readouts; rows in several pairs are read once.

    .. math:: \mathrm{KL} = \frac{\sum_v e^{a_v - m}(a_v - b_v)}{\sum_v e^{a_v - m}} - \ln\frac{Z_a}{Z_b},
              \qquad S = \ln Z_a - \frac{\sum_v e^{a_v - m} a_v}{\sum_v e^{a_v - m}}

    with all sums run over the vocabulary in stretches, m the largest logit so far. Logits and sums are
    float64: close logits subtract without error, and what rounding is left is 1e-15 nat. Readouts that give
    logits alone, and those with impossible tokens, are compared pair by pair.

    Raises
    ------
    InputError, NonFiniteLogits
        As `row_divergences`.

    References
    ----------
    Milakov & Gimelshein, Online normalizer calculation for softmax, 1805.02867. Formula F-238 in
    docs/formulas.md.
    """
    found: list[ComparedRows] = []
    for chunk in _chunks(pairs):
        found += _compare_together(chunk, vocabulary) or _compare_apart(chunk, vocabulary)
    return found


def _chunks(pairs: _Pairs) -> Iterator[list[tuple[Readout, Readout]]]:
    """Pairs in order, as many at a time as their rows may be held."""
    chunk: list[tuple[Readout, Readout]] = []
    held = 0
    for pair in pairs:
        size = pair[0].n_tokens
        if chunk and held + size > _ROWS:
            yield chunk
            chunk, held = [], 0
        chunk.append(pair)
        held += size
    if chunk:
        yield chunk


def _compare_apart(pairs: _Pairs, vocabulary: VocabularyMap | None) -> list[ComparedRows]:
    entropies: dict[tuple[int, int, int], Float[np.ndarray, " row"]] = {}
    found = []
    for first, second in pairs:
        kl = row_divergences(first, second, vocabulary=vocabulary)
        place = _place(first)
        if place not in entropies:
            entropies[place] = row_entropies(first)
        found.append(ComparedRows(kl=kl, entropy=entropies[place]))
    return found


def _compare_together(pairs: _Pairs, vocabulary: VocabularyMap | None) -> list[ComparedRows]:
    """Compare pairs of one head a side; nothing where they have to be apart."""
    heads = [(a, b) for a, b in pairs if isinstance(a, HeadReadout) and isinstance(b, HeadReadout)]
    if len(heads) < len(pairs):
        return []
    first, second = heads[0]
    same = (vocabulary is not None or first.head is second.head) and all(
        a.head is first.head and b.head is second.head for a, b in heads
    )
    if not same:
        return []
    if vocabulary is None:
        table, at = _table([one for pair in zip(*heads, strict=True) for one in pair], None)
        half = len(at) // 2
        sides = [(table, at[:half]), (table, at[half:])]
    else:
        columns = (vocabulary.aligned_rows, vocabulary.base_rows)
        sides = [_table([pair[n] for pair in heads], columns[n]) for n in (0, 1)]
    with torch.inference_mode():
        kl, entropy = _summed(sides[0], sides[1])
    if not bool(torch.isfinite(kl).all()):  # impossible tokens, or logits that are none
        return []
    ends = np.cumsum([one.n_tokens for one, _ in pairs])[:-1]
    columns_found = (np.split(x.clamp_min(0.0).cpu().numpy(), ends) for x in (kl, entropy))
    return [ComparedRows(kl=a, entropy=b) for a, b in zip(*columns_found, strict=True)]


@dataclass(frozen=True, kw_only=True)
class _Table:
    """Distinct rows of one model, and the tokens that are compared."""

    hidden: Float[Tensor, "row feature"]
    head: OutputHead
    tokens: Int[Tensor, " common"] | None

    @property
    def width(self) -> int:
        return self.head.vocab_size if self.tokens is None else len(self.tokens)

    def logits(self, start: int, stop: int) -> Float[Tensor, "row token"]:
        """Float64 logits of a stretch of the compared tokens."""
        which = slice(start, stop) if self.tokens is None else self.tokens[start:stop]
        bias = self.head.bias
        part = OutputHead(
            weight=self.head.weight[which],
            bias=None if bias is None else bias[which],
            multiplier=self.head.multiplier,
            softcap=self.head.softcap,
        )
        return head_logits(self.hidden, part)


_Side = tuple[_Table, Int[Tensor, " wanted"]]


class _Sums:
    """Largest logit, Σ e^(z − m) and Σ e^(z − m) z of every row, over the stretches seen so far."""

    def __init__(self, rows: int, device: torch.device) -> None:
        self.top = torch.full((rows,), -torch.inf, dtype=torch.float64, device=device)
        self.mass, self.moment = (torch.zeros(rows, dtype=torch.float64, device=device) for _ in range(2))

    def add(self, z: Float[Tensor, "row token"]) -> tuple[Float[Tensor, "row token"], _Column]:
        """Take a stretch in; return its weights, and what all earlier sums have to be multiplied with."""
        top = torch.maximum(self.top, z.amax(dim=-1))
        shrink = (self.top - top).exp()
        weight = (z - top[:, None]).exp_()
        self.mass = self.mass * shrink + weight.sum(dim=-1)
        self.moment = self.moment * shrink + _dots(weight, z)
        self.top = top
        return weight, shrink

    @property
    def log_z(self) -> _Column:
        return self.top + self.mass.log()


def _summed(first: _Side, second: _Side) -> tuple[_Column, _Column]:
    (a, at_a), (b, at_b) = first, second
    device = a.hidden.device
    sums_a = _Sums(len(a.hidden), device)
    sums_b = sums_a if b is a else _Sums(len(b.hidden), device)
    apart = torch.zeros(len(at_a), dtype=torch.float64, device=device)
    most = _LOGITS.get(device.type, _LOGITS_ELSEWHERE)
    step = max(1, most // max(len(a.hidden), len(b.hidden), len(at_a)))
    for start in range(0, a.width, step):
        z_a = a.logits(start, start + step)
        weight, shrink = sums_a.add(z_a)
        z_b = z_a
        if b is not a:
            z_b = b.logits(start, start + step).to(device)
            sums_b.add(z_b)
        difference = z_a[at_a].sub_(z_b[at_b])
        apart = apart * shrink[at_a] + _dots(weight[at_a], difference)
    log_z_a, log_z_b = sums_a.log_z, sums_b.log_z
    kl = apart / sums_a.mass[at_a] - (log_z_a[at_a] - log_z_b[at_b])
    return kl, (log_z_a - sums_a.moment / sums_a.mass)[at_a]


def _dots(x: Float[Tensor, "row token"], y: Float[Tensor, "row token"]) -> _Column:
    found: _Column = torch.linalg.vecdot(x, y)
    return found


def _table(readouts: Sequence[HeadReadout], tokens: Int[np.ndarray, " common"] | None) -> _Side:
    """Collect distinct rows, and say which of them each readout wants."""
    places: dict[tuple[int, int, int], int] = {}
    distinct: list[HeadReadout] = []
    n_rows = 0
    wanted: list[Int[np.ndarray, " row"]] = []
    for one in readouts:
        key = _place(one)
        if key not in places:
            places[key] = n_rows
            distinct.append(one)
            n_rows += one.n_tokens
        wanted.append(places[key] + np.arange(one.n_tokens))
    hidden = torch.cat([one.hidden for one in distinct]).double()
    head, device = distinct[0].head, hidden.device
    columns = None if tokens is None or _is_everything(tokens, head) else torch.from_numpy(tokens).to(device)
    at = torch.from_numpy(np.concatenate(wanted)).to(device)
    return _Table(hidden=hidden, head=head, tokens=columns), at


def _is_everything(tokens: Int[np.ndarray, " common"], head: OutputHead) -> bool:
    return len(tokens) == head.vocab_size and np.array_equal(tokens, np.arange(len(tokens)))


def _place(readout: Readout) -> tuple[int, int, int]:
    """Where rows begin in memory, how many they are, and their head: the same for the same rows."""
    if isinstance(readout, HeadReadout):
        return readout.hidden.data_ptr(), readout.n_tokens, id(readout.head)
    return readout.logits.data_ptr(), readout.n_tokens, 0
