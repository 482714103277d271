"""The pooled curve by four parameters: two asymptotes, a midpoint, a slope; over many replicates."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from alignthermo.estimators.laws.ascent import Prior, maximise
from alignthermo.estimators.laws.axis import Axis
from alignthermo.estimators.laws.panel import Panel

__all__ = [
    "Pooled",
    "fit_pilot",
    "log_quasi_likelihood",
    "pilot_curve",
    "pilot_information",
    "pooled",
    "variance",
]

SHARE_PRIOR = Prior(centre=np.array([2.0, -2.0, 0.0, 2.0]), spread=np.array([2.5, 2.5, 0.7, 1.0]))
FIELD_PRIOR = Prior(centre=np.array([1.0, -1.0, 0.0, 2.0]), spread=np.array([4.0, 4.0, 0.7, 1.0]))
STARTS = np.log([4.0, 10.0, 40.0])
EDGE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Pooled:
    """Replicates of a panel summed over prompts, α mapped to t in [−½, ½] by an axis, log-odds standardised.

    Attributes
    ----------
    total, weight : arrays, shape (batch, setting)
    t : array, shape (setting,)
    normal : bool
    """

    total: Float[np.ndarray, "batch setting"]
    weight: Float[np.ndarray, "batch setting"]
    t: Float[np.ndarray, " setting"]
    normal: bool


def pooled(panel: Panel, multiplicity: Float[np.ndarray, "batch prompt"], *, axis: Axis) -> Pooled:
    """Sum the prompts of a panel with the given multiplicities (ones: the data; bootstrap counts)."""
    return Pooled(
        total=multiplicity @ panel.total,
        weight=multiplicity @ panel.weight,
        t=axis.to_t(panel.alpha),
        normal=panel.normal,
    )


def pilot_curve(
    theta: Float[np.ndarray, "batch 4"], t: Float[np.ndarray, " point"], *, normal: bool
) -> tuple[Float[np.ndarray, "batch point"], Float[np.ndarray, "batch point 4"]]:
    r"""Four-parameter curve and its gradient.

    .. math:: m(t) = v + (u - v)\,\sigma\big(b(\mu - t)\big), \qquad b = e^{\theta_4}

    The asymptotes are u = σ(θ₁), v = σ(θ₂) for shares, bounded in [0, 1], and θ₁, θ₂ themselves for log-odds.
    Formula F-121 in docs/formulas.md.
    """
    level = theta[:, :2] if normal else expit(theta[:, :2])
    slope = np.ones_like(level) if normal else level * (1.0 - level)
    before, after = level[:, :1], level[:, 1:]
    b, gap = np.exp(theta[:, 3:]), theta[:, 2:3] - t
    share = expit(b * gap)
    bend = (before - after) * share * (1.0 - share) * b
    parts = [slope[:, :1] * share, slope[:, 1:] * (1.0 - share), bend, bend * gap]
    return after + (before - after) * share, np.stack(parts, axis=-1)


def variance(mean: Float[np.ndarray, "batch point"], *, normal: bool) -> Float[np.ndarray, "batch point"]:
    """Variance function: m(1 − m) for shares, 1 for standardised log-odds."""
    return np.ones_like(mean) if normal else np.maximum(mean * (1.0 - mean), EDGE)


def fit_pilot(
    data: Pooled, *, start: Float[np.ndarray, "batch 4"] | None = None
) -> Float[np.ndarray, "batch 4"]:
    """Fit the four parameters to every replicate by penalised quasi-likelihood.

    Without a start, three slopes are tried for each replicate and the best kept.
    """
    prior = FIELD_PRIOR if data.normal else SHARE_PRIOR
    n_batch = data.total.shape[0]

    def objective(theta: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        replicate = rows % n_batch
        return _quasi_likelihood(theta, data.total[replicate], data.weight[replicate], data)

    if start is not None:
        return maximise(objective, start, prior=prior, max_steps=40)[0]
    starts = np.concatenate([_start(data, slope) for slope in STARTS])
    theta, value = maximise(objective, starts, prior=prior)
    best = np.argmax(value.reshape(STARTS.size, n_batch), axis=0)
    return np.asarray(theta.reshape(STARTS.size, n_batch, -1)[best, np.arange(n_batch)])


def _start(data: Pooled, log_slope: float) -> Float[np.ndarray, "batch 4"]:
    theta = np.empty((data.total.shape[0], 4))
    for column, end in ((0, data.t < -0.25), (1, data.t > 0.25)):
        level = data.total[:, end].sum(axis=1) / np.maximum(data.weight[:, end].sum(axis=1), EDGE)
        theta[:, column] = level if data.normal else np.log((level + 0.02) / (1.02 - level))
    theta[:, 2], theta[:, 3] = 0.0, log_slope
    return theta


def _quasi_likelihood(
    theta: Float[np.ndarray, "batch 4"],
    total: Float[np.ndarray, "batch setting"],
    weight: Float[np.ndarray, "batch setting"],
    data: Pooled,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean, slope = pilot_curve(theta, data.t, normal=data.normal)
    v = variance(mean, normal=data.normal)
    value = _log_quasi(mean, total, weight, normal=data.normal)
    turned = slope.swapaxes(1, 2)
    gradient = turned @ ((total - weight * mean) / v)[..., None]
    return value, gradient[..., 0], turned @ (slope * (weight / v)[..., None])


def log_quasi_likelihood(
    theta: Float[np.ndarray, "1 4"], panel: Panel, t: Float[np.ndarray, " setting"]
) -> Float[np.ndarray, " prompt"]:
    """Log quasi-likelihood of each prompt, up to what does not depend on the pilot."""
    mean, _ = pilot_curve(theta, t, normal=panel.normal)
    return _log_quasi(mean, panel.total, panel.weight, normal=panel.normal)


def _log_quasi(
    mean: Float[np.ndarray, "#row setting"],
    total: Float[np.ndarray, "row setting"],
    weight: Float[np.ndarray, "row setting"],
    *,
    normal: bool,
) -> Float[np.ndarray, " row"]:
    """Log quasi-likelihood of rows of sums, which are replicates or prompts."""
    if normal:
        return np.asarray((total * mean - 0.5 * weight * mean**2).sum(axis=1))
    inner = np.clip(mean, EDGE, 1.0 - EDGE)
    return np.asarray((total * np.log(inner) + (weight - total) * np.log1p(-inner)).sum(axis=1))


def pilot_information(data: Pooled, theta: Float[np.ndarray, "batch 4"]) -> Float[np.ndarray, "batch 4 4"]:
    """Return the penalised Fisher information of every replicate."""
    mean, slope = pilot_curve(theta, data.t, normal=data.normal)
    scaled = slope * (data.weight / variance(mean, normal=data.normal))[..., None]
    prior = FIELD_PRIOR if data.normal else SHARE_PRIOR
    return np.asarray(slope.swapaxes(1, 2) @ scaled + np.diag(prior.spread**-2.0))
