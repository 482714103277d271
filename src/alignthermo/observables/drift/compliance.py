"""Compliance without a judge: log-odds of given compliant against given defiant answers."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

__all__ = ["Compliance"]


@dataclass(frozen=True, kw_only=True)
class Compliance:
    r"""Log-odds of reference answers, and how much of the model's answers they are.

    .. math:: h = \ln \sum_{a \in A} q(a|c) - \ln \sum_{b \in B} q(b|c), \qquad q(A) \le P(kept) \le 1 - q(B)

    Formula F-235 in docs/formulas.md.

    Attributes
    ----------
    log_odds : float
        h in nat; NaN where a set is empty.
    mass : float
        q(A) + q(B): h says little where this is small.
    """

    log_odds: float = math.nan
    mass: float = math.nan

    @classmethod
    def of(cls, compliant: Float[np.ndarray, " kept"], defiant: Float[np.ndarray, " broken"]) -> "Compliance":
        """Take the log-probabilities of the two sets; repeated answers count as often as they are given.

        Examples
        --------
        >>> round(Compliance.of(np.log([0.2, 0.1]), np.log([0.1])).log_odds, 6)
        1.098612
        """
        if not compliant.size or not defiant.size:
            return cls()
        kept, broken = float(logsumexp(compliant)), float(logsumexp(defiant))
        impossible = kept == broken == -math.inf
        return cls(
            log_odds=math.nan if impossible else kept - broken, mass=float(np.exp(np.logaddexp(kept, broken)))
        )
