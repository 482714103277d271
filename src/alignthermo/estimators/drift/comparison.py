"""Which law of drift: held-out likelihood by conversation, and the simplest law not clearly worse."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators.drift.law_fit import LawFit, fit_law
from alignthermo.estimators.drift.moments import N_NUISANCE, Timeline, timeline
from alignthermo.estimators.drift.series import Column, DriftSeries, TimeAxis
from alignthermo.estimators.drift.shapes import LINEAR, SMOOTH_LAWS
from alignthermo.estimators.drift.step import STEP_NAME, STEP_SIZE, StepFit, fit_step
from alignthermo.estimators.intervals import MIN_CLUSTERS
from alignthermo.estimators.naming import DECIDED, LawScore, standing

__all__ = ["LAW_NAMES", "DriftComparison", "compare_drift_laws"]

LAW_NAMES = ("none", "linear", "saturating", "power", "step")
MAX_FOLDS = 25


@dataclass(frozen=True, kw_only=True)
class DriftComparison:
    """Outcome of the comparison.

    Attributes
    ----------
    named : str
        The simplest remaining law, or ``inconclusive``.
    rivals : tuple of str
        The simplest remaining laws; more than one when inconclusive.
    larger : str or None
        The best law, where it is larger than the named one and only not clearly better.
    n_needed : float
        Conversations at which the closest of the rivals (or the larger law and the named one) would differ by
        two errors with 80 % power, if the gap is what it seems; NaN when nothing is open, inf without a gap.
    scores : tuple of LawScore
    n_conversations : int
    caveats : tuple of str
    fits : tuple of LawFit
        The smooth laws.
    step : StepFit or None
    """

    named: str
    rivals: tuple[str, ...]
    larger: str | None
    n_needed: float
    scores: tuple[LawScore, ...]
    n_conversations: int
    caveats: tuple[str, ...]
    fits: tuple[LawFit, ...]
    step: StepFit | None

    @property
    def drifts(self) -> bool:
        """Whether *none* is clearly worse than the best law."""
        return not any(score.name == "none" and score.remains for score in self.scores)

    def __str__(self) -> str:
        open_names = f"inconclusive: {' or '.join(self.rivals)}"
        text = open_names if self.named == "inconclusive" else self.named
        if self.larger is not None:
            text += f", {self.larger} not excluded"
        if np.isfinite(self.n_needed):
            text += f"; about {self.n_needed:.0f} conversations would decide, {self.n_conversations} measured"
        return text


def compare_drift_laws(
    series: DriftSeries,
    *,
    axis: TimeAxis = "turns",
    column: Column = "value",
    laws: tuple[str, ...] = LAW_NAMES,
) -> DriftComparison:
    r"""Compare laws of drift by held-out log-likelihood, cross-validated by conversation.

    .. math:: \delta_A = \frac1G \sum_g \big(\ell_g^{best} - \ell_g^A\big), \qquad
              A \text{ remains if } \delta_A \le 2\,\mathrm{sd}(\ell^{best} - \ell^A)/\sqrt G, \qquad
              n^* = \Big(\frac{2.84\,\mathrm{sd}}{\delta}\Big)^2

    Each ℓ_g is the likelihood of a whole conversation given those outside of its fold: random level and drift
    (or change time) of its own summed out, and the parameters too, by what the others say of them;
    Ornstein-Uhlenbeck noise with a nugget. Named is the simplest law that remains. Under *none* every
    conversation may drift, to either side, with mean 0: only a common drift counts as one.

    Parameters
    ----------
    series : DriftSeries
    axis : {"turns", "tokens"}
    column : {"value", "compliance"}
    laws : tuple of str
        Out of `LAW_NAMES`, with *none*.

    Raises
    ------
    InsufficientData
        Fewer than 8 conversations, or no conversation with three measured values.
    InputError
        An unknown law, or *none* left out.

    References
    ----------
    Hastie, Tibshirani & Friedman (2009), ch. 7.10. Formula F-215 in docs/formulas.md.
    """
    unknown = [name for name in laws if name not in LAW_NAMES]
    if unknown or "none" not in laws:
        raise InputError(f"compare_drift_laws: laws must hold 'none' and come from {LAW_NAMES}, got {laws}")
    panel = series.panel(axis, column=column)
    if panel.n_conversations < MIN_CLUSTERS or panel.counts.max() < 3:
        raise InsufficientData(
            f"compare_drift_laws: {panel.n_conversations} conversations with at most "
            f"{panel.counts.max():.0f} values; needs {MIN_CLUSTERS} conversations, some with 3 values"
        )
    line = timeline(panel)
    fits, step = _fits(line, laws)
    return _compared(fits, step, line, caveats=panel.caveats)


def _fits(line: Timeline, laws: tuple[str, ...]) -> tuple[tuple[LawFit, ...], StepFit | None]:
    first = fit_law(LINEAR, line)
    noise = first.theta[:N_NUISANCE]
    smooth = tuple(
        first if law is LINEAR else fit_law(law, line, near=noise) for law in SMOOTH_LAWS if law.name in laws
    )
    return smooth, fit_step(line, near=noise) if STEP_NAME in laws else None


def _compared(
    fits: tuple[LawFit, ...], step: StepFit | None, line: Timeline, *, caveats: tuple[str, ...]
) -> DriftComparison:
    n = line.counts.size
    fold = np.arange(n) % min(n, MAX_FOLDS)
    without = (fold[None, :] != np.arange(fold.max() + 1)[:, None]).astype(np.float64)
    names = [fit.law.name for fit in fits] + ([STEP_NAME] if step is not None else [])
    sizes = np.array([fit.law.size for fit in fits] + ([STEP_SIZE] if step is not None else []))
    scores = [fit.held_out(without, fold) for fit in fits]
    scores += [step.held_out(without, fold)] if step is not None else []
    held = np.stack(scores)
    stand = standing(held, sizes)
    best, simplest = stand.best, stand.simplest
    single = simplest.size == 1
    open_pair = held[[best, simplest[0]]] if single else held[simplest]
    return DriftComparison(
        named=names[simplest[0]] if single else "inconclusive",
        rivals=tuple(names[i] for i in simplest),
        larger=names[best] if sizes[best] > sizes[simplest[0]] else None,
        n_needed=float("nan") if single and best == simplest[0] else _n_needed(open_pair),
        scores=stand.scores(names),
        n_conversations=n,
        caveats=caveats,
        fits=fits,
        step=step,
    )


def _n_needed(scores: Float[np.ndarray, "rival conversation"]) -> float:
    """Conversations at which the closest pair would differ by two errors with 80 % power."""
    ranked = scores[np.argsort(-scores.mean(axis=1))]
    difference = ranked[0] - ranked[1]
    gap, spread = float(difference.mean()), float(difference.std(ddof=1))
    return float(np.ceil((DECIDED * spread / gap) ** 2)) if gap > 0.0 else float("inf")
