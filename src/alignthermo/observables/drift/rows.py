"""Divergence and entropy of rows of readouts: full vocabulary, float64, a bounded number at a time."""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from alignthermo.errors import InputError
from alignthermo.observables.head_logits import readout_logits
from alignthermo.observables.validity import require_distributions
from alignthermo.quantities import HeadReadout, LogitReadout, Readout, VocabularyMap

__all__ = ["row_divergences", "row_entropies", "rows_of"]

# Logits of one chunk of one side: 4 MiB in float64. About ten arrays of this size live at once.
_CHUNK_ELEMENTS = 2**19


def row_divergences(
    first: Readout, second: Readout, *, vocabulary: VocabularyMap | None = None
) -> Float[np.ndarray, " row"]:
    r"""KL between two readouts, row by row.

    .. math:: \mathrm{KL}_r = \sum_v \big(p_r(v) - q_r(v) + q_r(v)\,\Delta_r(v)\big),
              \qquad \Delta_r = \ln q_r - \ln p_r

    Logits are taken from hidden states in float64, so that what rounding is left is that of the hidden
    states (and 1e-15 nat). +inf where the second row excludes a token that the first allows.

    Parameters
    ----------
    first, second : Readout
        As many rows each: q and p.
    vocabulary : VocabularyMap, optional
        Between two models: both rows are restricted to the common tokens and renormalised there, `first`
        being the aligned side. Without it both are of one model.

    Returns
    -------
    array, shape (row,)
        In nat.

    Raises
    ------
    InputError
        Different numbers of rows, or, without a map, different vocabularies.
    NonFiniteLogits
        NaN or +inf, or a row without any probability.

    References
    ----------
    Formula F-01 in docs/formulas.md.
    """
    if first.n_tokens != second.n_tokens or (vocabulary is None and first.vocab_size != second.vocab_size):
        raise InputError(
            f"row_divergences: {first.n_tokens} rows of {first.vocab_size} tokens against "
            f"{second.n_tokens} of {second.vocab_size}"
        )
    found = np.empty(first.n_tokens)
    step = _step(max(first.vocab_size, second.vocab_size))
    for start in range(0, first.n_tokens, step):
        stop = min(start + step, first.n_tokens)
        a, b = readout_logits(first, start, stop), readout_logits(second, start, stop)
        if vocabulary is not None:
            a = a[:, torch.as_tensor(vocabulary.aligned_rows, device=a.device)]
            b = b[:, torch.as_tensor(vocabulary.base_rows, device=b.device)]
        found[start:stop] = _divergence(a, b.to(a.device)).cpu().numpy()
    return found


def row_entropies(readout: Readout) -> Float[np.ndarray, " row"]:
    r"""Entropy :math:`-\sum_v q \ln q` of each row over the model's whole vocabulary, in nat.

    Raises
    ------
    NonFiniteLogits
        NaN or +inf, or a row without any probability.
    """
    found = np.empty(readout.n_tokens)
    step = _step(readout.vocab_size)
    for start in range(0, readout.n_tokens, step):
        z = readout_logits(readout, start, start + step)
        require_distributions(z, side="model", first_token=start)
        log_q = z - torch.logsumexp(z, dim=-1, keepdim=True)
        terms = torch.where(torch.isneginf(log_q), 0.0, log_q * log_q.exp())
        found[start : start + step] = -terms.sum(dim=-1).cpu().numpy()
    return found


def rows_of(readout: Readout, start: int, stop: int) -> Readout:
    """Rows ``start:stop`` of a readout, as a view."""
    if isinstance(readout, HeadReadout):
        return HeadReadout(hidden=readout.hidden[start:stop], head=readout.head)
    return LogitReadout(logits=readout.logits[start:stop])


def _divergence(a: Float[Tensor, "row common"], b: Float[Tensor, "row common"]) -> Float[Tensor, " row"]:
    require_distributions(a, side="first")
    require_distributions(b, side="second")
    log_z_a, log_z_b = (torch.logsumexp(z, dim=-1, keepdim=True) for z in (a, b))
    # From the logits: close ones subtract without error.
    delta = (a - b) - (log_z_a - log_z_b)
    q, p = (a - log_z_a).exp(), (b - log_z_b).exp()
    # Term by term q(e^−Δ − 1 + Δ) ≥ 0: the normalisers' rounding enters squared.
    terms = torch.where(torch.isneginf(a), p, p - q + q * delta)
    # A weight that underflows to 0 is still positive: 0·inf must read +inf.
    terms = torch.where(torch.isneginf(b) & ~torch.isneginf(a), math.inf, terms)
    return terms.sum(dim=-1).clamp_min(0.0)


def _step(vocab_size: int) -> int:
    return max(1, _CHUNK_ELEMENTS // vocab_size)
