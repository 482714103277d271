"""How far apart two thresholds are that were measured on the same prompts."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from alignthermo.errors import InputError
from alignthermo.estimators.intervals import check_resampling
from alignthermo.estimators.laws.guided import guided_curve
from alignthermo.estimators.laws.jackknife import estimates_of
from alignthermo.estimators.laws.panel import make_panel
from alignthermo.estimators.laws.pilot import fit_pilot, pooled
from alignthermo.estimators.laws.population import Population, fit_population
from alignthermo.estimators.laws.sweep import Sweep
from alignthermo.estimators.laws.threshold import Threshold, downward_crossing, threshold
from alignthermo.estimators.resampling import Resampling
from alignthermo.quantities import Estimate

__all__ = ["threshold_difference"]

N_POINTS = 201
METHOD = "difference of two crossings, delete-one-prompt errors of both together"


def threshold_difference(one: Sweep, other: Sweep, *, resampling: Resampling) -> Estimate:
    r"""Return :math:`\alpha_c(\text{one}) - \alpha_c(\text{other})` over the prompts that both hold.

    .. math:: \Delta = \alpha_c^{(1)} - \alpha_c^{(2)}, \qquad
              s^2 = \frac{G-1}{G}\sum_g (\Delta_{(g)} - \bar\Delta_{(\cdot)})^2, \qquad \Delta \pm t_{G-1}\,s

    A prompt is left out of both curves at once, so what prompts have in common cancels. Where a threshold is
    not bracketed the difference is unknown; if it is known on which side the missing one lies, that end of
    the interval is given.

    Parameters
    ----------
    one, other : Sweep
        Of one order each, with equal numbers for equal prompts.
    resampling : Resampling
        For the question whether each threshold is bracketed; its level holds for the difference too.

    Raises
    ------
    InputError
        The sweeps share no prompt, hold different order parameters, or several orders.

    References
    ----------
    Efron & Tibshirani (1993), ch. 11. Formula F-200 in docs/formulas.md.
    """
    check_resampling(resampling)
    shared = np.intersect1d(one.cluster, other.cluster)
    if shared.size == 0:
        raise InputError("threshold_difference: the two sweeps have no prompt in common")
    if one.kind != other.kind or one.column != other.column:
        raise InputError(
            f"threshold_difference: {one.column!r} ({one.kind}) cannot be compared with {other.column!r} "
            f"({other.kind}); thresholds of different order parameters mean different things"
        )
    sweeps = tuple(sweep.of_prompts(shared) for sweep in (one, other))
    found = tuple(threshold(sweep, resampling=resampling) for sweep in sweeps)
    if any(f.side is not None for f in found):
        return _unbracketed(found, sweeps, n=int(shared.size))
    crossings = [_crossings(fit_population(make_panel(sweep, prompts=shared))) for sweep in sweeps]
    value, left_out = np.split((crossings[0] - crossings[1])[:, None], [1])
    (estimate,) = estimates_of(value[0], left_out, level=resampling.level, labels=("1", METHOD))
    return estimate if all(f.cell is None for f in found) else _with_cells(estimate, *found)


def _with_cells(estimate: Estimate, first: Threshold, second: Threshold) -> Estimate:
    """Widen to the cells of crossings steep for their grid: leaving prompts out cannot see inside."""
    a, b = first.alpha_c, second.alpha_c
    return replace(
        estimate,
        low=min(estimate.low, a.low - b.high),
        high=max(estimate.high, a.high - b.low),
        caveats=(*estimate.caveats, "steep for the grid: the interval holds whole cells, refine it"),
    )


def _crossings(population: Population) -> Float[np.ndarray, " one_more_than_prompts"]:
    """Threshold of all prompts, then with each prompt left out."""
    n = population.panel.n_prompts
    data = pooled(population.panel, np.vstack([np.ones(n), 1.0 - np.eye(n)]), axis=population.axis)
    theta = fit_pilot(data, start=np.repeat(population.theta, n + 1, axis=0))
    t = np.linspace(-0.5, 0.5, N_POINTS)
    excess = guided_curve(data, theta, t).value - population.target
    found = [downward_crossing(t, e, float(pilot)) for e, pilot in zip(excess, theta[:, 2], strict=True)]
    return population.axis.to_alpha(np.array([np.nan if at is None else at for at in found]))


def _unbracketed(found: tuple[Threshold, ...], sweeps: tuple[Sweep, ...], *, n: int) -> Estimate:
    """Say which threshold is missing; give the end that the other's interval and the grid still bound."""
    first, second = found
    missing = " and ".join(
        f"{name}: {f.alpha_c.reason}"
        for name, f in zip(("first", "second"), found, strict=True)
        if f.side is not None
    )
    low = high = float("nan")
    if first.side == "above" and second.side is None:
        low = float(sweeps[0].alpha.max()) - second.alpha_c.high
    elif first.side is None and second.side == "above":
        high = first.alpha_c.high - float(sweeps[1].alpha.max())
    elif first.side == "below" and second.side is None:
        high = float(sweeps[0].alpha.min()) - second.alpha_c.low
    elif first.side is None and second.side == "below":
        low = first.alpha_c.low - float(sweeps[1].alpha.min())
    return Estimate(value=float("nan"), low=low, high=high, n=n, unit="1", method=METHOD, reason=missing)
