"""Which law may be named: the simplest that held-out likelihood does not clearly put behind the best."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

__all__ = ["DECIDED", "POWER_80", "Standing", "standing"]

WITHIN = 2.0
POWER_80 = 0.84
DECIDED = WITHIN + POWER_80
"""Paired errors at which a gap is seen as two errors or more with 80 % power."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Laws against the best of them.

    Attributes
    ----------
    best : int
        Law with the largest mean held-out log-likelihood.
    gaps : array, shape (law, cluster)
        Best minus each law.
    errors : array, shape (law,)
        Paired standard errors of the mean gaps.
    remains : array, shape (law,)
        Whether a law is within two errors of the best.
    simplest : array
        Indices of the laws of the smallest size that remain: one is named, several leave it open.
    """

    best: int
    gaps: Float[np.ndarray, "law cluster"]
    errors: Float[np.ndarray, " law"]
    remains: Bool[np.ndarray, " law"]
    simplest: Int[np.ndarray, " simplest"]


def standing(held: Float[np.ndarray, "law cluster"], sizes: Int[np.ndarray, " law"]) -> Standing:
    """Compare held-out log-likelihoods by cluster, paired."""
    best = int(np.argmax(held.mean(axis=1)))
    gaps = held[best] - held
    errors = gaps.std(axis=1, ddof=1) / np.sqrt(held.shape[1])
    remains = gaps.mean(axis=1) <= WITHIN * errors
    simplest = np.flatnonzero(remains & (sizes == sizes[remains].min()))
    return Standing(best=best, gaps=gaps, errors=errors, remains=remains, simplest=simplest)
