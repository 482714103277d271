"""A walk on a cycle of three states that prefers one way round: its entropy production is known."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from alignthermo.errors import ConfigError

__all__ = ["BiasedCycle"]


@dataclass(frozen=True, kw_only=True)
class BiasedCycle:
    r"""States 0 → 1 → 2 → 0 with probability p, the other way with q, staying with 1 − p − q.

    .. math:: \sigma = (p - q) \ln\frac{p}{q} \quad \text{nat per step}

    Occupation is uniform and the walk stationary at once; p = q is reversible.

    Attributes
    ----------
    forward, backward : float
        p and q, > 0, p + q ≤ 1.

    Raises
    ------
    ConfigError
        Probabilities out of range.

    References
    ----------
    Schnakenberg, Rev. Mod. Phys. 48, 571 (1976). Formula F-222 in docs/formulas.md.

    Examples
    --------
    >>> round(BiasedCycle(forward=0.6, backward=0.2).entropy_production, 6)
    0.439445
    """

    forward: float
    backward: float

    def __post_init__(self) -> None:
        if not (self.forward > 0.0 and self.backward > 0.0 and self.forward + self.backward <= 1.0):
            raise ConfigError(f"BiasedCycle: p, q > 0 and p + q <= 1, got {self.forward}, {self.backward}")

    @property
    def entropy_production(self) -> float:
        """Nat per step."""
        return (self.forward - self.backward) * math.log(self.forward / self.backward)

    def sample(self, n: int, n_turns: int, *, rng: np.random.Generator) -> Int[np.ndarray, "walk turn"]:
        """Draw `n` walks of `n_turns` states."""
        draw = rng.random((n, n_turns))
        step = np.where(draw < self.forward, 1, np.where(draw < self.forward + self.backward, -1, 0))
        step[:, 0] = rng.integers(0, 3, n)
        return np.asarray(np.cumsum(step, axis=1) % 3)
