"""Variance of the outcome of rollouts beyond that of independent replies."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from alignthermo.errors import InsufficientData
from alignthermo.estimators.laws.reply_kernel import ReplyRun, fit_reply_kernel, paired_nulls
from alignthermo.estimators.laws.student import student_estimate
from alignthermo.estimators.resampling import Resampling
from alignthermo.quantities import Estimate

__all__ = ["OutcomeVariance", "outcome_variance", "variance_ratio"]

MIN_REPLICATES = 30


@dataclass(frozen=True, kw_only=True)
class OutcomeVariance:
    """Variance of mean compliance in one fixed context, in units of that of independent replies.

    Attributes
    ----------
    ratio : Estimate
        1 for independent replies, the number of turns for replicates that never change their mind.
    null : float
        Mean ratio of the fitted additive null.
    excess : Estimate
        Ratio beyond the null.
    feedback : float
        Σw of the null.
    """

    ratio: Estimate
    null: float
    excess: Estimate
    feedback: float


def variance_ratio(
    kept: Float[np.ndarray, "*batch replicate turn"] | Bool[np.ndarray, "*batch replicate turn"],
) -> Float[np.ndarray, "*batch"]:
    r"""Sample variance of the number kept over the sum of p(1 − p), p per turn.

    .. math:: R = \frac{s^2(K)}{\sum_t p_t (1 - p_t)}, \qquad K = \sum_{t=1}^{n} k_t

    Any sigmoid has maximal outcome variance where p = 1/2, so only R counts. The variance of a *single* 0/1
    reply at fixed context is p(1 − p) by identity and says nothing; several own turns are needed. NaN where
    all replies are alike. Formula F-170 in docs/formulas.md.

    Examples
    --------
    >>> same = np.repeat([[0.0], [1.0], [0.0], [1.0]], 5, axis=1)
    >>> round(float(variance_ratio(same)), 6)
    5.0
    """
    n = kept.shape[-2]
    p = kept.mean(axis=-2)
    expected = (p * (1.0 - p)).sum(axis=-1) * n / (n - 1)
    total = kept.sum(axis=-1).var(axis=-1, ddof=1)
    return np.asarray(np.divide(total, expected, out=np.full_like(total, np.nan), where=expected > 0.0))


def outcome_variance(run: ReplyRun, *, resampling: Resampling, n_lags: int = 14) -> OutcomeVariance:
    r"""Outcome variance of rollouts beyond p(1 − p), and beyond an additive memory.

    .. math:: \text{excess} = R - \langle R(\hat\theta)\rangle_{null}

    The null is the additive kernel fitted to the same rollouts. Data and kernel are resampled together over
    replicates; the simulations share their random numbers, so that their difference is that of the kernels.
    Formula F-171 in docs/formulas.md.

    Parameters
    ----------
    run : ReplyRun
        Rollouts in *one* context: contexts of different h widen the outcome by themselves.
    resampling : Resampling
        Up to 200 nulls are simulated.
    n_lags : int

    Raises
    ------
    InsufficientData
        Fewer than 30 rollouts, or a single turn.
    """
    replicates, turns = run.kept.shape
    if replicates < MIN_REPLICATES or turns < 2:
        raise InsufficientData(
            f"outcome_variance: {replicates} rollouts of {turns} turns; needs {MIN_REPLICATES} of at least 2"
        )
    kernel = fit_reply_kernel(run, n_lags=n_lags)
    rng = resampling.rng
    drawn = rng.integers(0, replicates, (min(resampling.n_resamples, 200), replicates))
    counts = np.stack([np.bincount(row, minlength=replicates) for row in drawn]).astype(np.float64)
    at_fit, moved = (variance_ratio(kept) for _, kept in paired_nulls(kernel, counts, run.inputs, rng=rng))
    again = np.array([float(variance_ratio(run.kept[row])) for row in drawn])
    known = at_fit[np.isfinite(at_fit)]
    value, null = float(variance_ratio(run.kept)), float(known.mean()) if known.size else float("nan")
    shifts = (again - value) - (moved - at_fit)
    error = float(np.hypot(_spread(shifts), _spread(at_fit) / np.sqrt(at_fit.size)))
    return OutcomeVariance(
        ratio=_around(
            value, _spread(again), n=replicates, labels=("outcome variance over p(1 − p)", resampling.level)
        ),
        null=null,
        excess=_around(
            value - null, error, n=replicates, labels=("excess over the additive null", resampling.level)
        ),
        feedback=kernel.feedback,
    )


def _spread(values: np.ndarray) -> float:
    """Return the standard deviation of the known values; NaN of fewer than two."""
    known = values[np.isfinite(values)]
    return float(known.std(ddof=1)) if known.size > 1 else float("nan")


def _around(value: float, error: float, *, n: int, labels: tuple[str, float]) -> Estimate:
    if np.isnan(value):
        return Estimate.unknown("all replies alike", n=n, unit="1", method=labels[0])
    method = f"{labels[0]}, bootstrap error over rollouts"
    reason = "in all resamples but one, or in all, the replies are alike" if np.isnan(error) else None
    return student_estimate(value, error, n=n, level=labels[1], labels=("1", method), reason=reason)
