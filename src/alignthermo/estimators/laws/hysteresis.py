"""The loop of a ramp up and down, and what of it an additive memory does not make."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from alignthermo.errors import InputError
from alignthermo.estimators.bootstrap import cluster_mean
from alignthermo.estimators.intervals import check_resampling
from alignthermo.estimators.laws.reply_kernel import ReplyRun, fit_reply_kernel, paired_nulls
from alignthermo.estimators.laws.student import student_estimate
from alignthermo.estimators.resampling import Resampling
from alignthermo.quantities import Estimate

__all__ = ["HeldRamp", "Hysteresis", "hysteresis", "loop_areas", "survives_holding"]

SHRINK = 0.5
"""A loop survives holding if the excess at the longest hold is at least this share of any shorter one's."""


@dataclass(frozen=True, kw_only=True)
class HeldRamp:
    """Replicates of one ramp protocol at one hold.

    Attributes
    ----------
    run : ReplyRun
        Replies in the order they were given: α ascending, then descending, `hold` turns at each.
    alphas : array, shape (ratio,)
        Ascending, each visited once on the way up and once on the way down.
    hold : int
    protocol : str
        ``append``, ``edit, own replies kept``, ``edit, without own replies``.

    Raises
    ------
    InputError
        A number of turns that is not 2 × ratios × hold.
    """

    run: ReplyRun
    alphas: Float[np.ndarray, " ratio"]
    hold: int
    protocol: str

    def __post_init__(self) -> None:
        turns = 2 * self.alphas.size * self.hold
        if self.run.kept.shape[1] != turns or (np.diff(self.alphas) <= 0).any():
            raise InputError(
                f"HeldRamp: {self.run.kept.shape[1]} turns for 2 × {self.alphas.size} ascending ratios "
                f"× hold {self.hold}"
            )


@dataclass(frozen=True, kw_only=True)
class Hysteresis:
    """Loop of one protocol at one hold.

    Attributes
    ----------
    hold : int
    protocol : str
    area : Estimate
        Mean loop area; positive when the way back is the more broken one.
    null : float
        Mean area of the fitted additive null.
    excess : Estimate
        Area beyond the null.
    feedback : float
        Σw of the null; above 2 it holds a loop of its own.
    lowest, highest : float
        Smallest and largest mean of the replies at one α, over both ways.
    """

    hold: int
    protocol: str
    area: Estimate
    null: float
    excess: Estimate
    feedback: float
    lowest: float
    highest: float

    @property
    def crossed(self) -> bool:
        """Whether the ramp went from one side of 1/2 to the other: without that, no loop can open."""
        return self.lowest < 0.5 < self.highest


def loop_areas(
    kept: Float[np.ndarray, "*batch turn"] | Bool[np.ndarray, "*batch turn"],
    alphas: Float[np.ndarray, " ratio"],
    *,
    hold: int,
) -> Float[np.ndarray, "*batch"]:
    r"""Area between the way up and the way down, from the last reply held at each α.

    .. math:: A = \int \big(m_\uparrow(\alpha) - m_\downarrow(\alpha)\big)\,d\alpha \quad \text{(trapezoid)}

    Formula F-135 in docs/formulas.md.

    Examples
    --------
    >>> float(loop_areas(np.array([1.0, 1.0, 0.0, 0.0, 0.0, 1.0]), np.array([0.0, 0.5, 1.0]), hold=1))
    0.5
    """
    last = _held(kept, hold)
    up, down = last[..., : alphas.size], last[..., alphas.size :][..., ::-1]
    return np.asarray(np.trapezoid(up - down, alphas, axis=-1))


def _held(
    kept: Float[np.ndarray, "*batch turn"] | Bool[np.ndarray, "*batch turn"], hold: int
) -> Float[np.ndarray, "*batch visit"]:
    """Last reply of each visit to an α."""
    return np.asarray(kept[..., hold - 1 :: hold], dtype=np.float64)


def hysteresis(ramp: HeldRamp, *, resampling: Resampling, n_lags: int = 14) -> Hysteresis:
    r"""Loop area and its excess over the loop of an additive memory.

    .. math:: \text{excess} = \bar A - \bar A_{null}(\hat\theta)

    The null is the additive kernel of inputs and own replies fitted to the same ramps, simulated along their
    inputs. Area and null are resampled together over replicates, with the kernel refitted each time, so that
    what they share cancels. Formula F-136 in docs/formulas.md.

    Parameters
    ----------
    ramp : HeldRamp
    resampling : Resampling
        The excess uses up to 200 nulls of all replicates, its error their scatter.
    n_lags : int

    Returns
    -------
    Hysteresis
        Fewer than 8 replicates: no interval.
    """
    check_resampling(resampling)
    areas = loop_areas(ramp.run.kept, ramp.alphas, hold=ramp.hold)
    n, along = areas.size, _held(ramp.run.kept, ramp.hold).mean(axis=0)
    kernel = fit_reply_kernel(ramp.run, n_lags=n_lags)
    counts = resampling.rng.multinomial(n, np.full(n, 1.0 / n), min(resampling.n_resamples, 200)).astype(
        float
    )
    at_fit, moved = (
        loop_areas(kept, ramp.alphas, hold=ramp.hold).mean(axis=1)
        for _, kept in paired_nulls(kernel, counts, ramp.run.inputs, rng=resampling.rng)
    )
    null = float(at_fit.mean())
    shifts = counts @ areas / n - areas.mean() - (moved - at_fit)
    error = float(np.hypot(shifts.std(ddof=1), at_fit.std(ddof=1) / np.sqrt(at_fit.size)))
    area = cluster_mean(areas, rng=resampling.rng, level=resampling.level, unit="α")
    return Hysteresis(
        hold=ramp.hold,
        protocol=ramp.protocol,
        area=area,
        null=null,
        excess=_excess(float(areas.mean()) - null, error, n, resampling.level),
        feedback=kernel.feedback,
        lowest=float(along.min()),
        highest=float(along.max()),
    )


def _excess(value: float, error: float, n: int, level: float) -> Estimate:
    few = f"too few replicates: {n}, an interval needs 8" if n < 8 else None
    method = "loop area beyond the simulated additive null, paired bootstrap over replicates"
    return student_estimate(value, error, n=n, level=level, labels=("α", method), reason=few)


def survives_holding(loops: tuple[Hysteresis, ...]) -> bool:
    """Whether the excess stands at the longest hold and has not shrunk by half against any shorter one.

    At least two holds of one protocol are needed; a loop that vanishes with holding is memory.
    """
    held = sorted(loops, key=lambda loop: loop.hold)
    if len(held) < 2 or len({loop.protocol for loop in held}) > 1:
        return False
    longest = held[-1].excess
    return longest.low > 0.0 and longest.value >= SHRINK * max(loop.excess.value for loop in held[:-1])
