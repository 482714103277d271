"""The step: two levels, a threshold per prompt, nothing in between."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import expit, ndtr

from alignthermo.estimators.laws.ascent import Prior
from alignthermo.estimators.laws.panel import Panel
from alignthermo.estimators.laws.shapes import Batch, Design, Law, between, logit_level

__all__ = ["STEP", "StepLikelihood", "step_likelihood"]

MAX_CELLS = 40
SOFT = 0.125


@dataclass(frozen=True, kw_only=True)
class StepLikelihood:
    r"""Likelihood of kept shares when every prompt breaks at one threshold μ_g ~ N(μ, τ²).

    .. math:: L_g = \sum_c \big[\Phi(\tfrac{e_{c+1} - \mu}{\tau}) - \Phi(\tfrac{e_c - \mu}{\tau})\big]
              \prod_{u < c} u^{Y}(1-u)^{N-Y} \prod_{u \ge c} v^{Y}(1-v)^{N-Y}

    exactly: between neighbouring settings the threshold does not matter. Formula F-127 in docs/formulas.md.

    Attributes
    ----------
    edges : array, shape (edge,)
        Settings on the t axis; a threshold between two of them belongs to one cell.
    kept_before, lost_before, kept_after, lost_after : arrays, shape (prompt, edge + 1)
        Sums on either side of each cell.
    """

    edges: Float[np.ndarray, " edge"]
    kept_before: Float[np.ndarray, "prompt cell"]
    lost_before: Float[np.ndarray, "prompt cell"]
    kept_after: Float[np.ndarray, "prompt cell"]
    lost_after: Float[np.ndarray, "prompt cell"]

    def __call__(
        self, theta: Float[np.ndarray, "batch 4"]
    ) -> tuple[Float[np.ndarray, "batch prompt"], Float[np.ndarray, "batch prompt 4"]]:
        """Return log-likelihood and score of every prompt, for every row of θ."""
        level = np.clip(expit(theta[:, :2]), 1e-6, 1.0 - 1e-6)[:, :, None, None]
        before, after = level[:, 0], level[:, 1]
        inside = self.kept_before * np.log(before) + self.lost_before * np.log1p(-before)
        inside = inside + self.kept_after * np.log(after) + self.lost_after * np.log1p(-after)
        log_weight, by_mu, by_tau = self._weights(theta)
        joint = inside + log_weight[:, None]
        top = joint.max(axis=2, keepdims=True)
        posterior = np.exp(joint - top)
        norm = posterior.sum(axis=2, keepdims=True)
        posterior /= norm
        parts = (
            self.kept_before * (1.0 - before) - self.lost_before * before,
            self.kept_after * (1.0 - after) - self.lost_after * after,
            by_mu[:, None],
            by_tau[:, None],
        )
        score = np.stack([(posterior * part).sum(axis=2) for part in parts], axis=-1)
        return (top + np.log(norm))[..., 0], score

    def weighted(
        self, theta: Float[np.ndarray, "batch 4"], multiplicity: Float[np.ndarray, "batch prompt"]
    ) -> tuple[Float[np.ndarray, " batch"], Float[np.ndarray, "batch 4"]]:
        """Return the sums over prompts of log-likelihood and score, each prompt counted so many times."""
        value, score = self(theta)
        return (multiplicity * value).sum(axis=1), np.einsum("bg,bgp->bp", multiplicity, score)

    def _weights(self, theta: Float[np.ndarray, "batch 4"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Log weight of each cell and its derivatives by μ and ln τ."""
        tau = np.exp(theta[:, 3:4])
        z = (self.edges - theta[:, 2:3]) / tau
        pad = np.full((z.shape[0], 1), np.inf)
        z = np.concatenate([-pad, z, pad], axis=1)
        density = np.exp(-0.5 * np.minimum(z**2, 1e3)) / np.sqrt(2.0 * np.pi)
        moment = np.where(np.isfinite(z), z, 0.0) * density
        # the mirror image keeps digits where both ends lie far out on the upper side
        upper = z[:, :-1] > 0.0
        weight = np.where(upper, ndtr(-z[:, :-1]) - ndtr(-z[:, 1:]), ndtr(z[:, 1:]) - ndtr(z[:, :-1])) + 1e-12
        return np.log(weight), -np.diff(density, axis=1) / weight / tau, -np.diff(moment, axis=1) / weight


def step_likelihood(panel: Panel, t: Float[np.ndarray, " setting"]) -> StepLikelihood:
    """Sum a panel on either side of every cell; at most 40 cells, thinned by quantiles."""
    edges = np.unique(t)
    if edges.size > MAX_CELLS:
        edges = np.unique(np.quantile(t, np.linspace(0.0, 1.0, MAX_CELLS)))
    before = (t <= np.concatenate([[-np.inf], edges])[:, None]).astype(np.float64)
    lost = panel.weight - panel.total
    return StepLikelihood(
        edges=edges,
        kept_before=panel.total @ before.T,
        lost_before=lost @ before.T,
        kept_after=panel.total @ (1.0 - before).T,
        lost_after=lost @ (1.0 - before).T,
    )


def _soft_step(theta: Batch, design: Design, u: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Step of log-odds, softened to an eighth of a cell so that its place has a gradient."""
    b = 1.0 / (SOFT * max(float(np.ptp(design.t)) / max(np.unique(design.t).size - 1, 1), 1e-3))
    share = expit(b * (theta[:, 2:3, None] - design.t) + u[:, :, None])
    bend = share * (1.0 - share)
    return between(theta, share, [bend * b, bend], normal=design.normal)


def _starts(before: float, after: float, design: Design) -> np.ndarray:
    ends = [logit_level(x, normal=design.normal) for x in (before, after)]
    grid = np.unique(np.round(design.t, 9))
    middles = np.quantile(0.5 * (grid[1:] + grid[:-1]), np.linspace(0.0, 1.0, min(grid.size, 12)))
    return np.array([[*ends, middle] for middle in middles])


def _prior(design: Design) -> Prior:
    level = 6.0 if design.normal else 3.0
    return Prior(centre=np.zeros(3), spread=np.array([level, level, 0.7]))


STEP = Law(name="step", size=lambda _: 3, shape=_soft_step, prior=_prior, starts=_starts)
