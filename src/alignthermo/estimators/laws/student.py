"""Student intervals: from an error alone, and by bootstrap-t from refitted replicates."""

import numpy as np
from jaxtyping import Float
from scipy import stats

from alignthermo.estimators.intervals import MIN_CLUSTERS
from alignthermo.estimators.resampling import interval_from_quantiles, studentise
from alignthermo.estimators.scales import IDENTITY
from alignthermo.quantities import Estimate

__all__ = ["refitted_estimate", "student_estimate"]


def student_estimate(
    value: float, error: float, *, n: int, level: float, labels: tuple[str, str], reason: str | None = None
) -> Estimate:
    r"""Estimate with the interval :math:`\theta \pm t_{n-1} s`; with a `reason`, without an interval.

    `labels` are unit and method.
    """
    reach = float("nan") if reason else float(stats.t.ppf(0.5 + 0.5 * level, n - 1)) * error
    return Estimate(
        value=value,
        stderr=error,
        low=value - reach,
        high=value + reach,
        level=level,
        n=n,
        unit=labels[0],
        method=labels[1],
        reason=reason,
    )


def refitted_estimate(
    point: tuple[float, float],
    replicates: tuple[Float[np.ndarray, " resample"], Float[np.ndarray, " resample"]],
    *,
    labels: tuple[str, str],
    n: int,
    level: float,
    log: bool = False,
) -> Estimate:
    """Estimate from a value with its error and those of its refitted resamples.

    Parameters
    ----------
    point : tuple
        Value and standard error of the data.
    replicates : tuple of arrays
        Value and standard error of every resample.
    labels : tuple
        Unit and method.
    n : int
        Prompts.
    level : float
    log : bool
        The values are logarithms; the estimate is of their exponentials.
    """
    value, error = point
    studentised = np.sort(studentise(*replicates, centre=value, scale=IDENTITY))
    low, high = interval_from_quantiles(studentised, point=point, n_clusters=n, scale=IDENTITY, level=level)
    reason = None
    if n < MIN_CLUSTERS or np.isnan(low):
        reason = f"too few prompts: {n}, an interval needs {MIN_CLUSTERS}"
    elif not low <= value <= high:
        reason = "its resamples all lie on one side of it: the data do not determine it"
    if reason is not None:
        low = high = float("nan")
    if log:
        value, low, high = (float(np.exp(x)) for x in (value, low, high))
        error *= value
    return Estimate(
        value=value,
        stderr=error,
        low=low,
        high=high,
        level=level,
        n=n,
        unit=labels[0],
        method=labels[1],
        reason=reason,
    )
