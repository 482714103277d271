"""Rate and law of drift: how fast it goes, which shape it has, whether the rate grows."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from alignthermo.errors import AlignthermoError
from alignthermo.estimators.drift import (
    ChangePoint,
    DriftComparison,
    DriftSeries,
    Growth,
    change_point,
    compare_drift_laws,
    drift_growth,
    drift_rate,
    law_rates,
    median_rate,
)
from alignthermo.estimators.drift.series import TimeAxis
from alignthermo.estimators.drift.step import STEP_NAME
from alignthermo.experiments.drift.law_records import gap_records, law_course, step_course
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.experiments.drift.series import Points, drift_series
from alignthermo.experiments.drift.stretches import Stretches
from alignthermo.quantities import Estimate, Record, Verdict

__all__ = ["law_findings", "rate_records"]

AXES: tuple[TimeAxis, ...] = ("turns", "tokens")
PREDICTION = "predicted is a rate that grows with length (alignment thermodynamics, 6.2)"
BEYOND, PLAINLY = "drift beyond neutral history", "drift"


def after_beginning(points: Points) -> np.ndarray:
    """Leave out point 0: without history the drift is 0 by definition, which is no measurement of a rate."""
    return np.asarray(points.point > 0)


def rate_records(maker: DriftMaker) -> Iterator[Record]:
    """Yield rates of drift and, beside them, medians; the rates of influence, relaxation and compliance."""
    for axis in AXES:
        yield from _drift_rates(maker, axis)
    if "neutral" in maker.config.controls:
        yield _rate(maker, "excess_rate_tokens", "excess", "control", after=True)
    yield _rate(maker, "influence_rate_tokens", "influence", "influence")
    if maker.config.base is not None:
        yield _rate(maker, "relaxation_rate_tokens", "relaxation", "relaxation")


def _drift_rates(maker: DriftMaker, axis: TimeAxis) -> Iterator[Record]:
    unit = f"nat/{axis.removesuffix('s')}"
    yield maker.measured(
        f"drift_rate_{axis}",
        lambda r: drift_rate(_drift(maker, "drift"), resampling=r, axis=axis),
        unit=unit,
        columns=("drift",),
    )
    yield maker.measured(
        f"median_drift_rate_{axis}",
        lambda r: median_rate(_drift(maker, "drift"), axis=axis, level=r.level),
        unit=unit,
        columns=("drift",),
    )


def _rate(maker: DriftMaker, quantity: str, column: str, reasons: str, *, after: bool = False) -> Record:
    keep = after_beginning if after else None
    return maker.measured(
        quantity,
        lambda r: drift_rate(drift_series(maker.cut, column, keep=keep), resampling=r, axis="tokens"),
        unit="nat/token",
        columns=(reasons,),
    )


def _drift(maker: DriftMaker, column: str) -> DriftSeries:
    return drift_series(maker.cut, column, keep=after_beginning)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The laws of one series, or why they cannot be compared."""

    series: DriftSeries | None
    laws: DriftComparison | None
    growth: Growth | None
    reason: str
    of: str


def law_findings(
    maker: DriftMaker, *, beside: str, stretches: Stretches
) -> tuple[list[Record], list[Verdict]]:
    """Name the law of drift on the axis of tokens, its rates, and say whether the rate grows.

    Judged is the drift beyond neutral history of equal length where that control was measured: what length
    alone does is no law of the instruction.

    Parameters
    ----------
    maker : DriftMaker
    beside : str
        What became of compliance, said with every verdict.
    stretches : Stretches
        Where the course of the named law is recorded.
    """
    found = _compared(maker)
    noted = maker.noting(of=found.of, axis="tokens")
    records = [
        *_law_records(noted, found, stretches),
        *_step_records(noted, found, stretches),
        *_growth_records(noted, found),
    ]
    verdicts = (_law_verdict(maker, found), _growth_verdict(maker, found))
    return records, [replace(one, statement=f"{one.statement}; {beside}") for one in verdicts]


def _compared(maker: DriftMaker) -> Compared:
    beyond = "neutral" in maker.config.controls and np.isfinite(maker.cut.floats("excess")).any()
    of = BEYOND if beyond else PLAINLY
    try:
        series = _drift(maker, "excess" if beyond else "drift")
        laws = compare_drift_laws(series, axis="tokens")
    except AlignthermoError as error:
        reason = str(error) if np.isfinite(maker.cut.floats("drift")).any() else maker.cut.reason("drift")
        return Compared(series=None, laws=None, growth=None, reason=reason or str(error), of=of)
    try:
        growth = drift_growth(series, resampling=maker.resampling("growth"), axis="tokens")
    except AlignthermoError as error:
        return Compared(series=series, laws=laws, growth=None, reason=str(error), of=of)
    return Compared(series=series, laws=laws, growth=growth, reason="", of=of)


def _law_records(maker: DriftMaker, found: Compared, stretches: Stretches) -> Iterator[Record]:
    """Gaps of all laws, rates of those that remain simplest, the course of the named one."""
    if found.laws is None or found.series is None:
        yield maker.unknown("law_gap", found.reason, unit="nat/conversation")
        yield maker.unknown("law_drift_over_range", found.reason, unit="nat")
        return
    yield from gap_records(maker, found.laws)
    yield from law_course(maker, found.laws, stretches)
    panel = found.series.panel("tokens")
    for fit in found.laws.fits:
        if fit.law.name in found.laws.rivals:
            for name, estimate in law_rates(fit, panel, level=maker.config.level).items():
                yield maker.record(f"law_{name}", _reasoned(estimate), law=fit.law.name)


def _step_records(maker: DriftMaker, found: Compared, stretches: Stretches) -> Iterator[Record]:
    laws, series = found.laws, found.series
    units = {"change_point": "token", "change_spread": "token", "jump": "nat"}
    if laws is None or series is None or laws.step is None or "step" not in laws.rivals:
        reason = found.reason if laws is None else f"the law is {laws}, not a step"
        for quantity, unit in units.items():
            yield maker.unknown(quantity, reason, unit=unit)
        return
    snap = change_point(laws.step, series.panel("tokens"), level=maker.config.level)
    if laws.named == STEP_NAME:
        yield from step_course(maker, laws.step, snap, stretches)
    for quantity, estimate in _of_step(snap).items():
        yield maker.record(quantity, _reasoned(estimate))


def _of_step(snap: ChangePoint) -> dict[str, Estimate]:
    spread = Estimate(
        value=snap.spread,
        n=snap.time.n,
        unit=snap.time.unit,
        method="standard deviation of change times between conversations",
        reason="no interval",
    )
    return {"change_point": snap.time, "jump": snap.jump, "change_spread": spread}


def _growth_records(maker: DriftMaker, found: Compared) -> Iterator[Record]:
    names = ("rate_early", "rate_late", "rate_change", "curvature")
    if found.growth is None:
        for name in names:
            yield maker.unknown(name, found.reason, unit="nat/token")
        return
    growth = found.growth
    estimates = (growth.early, growth.late, growth.change, growth.curvature)
    for name, estimate in zip(names, estimates, strict=True):
        yield maker.record(name, _reasoned(estimate))


def _reasoned(estimate: Estimate) -> Estimate:
    """Give a missing interval a reason."""
    if not math.isnan(estimate.low) or estimate.reason is not None:
        return estimate
    return replace(estimate, reason="no interval")


def _law_verdict(maker: DriftMaker, found: Compared) -> Verdict:
    if found.laws is None:
        return maker.verdict("law", "inconclusive", f"of {found.of}: {found.reason}")
    tests = tuple(
        f"{s.name}: {s.gap:.3g} ± {s.gap_stderr:.2g} nat per conversation behind the best"
        for s in found.laws.scores
    )
    return maker.verdict("law", found.laws.named, f"of {found.of}, over tokens: {found.laws}", tests=tests)


def _growth_verdict(maker: DriftMaker, found: Compared) -> Verdict:
    if found.growth is None or found.series is None:
        return maker.verdict("growth", "undecided", f"of {found.of}: {found.reason}; {PREDICTION}")
    growth = found.growth
    reach = found.series.panel("tokens").span
    text = f"{growth.verdict}, of {found.of} up to {reach:g} tokens, nothing is said beyond; {PREDICTION}"
    if growth.verdict == "undecided" and math.isnan(growth.rate.low):
        text += f"; {growth.rate.reason}"
    return maker.verdict("growth", growth.verdict, text, tests=growth.tests)
