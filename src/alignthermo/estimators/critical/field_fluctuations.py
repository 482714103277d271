"""Variance and lag-1 autocorrelation of h along rollouts, beyond those of an additive memory."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators.laws.reply_kernel import ReplyRun, fit_reply_kernel, paired_nulls
from alignthermo.estimators.laws.student import student_estimate
from alignthermo.estimators.resampling import Resampling
from alignthermo.quantities import Estimate

__all__ = ["FieldFluctuations", "additive_log_odds", "ensemble_moments", "field_fluctuations"]

MIN_REPLICATES = 30
MIN_TURNS = 8


@dataclass(frozen=True, kw_only=True)
class FieldFluctuations:
    """Fluctuations of h in one context.

    Attributes
    ----------
    variance : Estimate
        Of h about its mean over replicates at the same turn, nat².
    lag_one : Estimate
        Autocorrelation from one turn to the next.
    null_variance, null_lag_one : float
        Means over simulated additive nulls.
    excess_variance, excess_lag_one : Estimate
        Beyond the null.
    """

    variance: Estimate
    lag_one: Estimate
    null_variance: float
    null_lag_one: float
    excess_variance: Estimate
    excess_lag_one: Estimate


def ensemble_moments(
    h: Float[np.ndarray, "*batch replicate turn"],
) -> tuple[Float[np.ndarray, "*batch"], Float[np.ndarray, "*batch"]]:
    r"""Variance and lag-1 autocorrelation of h, its mean over replicates removed at every turn.

    .. math:: v = \frac{1}{T}\sum_t s^2_t, \qquad
              r_1 = \frac{\sum_r \sum_{t<T} e_{r,t} e_{r,t+1}}
                         {\sqrt{\sum_r\sum_{t<T} e_{r,t}^2 \sum_r\sum_{t<T} e_{r,t+1}^2}}

    The ensemble mean is the trend: a drift of all replicates is no fluctuation. Formula F-172 in
    docs/formulas.md.
    """
    n = h.shape[-2]
    e = h - h.mean(axis=-2, keepdims=True)
    variance = (e**2).sum(axis=-2).mean(axis=-1) / (n - 1)
    now, then = e[..., :-1], e[..., 1:]
    both = (now * then).sum(axis=(-2, -1))
    scale = np.sqrt((now**2).sum(axis=(-2, -1)) * (then**2).sum(axis=(-2, -1)))
    # a law without memory has one h for all: its rounding is not a correlation
    flat = scale <= now.size * (1e-12 * (1.0 + np.abs(h).max())) ** 2
    lag_one = np.divide(both, scale, out=np.full_like(both, np.nan), where=~flat)
    return np.asarray(variance), np.asarray(lag_one)


def additive_log_odds(
    theta: Float[np.ndarray, "batch term"],
    kept: Float[np.ndarray, "batch replicate turn"] | Bool[np.ndarray, "batch replicate turn"],
    inputs: Float[np.ndarray, "replicate turn input"],
    *,
    n_lags: int,
) -> Float[np.ndarray, "batch replicate turn"]:
    """Return h of additive laws along given replies, see `ReplyKernel` (F-132).

    Formula F-173 in docs/formulas.md.
    """
    n_inputs, turns = inputs.shape[2], kept.shape[2]
    sign = 2.0 * kept - 1.0
    h = theta[:, :1, None] + np.einsum("bi,rti->brt", theta[:, 1 : 1 + n_inputs], inputs)
    for lag in range(1, min(n_lags, turns - 1) + 1):
        h[:, :, lag:] += theta[:, n_inputs + lag, None, None] * sign[:, :, :-lag]
    if turns > n_lags + 1:
        older = np.cumsum(sign, axis=2)[:, :, : turns - n_lags - 1]
        h[:, :, n_lags + 1 :] += theta[:, -1, None, None] * older
    return np.asarray(h)


def field_fluctuations(
    run: ReplyRun, h: Float[np.ndarray, "replicate turn"], *, resampling: Resampling, n_lags: int = 14
) -> FieldFluctuations:
    r"""Fluctuations of the measured h along rollouts of one α, and beyond the additive null at that α.

    The null is the additive kernel fitted to the replies alone (never to h), simulated anew. Kernel and data
    are resampled together over replicates. Formula F-173 in docs/formulas.md.

    Parameters
    ----------
    run : ReplyRun
        Replies in one context.
    h : array, shape (replicate, turn)
        Log-odds before each of them, nat.
    resampling : Resampling
        Up to 200 nulls are simulated.
    n_lags : int

    Raises
    ------
    InsufficientData
        Fewer than 30 rollouts or 8 turns.
    InputError
        h and replies of different shape, or h not finite.
    """
    if h.shape != run.kept.shape or not np.isfinite(h).all():
        raise InputError(f"field_fluctuations: h {h.shape} must be finite, replies {run.kept.shape}")
    replicates, turns = h.shape
    if replicates < MIN_REPLICATES or turns < MIN_TURNS:
        raise InsufficientData(
            f"field_fluctuations: {replicates} rollouts of {turns} turns; needs {MIN_REPLICATES} of "
            f"{MIN_TURNS}"
        )
    kernel = fit_reply_kernel(run, n_lags=n_lags)
    rng = resampling.rng
    drawn = rng.integers(0, replicates, (min(resampling.n_resamples, 200), replicates))
    counts = np.stack([np.bincount(row, minlength=replicates) for row in drawn]).astype(np.float64)
    at_fit, moved = (
        ensemble_moments(additive_log_odds(theta, kept, run.inputs, n_lags=n_lags))
        for theta, kept in paired_nulls(kernel, counts, run.inputs, rng=rng)
    )
    again = np.array([ensemble_moments(h[row]) for row in drawn]).T
    value = [float(moment) for moment in ensemble_moments(h)]
    level = resampling.level
    raw = [
        _estimate(value[i], float(np.std(again[i], ddof=1)), replicates, level, ("nat²", "1")[i])
        for i in (0, 1)
    ]
    beyond = []
    for i in (0, 1):
        shifts = (again[i] - value[i]) - (moved[i] - at_fit[i])
        error = float(np.hypot(np.std(shifts, ddof=1), np.std(at_fit[i], ddof=1) / np.sqrt(at_fit[i].size)))
        beyond.append(
            _estimate(value[i] - float(at_fit[i].mean()), error, replicates, level, ("nat²", "1")[i])
        )
    return FieldFluctuations(
        variance=raw[0],
        lag_one=raw[1],
        null_variance=float(at_fit[0].mean()),
        null_lag_one=float(at_fit[1].mean()),
        excess_variance=beyond[0],
        excess_lag_one=beyond[1],
    )


def _estimate(value: float, error: float, n: int, level: float, unit: str) -> Estimate:
    method = "ensemble moment of h, bootstrap error over rollouts"
    if np.isnan(value):
        return Estimate.unknown("h does not fluctuate", n=n, unit=unit, method=method)
    return student_estimate(value, error, n=n, level=level, labels=(unit, method))
