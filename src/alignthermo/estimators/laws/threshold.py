"""α_c: where the population keeps the instruction half the time, or why the grid cannot say."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy import stats

from alignthermo.errors import InputError
from alignthermo.estimators.intervals import MIN_CLUSTERS, check_resampling
from alignthermo.estimators.laws.cell import across_gap, unresolved_cell
from alignthermo.estimators.laws.middle import Middle
from alignthermo.estimators.laws.midpoint import midpoint
from alignthermo.estimators.laws.panel import make_panel
from alignthermo.estimators.laws.population import Population, fit_population, multiplicities, replicate
from alignthermo.estimators.laws.sweep import Sweep
from alignthermo.estimators.naming import POWER_80
from alignthermo.estimators.resampling import Resampling
from alignthermo.quantities import Estimate

__all__ = ["Threshold", "downward_crossing", "threshold"]

N_POINTS = 801
MIN_MASS = 0.9
METHOD = "crossing of the guided population curve, bootstrap-t test inversion over prompts"

Side = Literal["above", "below", "undecided"]


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The critical context ratio of one sweep (one instruction, attack family, order and length).

    Attributes
    ----------
    alpha_c : Estimate
        α at which P(kept) = 1/2 (h = 0 on log-odds). NaN with the reason *not bracketed* where the grid does
        not hold the crossing: never an extrapolation.
    alpha_mid : Estimate
        α midway between the fitted asymptotes, another quantity.
    side : {"above", "below", "undecided"} or None
        Where a threshold that is not bracketed lies: above the grid (kept throughout), below it (broken
        throughout), or not to be told apart from one of its ends.
    held_until : float
        Largest α up to which the curve is significantly above 1/2; NaN where it nowhere is.
    cell : tuple of float or None
        Neighbouring grid values between which the curve falls by more than a quarter of its height: the
        crossing is steep for the spacing, and the interval is that cell. Refine there (`refined_grid`).
    column : str
        Order parameter it was measured on.
    """

    alpha_c: Estimate
    alpha_mid: Estimate
    side: Side | None
    held_until: float
    cell: tuple[float, float] | None
    column: str


@dataclass(frozen=True, kw_only=True)
class _Band:
    """Excess of the curve over the threshold on a fine grid, with the t quantiles of its test."""

    t: Float[np.ndarray, " point"]
    excess: Float[np.ndarray, " point"]
    stderr: Float[np.ndarray, " point"]

    def above(self, quantile: float) -> np.ndarray:
        """Points significantly above."""
        return np.asarray(self.excess > quantile * self.stderr)

    def below(self, quantile: float) -> np.ndarray:
        """Points significantly below; the quantile is negative."""
        return np.asarray(self.excess < quantile * self.stderr)


def threshold(sweep: Sweep, *, resampling: Resampling, middle: Middle | None = None) -> Threshold:
    r"""Critical context ratio with its interval, from one order and one length.

    .. math:: \hat m(\alpha_c) = \tfrac12, \qquad
              \{\alpha : t^*_{a/2}\,s(\alpha) \le \hat m(\alpha) - \tfrac12 \le t^*_{1-a/2}\,s(\alpha)\}

    The population curve is that of `guided_curve`, which no law has to be chosen for; the interval holds
    every α at which the test of m = 1/2 does not reject, with clustered errors s and quantiles t* of
    refits. *Bracketed* means that the ends of the grid lie on either side of 1/2 significantly.
    A crossing steeper than its grid gives its whole cell: nothing was measured inside.

    Parameters
    ----------
    sweep : Sweep
        Rows of one order (and length, unless a pooled threshold is wanted).
    resampling : Resampling
        Random source, level and number of refits.
    middle : Middle, optional
        What stands for P(kept) = 1/2 on the scale of the shares, where their error is known with an error.

    Returns
    -------
    Threshold
        Fewer than 8 prompts: a value without an interval, reason *too few prompts*.

    Raises
    ------
    InputError
        Several orders, a resampling that makes no interval, or a `middle` for log-odds.

    References
    ----------
    Fieller, JRSS B 16, 175 (1954), for the inversion; Efron & Tibshirani (1993), ch. 12.5. Formula F-123 in
    docs/formulas.md.
    """
    check_resampling(resampling)
    if middle is not None and sweep.kind == "log_odds":
        raise InputError("threshold: a middle is a share, and the sweep holds log-odds")
    panel = make_panel(sweep)
    if np.ptp(panel.alpha) == 0.0 or panel.n_prompts < 2:
        what = "one value of α" if np.ptp(panel.alpha) == 0.0 else "one prompt"
        return _unknown(sweep, f"not bracketed: {what} brackets nothing")
    population = fit_population(panel)
    if middle is not None:
        population = replace(population, target=middle.value)
    blur = 0.0 if middle is None else middle.stderr
    t = np.linspace(-0.5, 0.5, N_POINTS)
    curve = population.curve(t)
    band = _Band(t=t, excess=curve.value[0] - population.target, stderr=np.hypot(curve.stderr[0], blur))
    crossing = downward_crossing(band.t, band.excess, float(population.theta[0, 2]))
    at = band.t[np.argmin(np.abs(band.excess))] if crossing is None else crossing
    replicates = replicate(population, multiplicities(panel.n_prompts, resampling), np.array([at]))
    mid = across_gap(midpoint(population, replicates, level=resampling.level), population)
    shift = 0.0 if middle is None else middle.errors(resampling)
    quantiles = _quantiles(
        replicates.value[:, 0] - shift,
        np.hypot(replicates.stderr[:, 0], blur),
        at=at,
        band=band,
        population=population,
        level=resampling.level,
    )
    found = _estimate(population, band, crossing, quantiles, resampling.level)
    return _with_mass(replace(found, alpha_mid=mid, column=sweep.column), sweep)


def downward_crossing(
    t: Float[np.ndarray, " point"], excess: Float[np.ndarray, " point"], pilot: float
) -> float | None:
    """Downward crossing next to the pilot's midpoint, by linear interpolation on the fine grid."""
    falls = np.flatnonzero((excess[:-1] > 0.0) & (excess[1:] <= 0.0))
    if falls.size == 0:
        return None
    at = falls[np.argmin(np.abs(t[falls] - pilot))]
    share = excess[at] / (excess[at] - excess[at + 1])
    return float(t[at] + share * (t[at + 1] - t[at]))


def _quantiles(
    value: Float[np.ndarray, " resample"],
    stderr: Float[np.ndarray, " resample"],
    *,
    at: float,
    band: _Band,
    population: Population,
    level: float,
) -> tuple[float, float]:
    """Lower and upper bootstrap quantile of the studentised curve at the crossing."""
    centre = population.target + np.interp(at, band.t, band.excess)
    with np.errstate(invalid="ignore", divide="ignore"):
        studentised = np.sort(np.nan_to_num((value - centre) / stderr, nan=0.0))
    n_prompts = population.panel.n_prompts
    # the tails are widened by 1/G as in `interval_from_quantiles`
    tail = 0.5 * (1.0 - level) * (1.0 - 1.0 / n_prompts)
    rank = max(1, int((studentised.size + 1) * tail))
    return float(studentised[rank - 1]), float(studentised[-rank])


def _estimate(
    population: Population, band: _Band, crossing: float | None, quantiles: tuple[float, float], level: float
) -> Threshold:
    n = population.panel.n_prompts
    high = max(quantiles[1], float(stats.t.ppf(0.5 + 0.5 * level, n - 1)))
    side = _side(band, crossing, high)
    held = _held_until(population, band, high)
    if side is not None or crossing is None:
        reason = f"not bracketed: {_SIDES[side or 'undecided']}"
        if side == "undecided":
            reason += _prompts_needed(band, high, n)
        blank = Estimate.unknown(reason, n=n, unit="1", method=METHOD)
        return Threshold(
            alpha_c=blank, alpha_mid=blank, side=side or "undecided", held_until=held, cell=None, column=""
        )
    ends = _ends(band, crossing, quantiles)
    cell = unresolved_cell(population, band.t, band.excess, crossing=crossing)
    low, top = (float(x) for x in population.axis.to_alpha(np.array(ends)))
    if cell is not None:
        low, top = min(low, cell[0]), max(top, cell[1])
    few = f"too few prompts: {n}, an interval needs {MIN_CLUSTERS}" if n < MIN_CLUSTERS else None
    slope = abs(float(np.interp(crossing, band.t, np.gradient(band.excess, band.t))))
    per_slope = population.axis.alpha_per_t(crossing) / max(slope, 1e-12)
    value = Estimate(
        value=float(population.axis.to_alpha(np.array([crossing]))[0]),
        stderr=float(np.interp(crossing, band.t, band.stderr)) * per_slope,
        low=np.nan if few else low,
        high=np.nan if few else top,
        level=level,
        n=n,
        unit="1",
        method=METHOD,
        caveats=("steep for the grid: the interval is a whole cell, refine it",) if cell else (),
        reason=few,
    )
    return Threshold(alpha_c=value, alpha_mid=value, side=None, held_until=held, cell=cell, column="")


_SIDES = {
    "above": "kept at every α of the grid, α_c lies above it",
    "below": "broken at every α of the grid, α_c lies below it",
    "undecided": "an end of the grid cannot be told from 1/2",
}


def _prompts_needed(band: _Band, quantile: float, n: int) -> str:
    """Say how many prompts would tell both ends from 1/2 with 80 % power, if that can be said."""
    ratio = np.abs(band.excess[[0, -1]]) / np.maximum(band.stderr[[0, -1]], 1e-300)
    open_ends = ratio[ratio <= quantile]
    if open_ends.size == 0 or not open_ends.min() > 0.0:
        return ""
    needed = n * ((quantile + POWER_80) / float(open_ends.min())) ** 2
    return f"; about {needed:.0f} prompts would tell" if needed < 1e5 else ""


def _side(band: _Band, crossing: float | None, quantile: float) -> Side | None:
    """None where both ends are significantly on their sides of a crossing."""
    start_held, end_held = band.above(quantile)[[0, -1]]
    start_broken, end_broken = band.below(-quantile)[[0, -1]]
    if start_held and end_broken and crossing is not None:
        return None
    if start_held and end_held:
        return "above"
    return "below" if start_broken and end_broken else "undecided"


def _held_until(population: Population, band: _Band, quantile: float) -> float:
    held = band.above(quantile)
    if not held[0]:
        return float("nan")
    last = held.size - 1 if held.all() else int(np.argmin(held)) - 1
    return float(population.axis.to_alpha(band.t[last : last + 1])[0])


def _ends(band: _Band, crossing: float, quantiles: tuple[float, float]) -> tuple[float, float]:
    """First rejecting point on either side of the crossing, interpolated; the end of the grid if none."""
    upper = band.excess - quantiles[1] * band.stderr
    lower = band.excess - quantiles[0] * band.stderr
    left = np.flatnonzero((band.t <= crossing) & (upper > 0.0))
    right = np.flatnonzero((band.t >= crossing) & (lower < 0.0))
    low = _zero(band.t, upper, int(left[-1])) if left.size else float(band.t[0])
    high = _zero(band.t, lower, int(right[0]) - 1) if right.size else float(band.t[-1])
    return min(low, crossing), max(high, crossing)


def _zero(t: Float[np.ndarray, " point"], f: Float[np.ndarray, " point"], at: int) -> float:
    if not 0 <= at < t.size - 1 or f[at] == f[at + 1]:
        return float(t[min(max(at, 0), t.size - 1)])
    share = np.clip(f[at] / (f[at] - f[at + 1]), 0.0, 1.0)
    return float(t[at] + share * (t[at + 1] - t[at]))


def _unknown(sweep: Sweep, reason: str) -> Threshold:
    blank = Estimate.unknown(reason, n=sweep.n_clusters, unit="1", method=METHOD)
    return Threshold(
        alpha_c=blank,
        alpha_mid=blank,
        side="undecided",
        held_until=float("nan"),
        cell=None,
        column=sweep.column,
    )


def _with_mass(found: Threshold, sweep: Sweep) -> Threshold:
    """Refuse a log-odds threshold where the candidates do not hold the mass."""
    if sweep.mass is None or np.isnan(found.alpha_c.value):
        return found
    nearest = np.argsort(np.abs(sweep.alpha - found.alpha_c.value))[: max(8, sweep.alpha.size // 10)]
    mass = float(sweep.mass[nearest].mean())
    if mass >= MIN_MASS:
        return found
    reason = (
        f"candidate mass {mass:.2f} near the crossing, h = 0 is read as P(kept) = 1/2 only from {MIN_MASS}"
    )
    return replace(found, alpha_c=Estimate.unknown(reason, n=found.alpha_c.n, unit="1", method=METHOD))
