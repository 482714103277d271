"""Which law may be named: the simplest that held-out likelihood does not clearly put behind the best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

__all__ = ["DECIDED", "POWER_80", "LawScore", "Standing", "standing"]

WITHIN = 2.0
POWER_80 = 0.84
DECIDED = WITHIN + POWER_80
"""Paired errors at which a gap is seen as two errors or more with 80 % power."""


@dataclass(frozen=True, kw_only=True)
class LawScore:
    """Held-out score of one law.

    Attributes
    ----------
    name : str
    size : int
        Parameters without noise and random effects.
    log_likelihood : float
        Mean held-out log-likelihood per cluster (prompt, conversation), nat.
    gap, gap_stderr : float
        Best minus this law per cluster, with the paired, clustered error.
    remains : bool
        Whether the gap is within 2 errors.
    """

    name: str
    size: int
    log_likelihood: float
    gap: float
    gap_stderr: float
    remains: bool


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Laws against the best of them.

    Attributes
    ----------
    held : array, shape (law, cluster)
        Held-out log-likelihoods.
    sizes : array, shape (law,)
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

    held: Float[np.ndarray, "law cluster"]
    sizes: Int[np.ndarray, " law"]
    best: int
    gaps: Float[np.ndarray, "law cluster"]
    errors: Float[np.ndarray, " law"]
    remains: Bool[np.ndarray, " law"]
    simplest: Int[np.ndarray, " simplest"]

    def scores(self, names: Sequence[str]) -> tuple[LawScore, ...]:
        """Return the score of every law, by name."""
        return tuple(
            LawScore(
                name=name,
                size=int(size),
                log_likelihood=float(held.mean()),
                gap=float(gap.mean()),
                gap_stderr=float(error),
                remains=bool(kept),
            )
            for name, size, held, gap, error, kept in zip(
                names, self.sizes, self.held, self.gaps, self.errors, self.remains, strict=True
            )
        )


def standing(held: Float[np.ndarray, "law cluster"], sizes: Int[np.ndarray, " law"]) -> Standing:
    """Compare held-out log-likelihoods by cluster, paired."""
    best = int(np.argmax(held.mean(axis=1)))
    gaps = held[best] - held
    errors = gaps.std(axis=1, ddof=1) / np.sqrt(held.shape[1])
    remains = gaps.mean(axis=1) <= WITHIN * errors
    simplest = np.flatnonzero(remains & (sizes == sizes[remains].min()))
    return Standing(
        held=held, sizes=sizes, best=best, gaps=gaps, errors=errors, remains=remains, simplest=simplest
    )
