"""What goes with drift over instructions: their free energy, their kind."""

import math
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy import stats

from alignthermo.errors import AlignthermoError, InsufficientData
from alignthermo.estimators import MIN_CLUSTERS, Resampling, with_caveat
from alignthermo.estimators.drift import RankCorrelation, rank_correlation
from alignthermo.experiments.drift.instruction_rates import (
    at_beginning,
    instruction_rates,
    instruction_records,
)
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.quantities import Estimate, Record, Verdict

__all__ = ["correlate_findings", "rank_share"]

CLAIM = "predicted is faster drift of instructions with more free energy (alignment thermodynamics, 6.2)"
METHOD = "rank variance between kinds, permutations"


def correlate_findings(plain: DriftMaker) -> tuple[list[Record], list[Verdict]]:
    """Drift rate of instructions against F_align (relaxation at the beginning), and between categories.

    Each instruction has one rate, pooled over its conversations, per token after the beginning.

    Parameters
    ----------
    plain : DriftMaker
        Of the plain arm, all categories.
    """
    records = [_kinds(plain)] if len(plain.cut.rows["category"].unique()) > 1 else []
    if plain.config.base is None:
        return records, []
    adjustments = ("none", "category") if records else ("none",)
    found = {adjusted: _free_energy(plain, adjusted) for adjusted in adjustments}
    for adjusted, one in found.items():
        records.append(_correlation_record(plain, one, adjusted))
    return [*records, *instruction_records(plain)], [_claim(plain, found["none"])]


def _free_energy(plain: DriftMaker, adjusted: str) -> RankCorrelation | str:
    try:
        names, rate = instruction_rates(plain)
        where = at_beginning(plain)
        both = [i for i, name in enumerate(names) if name in where]
        kind = np.array([_category(plain)[names[i]] for i in both]) if adjusted == "category" else None
        return rank_correlation(
            np.array([where[names[i]] for i in both], dtype=np.float64),
            rate[both],
            resampling=plain.resampling("drift_vs_free_energy", adjusted=adjusted),
            kind=kind,
        )
    except AlignthermoError as error:
        return str(error)


def _correlation_record(plain: DriftMaker, found: RankCorrelation | str, adjusted: str) -> Record:
    name = "drift_vs_free_energy"
    if isinstance(found, str):
        return plain.unknown(name, found, adjusted=adjusted)
    rho = found.rho
    if not math.isnan(found.p_value):
        rho = with_caveat(rho, f"p = {found.p_value:.3g} from permutations; n counts instructions")
    return plain.record(name, rho, adjusted=adjusted)


def _claim(plain: DriftMaker, found: RankCorrelation | str) -> Verdict:
    name = "drift_vs_free_energy"
    if isinstance(found, str):
        return plain.verdict(name, "inconclusive", f"{found}; {CLAIM}")
    rho = found.rho
    outcome = "inconclusive" if math.isnan(rho.low) else "no relation found"
    if rho.low > 0.0:
        outcome = "as the paper says"
    elif rho.high < 0.0:
        outcome = "opposite"
    return plain.verdict(name, outcome, f"rank correlation {str(rho).splitlines()[0]}; {CLAIM}")


def _category(plain: DriftMaker) -> dict[str, str]:
    pairs = zip(plain.cut.texts("instruction").tolist(), plain.cut.texts("category").tolist(), strict=True)
    return dict(pairs)


def _kinds(plain: DriftMaker) -> Record:
    def measure(resampling: Resampling) -> Estimate:
        names, rate = instruction_rates(plain)
        kind = np.array([_category(plain)[name] for name in names])
        return rank_share(rate, kind, resampling=resampling)

    return plain.measured("drift_vs_kind", measure, unit="1", columns=("drift",))


def rank_share(
    values: Float[np.ndarray, " instruction"], kind: np.ndarray, *, resampling: Resampling
) -> Estimate:
    r"""Share of the rank variance that lies between kinds, corrected for chance.

    .. math:: \varepsilon^2 = \frac{H - k + 1}{n - k}, \qquad
              H = (n - 1) \frac{\sum_j n_j (\bar R_j - \bar R)^2}{\sum_i (R_i - \bar R)^2}

    with the ranks R of n values in k kinds, and the p-value of H from permutations. 0 on average where kinds
    do not matter, and then as often below 0 as above.

    Parameters
    ----------
    values : array, shape (instruction,)
    kind : array, shape (instruction,)
    resampling : Resampling
        `n_resamples` permutations.

    Returns
    -------
    Estimate
        Without interval; the p-value is a caveat.

    Raises
    ------
    InsufficientData
        Fewer than 8 values, fewer than two kinds, or every kind with one value.

    References
    ----------
    Kruskal & Wallis, J. Am. Stat. Assoc. 47, 583 (1952); Tomczak & Tomczak, Trends Sport Sci. 1, 19 (2014).
    Formula F-250 in docs/formulas.md.

    Examples
    --------
    >>> found = rank_share(np.arange(12.0), np.repeat([0, 1], 6),
    ...                    resampling=Resampling(rng=np.random.default_rng(0), n_resamples=200))
    >>> round(found.value, 3)
    0.731
    """
    _, group = np.unique(kind, return_inverse=True)
    n, k = values.size, int(group.max(initial=-1)) + 1
    if n < MIN_CLUSTERS or k < 2 or n <= k:
        raise InsufficientData(
            f"{n} instructions of {k} kinds; {MIN_CLUSTERS} of at least 2 kinds are needed, some kind with 2"
        )
    ranks = stats.rankdata(values)
    spread = float(((ranks - ranks.mean()) ** 2).sum())
    if spread == 0.0:
        return Estimate.unknown("drift rates that do not vary", n=n, unit="1", method=METHOD)
    statistic = (n - 1) * _between(ranks[None], group)[0] / spread
    drawn = resampling.rng.permuted(np.tile(ranks, (resampling.n_resamples, 1)), axis=1)
    found = int(np.count_nonzero((n - 1) * _between(drawn, group) / spread >= statistic * (1.0 - 1e-12)))
    p_value = (1.0 + found) / (1.0 + resampling.n_resamples)
    blank = Estimate.unknown("permutations give a p-value, no interval", n=n, unit="1", method=METHOD)
    caveats = (f"p = {p_value:.3g} from permutations; n counts instructions, of {k} kinds",)
    return replace(blank, value=float((statistic - k + 1) / (n - k)), caveats=caveats)


def _between(ranks: Float[np.ndarray, "draw n"], group: np.ndarray) -> Float[np.ndarray, " draw"]:
    """Sum of squares between kinds."""
    member = (group[:, None] == np.arange(group.max() + 1)).astype(np.float64)
    size = member.sum(axis=0)
    mean = ranks @ member / size
    return np.asarray((size * (mean - ranks.mean(axis=1, keepdims=True)) ** 2).sum(axis=1))
