"""Two kinds of rollouts, or one broad kind: bimodality beyond what an additive memory makes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from alignthermo.errors import InsufficientData
from alignthermo.estimators.intervals import check_resampling
from alignthermo.estimators.laws.reply_kernel import ReplyRun, fit_reply_kernel, kernel_draws, simulate_null
from alignthermo.estimators.laws.student import student_estimate
from alignthermo.estimators.resampling import Resampling
from alignthermo.quantities import Estimate

__all__ = ["Bimodality", "bimodality", "bimodality_coefficient"]

MIN_TURNS = 8
MIN_REPLICATES = 30
UNIFORM = 5.0 / 9.0
"""Coefficient of a flat law: more is bimodal."""


@dataclass(frozen=True, kw_only=True)
class Bimodality:
    """Bimodality of the mean compliance of rollouts, by their length.

    Attributes
    ----------
    turns : tuple of int
        Own turns averaged.
    coefficient : tuple of Estimate
        Sarle's coefficient of the measured means.
    excess : tuple of Estimate
        That minus the additive null's.
    feedback : float
        Σw of the null; above 2 it is bistable itself.
    """

    turns: tuple[int, ...]
    coefficient: tuple[Estimate, ...]
    excess: tuple[Estimate, ...]
    feedback: float

    @property
    def stays(self) -> bool:
        """Bimodal (more than flat) and beyond the null at the longest length, and at half of it."""
        last = [(c, e) for c, e in zip(self.coefficient, self.excess, strict=True)][-2:]
        return all(c.low > UNIFORM and e.low > 0.0 for c, e in last)


def bimodality_coefficient(values: Float[np.ndarray, "*batch draw"]) -> Float[np.ndarray, "*batch"]:
    r"""Sarle's bimodality coefficient over the last axis.

    .. math:: b = \frac{\text{skewness}^2 + 1}{\text{kurtosis}}, \qquad
              b = 1 \text{ for two points},\quad 5/9 \text{ flat},\quad 1/3 \text{ normal}

    NaN without spread. Formula F-133 in docs/formulas.md.

    Examples
    --------
    >>> float(bimodality_coefficient(np.array([0.0, 0.0, 1.0, 1.0])))
    1.0
    """
    centred = values - values.mean(axis=-1, keepdims=True)
    second, third, fourth = ((centred**k).mean(axis=-1) for k in (2, 3, 4))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((third**2 / second**3 + 1.0) / (fourth / second**2))


def bimodality(
    run: ReplyRun, *, turns: tuple[int, ...], resampling: Resampling, n_lags: int = 14
) -> Bimodality:
    """Bimodality of rollout-level compliance beyond the fitted additive null, for several lengths.

    The order parameter of a rollout is the mean of its first `turns` own replies. The null is the additive
    kernel fitted to the same rollouts (`fit_reply_kernel`) and simulated anew with parameters refitted to
    resampled rollouts; excess and interval carry the noise of the measurement, of the fit and of the
    simulation. A flat or U-shaped law that an additive feedback explains is no excess. Formula F-134 in
    docs/formulas.md.

    Parameters
    ----------
    run : ReplyRun
        Rollouts in contexts of one α.
    turns : tuple of int
        Lengths, ascending, each at least 8.
    resampling : Resampling
        `n_resamples` nulls are simulated; a few hundred do.
    n_lags : int
        Own replies that the null remembers one by one.

    Raises
    ------
    InsufficientData
        Fewer than 30 rollouts, or fewer than 8 own turns.
    """
    check_resampling(resampling)
    replicates, longest = run.kept.shape
    if replicates < MIN_REPLICATES or min(turns) < MIN_TURNS or max(turns) > longest:
        raise InsufficientData(
            f"bimodality: {replicates} rollouts of {longest} turns for lengths {turns}; "
            f"needs {MIN_REPLICATES} rollouts and lengths from {MIN_TURNS} up to the longest"
        )
    kernel = fit_reply_kernel(run, n_lags=n_lags)
    drawn = resampling.rng.integers(0, replicates, (resampling.n_resamples, replicates))
    counts = np.stack([np.bincount(row, minlength=replicates) for row in drawn]).astype(np.float64)
    theta = kernel_draws(kernel, counts)
    null = simulate_null(theta, run.inputs, n_lags=n_lags, rng=resampling.rng)
    pairs = [_one_length(run.kept, null, drawn, n, resampling.level) for n in turns]
    return Bimodality(
        turns=turns,
        coefficient=tuple(c for c, _ in pairs),
        excess=tuple(e for _, e in pairs),
        feedback=kernel.feedback,
    )


def _one_length(
    kept: Float[np.ndarray, "replicate turn"],
    null: Bool[np.ndarray, "batch replicate turn"],
    drawn: np.ndarray,
    n: int,
    level: float,
) -> tuple[Estimate, Estimate]:
    means = kept[:, :n].mean(axis=1)
    value = float(bimodality_coefficient(means))
    if np.isnan(value):
        blank = Estimate.unknown(
            "all rollouts alike", n=kept.shape[0], unit="1", method="Sarle's coefficient"
        )
        return blank, blank
    # simulated rollouts that all agree have one peak: no bimodality at all
    again = np.nan_to_num(bimodality_coefficient(means[drawn]))
    expected = np.nan_to_num(bimodality_coefficient(null[:, :, :n].mean(axis=2)))
    excess = value - float(expected.mean())
    # the null's scatter holds both its own sampling noise, that of the data, and that of its parameters
    own, other = float(again.std()), float(expected.std())
    measured = _normal(value, own, labels=("Sarle's coefficient", level), n=kept.shape[0])
    beyond = _normal(
        excess, max(own, other), labels=("excess over the additive null", level), n=kept.shape[0]
    )
    return measured, beyond


def _normal(value: float, error: float, *, labels: tuple[str, float], n: int) -> Estimate:
    method = f"{labels[0]}, bootstrap error over rollouts"
    return student_estimate(value, error, n=n, level=labels[1], labels=("1", method))
