"""γ: how the slope of one prompt's curve grows with the length of the context."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy import stats

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators.intervals import MIN_CLUSTERS
from alignthermo.estimators.laws.functionals import log_within_slope
from alignthermo.estimators.laws.law_fit import LawFit, fit_law, refit
from alignthermo.estimators.laws.panel import Panel, make_panel, require_range, standardised
from alignthermo.estimators.laws.precision import MAX_PRECISION, independent_draws
from alignthermo.estimators.laws.shapes import ACCUMULATION, LOGISTIC
from alignthermo.estimators.laws.student import student_estimate
from alignthermo.estimators.laws.sweep import Sweep
from alignthermo.quantities import Estimate

__all__ = ["SizeScaling", "size_scaling"]

METHOD = "weighted log-log slope of within-prompt slopes averaged over laws, delete-one-prompt and law errors"
LAWS = (LOGISTIC, ACCUMULATION)
SAFE_LENGTHS = 4
ODD = 0.99
"""Scatter about the power law that chance exceeds once in a hundred sweeps counts as misfit."""


@dataclass(frozen=True, kw_only=True)
class SizeScaling:
    """Growth of the slope with length.

    Attributes
    ----------
    gamma : Estimate
        Exponent of slope ~ L^γ: 0 for a pure ratio, 1 for evidence accumulation or first order, 1/2 for
        mean-field criticality.
    lengths : tuple of float
        Mean reached length of each group.
    slopes, errors : tuple of float
        Within-prompt slope of each group and its error, that of the law included.
    column : str
    """

    gamma: Estimate
    lengths: tuple[float, ...]
    slopes: tuple[float, ...]
    errors: tuple[float, ...]
    column: str


@dataclass(frozen=True, kw_only=True)
class _Slope:
    """ln S at one length: value, that without each prompt, and the spread between the laws."""

    value: float
    left_out: Float[np.ndarray, " prompt"]
    misfit: float


def size_scaling(sweep: Sweep, *, level: float = 0.95) -> SizeScaling:
    r"""Exponent of the within-prompt slope over the lengths of a sweep.

    .. math:: \ln S_L = \mathrm{const} + \gamma \ln L, \qquad
              \hat\gamma = \sum_L c_L \ln \hat S_L, \quad c_L \propto w_L(\ln L - \overline{\ln L}_w),
              \quad w_L = 1/s_L^2

    S_L is the steepest slope of one prompt at length L, averaged over the laws that the data leave open
    (`_slope`). The error holds the scatter over prompts, left out one by one at all lengths together, and the
    spread between the laws, which is all there is where nothing is noisy. Slopes that scatter about the power
    of L beyond their errors (at 1 %) widen it by the square root of their reduced χ². Formula F-131 in
    docs/formulas.md.

    Parameters
    ----------
    sweep : Sweep
        One order, at least two wanted lengths.
    level : float

    Returns
    -------
    SizeScaling
        Fewer than four lengths carry a caveat; fewer than 8 prompts have no interval.

    Raises
    ------
    InsufficientData
        One length, fewer than two prompts, or a length with a single α.
    InputError
        Several orders, or a level outside (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise InputError(f"level must lie inside (0, 1), got {level}")
    groups = [sweep.select(length=length) for length in sweep.lengths]
    if len(groups) < 2:
        raise InsufficientData("size_scaling: one length; the exponent needs at least two, better four")
    prompts = np.unique(sweep.cluster)
    if prompts.size < 2:
        raise InsufficientData("size_scaling: one prompt; the error of an exponent needs at least two")
    slopes = [_slope(_group(group, prompts)) for group in groups]
    reached = np.array([float((g.n_instr + g.n_adv).mean()) for g in groups])
    value = np.array([slope.value for slope in slopes])
    left_out = np.stack([slope.left_out for slope in slopes], axis=1)
    centred = left_out - left_out.mean(axis=0)
    covariance = (prompts.size - 1) / prompts.size * centred.T @ centred
    covariance += np.diag([slope.misfit**2 for slope in slopes])
    errors = np.sqrt(np.diag(covariance))
    gamma = _exponent(np.log(reached), value, covariance, n=prompts.size, level=level)
    return SizeScaling(
        gamma=gamma,
        lengths=tuple(float(x) for x in reached),
        slopes=tuple(float(x) for x in np.exp(value)),
        errors=tuple(float(x) for x in np.exp(value) * errors),
        column=sweep.column,
    )


@dataclass(frozen=True, kw_only=True)
class _Group:
    """One length: its panel, range of α and units of y; for exact probabilities also the panel at ν/2."""

    panel: Panel
    span: float
    scale: float
    coarser: Panel | None


def _group(sweep: Sweep, prompts: np.ndarray) -> _Group:
    require_range(make_panel(sweep), "size_scaling")
    draws = independent_draws(sweep)
    panel, _, scale = standardised(make_panel(sweep, draws=draws, prompts=prompts))
    exact = sweep.kind == "probability" and draws[0] == MAX_PRECISION
    return _Group(
        panel=panel,
        span=float(np.ptp(panel.alpha)),
        scale=scale,
        coarser=make_panel(sweep, draws=0.5 * draws, prompts=prompts) if exact else None,
    )


def _slope(group: _Group) -> _Slope:
    r"""Average ln S over the logistic with free asymptotes and the one between 0 and 1.

    .. math:: \overline{\ln S} = \sum_k w_k \ln S_k, \qquad w_k \propto e^{\ln L_k - p_k}, \qquad
              m^2 = \sum_k w_k (\ln S_k - \overline{\ln S})^2

    The asymptotes of a short context that breaks only in part are hardly seen, and its slope depends on them:
    what the data leave open is averaged, and its spread m enters the error. Probabilities more exact than the
    largest precision ν are fitted as if they had its noise, whose effect falls as 1/ν: the change from ν/2
    enters as well.

    References
    ----------
    Buckland, Burnham & Augustin, Biometrics 53, 603 (1997). Formula F-177 in docs/formulas.md.
    """
    fits = [fit_law(law, group.panel) for law in LAWS]
    value, weight = _values(fits, group), _weights(fits)
    mean = float(weight @ value)
    misfit = float(np.sqrt(weight @ (value - mean) ** 2))
    if group.coarser is not None:
        again = [fit_law(law, group.coarser) for law in LAWS]
        misfit = float(np.hypot(misfit, weight @ _values(again, group) - mean))
    without = 1.0 - np.eye(group.panel.n_prompts)
    left_out = np.stack([_log_slope(fit, refit(fit, without), group) for fit in fits])
    return _Slope(value=mean, left_out=weight @ left_out, misfit=misfit)


def _values(fits: list[LawFit], group: _Group) -> Float[np.ndarray, " law"]:
    return np.array([_log_slope(fit, fit.theta[None], group)[0] for fit in fits])


def _weights(fits: list[LawFit]) -> Float[np.ndarray, " law"]:
    score = np.array([fit.likelihood(fit.theta[None])[0].sum() - fit.law.size(fit.design) for fit in fits])
    weight = np.exp(score - score.max())
    return np.asarray(weight / weight.sum())


def _log_slope(
    fit: LawFit, theta: Float[np.ndarray, "batch parameter"], group: _Group
) -> Float[np.ndarray, " batch"]:
    return np.asarray(log_within_slope(fit, span=group.span, scale=group.scale)(theta)[:, 0])


def _exponent(
    log_length: Float[np.ndarray, " length"],
    value: Float[np.ndarray, " length"],
    covariance: Float[np.ndarray, "length length"],
    *,
    n: int,
    level: float,
) -> Estimate:
    errors = np.sqrt(np.diag(covariance))
    contrast = _contrast(log_length, errors)
    gamma, error = float(value @ contrast), float(np.sqrt(contrast @ covariance @ contrast))
    caveats: tuple[str, ...] = ()
    if log_length.size < SAFE_LENGTHS:
        caveats = (f"{log_length.size} lengths: an exponent wants at least {SAFE_LENGTHS}",)
    freedom = log_length.size - 2
    residual = value - gamma * log_length
    weight = errors**-2.0
    squared = float(weight @ (residual - (weight @ residual) / weight.sum()) ** 2)
    if freedom > 0 and squared > float(stats.chi2.ppf(ODD, freedom)):
        factor = float(np.sqrt(squared / freedom))
        error *= factor
        caveats += (
            f"no single power of L: slopes scatter by {factor:.1f} errors, the error is widened by it",
        )
    few = f"too few prompts: {n}, an interval needs {MIN_CLUSTERS}" if n < MIN_CLUSTERS else None
    found = student_estimate(gamma, error, n=n, level=level, labels=("1", METHOD), reason=few)
    return replace(found, caveats=caveats)


def _contrast(
    log_length: Float[np.ndarray, " length"], errors: Float[np.ndarray, " length"]
) -> Float[np.ndarray, " length"]:
    # a floor keeps one lucky length from standing alone
    weight = 1.0 / np.maximum(errors, 0.25 * np.median(errors)) ** 2
    centred = log_length - (weight @ log_length) / weight.sum()
    return np.asarray(weight * centred / (weight @ centred**2))
