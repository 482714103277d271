"""Rates of what happened, corrected for what the judge gets wrong, both uncertainties in the interval."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators import MIN_CLUSTERS, cluster_proportion, wilson
from alignthermo.judges.confusion import JUDGED, Confusion
from alignthermo.judges.exchange import OUTCOMES
from alignthermo.judges.merging import PARTIALS, merged_rows
from alignthermo.judges.mixture import Mixture
from alignthermo.judges.score_interval import least_distance, within
from alignthermo.quantities import Estimate, random_stream

__all__ = ["SEPARATION", "CorrectedRates", "correct_rates"]

SEPARATION = 2.0
"""Standard errors by which the rows must differ before anything is corrected."""


@dataclass(frozen=True, kw_only=True)
class CorrectedRates:
    """Observed and corrected shares of the outcomes.

    Attributes
    ----------
    observed : mapping of str to Estimate
        Shares as judged, `abstain` included, without any correction.
    corrected : mapping of str to Estimate
        Shares of what happened, by class; NaN with the reason where the matrix cannot tell the classes apart.
    separation, separation_stderr : float
        Smallest singular value of the differences between the matrix's rows, and its standard error.
    n : int
        Judged items.
    """

    observed: Mapping[str, Estimate]
    corrected: Mapping[str, Estimate]
    separation: float
    separation_stderr: float
    n: int


def correct_rates(
    judged: Sequence[str],
    confusion: Confusion,
    *,
    partials: str = "separate",
    clusters: Sequence[str] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> CorrectedRates:
    r"""Correct judged shares for the judge's confusion matrix.

    .. math:: q_j = \sum_t \pi_t\, C_{tj}, \qquad
              \hat\pi = \arg\min_\pi\ r^\top V(\pi)^{-1} r, \quad r = \hat q - \hat C^\top \pi

    For two classes and no abstention this is Rogan & Gladen's
    :math:`\hat\pi = (\hat q + \mathrm{Sp} - 1)/(\mathrm{Se} + \mathrm{Sp} - 1)`. Abstentions are a column
    like any other, so that a judge that abstains more on one class than on another is corrected for it.
    V holds the sampling of the judged items (by prompt where `clusters` repeat) *and* of the calibration. The
    interval of a share inverts the score test: it holds all v for which some π with π_k = v has a distance
    within the χ²₁ (clustered: t²) quantile of the smallest.

    Parameters
    ----------
    judged : sequence of str
        Outcomes of the items to be corrected.
    confusion : Confusion
        From labelled items of the same kind; see `judges.constancy` for whether that holds along α.
    partials : str
        ``separate``, ``with_refused``, ``with_fulfilled`` or ``absent``; see `PARTIALS`.
    clusters : sequence of str, optional
        Prompt of each judged item.
    level : float
    seed : int
        Of the bootstrap for clustered observed shares.

    Returns
    -------
    CorrectedRates
        Where the rows of the matrix differ by less than two standard errors, the corrected shares are NaN
        and say which classes the judge confuses.

    Raises
    ------
    InsufficientData
        Nothing was judged, or fewer than two classes have 5 labelled items.
    InputError
        Lengths differ, or an outcome or `partials` is unknown.

    Notes
    -----
    Coverage in simulation: studies/results/judge_accuracy.md.

    References
    ----------
    Rogan & Gladen, Am. J. Epidemiol. 107, 71 (1978); Lang & Reiczigel, Prev. Vet. Med. 113, 13 (2014), for
    why the calibration's error belongs in the interval. Formulas F-151 and F-152 in docs/formulas.md.

    Examples
    --------
    Sensitivity 0.9 and specificity 0.8: 48 of 100 judged refused are 40.

    >>> from alignthermo.judges.confusion import confusion_of
    >>> truth = ["refused"] * 200 + ["fulfilled"] * 200
    >>> said = ["refused"] * 180 + ["fulfilled"] * 20 + ["refused"] * 40 + ["fulfilled"] * 160
    >>> matrix = confusion_of(truth, said, judge="j")
    >>> rates = correct_rates(["refused"] * 48 + ["fulfilled"] * 52, matrix, partials="absent")
    >>> round(rates.corrected["refused"].value, 3), rates.observed["refused"].value
    (0.4, 0.48)
    """
    _refuse(judged, clusters, partials)
    n = len(judged)
    sizes = _cluster_sizes(clusters, n)
    columns = np.array([JUDGED.index(outcome) for outcome in judged])
    observed: dict[str, Estimate] = {
        name: _observed(columns == j, sizes, level=level, seed=seed) for j, name in enumerate(JUDGED)
    }
    names, counts, designs, caveats = merged_rows(confusion, partials)
    tally = np.bincount(columns, minlength=len(JUDGED)).astype(np.float64)
    design = _design(columns, sizes, tally)
    counts, tally = _columns(counts, tally)
    seen = (counts.sum(axis=0) + tally) > 0
    mixture = Mixture(counts=counts[:, seen], designs=designs, observed=tally[seen], design=design)
    apart, error = mixture.separation()
    n_units = int(sizes.max()) + 1
    quantile = float(stats.norm.ppf(0.5 + 0.5 * level)) if n_units == n else _t(level, n_units)
    if apart < SEPARATION * error:
        corrected = _not_told_apart(names, mixture, apart=(apart, error), n=n_units)
    else:
        corrected = _solved(names, mixture, quantile=quantile, level=level, n=n_units, caveats=caveats)
    return CorrectedRates(
        observed=observed, corrected=corrected, separation=apart, separation_stderr=error, n=n
    )


def _refuse(judged: Sequence[str], clusters: Sequence[str] | None, partials: str) -> None:
    if not judged:
        raise InsufficientData("there is no judged item to correct")
    if clusters is not None and len(clusters) != len(judged):
        raise InputError(f"{len(judged)} judged items but {len(clusters)} clusters")
    unknown = sorted(set(judged) - set(JUDGED))
    if unknown:
        raise InputError(f"unknown outcome {', '.join(map(repr, unknown))}; known are {', '.join(JUDGED)}")
    if partials not in PARTIALS:
        raise InputError(f"partials is {partials!r}; choose {', '.join(PARTIALS)}")


def _t(level: float, n_units: int) -> float:
    return float(stats.t.ppf(0.5 + 0.5 * level, max(n_units - 1, 1)))


def _cluster_sizes(clusters: Sequence[str] | None, n: int) -> np.ndarray:
    """Return the index of each item's cluster."""
    if clusters is None:
        return np.arange(n)
    return np.asarray(np.unique(np.asarray(clusters, dtype=str), return_inverse=True)[1])


def _observed(part: np.ndarray, groups: np.ndarray, *, level: float, seed: int) -> Estimate:
    n_groups = int(groups.max()) + 1
    if n_groups == part.size or n_groups < MIN_CLUSTERS or part.all() or not part.any():
        found = wilson(int(part.sum()), part.size, level=level)
        if n_groups == part.size:
            return found
        return Estimate(
            value=found.value,
            n=n_groups,
            unit="1",
            method="share",
            caveats=("no interval for these prompts",),
        )
    parts = np.bincount(groups, weights=part.astype(np.float64), minlength=n_groups)
    wholes = np.bincount(groups, minlength=n_groups).astype(np.float64)
    return cluster_proportion(parts, wholes, rng=random_stream(seed, "observed"), level=level)


def _design(columns: np.ndarray, groups: np.ndarray, tally: Float[np.ndarray, " outcome"]) -> float:
    """Design effect of the observed shares: clustered over multinomial variance, summed over outcomes."""
    n, n_groups = columns.size, int(groups.max()) + 1
    if n_groups == n or n_groups < 2:
        return 1.0
    shares = tally / n
    wholes = np.bincount(groups, minlength=n_groups).astype(np.float64)
    spread = 0.0
    for j, share in enumerate(shares):
        parts = np.bincount(groups, weights=(columns == j).astype(np.float64), minlength=n_groups)
        spread += n_groups / (n_groups - 1.0) * float(((parts - share * wholes) ** 2).sum())
    independent = n * float((shares * (1.0 - shares)).sum())
    return spread / independent if independent > 0.0 else float((wholes**2).sum() / n)


def _columns(counts: np.ndarray, tally: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give abstentions the column of partials where three classes are to be told apart.

    With as many columns as classes the weights are exactly identified, and the score interval covers better
    (studies/judge_accuracy.py). Little is lost: both say that the judge decided on neither of the others.
    """
    if len(counts) < len(OUTCOMES):
        return counts, tally
    partial, abstain = JUDGED.index("partial"), JUDGED.index("abstain")
    counts, tally = counts.copy(), tally.copy()
    counts[:, partial] += counts[:, abstain]
    tally[partial] += tally[abstain]
    return counts[:, :abstain], tally[:abstain]


def _not_told_apart(
    names: tuple[str, ...], mixture: Mixture, *, apart: tuple[float, float], n: int
) -> dict[str, Estimate]:
    rows = mixture.components
    pairs = [(i, j) for i in range(len(rows)) for j in range(i)]
    i, j = min(pairs, key=lambda pair: float(np.abs(rows[pair[0]] - rows[pair[1]]).sum()))
    reason = (
        f"the judge does not tell {names[j]} from {names[i]}: its matrix is singular within error "
        f"({apart[0]:.3f} ± {apart[1]:.3f}, needs {SEPARATION:g} standard errors); merge or drop a class, or "
        "label more items"
    )
    return {name: Estimate.unknown(reason, n=n, unit="1", method="corrected share") for name in names}


def _solved(
    names: tuple[str, ...],
    mixture: Mixture,
    *,
    quantile: float,
    level: float,
    n: int,
    caveats: tuple[str, ...],
) -> dict[str, Estimate]:
    free, covariance = mixture.solve()
    inside = np.clip(free, 0.0, 1.0)
    least = float(mixture.distance(inside[None] / inside.sum())[0]) if (free == inside).all() else None
    found = {}
    for k, name in enumerate(names):
        stderr = math.sqrt(max(float(covariance[k, k]), 0.0))
        grid, distance, weights = least_distance(mixture, k, around=(float(inside[k]), stderr))
        best = int(np.argmin(distance))
        outside = least is None
        floor = float(distance[best]) if least is None else min(least, float(distance[best]))
        low, high = within(grid, distance, floor + quantile**2)
        notes = ("the judged shares lie outside what the matrix allows; the nearest possible is given",)
        found[name] = Estimate(
            value=float(weights[best][k]) if outside else float(free[k]),
            stderr=stderr,
            low=low,
            high=high,
            level=level,
            n=n,
            unit="1",
            method="corrected for the confusion matrix, score interval",
            caveats=(*caveats, *(notes if outside else ())),
        )
    return found
