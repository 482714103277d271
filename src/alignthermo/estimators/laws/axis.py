"""The axis that a population curve is drawn along: α itself, or stretched towards one of its ends."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from alignthermo.estimators.laws.panel import Panel

__all__ = ["BENDS", "Axis"]

BENDS = (4.0, 16.0, -4.0, -16.0)
"""Bends that are tried: the end that is drawn apart begins after a quarter of the range, or a sixteenth."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    r"""Map between α and t in [−½, ½].

    .. math:: t + \tfrac12 = \frac{\ln(1 + b x)}{\ln(1 + b)}, \qquad
              t + \tfrac12 = 1 - \frac{\ln(1 + |b|(1 - x))}{\ln(1 + |b|)} \ (b < 0), \qquad
              t + \tfrac12 = x \ (b = 0)

    with x the place of α in the range. A curve that falls at once and then slowly, or slowly and then at
    once, is no logistic of α, but nearly one of a logarithm. Formula F-247 in docs/formulas.md.

    Attributes
    ----------
    low, span : float
        The smallest α and the range.
    bend : float
        b: positive draws small α apart, negative large ones.
    """

    low: float
    span: float
    bend: float

    @classmethod
    def of(cls, panel: Panel, *, bend: float = 0.0) -> "Axis":
        """Axis over the range of a panel."""
        return cls(low=float(panel.alpha[0]), span=float(panel.alpha[-1] - panel.alpha[0]), bend=bend)

    def to_t(self, alpha: Float[np.ndarray, " point"]) -> Float[np.ndarray, " point"]:
        """Map α to t."""
        x = (alpha - self.low) / self.span
        if self.bend > 0.0:
            x = np.log1p(self.bend * x) / np.log1p(self.bend)
        elif self.bend < 0.0:
            x = 1.0 - np.log1p(-self.bend * (1.0 - x)) / np.log1p(-self.bend)
        return np.asarray(x - 0.5)

    def to_alpha(self, t: Float[np.ndarray, " point"]) -> Float[np.ndarray, " point"]:
        """Map t to α."""
        x = t + 0.5
        if self.bend > 0.0:
            x = np.expm1(x * np.log1p(self.bend)) / self.bend
        elif self.bend < 0.0:
            x = 1.0 + np.expm1((1.0 - x) * np.log1p(-self.bend)) / self.bend
        return np.asarray(self.low + x * self.span)

    def alpha_per_t(self, t: float) -> float:
        """dα/dt at a point."""
        if self.bend == 0.0:
            return self.span
        along, stretch = (t + 0.5 if self.bend > 0.0 else 0.5 - t), float(np.log1p(abs(self.bend)))
        return float(self.span * stretch * np.exp(along * stretch) / abs(self.bend))
