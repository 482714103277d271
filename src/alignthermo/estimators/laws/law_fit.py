"""Fitting a law: starts, priors, and refits of many resamples from one fit."""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from alignthermo.estimators.laws.ascent import Objective, Prior, maximise
from alignthermo.estimators.laws.field_likelihood import field_likelihood
from alignthermo.estimators.laws.panel import Panel
from alignthermo.estimators.laws.shapes import Design, Law, make_design
from alignthermo.estimators.laws.share_likelihood import ShareLikelihood, share_likelihood
from alignthermo.estimators.laws.step import STEP, step_likelihood

__all__ = ["LawFit", "blocks", "fit_law", "hessian", "likelihood", "positive", "refit"]

MAX_NUMBERS = 1 << 20
"""Numbers held at once by a batch of refits: what fits into the processor's cache."""

MAX_ROUNDS = 3


@runtime_checkable
class Likelihood(Protocol):
    """Log-likelihood of prompts under a law."""

    def __call__(
        self, theta: Float[np.ndarray, "batch parameter"]
    ) -> tuple[Float[np.ndarray, "batch prompt"], Float[np.ndarray, "batch prompt parameter"]]:
        """Return log-likelihood and score of every prompt."""
        ...

    def weighted(
        self, theta: Float[np.ndarray, "batch parameter"], multiplicity: Float[np.ndarray, "batch prompt"]
    ) -> tuple[Float[np.ndarray, " batch"], Float[np.ndarray, "batch parameter"]]:
        """Return their sums over prompts, each counted so many times."""
        ...


@dataclass(frozen=True, kw_only=True)
class LawFit:
    """A law fitted to a panel.

    Attributes
    ----------
    law : Law
    design : Design
    theta : array, shape (parameter,)
        Shape parameters, then the log of the spread between prompts, then (log-odds) within them.
    likelihood : Likelihood
    prior : Prior
    """

    law: Law
    design: Design
    theta: Float[np.ndarray, " parameter"]
    likelihood: Likelihood
    prior: Prior


def likelihood(law: Law, panel: Panel) -> Likelihood:
    """Likelihood of a law for the kind of order parameter the panel holds."""
    if panel.normal:
        return field_likelihood(law, panel)
    if law is STEP:
        return step_likelihood(panel, make_design(panel).t)
    return share_likelihood(law, panel)


def fit_law(law: Law, panel: Panel) -> LawFit:
    """Fit a law to all prompts of a (standardised) panel, from every start; the best is kept."""
    design = make_design(panel)
    chosen, prior = likelihood(law, panel), _full_prior(law, design)
    shape = law.starts(*_end_levels(panel, design), design)
    spreads = np.log([0.5, 0.5]) if panel.normal else np.array([_first_spread(law)])
    start = np.concatenate([shape, np.tile(spreads, (shape.shape[0], 1))], axis=1)
    multiplicity = np.ones((start.shape[0], panel.n_prompts))
    theta, value = maximise(_objective(chosen, multiplicity), start, prior=prior, max_steps=100)
    best = theta[np.argmax(value)]
    fit = LawFit(law=law, design=design, theta=best, likelihood=chosen, prior=prior)
    return _resolved(_polished(fit, panel.n_prompts), panel.n_prompts)


def _resolved(fit: LawFit, n_prompts: int) -> LawFit:
    """Climb on with closer nodes, where prompts turned out sharper than the first ones allow for."""
    for _ in range(MAX_ROUNDS):
        if not isinstance(fit.likelihood, ShareLikelihood):
            return fit
        finer = fit.likelihood.resolved(fit.theta[None])
        if finer is fit.likelihood:
            return fit
        fit = _polished(replace(fit, likelihood=finer), n_prompts)
    return fit


def _polished(fit: LawFit, n_prompts: int) -> LawFit:
    """Climb on with the true Hessian: where nothing is noisy, outer products of scores say nothing of it.

    The step law has no useful one.
    """
    if fit.law is STEP:
        return fit

    def objective(
        theta: np.ndarray, rows: Int[np.ndarray, " batch"]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        ones = np.ones((theta.shape[0], n_prompts))
        curvature = positive(hessian(fit, theta, ones)) - np.diag(fit.prior.spread**-2.0)
        return *fit.likelihood.weighted(theta, ones), curvature

    theta = maximise(objective, fit.theta[None], prior=fit.prior, max_steps=50)[0]
    return replace(fit, theta=theta[0])


def refit(
    fit: LawFit, multiplicity: Float[np.ndarray, "batch prompt"], *, max_steps: int = 30
) -> Float[np.ndarray, "batch parameter"]:
    """Refit every resample of the prompts from the fit of the data, with the curvature of the data.

    Resamples differ little from the data, so steps with one fixed Hessian converge in a handful; a step that
    does not raise the likelihood is damped as ever. The step law has no useful Hessian and keeps the outer
    products.
    """
    start = np.tile(fit.theta, (multiplicity.shape[0], 1))
    fixed = None
    if fit.law is not STEP:
        ones = np.ones((1, multiplicity.shape[1]))
        fixed = positive(hessian(fit, fit.theta[None], ones))[0] - np.diag(fit.prior.spread**-2.0)
    parts = [
        maximise(
            _objective(fit.likelihood, multiplicity[rows], fixed),
            start[rows],
            prior=fit.prior,
            max_steps=max_steps,
            flat=1e-3,
        )[0]
        for rows in blocks(fit, multiplicity)
    ]
    return np.concatenate(parts)


def blocks(fit: LawFit, multiplicity: Float[np.ndarray, "batch prompt"]) -> list[slice]:
    """Cut a batch of resamples into blocks whose likelihoods fit into the cache."""
    n_rows, n_prompts = multiplicity.shape
    nodes = getattr(fit.likelihood, "nodes", np.zeros(1)).size
    numbers = nodes * (fit.design.t.size + n_prompts) * (fit.theta.size + 2)
    size = max(1, MAX_NUMBERS // numbers)
    return [slice(first, first + size) for first in range(0, n_rows, size)]


def hessian(
    fit: LawFit, theta: Float[np.ndarray, "batch parameter"], multiplicity: Float[np.ndarray, "batch prompt"]
) -> Float[np.ndarray, "batch parameter parameter"]:
    """Negative Hessian of the penalised log-likelihood, by differences of the closed-form gradient."""

    def gradient(at: np.ndarray) -> np.ndarray:
        return np.asarray(fit.likelihood.weighted(at, multiplicity)[1] + fit.prior.terms(at)[1])

    step, here = 1e-5, gradient(theta)
    columns = [(here - gradient(theta + step * unit)) / step for unit in np.eye(theta.shape[1])]
    curvature = np.stack(columns, axis=-1)
    return np.asarray(0.5 * (curvature + curvature.transpose(0, 2, 1)))


def positive(curvature: Float[np.ndarray, "batch p p"]) -> Float[np.ndarray, "batch p p"]:
    """Lift eigenvalues that noise made flat or negative to a small positive value."""
    values, vectors = np.linalg.eigh(curvature)
    return np.asarray(np.einsum("bpi,bi,bqi->bpq", vectors, np.maximum(values, 1e-2), vectors))


def _objective(
    chosen: Likelihood,
    multiplicity: Float[np.ndarray, "batch prompt"],
    fixed: Float[np.ndarray, "p p"] | None = None,
) -> Objective:
    def objective(
        theta: np.ndarray, rows: Int[np.ndarray, " batch"]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        weight = multiplicity[rows]
        if fixed is not None:
            return *chosen.weighted(theta, weight), np.broadcast_to(fixed, (theta.shape[0], *fixed.shape))
        value, score = chosen(theta)
        weighted = score * weight[..., None]
        # outer products of prompt scores: the information of independent prompts, positive by construction
        curvature = np.swapaxes(weighted, 1, 2) @ score
        return (weight * value).sum(axis=1), weighted.sum(axis=1), curvature

    return objective


def _full_prior(law: Law, design: Design) -> Prior:
    shape = law.prior(design)
    spreads = [np.log(0.5), np.log(0.5)] if design.normal else [_first_spread(law)]
    return Prior(
        centre=np.concatenate([shape.centre, spreads]),
        spread=np.concatenate([shape.spread, np.full(len(spreads), 2.0 if design.normal else 1.5)]),
    )


def _first_spread(law: Law) -> float:
    """Log spread of thresholds to start from: latent units, or units of the grid (line, step)."""
    return float(np.log(0.1 if law.name in ("line", "step") else 0.5))


def _end_levels(panel: Panel, design: Design) -> tuple[float, float]:
    ends = []
    for end in (design.t <= -0.25, design.t >= 0.25):
        ends.append(float(panel.total[:, end].sum() / max(float(panel.weight[:, end].sum()), 1e-12)))
    return ends[0], ends[1]
