"""A mixture over change times: every conversation snaps once, somewhere, or not within the range."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from alignthermo.estimators.drift.moments import Timeline, integrated, log_density, predictive_density
from alignthermo.estimators.drift.noise import whiten

__all__ = [
    "Inner",
    "cell_densities",
    "cell_weights",
    "change_edges",
    "change_laws",
    "expectation_maximisation",
    "given_others",
    "law_at",
    "log_likelihood",
    "step_moments",
]

MAX_EDGES = 24
WIDTHS = np.array([0.02, 0.035, 0.06, 0.08, 0.1, 0.125, 0.155, 0.2, 0.28, 0.4, 0.6])
N_CENTRES = 40
"""Change-time laws that are tried: a coarser grid moves the jump by a standard error at 200 conversations."""

Weights = Float[np.ndarray, "replicate conversation"]


@dataclass(frozen=True, kw_only=True)
class Inner:
    """Level, jump, noise variance and change-time law of each replicate; shapes (…, replicate)."""

    beta: np.ndarray
    variance: np.ndarray
    chosen: np.ndarray

    def repeated(self, n: int) -> "Inner":
        """Return the one replicate n times."""
        return Inner(
            beta=np.repeat(self.beta, n, axis=1),
            variance=np.repeat(self.variance, n),
            chosen=np.repeat(self.chosen, n),
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


def change_edges(line: Timeline) -> Float[np.ndarray, " edge"]:
    """Measuring times between which a change is placed."""
    times = np.unique(line.u[line.measured])
    if times.size > MAX_EDGES:
        times = np.unique(np.quantile(line.u[line.measured], np.linspace(0.0, 1.0, MAX_EDGES)))
    return np.asarray(times)


def change_laws(edges: Float[np.ndarray, " edge"]) -> Float[np.ndarray, "law cell"]:
    """Cell weights of every change-time law that is tried."""
    centres = np.linspace(edges[0], edges[-1], N_CENTRES)
    centre, width = (x.ravel() for x in np.meshgrid(centres, WIDTHS, indexing="ij"))
    return cell_weights(centre, width, edges)


def law_at(laws: Float[np.ndarray, "law cell"], cell: int, width: int) -> int:
    """Law of one width that gives a cell the most."""
    rows = np.arange(laws.shape[0]).reshape(N_CENTRES, WIDTHS.size)[:, width]
    return int(rows[int(np.argmax(laws[rows, cell]))])


def cell_densities(
    each: Float[np.ndarray, "7 _ cell conversation"], line: Timeline, inner: Inner
) -> Float[np.ndarray, "batch cell conversation"]:
    """Log-density of every conversation for a change in each cell."""
    return log_density(each, line.counts, inner.beta[..., None, None], inner.variance[:, None, None])


def log_likelihood(
    each: Float[np.ndarray, "7 _ cell conversation"],
    line: Timeline,
    inner: Inner,
    edges: Float[np.ndarray, " edge"],
) -> Float[np.ndarray, "batch conversation"]:
    """Marginal log-likelihood of every conversation, its change time summed out."""
    return _mixed(cell_densities(each, line, inner), change_laws(edges)[inner.chosen][:, :, None])


def expectation_maximisation(
    each: Float[np.ndarray, "7 _ cell conversation"],
    line: Timeline,
    inner: Inner,
    edges: Float[np.ndarray, " edge"],
    weights: Weights,
    *,
    rounds: int,
) -> Inner:
    """Raise the likelihood of level, jump, variance and change-time law at fixed noise parameters."""
    log_laws = np.log(change_laws(edges))
    total = weights @ line.counts
    for _ in range(rounds):
        share = _shares(each, line, inner, log_laws) * weights[:, None]
        p11, p12, p22, q1, q2, u = _over_cells(each[:6], share)
        det = np.maximum(p11 * p22 - p12**2, 1e-9 * p11 * p22 + 1e-300)
        beta = np.stack([p22 * q1 - p12 * q2, p11 * q2 - p12 * q1]) / det
        variance = np.maximum(u - beta[0] * q1 - beta[1] * q2, 1e-9) / total
        chosen = np.argmax(share.sum(axis=2) @ log_laws.T, axis=1)
        inner = Inner(beta=beta, variance=variance, chosen=chosen)
    return inner


def given_others(
    each: Float[np.ndarray, "7 _ cell conversation"],
    line: Timeline,
    inner: Inner,
    edges: Float[np.ndarray, " edge"],
    without: Weights,
    fold: np.ndarray,
) -> tuple[Float[np.ndarray, " conversation"], Float[np.ndarray, " replicate"]]:
    r"""Log-density of every conversation given those outside of its fold, at the noise of its fold.

    .. math:: p(y_g \mid y_o) = \sum_k \bar w_k\, p_k(y_g \mid y_o), \qquad
              \bar w_k = \sum_j w_k^j\, p(j \mid y_o)

    The error of level and jump and the law j of the change times are summed out; every law that is tried is
    as likely beforehand. With it the log-likelihood of the others. Formula F-243 in docs/formulas.md.
    """
    laws = change_laws(edges)
    share = _shares(each, line, inner, np.log(laws)) * without[:, None]
    others = _over_cells(each[:3], share)[:, fold]
    scores = _law_scores(cell_densities(each, line, inner), laws, without)
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights = likely @ laws / likely.sum(axis=1, keepdims=True)
    own = np.moveaxis(each[:, fold, :, np.arange(fold.size)], 0, -1)
    cells = predictive_density(
        own, line.counts, inner.beta[:, None, fold], inner.variance[fold], others[:, None], fixed=2
    )
    return _mixed(cells, weights[fold].T), scores.max(axis=1) + np.log(likely.mean(axis=1))


def _law_scores(
    cells: Float[np.ndarray, "fold cell conversation"], laws: Float[np.ndarray, "law cell"], without: Weights
) -> Float[np.ndarray, "fold law"]:
    """Log-likelihood of each change-time law on the conversations outside of each fold."""
    top = cells.max(axis=1)
    rows = [
        np.log(laws @ np.exp(density - highest)) @ used
        for density, highest, used in zip(cells, top, without, strict=True)
    ]
    return np.asarray(np.stack(rows) + (top * without).sum(axis=1, keepdims=True))


def _shares(
    each: Float[np.ndarray, "7 _ cell conversation"],
    line: Timeline,
    inner: Inner,
    log_laws: Float[np.ndarray, "law cell"],
) -> Float[np.ndarray, "batch cell conversation"]:
    """Probability of each cell for every conversation."""
    joint = cell_densities(each, line, inner) + log_laws[inner.chosen][:, :, None]
    share = np.exp(joint - joint.max(axis=1, keepdims=True))
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def _over_cells(
    each: Float[np.ndarray, "moment _ cell conversation"], share: Float[np.ndarray, "batch cell conversation"]
) -> Float[np.ndarray, "moment batch"]:
    """Moments summed over cells and conversations; each may be the same for all replicates."""
    wide = np.broadcast_to(each, (each.shape[0], *share.shape))
    return np.stack([np.einsum("bcg,bcg->b", one, share) for one in wide])


def _mixed(
    cells: Float[np.ndarray, "*batch cell conversation"],
    weights: Float[np.ndarray, "*#batch cell #conversation"],
) -> Float[np.ndarray, "*batch conversation"]:
    joint = cells + np.log(weights)
    top = joint.max(axis=-2, keepdims=True)
    return np.asarray(top[..., 0, :] + np.log(np.exp(joint - top).sum(axis=-2)))
