"""Newton steps from function values alone, for many replicates of one objective."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

__all__ = ["climb", "derivatives", "newton_step", "stencil"]

STEP = 0.02
LONGEST = 1.0
"""No step moves a (logarithmic) parameter by more."""

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
