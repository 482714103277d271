"""Newton steps and normal approximations from function values alone, for many replicates of one objective."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

__all__ = ["climb", "cubature", "derivatives", "log_mean", "newton_step", "stencil"]

STEP = 0.02
LONGEST = 1.0
"""No step moves a (logarithmic) parameter by more."""

WIDEST = 1.5
"""No direction is taken as wider, in standard deviations: the widest prior of a parameter."""

SHARES = np.array([1.0, 0.4, 0.1])

Points = Float[np.ndarray, "point parameter"]


def stencil(at: Float[np.ndarray, " parameter"]) -> Points:
    """Points from which `derivatives` takes gradient and Hessian: the centre, ±h per axis, +h per pair."""
    unit = STEP * np.eye(at.size)
    i, j = np.triu_indices(at.size, 1)
    return np.concatenate([at[None], at + unit, at - unit, at + unit[i] + unit[j]])


def derivatives(
    values: Float[np.ndarray, "stencil ..."], size: int
) -> tuple[Float[np.ndarray, "... parameter"], Float[np.ndarray, "... parameter parameter"]]:
    """Gradient and Hessian, to O(h²) and O(h), from the values on a stencil."""
    here, up, down, pairs = np.split(values, [1, 1 + size, 1 + 2 * size])
    gradient = (up - down) / (2.0 * STEP)
    hessian = np.empty((size, size, *values.shape[1:]))
    hessian[np.arange(size), np.arange(size)] = (up - 2.0 * here + down) / STEP**2
    for value, i, j in zip(pairs, *np.triu_indices(size, 1), strict=True):
        hessian[i, j] = hessian[j, i] = (value - up[i] - up[j] + here[0]) / STEP**2
    return np.moveaxis(gradient, 0, -1), np.moveaxis(hessian, (0, 1), (-2, -1))


def newton_step(
    gradient: Float[np.ndarray, "*batch parameter"], hessian: Float[np.ndarray, "*batch parameter parameter"]
) -> Float[np.ndarray, "*batch parameter"]:
    """Ascent step; directions without downward curvature are taken as gently curved, long steps are cut."""
    value, vector = np.linalg.eigh(-hessian)
    along = np.einsum("...ij,...i->...j", vector, gradient) / np.maximum(np.abs(value), 0.05)
    step = np.einsum("...ij,...j->...i", vector, along)
    longest = np.abs(step).max(axis=-1, keepdims=True)
    return np.asarray(step / np.maximum(1.0, longest / LONGEST))


def cubature(
    gradient: Float[np.ndarray, "*batch parameter"], hessian: Float[np.ndarray, "*batch parameter parameter"]
) -> Float[np.ndarray, "point *batch parameter"]:
    r"""Points that stand for a likelihood around its summit, from the normal approximation.

    .. math:: \delta_\pm^i = \delta \pm \sqrt{d}\, \sigma_i v_i, \qquad -H = \sum_i \sigma_i^{-2} v_i v_i^T

    with δ the Newton step. Equally likely they are exact for polynomials up to the third degree in the d
    parameters; weighted by the likelihood itself (`log_mean`) they follow one that is steep on one side and
    flat on the other.

    References
    ----------
    Arasaratnam & Haykin, IEEE Trans. Automat. Contr. 54, 1254 (2009). Formula F-244 in docs/formulas.md.
    """
    curvature, vector = np.linalg.eigh(-hessian)
    deviation = 1.0 / np.sqrt(np.maximum(curvature, WIDEST**-2))
    arms = np.sqrt(gradient.shape[-1]) * np.moveaxis(vector * deviation[..., None, :], -1, 0)
    return np.asarray(newton_step(gradient, hessian) + np.concatenate([arms, -arms]))


def log_mean(
    log_values: Float[np.ndarray, "point ..."], log_weights: Float[np.ndarray, "point ..."]
) -> Float[np.ndarray, "..."]:
    """Logarithm of the weighted mean over the first axis; weights need not sum to 1."""
    return np.asarray(_log_sum(log_values + log_weights) - _log_sum(log_weights))


def _log_sum(values: Float[np.ndarray, "point ..."]) -> Float[np.ndarray, "..."]:
    top = values.max(axis=0)
    return np.asarray(top + np.log(np.exp(values - top).sum(axis=0)))


def climb(
    objective: Callable[[Points], Float[np.ndarray, " point"]],
    start: Points,
    *,
    max_steps: int = 15,
    flat: float = 1e-2,
) -> Float[np.ndarray, " parameter"]:
    """Maximise from the best of several starts, until a step promises less than `flat`."""
    values = objective(start)
    at, value = start[int(np.argmax(values))], float(values.max())
    for _ in range(max_steps):
        gradient, hessian = derivatives(objective(stencil(at)), at.size)
        step = newton_step(gradient, hessian)
        if float(step @ gradient) < flat:
            break
        trials = at + SHARES[:, None] * step
        values = objective(trials)
        if float(values.max()) <= value:
            break
        at, value = trials[int(np.argmax(values))], float(values.max())
    return np.asarray(at)
