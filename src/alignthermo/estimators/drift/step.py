"""The step: every conversation snaps once, at a time of its own, or not within the range."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from alignthermo.estimators.drift.law_fit import NUISANCE_CENTRE, NUISANCE_SPREAD, nuisance_starts
from alignthermo.estimators.drift.moments import Timeline, integrated, log_density
from alignthermo.estimators.drift.noise import whiten
from alignthermo.estimators.drift.quadratic import SHARES, derivatives, newton_step, stencil

__all__ = ["STEP_NAME", "STEP_SIZE", "StepFit", "cell_weights", "fit_step"]

STEP_NAME = "step"
STEP_SIZE = 3
MAX_EDGES = 24
WIDTHS = np.array([0.02, 0.035, 0.06, 0.08, 0.1, 0.125, 0.155, 0.2, 0.28, 0.4, 0.6])
N_CENTRES = 40
"""Change-time laws that are tried: a coarser grid moves the jump by a standard error at 200 conversations."""

START_WIDTHS = (3, 8)

Weights = Float[np.ndarray, "replicate conversation"]


@dataclass(frozen=True, kw_only=True)
class Inner:
    """Level, jump, noise variance and change-time law of each replicate; shapes (…, replicate)."""

    beta: np.ndarray
    variance: np.ndarray
    chosen: np.ndarray


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
        return np.asarray(_log_likelihood(each, there, self.inner, self.edges)[0])

    def held_out(self, without: Weights, fold: np.ndarray) -> Float[np.ndarray, " conversation"]:
        """Log-likelihood of every conversation under the refit of its fold, which has no part in it."""
        n_folds = without.shape[0]
        points = stencil(self.nuisance)
        near = step_moments(points, self.line, self.edges)
        each = _log_likelihood(near, self.line, self.inner, self.edges)
        value = each @ without.T + _log_prior(points)[:, None]
        theta = self.nuisance + newton_step(*derivatives(value, points.shape[1]))
        own = step_moments(theta, self.line, self.edges)
        start = Inner(
            beta=np.repeat(self.inner.beta, n_folds, axis=1),
            variance=np.repeat(self.inner.variance, n_folds),
            chosen=np.repeat(self.inner.chosen, n_folds),
        )
        inner = _expectation_maximisation(own, self.line, start, self.edges, without, rounds=6)
        scores = _log_likelihood(own, self.line, inner, self.edges)
        return np.asarray(scores[fold, np.arange(fold.size)])

    def jumps(self, weights: Weights) -> Float[np.ndarray, " replicate"]:
        """Jump with conversations counted so many times, at the noise parameters of the fit."""
        n_replicates = weights.shape[0]
        each = step_moments(self.nuisance[None], self.line, self.edges)
        start = Inner(
            beta=np.repeat(self.inner.beta, n_replicates, axis=1),
            variance=np.repeat(self.inner.variance, n_replicates),
            chosen=np.repeat(self.inner.chosen, n_replicates),
        )
        inner = _expectation_maximisation(each, self.line, start, self.edges, weights, rounds=8)
        return np.asarray(inner.beta[1] * self.line.scale)


def fit_step(line: Timeline, *, near: Float[np.ndarray, " 4"] | None = None, rounds: int = 5) -> StepFit:
    """Fit a step: change times, level, jump and variance by EM, noise and spreads by Newton."""
    edges = _edges(line)
    inner, nuisance = _best_start(line, edges, near)
    everyone = np.ones((1, line.counts.size))
    for _ in range(rounds):
        each = step_moments(nuisance[None], line, edges)
        inner = _expectation_maximisation(each, line, inner, edges, everyone, rounds=8)
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
    inner = _expectation_maximisation(each, line, inner, edges, everyone, rounds=20)
    return StepFit(
        line=line,
        nuisance=nuisance,
        edges=edges,
        beta=inner.beta[:, 0] * line.scale,
        inner=inner,
        likelihood=_cells(each, line, inner)[0],
    )


def cell_weights(
    centre: Float[np.ndarray, " law"], width: Float[np.ndarray, " law"], edges: Float[np.ndarray, " edge"]
) -> Float[np.ndarray, "law cell"]:
    """Probability of each cell when the change times are N(centre, width²)."""
    z = (edges - centre[:, None]) / width[:, None]
    pad = np.full((z.shape[0], 1), np.inf)
    z = np.concatenate([-pad, z, pad], axis=1)
    # the mirror image keeps digits where both ends lie far out on the upper side
    weight = np.where(z[:, :-1] > 0.0, ndtr(-z[:, :-1]) - ndtr(-z[:, 1:]), ndtr(z[:, 1:]) - ndtr(z[:, :-1]))
    return np.asarray((weight + 1e-6) / (weight + 1e-6).sum(axis=1, keepdims=True))


def step_moments(
    nuisance: Float[np.ndarray, "batch 4"], line: Timeline, edges: Float[np.ndarray, " edge"]
) -> Float[np.ndarray, "7 batch cell conversation"]:
    """Moments of every conversation for a change in each cell."""
    after = [(line.u > edge).astype(np.float64) for edge in edges]
    start = np.ones_like(line.u)
    columns = np.stack([start, line.y, start, *after], axis=1)[:, None]
    white, log_det = whiten(
        columns,
        gaps=line.gaps,
        measured=line.measured,
        length=np.exp(nuisance[:, 0]),
        nugget=1.0 / (1.0 + np.exp(-nuisance[:, 1])),
    )
    one, y, f = white[:, :, :1], white[:, :, 1:2], white[:, :, 2:]
    pairs = ((one, one), (one, f), (f, f), (one, y), (f, y), (y, y))
    sums = [np.einsum("nbcg,nbcg->bcg", *np.broadcast_arrays(a, b)) for a, b in pairs]
    return integrated(np.stack(np.broadcast_arrays(*sums)), log_det, nuisance)


def _edges(line: Timeline) -> Float[np.ndarray, " edge"]:
    times = np.unique(line.u[line.measured])
    if times.size > MAX_EDGES:
        times = np.unique(np.quantile(line.u[line.measured], np.linspace(0.0, 1.0, MAX_EDGES)))
    return np.asarray(times)


def _laws(edges: Float[np.ndarray, " edge"]) -> Float[np.ndarray, "law cell"]:
    """Cell weights of every change-time law that is tried."""
    centres = np.linspace(edges[0], edges[-1], N_CENTRES)
    centre, width = (x.ravel() for x in np.meshgrid(centres, WIDTHS, indexing="ij"))
    return cell_weights(centre, width, edges)


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
    laws = _laws(edges)
    best, value = None, -np.inf
    for row in range(noise.shape[0]):
        score = -0.5 * (n * np.log(variance[row]) + sums[6, row])
        cell = int(np.argmax(score))
        jump = Inner(
            beta=np.repeat(beta[:, row, cell, None], 2, axis=1),
            variance=np.repeat(variance[row, cell], 2),
            chosen=np.array([_law_at(laws, cell + 1, width) for width in START_WIDTHS]),
        )
        moments_here = np.repeat(each[:, row : row + 1], 2, axis=1)
        ones = np.ones((2, line.counts.size))
        found = _expectation_maximisation(moments_here, line, jump, edges, ones, rounds=5)
        scores = _log_likelihood(moments_here, line, found, edges).sum(axis=1)
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


def _spread(each: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Moments for every replicate, where they are shared."""
    return np.broadcast_to(each, (each.shape[0], *like.shape))


def _law_at(laws: Float[np.ndarray, "law cell"], cell: int, width: int) -> int:
    """Law of one width that gives a cell the most."""
    rows = np.arange(laws.shape[0]).reshape(N_CENTRES, WIDTHS.size)[:, width]
    return int(rows[int(np.argmax(laws[rows, cell]))])


def _objective(
    points: Float[np.ndarray, "point 4"], line: Timeline, inner: Inner, edges: Float[np.ndarray, " edge"]
) -> Float[np.ndarray, " point"]:
    each = _log_likelihood(step_moments(points, line, edges), line, inner, edges)
    return np.asarray(each.sum(axis=1) + _log_prior(points))


def _log_prior(points: Float[np.ndarray, "point 4"]) -> Float[np.ndarray, " point"]:
    return np.asarray(-0.5 * (((points - NUISANCE_CENTRE) / NUISANCE_SPREAD) ** 2).sum(axis=1))


def _cells(
    each: Float[np.ndarray, "7 _ cell conversation"], line: Timeline, inner: Inner
) -> Float[np.ndarray, "batch cell conversation"]:
    return log_density(each, line.counts, inner.beta[..., None, None], inner.variance[:, None, None])


def _log_likelihood(
    each: Float[np.ndarray, "7 _ cell conversation"],
    line: Timeline,
    inner: Inner,
    edges: Float[np.ndarray, " edge"],
) -> Float[np.ndarray, "batch conversation"]:
    """Marginal log-likelihood of every conversation, its change time summed out."""
    joint = _cells(each, line, inner) + np.log(_laws(edges)[inner.chosen])[:, :, None]
    top = joint.max(axis=1)
    return np.asarray(top + np.log(np.exp(joint - top[:, None]).sum(axis=1)))


def _expectation_maximisation(
    each: Float[np.ndarray, "7 _ cell conversation"],
    line: Timeline,
    inner: Inner,
    edges: Float[np.ndarray, " edge"],
    weights: Weights,
    *,
    rounds: int,
) -> Inner:
    """Raise the likelihood of level, jump, variance and change-time law at fixed noise parameters."""
    log_laws = np.log(_laws(edges))
    total = weights @ line.counts
    for _ in range(rounds):
        joint = _cells(each, line, inner) + log_laws[inner.chosen][:, :, None]
        share = np.exp(joint - joint.max(axis=1, keepdims=True))
        share *= (weights / share.sum(axis=1))[:, None]
        p11, p12, p22, q1, q2, u, _ = np.stack(
            [np.einsum("bcg,bcg->b", one, share) for one in _spread(each, share)]
        )
        det = np.maximum(p11 * p22 - p12**2, 1e-9 * p11 * p22 + 1e-300)
        beta = np.stack([p22 * q1 - p12 * q2, p11 * q2 - p12 * q1]) / det
        variance = np.maximum(u - beta[0] * q1 - beta[1] * q2, 1e-9) / total
        chosen = np.argmax(share.sum(axis=2) @ log_laws.T, axis=1)
        inner = Inner(beta=beta, variance=variance, chosen=chosen)
    return inner
