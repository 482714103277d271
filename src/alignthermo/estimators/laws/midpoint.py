"""α_mid: the middle between the fitted asymptotes, which need not be 1/2."""

import numpy as np
from scipy import stats
from scipy.special import expit

from alignthermo.estimators.intervals import MIN_CLUSTERS
from alignthermo.estimators.laws.population import Population, Replicates
from alignthermo.estimators.resampling import interval_from_quantiles, studentise
from alignthermo.estimators.scales import IDENTITY
from alignthermo.quantities import Estimate

__all__ = ["midpoint"]

METHOD = "midpoint of the four-parameter curve, bootstrap-t over prompts"


def midpoint(population: Population, replicates: Replicates, *, level: float) -> Estimate:
    r"""α at which the fitted curve is midway between its asymptotes, :math:`m = (u + v)/2`.

    Unknown where the curve shows no significant fall, or where the middle lies outside the grid: the
    asymptotes are then not seen.

    Formula F-124 in docs/formulas.md.
    """
    n = population.panel.n_prompts
    ones = population.curve(np.array([-0.5, 0.5]))
    t, error = float(ones.theta[0, 2]), float(ones.theta_stderr[0, 2])
    fall = float(ones.value[0, 0] - ones.value[0, 1])
    noise = float(np.hypot(*ones.stderr[0]))
    if not fall > float(stats.t.ppf(0.5 + 0.5 * level, n - 1)) * noise:
        return Estimate.unknown("no significant fall over the grid", n=n, unit="1", method=METHOD)
    if not -0.5 < t < 0.5:
        return Estimate.unknown("not bracketed: the middle lies off the grid", n=n, unit="1", method=METHOD)
    studentised = np.sort(
        studentise(replicates.theta[:, 2], replicates.theta_stderr[:, 2], centre=t, scale=IDENTITY)
    )
    low, high = interval_from_quantiles(
        studentised, point=(t, error), n_clusters=n, scale=IDENTITY, level=level
    )
    reason = None
    if n < MIN_CLUSTERS or np.isnan(low):
        low = high = float("nan")
        reason = f"too few prompts: {n}, an interval needs {MIN_CLUSTERS}"
    alpha = population.axis.to_alpha(np.array([t, low, high]))
    return Estimate(
        value=float(alpha[0]),
        stderr=error * population.axis.alpha_per_t(t),
        low=float(alpha[1]),
        high=float(alpha[2]),
        level=level,
        n=n,
        unit="1",
        method=METHOD,
        caveats=_asymptotes(population),
        reason=reason,
    )


def _asymptotes(population: Population) -> tuple[str, ...]:
    levels = population.theta[0, :2] * population.scale - population.target * population.scale
    shares = levels if population.panel.normal else expit(population.theta[0, :2])
    return (f"asymptotes {shares[0]:.3g} and {shares[1]:.3g}",)
