"""Likelihood of log-odds: normal residuals within a prompt, a normal shift of the prompt, closed form."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from alignthermo.estimators.laws.panel import Panel
from alignthermo.estimators.laws.shapes import Design, Law, make_design

__all__ = ["FieldLikelihood", "field_likelihood"]


@dataclass(frozen=True, kw_only=True)
class FieldLikelihood:
    r"""Normal mixed model of h: :math:`h_{gi} = m(\alpha_{gi}) + v_g + e_{gi}`.

    .. math:: -2 \ln L_g = n \ln 2\pi s^2 + \ln(1 + n\tau^2/s^2)
              + \frac{1}{s^2}\Big[\sum r^2 - \frac{\tau^2 (\sum r)^2}{s^2 + n\tau^2}\Big]

    with τ = e^θ₋₂ between prompts and s = e^θ₋₁ within. On log-odds the effect of a prompt is an additive
    field: for laws linear in α that is the same as a shift of the threshold, and the integral is exact.

    References
    ----------
    Searle, Casella & McCulloch, Variance Components (1992), ch. 3. Formula F-126 in docs/formulas.md.
    """

    law: Law
    design: Design
    total: Float[np.ndarray, "prompt setting"]
    weight: Float[np.ndarray, "prompt setting"]
    square: Float[np.ndarray, " prompt"]

    def __call__(
        self, theta: Float[np.ndarray, "batch parameter"]
    ) -> tuple[Float[np.ndarray, "batch prompt"], Float[np.ndarray, "batch prompt parameter"]]:
        """Return log-likelihood and score of every prompt, for every row of θ."""
        mean, slopes = self.law.shape(theta[:, :-2], self.design, np.zeros((theta.shape[0], 1)))
        mean = mean[:, 0]
        n = self.weight.sum(axis=1)
        between, within = np.exp(2.0 * theta[:, -2:-1]), np.exp(2.0 * theta[:, -1:])
        spread = within + n * between
        first = self.total.sum(axis=1) - mean @ self.weight.T
        second = self.square - 2.0 * mean @ self.total.T + mean**2 @ self.weight.T
        inner = second - between * first**2 / spread
        value = -0.5 * (n * np.log(2.0 * np.pi * within) + np.log(spread / within) + inner / within)
        score = [
            self._score(
                np.broadcast_to(part, (mean.shape[0], 1, mean.shape[1]))[:, 0], mean, first * between / spread
            )
            / within
            for part in slopes[:-1]
        ]
        pull = between * (first / spread) ** 2 - n * between / spread
        noise = -n + n * between / spread + inner / within - between * first**2 / spread**2
        return value, np.stack([*score, pull, noise], axis=-1)

    def weighted(
        self, theta: Float[np.ndarray, "batch parameter"], multiplicity: Float[np.ndarray, "batch prompt"]
    ) -> tuple[Float[np.ndarray, " batch"], Float[np.ndarray, "batch parameter"]]:
        """Return the sums over prompts of log-likelihood and score, each prompt counted so many times."""
        value, score = self(theta)
        return (multiplicity * value).sum(axis=1), np.einsum("bg,bgp->bp", multiplicity, score)

    def _score(
        self, slope: np.ndarray, mean: np.ndarray, shrunk: np.ndarray
    ) -> Float[np.ndarray, "batch prompt"]:
        residual = slope @ self.total.T - (slope * mean) @ self.weight.T
        return np.asarray(residual - shrunk * (slope @ self.weight.T))


def field_likelihood(law: Law, panel: Panel) -> FieldLikelihood:
    """Set up the likelihood of a panel of log-odds."""
    return FieldLikelihood(
        law=law, design=make_design(panel), total=panel.total, weight=panel.weight, square=panel.square
    )
