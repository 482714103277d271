"""The step: every conversation snaps once, at a time of its own, or not within the range."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from alignthermo.estimators.drift.change_times import (
    Inner,
    cell_densities,
    change_edges,
    change_laws,
    expectation_maximisation,
    given_others,
    law_at,
    log_likelihood,
    step_moments,
)
from alignthermo.estimators.drift.law_fit import NUISANCE_CENTRE, NUISANCE_SPREAD, nuisance_starts
from alignthermo.estimators.drift.moments import Timeline
from alignthermo.estimators.drift.quadratic import (
    SHARES,
    cubature,
    derivatives,
    log_mean,
    newton_step,
    stencil,
)

__all__ = ["STEP_NAME", "STEP_SIZE", "StepFit", "fit_step"]

STEP_NAME = "step"
STEP_SIZE = 3
START_WIDTHS = (3, 8)

Weights = Float[np.ndarray, "replicate conversation"]


@dataclass(frozen=True, kw_only=True)
class StepFit:
    r"""A step with random change times :math:`c_g \sim N(\mu, \omega^2)`, fitted to a timeline.

    .. math:: L_g = \sum_{k=0}^{m} w_k\, N\big(y_g;\ a + d\,1[t > t_k],\ V\big), \qquad
              w_k = \Phi\big(\tfrac{t_{k+1} - \mu}{\omega}\big) - \Phi\big(\tfrac{t_k - \mu}{\omega}\big)

    Cell k is a change between the measuring times k and k + 1; cell m is none within the range. A change of
    all conversations at one time is ω → 0. Formula F-214 in docs/formulas.md.

    Attributes
    ----------
    line : Timeline
    nuisance : array, shape (4,)
        As in `moments`.
    edges : array, shape (edge,)
        Measuring times over the latest one, at most 24.
    beta : array, shape (2,)
        Level and jump, in the unit of the values.
    inner : Inner
    likelihood : array, shape (cell, conversation)
        ln N(y_g; …) of each cell at the fit.
    """

    line: Timeline
    nuisance: Float[np.ndarray, " 4"]
    edges: Float[np.ndarray, " edge"]
    beta: Float[np.ndarray, " 2"]
    inner: Inner
    likelihood: Float[np.ndarray, "cell conversation"]

    def log_likelihood(self, line: Timeline) -> Float[np.ndarray, " conversation"]:
        """Log-likelihood of other conversations under this fit, per value in the unit of this fit's scale."""
        there = line.in_units_of(self.line)
        each = step_moments(self.nuisance[None], there, self.edges)
        return np.asarray(log_likelihood(each, there, self.inner, self.edges)[0])

    def held_out(self, without: Weights, fold: np.ndarray) -> Float[np.ndarray, " conversation"]:
        """Log-density of every conversation given those outside of its fold, the parameters summed out.

        As for the smooth laws; the change-time law is summed out over all that are tried.
        """
        points = stencil(self.nuisance)
        near = step_moments(points, self.line, self.edges)
        each = log_likelihood(near, self.line, self.inner, self.edges)
        value = each @ without.T + _log_prior(points)[:, None]
        spread = self.nuisance + cubature(*derivatives(value, points.shape[1]))
        scores, weights = zip(*(self._given_others(one, without, fold) for one in spread), strict=True)
        return log_mean(np.stack(scores), np.stack(weights)[:, fold])

    def _given_others(
        self, nuisance: Float[np.ndarray, "replicate 4"], without: Weights, fold: np.ndarray
    ) -> tuple[Float[np.ndarray, " conversation"], Float[np.ndarray, " replicate"]]:
        """Log-density of every conversation at the noise of its fold, and how likely this noise is."""
        each = step_moments(nuisance, self.line, self.edges)
        start = self.inner.repeated(without.shape[0])
        inner = expectation_maximisation(each, self.line, start, self.edges, without, rounds=6)
        score, value = given_others(each, self.line, inner, self.edges, without, fold)
        return score, value + _log_prior(nuisance)

    def jumps(self, weights: Weights) -> Float[np.ndarray, " replicate"]:
        """Jump with conversations counted so many times, at the noise parameters of the fit."""
        each = step_moments(self.nuisance[None], self.line, self.edges)
        start = self.inner.repeated(weights.shape[0])
        inner = expectation_maximisation(each, self.line, start, self.edges, weights, rounds=8)
        return np.asarray(inner.beta[1] * self.line.scale)


def fit_step(line: Timeline, *, near: Float[np.ndarray, " 4"] | None = None, rounds: int = 5) -> StepFit:
    """Fit a step: change times, level, jump and variance by EM, noise and spreads by Newton."""
    edges = change_edges(line)
    inner, nuisance = _best_start(line, edges, near)
    everyone = np.ones((1, line.counts.size))
    for _ in range(rounds):
        each = step_moments(nuisance[None], line, edges)
        inner = expectation_maximisation(each, line, inner, edges, everyone, rounds=8)
        points = stencil(nuisance)
        value = _objective(points, line, inner, edges)
        gradient, hessian = derivatives(value, points.shape[1])
        step = newton_step(gradient, hessian)
        if float(step @ gradient) < 0.1:
            break
        trials = nuisance + SHARES[:, None] * step
        values = _objective(trials, line, inner, edges)
        if float(values.max()) <= value[0]:
            break
        nuisance = trials[int(np.argmax(values))]
    each = step_moments(nuisance[None], line, edges)
    inner = expectation_maximisation(each, line, inner, edges, everyone, rounds=20)
    return StepFit(
        line=line,
        nuisance=nuisance,
        edges=edges,
        beta=inner.beta[:, 0] * line.scale,
        inner=inner,
        likelihood=cell_densities(each, line, inner)[0],
    )


def _best_start(
    line: Timeline, edges: Float[np.ndarray, " edge"], near: Float[np.ndarray, " 4"] | None
) -> tuple[Inner, Float[np.ndarray, " 4"]]:
    """Try one common change time in every cell, narrow and wide, with each start of the noise."""
    noise = nuisance_starts() if near is None else near[None] + np.array([[0.0] * 4, [-0.7, 0.0, 0.0, 0.0]])
    each = step_moments(noise, line, edges)
    sums, n = each[:, :, 1:-1].sum(axis=3), line.counts.sum()
    p11, p12, p22, q1, q2, u, _ = sums
    det = np.maximum(p11 * p22 - p12**2, 1e-9 * p11 * p22 + 1e-300)
    beta = np.stack([p22 * q1 - p12 * q2, p11 * q2 - p12 * q1]) / det
    variance = np.maximum(u - beta[0] * q1 - beta[1] * q2, 1e-9) / n
    laws = change_laws(edges)
    best, value = None, -np.inf
    for row in range(noise.shape[0]):
        score = -0.5 * (n * np.log(variance[row]) + sums[6, row])
        cell = int(np.argmax(score))
        jump = Inner(
            beta=np.repeat(beta[:, row, cell, None], 2, axis=1),
            variance=np.repeat(variance[row, cell], 2),
            chosen=np.array([law_at(laws, cell + 1, width) for width in START_WIDTHS]),
        )
        moments_here = np.repeat(each[:, row : row + 1], 2, axis=1)
        ones = np.ones((2, line.counts.size))
        found = expectation_maximisation(moments_here, line, jump, edges, ones, rounds=5)
        scores = log_likelihood(moments_here, line, found, edges).sum(axis=1)
        top = int(np.argmax(scores))
        if scores[top] > value:
            value = float(scores[top])
            best = (
                Inner(
                    beta=found.beta[:, top : top + 1],
                    variance=found.variance[top : top + 1],
                    chosen=found.chosen[top : top + 1],
                ),
                noise[row],
            )
    assert best is not None
    return best


def _objective(
    points: Float[np.ndarray, "point 4"], line: Timeline, inner: Inner, edges: Float[np.ndarray, " edge"]
) -> Float[np.ndarray, " point"]:
    each = log_likelihood(step_moments(points, line, edges), line, inner, edges)
    return np.asarray(each.sum(axis=1) + _log_prior(points))


def _log_prior(points: Float[np.ndarray, "point 4"]) -> Float[np.ndarray, " point"]:
    return np.asarray(-0.5 * (((points - NUISANCE_CENTRE) / NUISANCE_SPREAD) ** 2).sum(axis=1))
