"""The population curve of one sweep and its bootstrap: the ground that thresholds stand on."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from alignthermo.estimators.laws.axis import BENDS, Axis
from alignthermo.estimators.laws.guided import guided_curve, influence
from alignthermo.estimators.laws.panel import Panel, standardised
from alignthermo.estimators.laws.pilot import (
    Pooled,
    fit_pilot,
    log_quasi_likelihood,
    pilot_information,
    pooled,
)
from alignthermo.estimators.resampling import Resampling

__all__ = ["Population", "Replicates", "fit_population", "multiplicities", "replicate"]

ERRORS = 1.0
"""By so many standard errors over prompts a bent axis must be better: to take one in vain costs little."""

BLOCK = 1 << 22
"""Largest number of cells (replicate × setting × prompt) held at once."""


@dataclass(frozen=True, kw_only=True)
class Population:
    """Population curve of a panel, its pilot and the map between α and t.

    Attributes
    ----------
    panel : Panel
        Of the sweep; log-odds standardised to mean 0 and sd 1.
    axis : Axis
    theta : array, shape (1, 4)
        Pilot parameters of the data.
    target : float
        What counts as the threshold on the panel's scale: 1/2, or standardised 0.
    scale : float
        Units of y per unit of the panel's scale; 1 for shares.
    """

    panel: Panel
    axis: Axis
    theta: Float[np.ndarray, "1 4"]
    target: float
    scale: float

    def curve(self, t: Float[np.ndarray, " point"]) -> "Replicates":
        """Curve of the data with its clustered standard errors."""
        return replicate(self, np.ones((1, self.panel.n_prompts)), t)


@dataclass(frozen=True, kw_only=True)
class Replicates:
    """Curves of bootstrap replicates.

    Attributes
    ----------
    value, stderr : arrays, shape (batch, point)
    theta, theta_stderr : arrays, shape (batch, 4)
        Pilot parameters (logit or level of both asymptotes, midpoint t, log slope), clustered errors.
    """

    value: Float[np.ndarray, "batch point"]
    stderr: Float[np.ndarray, "batch point"]
    theta: Float[np.ndarray, "batch 4"]
    theta_stderr: Float[np.ndarray, "batch 4"]


def fit_population(panel: Panel) -> Population:
    """Standardise log-odds, choose the axis and fit the pilot to all prompts.

    The best bent axis is taken where its pilot describes the prompts clearly better than that of α itself.
    """
    standard, mean, scale = standardised(panel)
    target = -mean / scale if panel.normal else 0.5
    plain, *bent = (_fit(standard, Axis.of(standard, bend=bend)) for bend in (0.0, *BENDS))
    best = max(bent, key=lambda fit: float(fit.per_prompt.sum()))
    gain = best.per_prompt - plain.per_prompt
    error = float(gain.std(ddof=1)) * np.sqrt(gain.size) if gain.size > 1 else np.inf
    chosen = best if float(gain.sum()) > ERRORS * error else plain
    return Population(panel=standard, axis=chosen.axis, theta=chosen.theta, target=target, scale=scale)


@dataclass(frozen=True, kw_only=True)
class _Fit:
    axis: Axis
    theta: Float[np.ndarray, "1 4"]
    per_prompt: Float[np.ndarray, " prompt"]


def _fit(panel: Panel, axis: Axis) -> _Fit:
    data = pooled(panel, np.ones((1, panel.n_prompts)), axis=axis)
    theta = fit_pilot(data)
    return _Fit(axis=axis, theta=theta, per_prompt=log_quasi_likelihood(theta, panel, data.t))


def multiplicities(n_prompts: int, resampling: Resampling) -> Float[np.ndarray, "batch prompt"]:
    """Draw how often each prompt appears in each bootstrap sample."""
    shares = np.full(n_prompts, 1.0 / n_prompts)
    return resampling.rng.multinomial(n_prompts, shares, resampling.n_resamples).astype(np.float64)


def replicate(
    population: Population,
    multiplicity: Float[np.ndarray, "batch prompt"],
    points: Float[np.ndarray, " point"],
) -> Replicates:
    """Refit every replicate from the fit of the data; curves with clustered standard errors at the points."""
    panel = population.panel
    cells = panel.alpha.size * max(8, panel.n_prompts, points.size)
    size = max(1, BLOCK // cells)
    blocks = [
        _block(population, multiplicity[first : first + size], points)
        for first in range(0, multiplicity.shape[0], size)
    ]
    value, stderr, theta, theta_stderr = (np.concatenate(part) for part in zip(*blocks, strict=True))
    return Replicates(value=value, stderr=stderr, theta=theta, theta_stderr=theta_stderr)


def _block(
    population: Population,
    multiplicity: Float[np.ndarray, "batch prompt"],
    points: Float[np.ndarray, " point"],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    panel = population.panel
    data: Pooled = pooled(panel, multiplicity, axis=population.axis)
    theta = fit_pilot(data, start=np.repeat(population.theta, multiplicity.shape[0], axis=0))
    curve = guided_curve(data, theta, points)
    on_curve, on_theta = influence(
        curve, data, points, cells=(panel.total, panel.weight), information=pilot_information(data, theta)
    )
    n = panel.n_prompts
    factor = n / (n - 1.0) if n > 1 else np.nan
    stderr, theta_stderr = (
        np.sqrt(factor * np.einsum("bg,bxg->bx", multiplicity, each**2)) for each in (on_curve, on_theta)
    )
    return curve.value, stderr, theta, theta_stderr
