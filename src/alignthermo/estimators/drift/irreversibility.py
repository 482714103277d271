"""Entropy production: the sign of dS/dt, and whether turns run forward differently than backward."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse.csgraph import connected_components
from scipy.special import chdtr, chndtrinc, digamma
from scipy.stats import norm

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators.drift.rate import drift_rate, in_conversations
from alignthermo.estimators.drift.series import DriftSeries, TimeAxis
from alignthermo.estimators.intervals import check_resampling
from alignthermo.estimators.laws.jackknife import estimates_of
from alignthermo.estimators.resampling import Resampling
from alignthermo.quantities import Estimate

__all__ = ["EntropyChange", "PathIrreversibility", "entropy_change", "path_irreversibility"]

ALARM = 0.05
METHOD = "KL of forward and backward transitions, digamma counts, delete-one-conversation jackknife"


@dataclass(frozen=True, kw_only=True)
class EntropyChange:
    """Sign of dS/dt of an entropy that was measured along conversations.

    Attributes
    ----------
    rate : Estimate
    sign : {"rises", "falls", "undecided"}
        By the interval. The paper's second law says *rises*.
    """

    rate: Estimate
    sign: Literal["rises", "falls", "undecided"]


@dataclass(frozen=True, kw_only=True)
class PathIrreversibility:
    """How different turn states run forward and backward.

    Attributes
    ----------
    rate : Estimate
        Entropy production, nat per turn; bias-corrected, so it may be a little below 0.
    p_value : float
        From conversations reversed at random.
    verdict : {"irreversible", "no irreversibility found"}
    n_transitions : int
    """

    rate: Estimate
    p_value: float
    verdict: Literal["irreversible", "no irreversibility found"]
    n_transitions: int


def entropy_change(series: DriftSeries, *, resampling: Resampling, axis: TimeAxis = "turns") -> EntropyChange:
    """Return rate (that of `drift_rate`) and sign of dS/dt; the values of the series are entropies.

    Raises
    ------
    InsufficientData
        No conversation with two measured times.
    """
    rate = drift_rate(series, resampling=resampling, axis=axis)
    sign: Literal["rises", "falls", "undecided"] = "undecided"
    if rate.low > 0.0:
        sign = "rises"
    elif rate.high < 0.0:
        sign = "falls"
    return EntropyChange(rate=rate, sign=sign)


def path_irreversibility(
    states: Sequence[Int[np.ndarray, " _"]], *, resampling: Resampling
) -> PathIrreversibility:
    r"""Entropy production rate of a discrete sequence of turn states.

    .. math:: \sigma = \sum_{ij} p_{ij} \ln \frac{p_{ij}}{p_{ji}} \ \ge 0, \qquad
              \hat\sigma = \frac1N \sum_{i<j} \Big[ n_{ij}\psi(n_{ij}) + n_{ji}\psi(n_{ji})
              - n_{ij}\psi(n_{ji} + 1) - n_{ji}\psi(n_{ij} + 1) \Big]

    with p the joint frequency of (state, next state). For Poisson counts the digamma form has bias
    :math:`(\lambda_{ij} - \lambda_{ji})(E_1(\lambda_{ij}) - E_1(\lambda_{ji}))/N`, none where the chain is
    reversible (the plug-in form: 2/N per pair); a jackknife over conversations takes out what their serial
    correlation leaves. The interval is that of squared normal currents, one of each independent cycle. The
    estimate is of one step: longer memory can hide irreversibility, σ is a lower bound. Any change of the
    occupation of states in time (a drift) is irreversible too.

    The test reverses whole conversations at random: a stationary reversible process, of any memory, is left
    unchanged by that, so its p-value is exact.

    Parameters
    ----------
    states : sequence of int arrays
        One sequence per conversation, states 0 … K − 1, negative where unknown: no transition to or from it.
    resampling : Resampling
        `n_resamples` reversals.

    Returns
    -------
    PathIrreversibility

    Raises
    ------
    InsufficientData
        No transition.
    InputError
        A resampling without random reversals.

    References
    ----------
    Roldan & Parrondo, Phys. Rev. Lett. 105, 150607 (2010); Grassberger, Phys. Lett. A 128, 369 (1988).
    Formula F-223 in docs/formulas.md; the reversals: Formula F-224 in docs/formulas.md.

    Examples
    --------
    A walk that always goes round the same way, 9 times:

    >>> import numpy as np
    >>> round_and_round = [np.tile([0, 1, 2], 12) for _ in range(9)]
    >>> found = path_irreversibility(round_and_round, resampling=Resampling(rng=np.random.default_rng(0)))
    >>> found.verdict, found.rate.caveats[0]
    ('irreversible', '3 transitions are never seen backward: the rate is a lower bound')
    """
    check_resampling(resampling)
    counts = _transitions(states)
    used = counts.sum(axis=(1, 2)) > 0
    if not used.any():
        raise InsufficientData("path_irreversibility: no conversation has two known states in a row")
    counts = counts[used]
    total = counts.sum(axis=0)
    value = _production(total)
    rate = _rate(counts, total, level=resampling.level)
    p_value = _reversed_p(counts, value, resampling)
    return PathIrreversibility(
        rate=replace(rate, caveats=(*rate.caveats, *_caveats(total))),
        p_value=p_value,
        verdict="irreversible" if p_value < ALARM else "no irreversibility found",
        n_transitions=int(total.sum()),
    )


def _rate(
    counts: Float[np.ndarray, "conversation state state"],
    total: Float[np.ndarray, "state state"],
    *,
    level: float,
) -> Estimate:
    """Jackknife value, with the interval of a sum of squared currents."""
    n, value = counts.shape[0], _production(total)
    if n < 2:
        reason = "too few conversations: 1, an interval needs 8"
        return Estimate(value=float(value), n=n, unit="nat/turn", method=METHOD, reason=reason)
    left_out = _production(total - counts)[:, None]
    corrected = n * value - (n - 1) * left_out.mean()
    found = estimates_of(np.array([corrected]), left_out, level=level, labels=("nat/turn", METHOD))[0]
    if np.isnan(found.low):
        return in_conversations(found)
    wide = 0.5 * (found.high - found.low) / norm.ppf(0.5 + 0.5 * level)
    low, high = _interval(_plug_in(total), float(wide), cycles=_cycles(total), level=level)
    return replace(found, low=low, high=high)


def _interval(plain: float, error: float, *, cycles: int, level: float) -> tuple[float, float]:
    r"""Interval of a sum of squared currents, one of each independent cycle, that are normal.

    .. math:: \hat\sigma_{plain} \sim s^2 \chi'^2_c(\sigma/s^2), \qquad
              \mathrm{err}^2 = 4 \hat\sigma_{plain} s^2

    σ is quadratic in the currents near 0: an error taken as normal misses there, on the scale of √σ too where
    there are several cycles. A jackknife sees the slope only, 2 |current| s.

    Parameters
    ----------
    plain : float
        Plain estimate, never negative.
    error : float
        Its standard error by the jackknife.
    cycles : int
        c, independent cycles of the transitions that were seen.

    References
    ----------
    Schnakenberg, Rev. Mod. Phys. 48, 571 (1976). Formula F-245 in docs/formulas.md.
    """
    noise = max(0.25 * error**2 / max(plain, 1e-300), 1e-300)
    tail = 0.5 * (1.0 - level)
    ends = [
        noise * float(chndtrinc(plain / noise, cycles, share))
        if chdtr(cycles, plain / noise) > share
        else 0.0  # so little comes without any current more often than that
        for share in (1.0 - tail, tail)
    ]
    return ends[0], ends[1]


def _cycles(total: Float[np.ndarray, "state state"]) -> int:
    """Return the number of independent cycles of transitions between different states, at least 1."""
    linked = total + total.T > 0.0
    linked &= ~np.eye(linked.shape[0], dtype=bool)
    pieces = connected_components(linked, directed=False)[0]
    return max(1, int(linked.sum() // 2 - linked.shape[0] + pieces))


def _plug_in(total: Float[np.ndarray, "state state"]) -> float:
    """Plain estimate with half a count more everywhere: biased, and never negative."""
    more = total + 0.5 * (total + total.T > 0.0)
    share = more / np.where(more.T > 0.0, more.T, 1.0)
    return float((more * np.log(np.where(more > 0.0, share, 1.0))).sum() / total.sum())


def _transitions(states: Sequence[Int[np.ndarray, " _"]]) -> Float[np.ndarray, "conversation state state"]:
    """Count the steps of each conversation from state to state."""
    if not states:
        raise InsufficientData("path_irreversibility needs at least 1 conversation, got 0")
    size = max((int(one.max(initial=0)) for one in states), default=0) + 1
    if size > 64:
        raise InputError(f"path_irreversibility: {size} states; group them, 64 are the most")
    counts = np.zeros((len(states), size, size))
    for row, one in zip(counts, states, strict=True):
        known = (one[:-1] >= 0) & (one[1:] >= 0)
        np.add.at(row, (one[:-1][known], one[1:][known]), 1.0)
    return counts


def _production(total: Float[np.ndarray, "*batch state state"]) -> Float[np.ndarray, "*batch"]:
    """Digamma estimate of the entropy production per step."""
    back = np.swapaxes(total, -1, -2)
    own = np.where(total > 0.0, total * digamma(np.maximum(total, 1.0)), 0.0)
    crossed = total * digamma(back + 1.0)
    n = np.maximum(total.sum(axis=(-1, -2)), 1.0)
    return np.asarray((own - crossed).sum(axis=(-1, -2)) / n - _stays(total))


def _stays(total: Float[np.ndarray, "*batch state state"]) -> Float[np.ndarray, "*batch"]:
    """Return what steps that stay put add to it: n ψ(n) − n ψ(n + 1) = −1 for each state with some."""
    some = np.diagonal(total, axis1=-2, axis2=-1) > 0.0
    return np.asarray(-some.sum(axis=-1) / np.maximum(total.sum(axis=(-1, -2)), 1.0))


def _reversed_p(
    counts: Float[np.ndarray, "conversation state state"],
    value: Float[np.ndarray, ""],
    resampling: Resampling,
) -> float:
    """Share of random reversals that produce at least as much, the data counted among them."""
    even = 0.5 * (counts + np.swapaxes(counts, 1, 2)).sum(axis=0)
    odd = 0.5 * (counts - np.swapaxes(counts, 1, 2))
    signs = resampling.rng.choice(np.array([-1.0, 1.0]), (resampling.n_resamples, counts.shape[0]))
    null = _production(even + np.tensordot(signs, odd, axes=1))
    return (1.0 + float(np.count_nonzero(null >= value - 1e-12))) / (1.0 + resampling.n_resamples)


def _caveats(total: Float[np.ndarray, "state state"]) -> tuple[str, ...]:
    never = int(np.count_nonzero((total > 0.0) & (total.T == 0.0)))
    one_way = f"{never} transitions are never seen backward: the rate is a lower bound"
    two = "two states cannot run in a cycle: only a change of their occupation can show"
    return tuple(note for note, true in ((one_way, never > 0), (two, total.shape[0] <= 2)) if true)
