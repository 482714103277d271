"""Many small maximisations at once: damped Newton steps over a batch of replicates."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

__all__ = ["Objective", "Prior", "maximise"]

Batch = Float[np.ndarray, "batch parameter"]

Objective = Callable[
    [Batch, Int[np.ndarray, " batch"]],
    tuple[Float[np.ndarray, " batch"], Batch, Float[np.ndarray, "batch parameter parameter"]],
]
"""Parameters and the rows of the batch they belong to -> value, gradient, curvature (positive)."""

FLAT = 1e-4
"""A replicate is done when its next full step promises less log-likelihood than this."""


@dataclass(frozen=True, kw_only=True)
class Prior:
    """Independent normal priors that keep a flat direction of a likelihood from running away."""

    centre: Float[np.ndarray, " parameter"]
    spread: Float[np.ndarray, " parameter"]

    def terms(
        self, theta: Batch
    ) -> tuple[Float[np.ndarray, " batch"], Batch, Float[np.ndarray, " parameter"]]:
        """Return log density (without its constant), gradient and precision."""
        z = (theta - self.centre) / self.spread
        return -0.5 * (z**2).sum(axis=1), -z / self.spread, self.spread**-2.0


def maximise(
    objective: Objective, start: Batch, *, prior: Prior, max_steps: int = 60, flat: float = FLAT
) -> tuple[Batch, Float[np.ndarray, " batch"]]:
    r"""Maximise log-likelihood plus log-prior from every start, with Levenberg-Marquardt damping.

    .. math:: \theta \leftarrow \theta + (H + \lambda\,\mathrm{diag} H)^{-1} g

    A step is taken only where it raises the objective; λ is kept per replicate, and replicates that are done
    are not computed again.

    Returns
    -------
    theta : array, shape (batch, parameter)
    value : array, shape (batch,)
        Penalised log-likelihood reached.

    References
    ----------
    Marquardt, J. SIAM 11, 431 (1963). Formula F-120 in docs/formulas.md.
    """
    theta = start.copy()
    active = np.arange(theta.shape[0])
    value, gradient, curvature = _penalised(objective, theta, active, prior)
    damping = np.full(theta.shape[0], 1e-3)
    for _ in range(max_steps):
        # judged by the step without damping: a short step is no sign that the top is near
        full = _damped_step(gradient[active], curvature[active], np.zeros(active.size))
        stuck = damping[active] > 1e8
        going: Bool[np.ndarray, " active"] = ((full * gradient[active]).sum(axis=1) > flat) & ~stuck
        active = active[going]
        if active.size == 0:
            break
        step = _damped_step(gradient[active], curvature[active], damping[active])
        trial = theta[active] + step
        trial_value, trial_gradient, trial_curvature = _penalised(objective, trial, active, prior)
        better = trial_value > value[active]
        won = active[better]
        theta[won], value[won] = trial[better], trial_value[better]
        gradient[won], curvature[won] = trial_gradient[better], trial_curvature[better]
        damping[won] *= 0.2
        damping[active[~better]] *= 8.0
    return theta, value


def _penalised(
    objective: Objective, theta: Batch, rows: Int[np.ndarray, " batch"], prior: Prior
) -> tuple[Float[np.ndarray, " batch"], Batch, Float[np.ndarray, "batch parameter parameter"]]:
    value, gradient, curvature = objective(theta, rows)
    log_prior, prior_gradient, precision = prior.terms(theta)
    value = np.where(np.isfinite(value), value, -np.inf)
    return value + log_prior, gradient + prior_gradient, curvature + np.diag(precision)


def _damped_step(
    gradient: Batch,
    curvature: Float[np.ndarray, "batch parameter parameter"],
    damping: Float[np.ndarray, " batch"],
) -> Batch:
    diagonal = np.einsum("bpp->bp", curvature)
    damped = curvature + (damping[:, None] * diagonal)[:, :, None] * np.eye(curvature.shape[-1])
    step = np.linalg.solve(damped, gradient[..., None])[..., 0]
    # a step of more than four prior-free units leaves the region in which the quadratic is meant
    return np.asarray(step / np.maximum(1.0, np.abs(step).max(axis=1, keepdims=True) / 4.0))
