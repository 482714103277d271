"""The population curve near a point: four parameters as a guide, local parabolas through what they leave."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from alignthermo.estimators.laws.pilot import Pooled, pilot_curve, variance

__all__ = ["BANDWIDTH", "GuidedCurve", "guided_curve", "influence"]

DEGREE = 2
BANDWIDTH = 0.35
"""Half-width of the local parabolas in units of the grid's range; studies/law_recovery.py."""


@dataclass(frozen=True, kw_only=True)
class GuidedCurve:
    """Value of every replicate at every point, with the weights its influence needs."""

    value: Float[np.ndarray, "batch point"]
    smoother: Float[np.ndarray, "batch point setting"]
    theta: Float[np.ndarray, "batch 4"]


def guided_curve(
    data: Pooled, theta: Float[np.ndarray, "batch 4"], points: Float[np.ndarray, " point"]
) -> GuidedCurve:
    r"""Return the population curve with the pilot as a guide.

    .. math:: \hat m(x) = m_\theta(x) + \sum_u l_u(x)\,\big(Y_u - N_u m_\theta(t_u)\big)

    l are the weights of a local parabola (Epanechnikov kernel of half-width `BANDWIDTH`), so the estimate is
    unbiased to third order in what the pilot does *not* describe: a wrong pilot costs little, a right one
    nothing.

    References
    ----------
    Hjort & Glad, Ann. Stat. 23, 882 (1995); Glad, Scand. J. Stat. 25, 649 (1998). Formula F-122 in
    docs/formulas.md.
    """
    mean, _ = pilot_curve(theta, data.t, normal=data.normal)
    at_points, _ = pilot_curve(theta, points, normal=data.normal)
    smoother = _local_parabola(data, points)
    residual = data.total - data.weight * mean
    return GuidedCurve(
        value=at_points + np.einsum("bxu,bu->bx", smoother, residual), smoother=smoother, theta=theta
    )


def _local_parabola(
    data: Pooled, points: Float[np.ndarray, " point"]
) -> Float[np.ndarray, "batch point setting"]:
    gap = data.t - points[:, None]
    kernel = np.maximum(1.0 - (gap / BANDWIDTH) ** 2, 0.0)
    powers = (gap / BANDWIDTH)[..., None] ** np.arange(DEGREE + 1)
    moments = np.einsum("xui,xuj,xu,bu->bxij", powers, powers, kernel, data.weight, optimize=True)
    # few settings near a point: the flattest parabola through them; none: no correction, the pilot stands
    empty = moments[..., :1, :1] == 0.0
    ridge = (1e-9 * moments[..., :1, :1] + empty) * np.eye(DEGREE + 1)
    first = np.linalg.solve(moments + ridge, np.eye(DEGREE + 1)[:, :1])[..., 0]
    return np.asarray(np.einsum("bxi,xui,xu->bxu", first, powers, kernel, optimize=True))


def influence(
    curve: GuidedCurve,
    data: Pooled,
    points: Float[np.ndarray, " point"],
    *,
    cells: tuple[Float[np.ndarray, "prompt setting"], Float[np.ndarray, "prompt setting"]],
    information: Float[np.ndarray, "batch 4 4"],
) -> tuple[Float[np.ndarray, "batch point prompt"], Float[np.ndarray, "batch 4 prompt"]]:
    """Influence of one more copy of every prompt, on the curve at each point and on the pilot's parameters.

    Through the pilot (its score over the information) and directly through the residuals.
    """
    total, weight = cells
    mean, slope = pilot_curve(curve.theta, data.t, normal=data.normal)
    _, slope_at = pilot_curve(curve.theta, points, normal=data.normal)
    scaled = slope / variance(mean, normal=data.normal)[..., None]
    n_batch, n_settings, n_parameters = slope.shape
    flat = scaled.transpose(0, 2, 1).reshape(-1, n_settings)
    moved = (scaled * mean[..., None]).transpose(0, 2, 1).reshape(-1, n_settings)
    score = (flat @ total.T - moved @ weight.T).reshape(n_batch, n_parameters, -1)
    shift = np.linalg.solve(information, score)
    drag = slope_at - np.einsum("bxu,bup->bxp", curve.smoother * data.weight[:, None], slope)
    direct = np.einsum("bxu,gu->bxg", curve.smoother, total)
    direct = direct - np.einsum("bxu,gu->bxg", curve.smoother * mean[:, None], weight)
    return np.einsum("bxp,bpg->bxg", drag, shift) + direct, shift
