"""Marginal likelihood of kept shares: a prompt's threshold is random and summed out on a grid of nodes."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from alignthermo.estimators.laws.panel import Panel
from alignthermo.estimators.laws.shapes import Design, Law, make_design

__all__ = ["ShareLikelihood", "share_likelihood"]

EDGE = 1e-6

WIDEST = 4.2
MAX_NODES = 301
"""Enough for prompts that lie 20 of their own widths apart; beyond that the sum is a rough one."""
SPACING = 1.4
"""Node spacing over the width of the sharpest prompt: the sum is then exact to 1e-4."""

LATENT_SPREAD = 1.5
"""Spread of prompts along the latent axis for which the nodes are laid out at first."""

CLOSER = 1.2
"""Nodes are laid anew only where this many times more are needed."""


@dataclass(frozen=True, kw_only=True)
class ShareLikelihood:
    r"""Log-likelihood of every prompt, and its score, under a law with random thresholds.

    .. math:: L_g = \int \prod_u m_u(z)^{Y_{gu}} (1 - m_u(z))^{N_{gu} - Y_{gu}}\,\varphi(z)\,dz

    with :math:`m_u(z)` the law at setting u, shifted by s z along its latent axis, ln s the last parameter.
    The integral is a sum over equidistant nodes: for a smooth integrand that vanishes at both ends the error
    falls exponentially, and prompts of any sharpness share the nodes, so that all prompts and replicates are
    matrix products.

    References
    ----------
    Trefethen & Weideman, SIAM Rev. 56, 385 (2014). Formula F-125 in docs/formulas.md.
    """

    law: Law
    design: Design
    total: Float[np.ndarray, "prompt setting"]
    lost: Float[np.ndarray, "prompt setting"]
    nodes: Float[np.ndarray, " node"]

    def __call__(
        self, theta: Float[np.ndarray, "batch parameter"]
    ) -> tuple[Float[np.ndarray, "batch prompt"], Float[np.ndarray, "batch prompt parameter"]]:
        """Return log-likelihood and score of every prompt, for every row of θ."""
        mean, slopes, shift = self._curves(theta)
        posterior, value = self._posterior(mean, theta.shape[0])
        slopes = [*slopes[:-1], slopes[-1] * shift[..., None]]
        score = np.stack([self._score(part, mean, posterior) for part in slopes], axis=-1)
        return value, score

    def weighted(
        self, theta: Float[np.ndarray, "batch parameter"], multiplicity: Float[np.ndarray, "batch prompt"]
    ) -> tuple[Float[np.ndarray, " batch"], Float[np.ndarray, "batch parameter"]]:
        """Return the sums over prompts of log-likelihood and score, each prompt counted so many times.

        The prompts are summed before the gradient of the law comes in, so that the cost does not grow with
        the number of parameters.
        """
        mean, slopes, shift = self._curves(theta)
        posterior, value = self._posterior(mean, theta.shape[0])
        flat = (posterior * multiplicity[:, None]).reshape(mean.shape[0], -1)
        pull = (flat @ self.total) / mean - (flat @ self.lost) / (1.0 - mean)
        pull = pull.reshape(theta.shape[0], self.nodes.size, -1)
        parts = [self._against(part, pull) for part in slopes[:-1]]
        parts.append(self._against(slopes[-1], pull * shift[..., None]))
        return (multiplicity * value).sum(axis=1), np.stack(parts, axis=-1)

    @staticmethod
    def _against(slope: np.ndarray, pull: Float[np.ndarray, "batch node setting"]) -> np.ndarray:
        return np.asarray(np.einsum("bzu,bzu->b", np.broadcast_to(slope, pull.shape), pull))

    def conditional_mean(
        self, theta: Float[np.ndarray, "1 parameter"]
    ) -> Float[np.ndarray, "prompt setting"]:
        """Mean of every setting given the prompt's own rows."""
        mean, _, _ = self._curves(theta)
        posterior, _ = self._posterior(mean, 1)
        return np.asarray(posterior[0].T @ mean)

    def resolved(self, theta: Float[np.ndarray, "1 parameter"]) -> "ShareLikelihood":
        """Return the likelihood with nodes close enough for the sharpest prompt at θ; itself if they are.

        Where prompts differ much, the nodes are far apart on the scale on which one prompt is known. A law
        could then gain by putting a narrow prompt right onto a node.
        """
        mean, _, _ = self._curves(theta)
        posterior, _ = self._posterior(mean, 1)
        centre = self.nodes @ posterior[0]
        width = np.sqrt((posterior[0] * (self.nodes[:, None] - centre) ** 2).sum(axis=0)).min()
        spacing = self.nodes[1] - self.nodes[0]
        # what is narrower than the spacing looks narrower than it is: no more than four times finer at once
        finer = _spaced(max(SPACING * float(width), 0.25 * spacing))
        return self if finer.size < CLOSER * self.nodes.size else replace(self, nodes=finer)

    def _curves(
        self, theta: Float[np.ndarray, "batch parameter"]
    ) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
        shift = np.exp(theta[:, -1:]) * self.nodes
        mean, slopes = self.law.shape(theta[:, :-1], self.design, shift)
        flat = np.clip(mean, EDGE, 1.0 - EDGE).reshape(theta.shape[0] * self.nodes.size, -1)
        return flat, slopes, shift

    def _posterior(
        self, mean: Float[np.ndarray, "flat setting"], n_batch: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Weight of every node given each prompt's rows, and the log-likelihood of the prompt."""
        log_density = -0.5 * self.nodes**2
        log_weight = log_density - np.log(np.exp(log_density).sum())
        joint = np.log(mean) @ self.total.T + np.log1p(-mean) @ self.lost.T
        joint = joint.reshape(n_batch, self.nodes.size, -1) + log_weight[:, None]
        top = joint.max(axis=1, keepdims=True)
        posterior = np.exp(joint - top)
        norm = posterior.sum(axis=1, keepdims=True)
        return posterior / norm, (top + np.log(norm))[:, 0]

    def _score(
        self, slope: np.ndarray, mean: np.ndarray, posterior: np.ndarray
    ) -> Float[np.ndarray, "batch prompt"]:
        flat = np.broadcast_to(slope, (posterior.shape[0], posterior.shape[1], mean.shape[-1])).reshape(
            mean.shape
        )
        inner = (flat / mean) @ self.total.T - (flat / (1.0 - mean)) @ self.lost.T
        return np.asarray((posterior * inner.reshape(posterior.shape)).sum(axis=1))


def share_likelihood(
    law: Law, panel: Panel, *, nodes: Float[np.ndarray, " node"] | None = None
) -> ShareLikelihood:
    """Set up the likelihood, with as many nodes as the sharpest prompt is likely to need."""
    return ShareLikelihood(
        law=law,
        design=make_design(panel),
        total=panel.total,
        lost=panel.weight - panel.total,
        nodes=_nodes(panel) if nodes is None else nodes,
    )


def _nodes(panel: Panel) -> Float[np.ndarray, " node"]:
    # a prompt of n trials knows its latent level to about 2/√n
    sharpest = 2.0 / np.sqrt(max(float(panel.weight.sum(axis=1).max()), 4.0)) / LATENT_SPREAD
    return _spaced(min(0.65, SPACING * sharpest))


def _spaced(spacing: float) -> Float[np.ndarray, " node"]:
    half = int(np.ceil(WIDEST / spacing))
    return np.linspace(-WIDEST, WIDEST, min(2 * half + 1, MAX_NODES))
