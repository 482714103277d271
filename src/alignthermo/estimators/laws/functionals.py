"""What a fitted logistic says about one prompt and about all: slopes and both widths, with influences."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from alignthermo.estimators.laws.law_fit import LawFit, blocks, hessian, positive, refit
from alignthermo.estimators.laws.shapes import ACCUMULATION

__all__ = ["NAMES", "clustered_errors", "functional_replicates", "log_sharpness", "log_within_slope"]

NAMES = ("within", "marginal", "quenched", "thermal")
THERMAL = np.pi / np.sqrt(3.0)
"""Standard deviation of the logistic distribution with unit scale."""

NODES = np.linspace(-4.0, 4.0, 25)
GRID = np.linspace(-0.5, 0.5, 61)

Functional = Callable[[Float[np.ndarray, "batch parameter"]], Float[np.ndarray, "batch quantity"]]


def log_sharpness(fit: LawFit, *, span: float, scale: float) -> Functional:
    r"""Logarithms of the four measures of sharpness, for the logistic law.

    .. math:: \text{within} = \max_\alpha |u - v|\,b\,s(1 - s), \quad
              \text{marginal} = \max_\alpha \Big|\partial_\alpha \int m_z(\alpha) \varphi(z) dz\Big|, \quad
              \text{quenched} = \sigma/b, \quad \text{thermal} = \pi/(\sqrt3\,b)

    on the grid, per unit of α. For log-odds the prompt's field is additive: both slopes are those of h, and
    the widths are those of P = σ(h), τ and π/√3 over the slope of h. Formula F-130 in docs/formulas.md.

    Parameters
    ----------
    fit : LawFit
        Of `LOGISTIC`.
    span, scale : float
        Range of α, and units of y per standardised unit.
    """
    inner = log_within_slope(fit, span=span, scale=scale)

    def shares(theta: Float[np.ndarray, "batch parameter"]) -> Float[np.ndarray, "batch quantity"]:
        b, mu, sigma = np.exp(theta[:, 3]), theta[:, 2], np.exp(theta[:, 4])
        weight = np.exp(-0.5 * NODES**2) / np.exp(-0.5 * NODES**2).sum()
        gap = (b[:, None] * (mu[:, None] - GRID))[..., None] + sigma[:, None, None] * NODES
        bend = expit(gap) * expit(-gap) @ weight
        marginal = _height(theta, normal=False) * b * bend.max(axis=1) / span
        rest = np.log(np.column_stack([marginal, sigma / b * span, THERMAL / b * span]))
        return np.concatenate([inner(theta), rest], axis=1)

    def fields(theta: Float[np.ndarray, "batch parameter"]) -> Float[np.ndarray, "batch quantity"]:
        slope = inner(theta)
        between = theta[:, 4:5] + np.log(scale)
        return np.concatenate([slope, slope, between - slope, np.log(THERMAL) - slope], axis=1)

    return fields if fit.design.normal else shares


def log_within_slope(fit: LawFit, *, span: float, scale: float) -> Functional:
    """Logarithm of the first of them alone: the steepest slope of one prompt on the grid.

    Of `LOGISTIC`, or of `ACCUMULATION` at one length.
    """
    normal = fit.design.normal

    def logistic(theta: Float[np.ndarray, "batch parameter"]) -> Float[np.ndarray, "batch quantity"]:
        b, mu = np.exp(theta[:, 3]), theta[:, 2]
        near = expit(b * (mu - np.clip(mu, -0.5, 0.5)))
        steepest = _height(theta, normal=normal) * b * near * (1.0 - near) * scale / span
        return np.asarray(np.log(steepest)[:, None])

    def accumulation(theta: Float[np.ndarray, "batch parameter"]) -> Float[np.ndarray, "batch quantity"]:
        b = np.abs(theta[:, 1]) + 1e-12
        # η runs over θ₀ ± b/2 on the grid: the steepest place is the one nearest to η = 0
        near = expit(np.maximum(np.abs(theta[:, 0]) - 0.5 * b, 0.0))
        steepest = b if normal else b * near * (1.0 - near)
        return np.asarray(np.log(steepest * scale / span)[:, None])

    return accumulation if fit.law is ACCUMULATION else logistic


def _height(theta: Float[np.ndarray, "batch parameter"], *, normal: bool) -> Float[np.ndarray, " batch"]:
    levels = theta[:, :2] if normal else expit(theta[:, :2])
    return np.asarray(np.abs(levels[:, 0] - levels[:, 1]) + 1e-12)


def functional_replicates(
    fit: LawFit, multiplicity: Float[np.ndarray, "batch prompt"], functional: Functional
) -> tuple[Float[np.ndarray, "batch quantity"], Float[np.ndarray, "batch quantity prompt"]]:
    """Refit every resample; the quantities and the influence of each prompt on them (sandwich).

    The influence is ∇f · H⁻¹ s_g with the score s_g of the prompt and the Hessian H of the resample.
    """
    parts = [_block(fit, multiplicity[rows], functional) for rows in blocks(fit, multiplicity)]
    return np.concatenate([value for value, _ in parts]), np.concatenate([lever for _, lever in parts])


def _block(
    fit: LawFit, multiplicity: Float[np.ndarray, "batch prompt"], functional: Functional
) -> tuple[Float[np.ndarray, "batch quantity"], Float[np.ndarray, "batch quantity prompt"]]:
    theta = refit(fit, multiplicity)
    value = functional(theta)
    step = 1e-4
    columns = [
        (functional(theta + step * unit) - functional(theta - step * unit)) / (2.0 * step)
        for unit in np.eye(theta.shape[1])
    ]
    gradient = np.stack(columns, axis=-1)
    curvature = positive(hessian(fit, theta, multiplicity))
    lever = np.swapaxes(np.linalg.solve(curvature, np.swapaxes(gradient, 1, 2)), 1, 2)
    score = fit.likelihood(theta)[1]
    return value, np.einsum("bkp,bgp->bkg", lever, score)


def clustered_errors(
    multiplicity: Float[np.ndarray, "batch prompt"], influence: Float[np.ndarray, "batch quantity prompt"]
) -> Float[np.ndarray, "batch quantity"]:
    """Clustered standard errors, with the factor G/(G − 1)."""
    n = multiplicity.shape[1]
    squared = np.einsum("bg,bkg->bk", multiplicity, influence**2)
    return np.asarray(np.sqrt(n / max(n - 1.0, 1.0) * squared))
