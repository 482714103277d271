"""What goes with drift: rank correlation across instructions, with and without their kind."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators.clusters import refuse_nan
from alignthermo.estimators.intervals import MIN_CLUSTERS, check_resampling
from alignthermo.estimators.resampling import Resampling
from alignthermo.quantities import Estimate

__all__ = ["RankCorrelation", "rank_correlation"]

MAX_VALUES = 1 << 22


@dataclass(frozen=True, kw_only=True)
class RankCorrelation:
    """Rank correlation of two quantities of instructions.

    Attributes
    ----------
    rho : Estimate
    p_value : float
        Two-sided, from permutations (within kinds where kinds are given).
    partial_for : int
        Kinds that were taken out; 0 for the plain correlation.
    """

    rho: Estimate
    p_value: float
    partial_for: int


def rank_correlation(
    first: Float[np.ndarray, " instruction"],
    second: Float[np.ndarray, " instruction"],
    *,
    resampling: Resampling,
    kind: np.ndarray | None = None,
) -> RankCorrelation:
    r"""Spearman's rank correlation, for example of F_align and drift rate, over instructions.

    .. math:: \rho = \operatorname{corr}(R(x), R(y)), \qquad
              \tanh\Big(\operatorname{artanh}\rho \pm z\,\sqrt{\tfrac{1 + \rho^2/2}{n - k - 3}}\Big)

    With kinds, the mean rank of each kind is taken out of both (a partial correlation, k = kinds − 1), and
    permutations stay within kinds: a correlation between kinds does not count then. Errors of the two
    quantities pull ρ towards 0.

    Parameters
    ----------
    first, second : arrays, shape (instruction,)
    resampling : Resampling
        `n_resamples` permutations.
    kind : array, shape (instruction,), optional

    Raises
    ------
    InsufficientData
        Fewer than 8 instructions (beyond the kinds).
    InputError
        NaN, or arrays of different lengths.

    References
    ----------
    Spearman (1904); Bonett & Wright, Psychometrika 65, 23 (2000). Formula F-225 in docs/formulas.md.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(12.0)
    >>> rank_correlation(x, np.exp(x), resampling=Resampling(rng=np.random.default_rng(0))).rho.value
    1.0
    """
    check_resampling(resampling)
    refuse_nan("rank_correlation", first=first, second=second)
    if first.size != second.size or (kind is not None and kind.size != first.size):
        raise InputError("rank_correlation: the arrays have different lengths")
    group = np.zeros(first.size, dtype=np.int64) if kind is None else np.unique(kind, return_inverse=True)[1]
    n_kinds = int(group.max(initial=0)) + 1
    free = first.size - (n_kinds - 1)
    if free < MIN_CLUSTERS:
        raise InsufficientData(
            f"rank_correlation: {first.size} instructions of {n_kinds} kinds; "
            f"needs {MIN_CLUSTERS - 1 + n_kinds}"
        )
    x, y = (_within(stats.rankdata(one), group) for one in (first, second))
    norm = float(np.sqrt((x @ x) * (y @ y)))
    if norm <= 1e-9 * first.size:
        estimate = Estimate.unknown(
            "a quantity that does not vary", n=first.size, unit="1", method="Spearman"
        )
        return RankCorrelation(rho=estimate, p_value=float("nan"), partial_for=_taken_out(kind, n_kinds))
    rho = float(np.clip((x @ y) / norm, -1.0, 1.0))
    return RankCorrelation(
        rho=_estimate(rho, free, first.size, resampling.level),
        p_value=_permuted_p(x, y, group, resampling),
        partial_for=_taken_out(kind, n_kinds),
    )


def _taken_out(kind: np.ndarray | None, n_kinds: int) -> int:
    return 0 if kind is None else n_kinds


def _within(ranks: Float[np.ndarray, " n"], group: np.ndarray) -> Float[np.ndarray, " n"]:
    """Ranks minus the mean rank of their kind."""
    mean = np.bincount(group, weights=ranks) / np.bincount(group)
    return np.asarray(ranks - mean[group])


def _estimate(rho: float, free: int, n: int, level: float) -> Estimate:
    z = float(stats.norm.ppf(0.5 + 0.5 * level))
    error = float(np.sqrt((1.0 + 0.5 * rho**2) / (free - 3)))
    centre = float(np.arctanh(np.clip(rho, -1.0 + 1e-12, 1.0 - 1e-12)))
    return Estimate(
        value=rho,
        stderr=error * (1.0 - rho**2),
        low=float(np.tanh(centre - z * error)),
        high=float(np.tanh(centre + z * error)),
        level=level,
        n=n,
        n_eff=float(free),
        unit="1",
        method="Spearman, Fisher z with Bonett and Wright's error",
    )


def _permuted_p(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], group: np.ndarray, resampling: Resampling
) -> float:
    """Share of permutations within kinds with as large a correlation, the data counted among them."""
    order = np.argsort(group, kind="stable")
    x, y, group = x[order], y[order], group[order]
    here, found = abs(float(x @ y)), 0
    block = max(1, MAX_VALUES // x.size)
    for start in range(0, resampling.n_resamples, block):
        rows = min(block, resampling.n_resamples - start)
        keys = group + resampling.rng.random((rows, x.size))
        found += int(np.count_nonzero(np.abs(y[np.argsort(keys, axis=1)] @ x) >= here * (1.0 - 1e-12)))
    return (1.0 + found) / (1.0 + resampling.n_resamples)
