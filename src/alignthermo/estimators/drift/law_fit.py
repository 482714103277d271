"""A smooth law fitted to all conversations, and refitted without some of them in one step."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from alignthermo.estimators.drift.moments import (
    N_NUISANCE,
    Timeline,
    log_density,
    moments,
    predictive_density,
    profile,
)
from alignthermo.estimators.drift.quadratic import (
    climb,
    cubature,
    derivatives,
    log_mean,
    newton_step,
    stencil,
)
from alignthermo.estimators.drift.shapes import DriftLaw

__all__ = ["NUISANCE_CENTRE", "NUISANCE_SPREAD", "LawFit", "fit_law", "log_prior", "nuisance_starts"]

NUISANCE_CENTRE = np.array([0.3, -1.2, -1.5, -1.5])
NUISANCE_SPREAD = np.array([1.2, 1.2, 1.5, 1.5])
"""Weak normal priors of ln ℓ (in usual gaps), logit κ, ln s₀ and ln s₁ (in noise standard deviations)."""

Weights = Float[np.ndarray, "replicate conversation"]
Functional = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(level and drift on the first axis, own parameters on the last) -> value; broadcasts over the rest."""


@dataclass(frozen=True, kw_only=True)
class LawFit:
    """A smooth law fitted to a timeline.

    Attributes
    ----------
    law : DriftLaw
    line : Timeline
    theta : array, shape (parameter,)
        ln ℓ, logit κ, ln s₀, ln s₁, then the law's own parameters.
    near : array, shape (7, point, conversation)
        Moments on the stencil around θ.
    """

    law: DriftLaw
    line: Timeline
    theta: Float[np.ndarray, " parameter"]
    near: Float[np.ndarray, "7 point conversation"]

    @property
    def beta(self) -> Float[np.ndarray, " 2"]:
        """Level and drift over the whole range, in the unit of the values."""
        sums, counts = self.near[:, 0].sum(axis=1), self.line.counts.sum()
        return np.asarray(profile(sums, counts, fixed=self.law.fixed)[1] * self.line.scale)

    @property
    def noise_variance(self) -> float:
        """Stationary variance of the noise about a conversation's own course, squared unit of the values."""
        sums, counts = self.near[:, 0].sum(axis=1), self.line.counts.sum()
        return float(profile(sums, counts, fixed=self.law.fixed)[2] * self.line.scale**2)

    @property
    def own(self) -> Float[np.ndarray, " own"]:
        """Parameters of the shape."""
        return self.theta[N_NUISANCE:]

    def log_likelihood(self, line: Timeline) -> Float[np.ndarray, " conversation"]:
        """Log-likelihood of other conversations under this fit, per value in the unit of this fit's scale."""
        there = line.in_units_of(self.line)
        each = _moments(self.law, there, self.theta[None])[:, 0]
        sums, counts = self.near[:, 0].sum(axis=1), self.line.counts.sum()
        _, beta, variance = profile(sums, counts, fixed=self.law.fixed)
        return log_density(each, line.counts, beta, variance)

    def held_out(self, without: Weights, fold: np.ndarray) -> Float[np.ndarray, " conversation"]:
        r"""Log-density of every conversation given those outside of its fold, the parameters summed out.

        .. math:: \ell_g = \ln \int p(y_g \mid \theta, y_o)\, p(\theta \mid y_o)\, d\theta

        Level and drift are summed out exactly, noise, spreads and shape over the normal approximation around
        their refit. With the refit itself for the parameters, as if it had no error, few conversations put
        every law with more of them behind.

        References
        ----------
        Vehtari & Ojanen, Statistics Surveys 6, 142 (2012), ch. 3. Formula F-243 in docs/formulas.md.
        """
        points = self.theta + cubature(*self._derivatives(without))
        scores, weights = zip(*(self._given_others(theta, without, fold) for theta in points), strict=True)
        return log_mean(np.stack(scores), np.stack(weights)[:, fold])

    def refitted(self, weights: Weights) -> Float[np.ndarray, "replicate parameter"]:
        r"""Parameters with conversations counted so many times: one Newton step of the profile likelihood.

        .. math:: \theta_w = \hat\theta + H_w^{-1} g_w, \qquad
                  \ell_w(\theta) = \max_{a, d, \sigma} \sum_g w_g\, \ell_g(\theta, a, d, \sigma)

        Level, drift and variance are refitted exactly; the step errs by O(1/G²).

        References
        ----------
        Giordano et al., A Swiss army infinitesimal jackknife, AISTATS 2019. Formula F-213 in
        docs/formulas.md.
        """
        return np.asarray(self.theta + newton_step(*self._derivatives(weights)))

    def functional(self, weights: Weights, statistic: Functional) -> Float[np.ndarray, " replicate"]:
        """Value of a function of level, drift and own parameters at every refit, by its Taylor series."""
        size = self.theta.size
        _, beta = self._replicates(weights)
        own = stencil(self.theta)[:, None, N_NUISANCE:]
        value = statistic(beta * self.line.scale, np.broadcast_to(own, (*beta.shape[1:], own.shape[-1])))
        gradient, hessian = derivatives(value, size)
        step = self.refitted(weights) - self.theta
        second = 0.5 * np.einsum("ri,rij,rj->r", step, hessian, step)
        return np.asarray(value[0] + (gradient * step).sum(axis=1) + second)

    def _derivatives(self, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
        """Gradient and Hessian of the penalised profile likelihood of every replicate, at the fit."""
        value, _ = self._replicates(weights)
        value = value + log_prior(self.law, stencil(self.theta))[:, None]
        return derivatives(value, self.theta.size)

    def _given_others(
        self, theta: Float[np.ndarray, "replicate parameter"], without: Weights, fold: np.ndarray
    ) -> tuple[Float[np.ndarray, " conversation"], Float[np.ndarray, " replicate"]]:
        """Log-density of every conversation at the parameters of its fold, and how likely these are."""
        each = _moments(self.law, self.line, theta)
        sums = np.einsum("mrg,rg->mr", each, without)
        value, beta, variance = profile(sums, without @ self.line.counts, fixed=self.law.fixed)
        own = each[:, fold, np.arange(fold.size)]
        score = predictive_density(
            own, self.line.counts, beta[:, fold], variance[fold], sums[:3, fold], fixed=self.law.fixed
        )
        return score, value + log_prior(self.law, theta)

    def _replicates(self, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
        """Profile likelihood, and level and drift, on the stencil for every replicate."""
        sums = self.near @ weights.T
        value, beta, _ = profile(sums, weights @ self.line.counts, fixed=self.law.fixed)
        return value, beta


def fit_law(law: DriftLaw, line: Timeline, *, near: Float[np.ndarray, " 4"] | None = None) -> LawFit:
    """Fit a smooth law, from noise parameters that fit another law if those are given."""
    own = np.array(law.starts).reshape(len(law.starts), -1)
    noise = nuisance_starts() if near is None else near[None]
    start = np.concatenate([np.repeat(noise, len(own), axis=0), np.tile(own, (len(noise), 1))], axis=1)
    total = line.counts.sum()

    def objective(theta: np.ndarray) -> np.ndarray:
        sums = _moments(law, line, theta).sum(axis=2)
        return np.asarray(profile(sums, total, fixed=law.fixed)[0] + log_prior(law, theta))

    theta = climb(objective, start)
    return LawFit(law=law, line=line, theta=theta, near=_moments(law, line, stencil(theta)))


def nuisance_starts() -> Float[np.ndarray, "start 4"]:
    """Noise parameters from which a first fit starts."""
    grid = np.meshgrid([-0.5, 1.0], [-1.2], [-1.5, 0.0], [-1.5, 0.0])
    return np.stack([axis.ravel() for axis in grid], axis=1)


def log_prior(law: DriftLaw, theta: Float[np.ndarray, "point parameter"]) -> Float[np.ndarray, " point"]:
    """Log density of the priors, without constants."""
    centre = np.concatenate([NUISANCE_CENTRE, law.centre])
    spread = np.concatenate([NUISANCE_SPREAD, law.spread])
    return np.asarray(-0.5 * (((theta - centre) / spread) ** 2).sum(axis=1))


def _moments(
    law: DriftLaw, line: Timeline, theta: Float[np.ndarray, "batch parameter"]
) -> Float[np.ndarray, "7 batch conversation"]:
    return moments(law.shape(theta[:, N_NUISANCE:], line.u), theta[:, :N_NUISANCE], line)
