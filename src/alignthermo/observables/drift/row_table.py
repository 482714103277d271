"""Many short readouts of one model, each distinct row turned into logits once for all it is compared with."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from alignthermo.observables.drift.rows import row_divergences, row_entropies
from alignthermo.observables.head_logits import readout_logits
from alignthermo.observables.validity import require_distributions
from alignthermo.quantities import HeadReadout, Readout, VocabularyMap

__all__ = ["many_entropies", "paired_divergences"]

# Logits of one model that are held at once: 32 MiB in float64. About six arrays of this size live together.
_ELEMENTS = 2**22

_Pairs = Sequence[tuple[Readout, Readout]]


def paired_divergences(
    pairs: _Pairs, *, vocabulary: VocabularyMap | None = None
) -> list[Float[np.ndarray, " _"]]:
    """`row_divergences` of many short readouts; rows that stand in several pairs become logits once.

    Readouts that give logits alone, and those with impossible tokens, are compared pair by pair.
    """
    found: list[Float[np.ndarray, " _"]] = []
    for chunk in _chunks(pairs):
        found += _chunk_divergences(chunk, vocabulary)
    return found


def many_entropies(readouts: Sequence[Readout]) -> list[Float[np.ndarray, " _"]]:
    """`row_entropies` of many short readouts, those with a common head in one go."""
    heads = [one for one in readouts if isinstance(one, HeadReadout)]
    if not heads or len(heads) < len(readouts):
        return [row_entropies(one) for one in readouts]
    together = HeadReadout(hidden=torch.cat([one.hidden for one in heads]), head=heads[0].head)
    return np.split(row_entropies(together), np.cumsum([one.n_tokens for one in heads])[:-1])


def _chunks(pairs: _Pairs) -> Iterator[list[tuple[Readout, Readout]]]:
    """Pairs in order, as many at a time as their rows may be held."""
    chunk: list[tuple[Readout, Readout]] = []
    held = 0
    for pair in pairs:
        size = pair[0].n_tokens * (pair[0].vocab_size + pair[1].vocab_size)
        if chunk and held + size > 2 * _ELEMENTS:
            yield chunk
            chunk, held = [], 0
        chunk.append(pair)
        held += size
    if chunk:
        yield chunk


def _chunk_divergences(pairs: _Pairs, vocabulary: VocabularyMap | None) -> list[Float[np.ndarray, " _"]]:
    sides = [[pair[n] for pair in pairs] for n in (0, 1)]
    tables = _tables(sides, vocabulary)
    if tables is None:
        return [row_divergences(first, second, vocabulary=vocabulary) for first, second in pairs]
    (a, at_a), (b, at_b) = tables
    log_z_a, log_z_b = (torch.logsumexp(z, dim=-1, keepdim=True) for z in (a, b))
    q = (a - log_z_a).exp()
    # Σ q Δ, with Δ from the logits: close ones subtract without error.
    delta = a[at_a].sub_(b[at_b]).sub_(log_z_a[at_a] - log_z_b[at_b])
    kl = delta.mul_(q[at_a]).sum(dim=-1).clamp_min(0.0).cpu().numpy()
    return np.split(kl, np.cumsum([one.n_tokens for one in sides[0]])[:-1])


_Table = tuple[Float[Tensor, "row common"], Int[Tensor, " wanted"]]


def _tables(sides: Sequence[Sequence[Readout]], vocabulary: VocabularyMap | None) -> list[_Table] | None:
    """Logits of every distinct row, and which of them each pair wants; None where they have to be apart."""
    if not all(isinstance(one, HeadReadout) for side in sides for one in side):
        return None
    if vocabulary is None:
        logits, at = _table([*sides[0], *sides[1]])
        half = len(at) // 2
        tables = [(logits, at[:half]), (logits, at[half:])]
    else:
        tables = [_table(side) for side in sides]
        columns = (vocabulary.aligned_rows, vocabulary.base_rows)
        tables = [
            (z[:, torch.as_tensor(rows, device=z.device)], at)
            for (z, at), rows in zip(tables, columns, strict=True)
        ]
    for logits, _ in tables:
        require_distributions(logits, side="model")
    if any(bool(torch.isneginf(logits).any()) for logits, _ in tables):
        return None
    return tables


def _table(readouts: Sequence[Readout]) -> _Table:
    places: dict[tuple[int, int], int] = {}
    distinct: list[HeadReadout] = []
    n_rows = 0
    wanted: list[Int[np.ndarray, " row"]] = []
    for one in readouts:
        assert isinstance(one, HeadReadout)
        key = (one.hidden.data_ptr(), one.n_tokens)
        if key not in places:
            places[key] = n_rows
            distinct.append(one)
            n_rows += one.n_tokens
        wanted.append(places[key] + np.arange(one.n_tokens))
    hidden = torch.cat([one.hidden for one in distinct])
    logits = readout_logits(HeadReadout(hidden=hidden, head=distinct[0].head), 0, n_rows)
    return logits, torch.from_numpy(np.concatenate(wanted)).to(logits.device)
