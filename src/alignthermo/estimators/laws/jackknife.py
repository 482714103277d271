"""Delete-one-prompt errors for smooth functions of prompt sums, with Student intervals."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy import stats

from alignthermo.estimators.intervals import MIN_CLUSTERS
from alignthermo.quantities import Estimate

__all__ = ["estimates_of", "jackknife_estimates"]


def jackknife_estimates(
    statistic: Callable[[Float[np.ndarray, " prompt"]], Float[np.ndarray, " quantity"]],
    n_prompts: int,
    *,
    level: float,
    labels: tuple[str, str],
) -> tuple[Estimate, ...]:
    r"""Value, clustered error and interval of each quantity.

    .. math:: s^2 = \frac{G-1}{G} \sum_g (\theta_{(g)} - \bar\theta_{(\cdot)})^2, \qquad
              \theta \pm t_{G-1} s

    Parameters
    ----------
    statistic : callable
        Multiplicity of each prompt -> quantities.
    n_prompts : int
    level : float
    labels : tuple
        Unit and method.

    References
    ----------
    Efron & Tibshirani (1993), ch. 11. Formula F-137 in docs/formulas.md.
    """
    ones = np.ones(n_prompts)
    left_out = np.stack([statistic(ones - row) for row in np.eye(n_prompts)])
    return estimates_of(statistic(ones), left_out, level=level, labels=labels)


def estimates_of(
    value: Float[np.ndarray, " quantity"],
    left_out: Float[np.ndarray, "prompt quantity"],
    *,
    level: float,
    labels: tuple[str, str],
) -> tuple[Estimate, ...]:
    """Do the same from values that are known already: of all prompts, and with each one left out."""
    n_prompts = left_out.shape[0]
    spread = (n_prompts - 1) / n_prompts * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0)
    errors = np.sqrt(spread)
    few = (
        f"too few prompts: {n_prompts}, an interval needs {MIN_CLUSTERS}"
        if n_prompts < MIN_CLUSTERS
        else None
    )
    quantile = float(stats.t.ppf(0.5 + 0.5 * level, max(n_prompts - 1, 1)))
    return tuple(
        Estimate(
            value=float(v),
            stderr=float(s),
            low=float("nan") if few else float(v - quantile * s),
            high=float("nan") if few else float(v + quantile * s),
            level=level,
            n=n_prompts,
            unit=labels[0],
            method=labels[1],
            reason=few,
        )
        for v, s in zip(value, errors, strict=True)
    )
