"""How rival laws of drift compare, and the course of the one that is named."""

from collections.abc import Callable, Iterator
from math import erf, sqrt

import numpy as np
from jaxtyping import Float
from scipy import stats

from alignthermo.estimators.drift import ChangePoint, DriftComparison
from alignthermo.estimators.drift.law_fit import LawFit
from alignthermo.estimators.drift.step import STEP_NAME, StepFit
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.experiments.drift.stretches import Stretches
from alignthermo.quantities import Estimate, Record

__all__ = ["gap_records", "law_course", "step_course"]

TWO_ERRORS = erf(sqrt(2.0))
"""Coverage of two standard errors to either side."""

Mean = Callable[[Float[np.ndarray, " stretch"]], Float[np.ndarray, " stretch"]]


def gap_records(maker: DriftMaker, laws: DriftComparison) -> Iterator[Record]:
    """Yield each law's held-out log-likelihood per conversation behind the best, with two paired errors."""
    for score in laws.scores:
        gap = Estimate(
            value=score.gap,
            stderr=score.gap_stderr,
            low=score.gap - 2.0 * score.gap_stderr,
            high=score.gap + 2.0 * score.gap_stderr,
            level=TWO_ERRORS,
            n=laws.n_conversations,
            unit="nat/conversation",
            method="held-out log-likelihood behind the best law, two paired errors by conversation",
        )
        yield maker.record("law_gap", gap, law=score.name)


def law_course(maker: DriftMaker, laws: DriftComparison, stretches: Stretches) -> Iterator[Record]:
    """Yield the mean of the named smooth law where the stretches are drawn, as far as it was measured."""
    for fit in laws.fits:
        if fit.law.name == laws.named:
            span, n = fit.line.span, laws.n_conversations
            yield from _course(maker, stretches, _smooth(fit), span=span, n=n, law=laws.named)


def step_course(maker: DriftMaker, fit: StepFit, snap: ChangePoint, stretches: Stretches) -> Iterator[Record]:
    """Yield the mean of a step whose change times are spread over conversations."""
    level, jump = (float(value) for value in fit.beta)
    times = stats.norm(snap.time.value, max(snap.spread, 1e-9 * fit.line.span))

    def mean(tokens: np.ndarray) -> np.ndarray:
        return np.asarray(level + jump * times.cdf(tokens))

    yield from _course(maker, stretches, mean, span=fit.line.span, n=snap.time.n, law=STEP_NAME)


def _smooth(fit: LawFit) -> Mean:
    level, drift = (float(value) for value in fit.beta)

    def mean(tokens: np.ndarray) -> np.ndarray:
        shape = fit.law.shape(fit.own[None], (tokens / fit.line.span)[:, None])
        return np.asarray(level + drift * shape[:, 0, 0])

    return mean


def _course(
    maker: DriftMaker, stretches: Stretches, mean: Mean, *, span: float, n: int, law: str
) -> Iterator[Record]:
    inside = stretches.tokens <= span
    if not inside.any():
        return
    for name, value in zip(stretches.names, mean(stretches.tokens[inside]).tolist(), strict=False):
        found = Estimate(
            value=value,
            n=n,
            unit="nat",
            method=f"the law {law!r}, fitted",
            reason="a fitted mean, no interval",
        )
        yield maker.noting(law=law).record("law_along", found, tokens=name)
