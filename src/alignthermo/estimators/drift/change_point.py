"""When conversations snap: the middle and the spread of their change times."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy import stats

from alignthermo.estimators.drift.change_times import cell_weights
from alignthermo.estimators.drift.quadratic import climb, derivatives, stencil
from alignthermo.estimators.drift.rate import in_conversations
from alignthermo.estimators.drift.series import DriftPanel
from alignthermo.estimators.drift.step import StepFit
from alignthermo.estimators.intervals import MIN_CLUSTERS
from alignthermo.estimators.laws.jackknife import estimates_of
from alignthermo.quantities import Estimate

__all__ = ["ChangePoint", "change_point"]

METHOD = "normal change times, censored at the range, sandwich error"
JUMP_METHOD = "step by expectation and maximisation, delete-a-group jackknife"
MAX_GROUPS = 40


@dataclass(frozen=True, kw_only=True)
class ChangePoint:
    """Change times of a step.

    Attributes
    ----------
    time : Estimate
        Middle μ of the change times over conversations.
    spread : float
        Their standard deviation ω, in turns or tokens; below the distance of two measurements: *at once*.
    jump : Estimate
        Mean size of the jump.
    n_within : float
        Conversations whose change lies between two of their measurements, as far as it can be told.
    """

    time: Estimate
    spread: float
    jump: Estimate
    n_within: float


def change_point(fit: StepFit, panel: DriftPanel, *, level: float = 0.95) -> ChangePoint:
    r"""Middle of the change times with an interval; conversations that have not changed yet are censored.

    .. math:: (\mu, \omega) = \arg\max \sum_g \ln \sum_k w_k(\mu, \omega) L_{gk}, \qquad
              \mathrm{Cov} = H^{-1} \Big(\sum_g s_g s_g^T\Big) H^{-1} \tfrac{G}{G-1}

    where :math:`L_{gk}` is the likelihood of a change in cell k. A time is known to the cell between two
    measurements at best: where ω is below that distance the interval holds the whole cell of μ.

    References
    ----------
    Huber (1967); White, Econometrica 50, 1 (1982). Formula F-220 in docs/formulas.md.
    """
    n, edges = panel.n_conversations, fit.edges
    share = np.exp(fit.likelihood - fit.likelihood.max(axis=0))
    narrowest = 0.2 * float(np.diff(edges).min(initial=1.0))

    def each(point: np.ndarray) -> np.ndarray:
        width = narrowest + np.exp(np.clip(point[:, 1], -12.0, 3.0))
        return np.asarray(np.log(np.maximum(cell_weights(point[:, 0], width, edges) @ share, 1e-300)))

    def objective(point: np.ndarray) -> np.ndarray:
        return np.asarray(each(point).sum(axis=1) - 0.5 * ((point[:, 1] + 2.0) / 2.0) ** 2)

    grid = np.meshgrid(np.linspace(edges[0], edges[-1], 24), np.log([0.01, 0.05, 0.12, 0.3]))
    best = climb(objective, np.stack([axis.ravel() for axis in grid], axis=1), max_steps=40)
    score, hessian = derivatives(each(stencil(best)), 2)
    middle = float(best[0])
    low, high, error = _interval(middle, score, hessian.sum(axis=0), level=level)
    cell = int(np.clip(np.searchsorted(edges, middle), 1, max(edges.size - 1, 1)))
    first, last = float(edges[cell - 1]), float(edges[min(cell, edges.size - 1)])
    if narrowest + float(np.exp(best[1])) < last - first:
        low, high = min(low, first), max(high, last)
    few = f"too few conversations: {n}, an interval needs {MIN_CLUSTERS}" if n < MIN_CLUSTERS else None
    time = Estimate(
        value=middle * panel.span,
        stderr=error * panel.span,
        low=float("nan") if few else low * panel.span,
        high=float("nan") if few else high * panel.span,
        level=level,
        n=n,
        unit=panel.axis.removesuffix("s"),
        method=METHOD,
        caveats=panel.caveats,
        reason=few,
    )
    return ChangePoint(
        time=time,
        spread=(narrowest + float(np.exp(best[1]))) * panel.span,
        jump=_jump(fit, level=level, unit=panel.unit),
        n_within=float(_posterior(fit, share, best, narrowest)[1:-1].sum()),
    )


def _interval(
    middle: float,
    score: Float[np.ndarray, "conversation 2"],
    hessian: Float[np.ndarray, "2 2"],
    *,
    level: float,
) -> tuple[float, float, float]:
    """Sandwich interval of the first parameter."""
    n = score.shape[0]
    value, vector = np.linalg.eigh(-hessian)
    inverse = vector @ np.diag(1.0 / np.maximum(value, 1e-3)) @ vector.T
    centred = score - score.mean(axis=0)
    covariance = inverse @ (centred.T @ centred) @ inverse * n / max(n - 1, 1)
    error = float(np.sqrt(covariance[0, 0]))
    reach = float(stats.t.ppf(0.5 + 0.5 * level, max(n - 1, 1))) * error
    return middle - reach, middle + reach, error


def _posterior(
    fit: StepFit,
    share: Float[np.ndarray, "cell conversation"],
    best: Float[np.ndarray, " 2"],
    narrowest: float,
) -> Float[np.ndarray, "cell conversation"]:
    weight = cell_weights(best[:1], np.array([narrowest + float(np.exp(best[1]))]), fit.edges)[0]
    joint = weight[:, None] * share
    return np.asarray(joint / joint.sum(axis=0))


def _jump(fit: StepFit, *, level: float, unit: str) -> Estimate:
    """Jump of the fit with its delete-a-group jackknife error."""
    n = fit.line.counts.size
    group = np.arange(n) % min(n, MAX_GROUPS)
    without = (group[None] != np.arange(group.max() + 1)[:, None]).astype(np.float64)
    left_out = fit.jumps(without)[:, None]
    found = estimates_of(fit.beta[1:], left_out, level=level, labels=(unit, JUMP_METHOD))[0]
    return in_conversations(replace(found, n=n))
