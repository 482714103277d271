"""Entropy production along conversations: the sign of dS/dt, and whether turns run one way."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

from alignthermo.errors import AlignthermoError, InsufficientData
from alignthermo.estimators import MIN_CLUSTERS, with_caveat
from alignthermo.estimators.drift import PathIrreversibility, entropy_change, path_irreversibility
from alignthermo.experiments.drift.cuts import DriftCut
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.experiments.drift.series import drift_series, points_of
from alignthermo.quantities import Record, Verdict

__all__ = ["entropy_findings", "entropy_kind"]

SECOND_LAW = "the paper's second law says that it rises (alignment thermodynamics, 6.2)"


def entropy_findings(maker: DriftMaker) -> tuple[list[Record], list[Verdict]]:
    """Rate and sign of the entropy per answer token, and the irreversibility of turn states.

    The entropy is that of the model's own turns where they were read, else that of its answers to the
    probes. Turn states are the four quarters of the plane of entropy and compliance, split at the medians of
    the arm, or thirds of the entropy where compliance is not known: a change of either along the conversation
    is irreversible too.
    """
    kind = entropy_kind(maker.cut)
    noted = maker.noting(of="own turns" if kind == "answer" else "answers to the probes")
    record = noted.measured(
        "entropy_rate_turns",
        lambda r: entropy_change(drift_series(maker.cut, "entropy", kind=kind), resampling=r).rate,
        unit="nat/token/turn",
        columns=("entropy",),
    )
    rate = record.estimate
    sign = "rises" if rate.low > 0.0 else "falls" if rate.high < 0.0 else "undecided"
    verdict = maker.verdict("entropy", sign, f"dS/dt: {str(rate).splitlines()[0]}; {SECOND_LAW}")
    one_way, judged = _irreversible(maker)
    return [record, one_way], [verdict, judged]


def entropy_kind(cut: DriftCut) -> str:
    """Tell of which rows the entropy is: the model's own turns where they were read, else the probes."""
    spoken = cut.of(kind="answer")
    return "answer" if np.isfinite(spoken.floats("entropy")).any() else "probe"


def _irreversible(maker: DriftMaker) -> tuple[Record, Verdict]:
    name, unit = "path_irreversibility", "nat/turn"
    try:
        found = path_irreversibility(list(_states(maker)), resampling=maker.resampling(name))
    except AlignthermoError as error:
        verdict = maker.verdict("irreversibility", "inconclusive", str(error))
        return maker.unknown(name, str(error), unit=unit), verdict
    estimate = with_caveat(found.rate, f"p = {found.p_value:.3g} from conversations reversed at random")
    outcome, text = _verdict(found)
    verdict = maker.verdict("irreversibility", outcome, text, tests=(str(found.rate).splitlines()[0],))
    return maker.record(name, estimate), verdict


def _verdict(found: PathIrreversibility) -> tuple[str, str]:
    text = f"p = {found.p_value:.3g} over {found.n_transitions} transitions between points"
    if found.rate.n < MIN_CLUSTERS:
        return "inconclusive", f"{text}; {found.rate.n} conversations, {MIN_CLUSTERS} are needed"
    return found.verdict, f"{text}; a change of entropy or compliance along the way is irreversible too"


def _states(maker: DriftMaker) -> Iterator[Int[np.ndarray, " turn"]]:
    """Yield the states of each conversation in time; -1 is unknown."""
    rows = maker.cut.of(kind="probe")
    points = points_of(rows, rows.floats("entropy"))
    compliance = points_of(rows, rows.floats("compliance")).value
    states = _thirds(points.value)
    if np.isfinite(compliance).any():
        both = np.isfinite(compliance) & np.isfinite(points.value)
        quarters = 2 * _halves(points.value) + _halves(compliance)
        states = np.where(both, quarters, -1)
    if not (states >= 0).any():
        raise InsufficientData("path_irreversibility: the entropy of no answer is known")
    for number in np.unique(points.number):
        yield states[points.number == number].astype(np.int64)


def _halves(values: np.ndarray) -> np.ndarray:
    known = values[np.isfinite(values)]
    middle = float(np.median(known)) if known.size else 0.0
    return np.asarray(values > middle).astype(np.int64)


def _thirds(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    if not known.any():
        return np.full(values.size, -1)
    cuts = np.quantile(values[known], [1.0 / 3.0, 2.0 / 3.0])
    return np.where(known, np.searchsorted(cuts, values), -1)
