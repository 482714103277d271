"""Curves of the judged rate: what share of the sampled replies kept the instruction, at each α."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alignthermo.estimators import clustered_share, with_caveat
from alignthermo.estimators.laws import Middle, Sweep, sharpness, threshold
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_corrected import corrected_share
from alignthermo.experiments.transition_corrected_threshold import (
    CorrectedSweep,
    agreed_beyond,
    corrected_sweep,
)
from alignthermo.experiments.transition_curves import CurveMaker, bounded, known_or_reason
from alignthermo.experiments.transition_judged_counts import counted, decided_rows, uncountable
from alignthermo.experiments.transition_sweeps import Cut, clusters_of, cuts
from alignthermo.judges import Calibration, calibrate_by, load_judge, parse_judge
from alignthermo.quantities import Estimate, Record, Verdict

__all__ = ["JUDGED_QUANTITIES", "JUDGE_CHECK", "summarise_judged"]

JUDGED_QUANTITIES = frozenset(
    {
        "judged_rate",
        "judged_rate_decided",
        "judged_rate_corrected",
        "judged_undetermined",
        "judged_unfinished",
        "alpha_c_judged",
        "alpha_c_judged_corrected",
        "alpha_c_decided",
        "slope_judged",
        "slope_greedy",
        "judge_balanced_accuracy",
        "judge_abstention",
    }
)
"""Everything that depends on who judged; a run that is judged again loses these and gets them anew."""

JUDGE_CHECK = "judge:"
"""How the names of verdicts about the judge begin."""


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """The judge of a run and what is known of its errors."""

    config: TransitionConfig
    name: str
    calibration: Calibration | None

    @property
    def decoding(self) -> str:
        temperature = self.config.temperature
        return "greedy" if temperature == 0.0 else f"sampled at T = {temperature:g}"

    def uncorrected(self, record: Record) -> Record:
        """Say of what rests on judgements as they are that a judge of requests errs, and is not corrected.

        The other judges compare with what the prompt itself says.
        """
        if parse_judge(self.config.judge).kind in ("reference", "checked"):
            return record
        where = "no labels were given" if self.calibration is None else "see alpha_c_judged_corrected"
        note = f"not corrected for what the judge gets wrong: {where}"
        return replace(record, estimate=with_caveat(record.estimate, note))

    def signed(self, record: Record) -> Record:
        """Say in a record who judged, and how the replies were made."""
        return replace(record, policies={**record.policies, "judge": self.name, "decoding": self.decoding})


def summarise_judged(
    rows: pa.Table, config: TransitionConfig
) -> tuple[tuple[Record, ...], tuple[Verdict, ...]]:
    r"""Aggregate the judged replies of a transition, apart from everything that needs no judge.

    .. math:: \hat r(\alpha) = \frac{\sum_g k_g}{\sum_g n_g}, \qquad
              \hat u(\alpha) = \frac{\sum_g u_g}{\sum_g n_g}, \qquad
              P(\text{kept}) \in [\hat r,\ \hat r + \hat u]

    Of n replies of a prompt k kept the instruction and u are undetermined. ``judged_rate`` is r: what is
    undetermined is in the denominator and is never counted as kept. ``judged_rate_decided`` leaves it out.
    α_c of both goes through the estimator of every other α_c, on counts; where all replies agree at every α
    the end of the grid bounds it. With labels α_c is also given corrected for the judge (`corrected_sweep`);
    without, its caveats say so. Slopes of greedy replies have a name of their own: they are steeper by
    construction and are not compared.

    Parameters
    ----------
    rows : pyarrow.Table
        Of `TRANSITION_SCHEMA`.
    config : TransitionConfig
        With a file of labels the judge is calibrated: rates are corrected, its errors tested along α.

    Returns
    -------
    records, verdicts
        Quantities are in `JUDGED_QUANTITIES`, names of verdicts begin with `JUDGE_CHECK`. Nothing where
        nothing was sampled.

    Raises
    ------
    AlignthermoError
        The labels cannot be read, or the judge not be loaded to be held against them.

    References
    ----------
    Intervals: `clustered_share`. Formula F-187 in docs/formulas.md.
    """
    sampled = rows.filter(pc.is_valid(rows["n_kept"]))
    if config.samples == 0 or sampled.num_rows == 0:
        return (), ()
    sampled = sampled.sort_by([(name, "ascending") for name in ("family", "prompt_id", "context_id")])
    calibration = _calibration(config)
    judged = _Judged(config=config, name=sampled["judge"][0].as_py(), calibration=calibration)
    records: list[Record] = []
    for cut in cuts(sampled):
        for order in config.orders:
            for size in config.lengths:
                at = {"order": order, config.size_name: f"{size:g}"}
                here = cut.of(order=order, size=size).at(**at)
                if here.rows.num_rows:
                    records += _curve(judged, CurveMaker(config=config, cut=here))
    checks = () if calibration is None else _checks(calibration)
    quality = () if calibration is None else _quality(calibration, sampled, config)
    return tuple(judged.signed(record) for record in (*records, *quality)), checks


def _calibration(config: TransitionConfig) -> Calibration | None:
    if config.judge_labels is None:
        return None
    judge = load_judge(config.judge, device=config.device)
    return calibrate_by(Path(config.judge_labels), judge=judge, level=config.level, seed=config.seed)


def _quality(calibration: Calibration, rows: pa.Table, config: TransitionConfig) -> Iterator[Record]:
    everything = CurveMaker(config=config, cut=Cut(where={"category": "all"}, rows=rows))
    yield everything.record("judge_balanced_accuracy", calibration.confusion.balanced_accuracy)
    yield everything.record("judge_abstention", calibration.confusion.abstention)


def _checks(calibration: Calibration) -> tuple[Verdict, ...]:
    """Return the verdicts on the constancy of errors along α, or that it could not be tested."""
    if calibration.constancy:
        return tuple(
            replace(one.verdict, name=f"{JUDGE_CHECK}constant_errors") for one in calibration.constancy
        )
    untested = Verdict(
        name=f"{JUDGE_CHECK}constant_errors",
        outcome="inconclusive",
        statement=f"{calibration.source} has no column alpha in every row: whether the errors stay the same "
        "along α is not known",
    )
    return (untested,)


def _curve(judged: _Judged, maker: CurveMaker) -> Iterator[Record]:
    for control in maker.config.controls:
        rows = maker.cut.of(control=control)
        for alpha in sorted(set(rows.rows["wanted_alpha"].to_pylist())):
            more = {"wanted_alpha": f"{alpha:.6g}", "control": control}
            yield from _point(judged, maker, rows.of(wanted_alpha=alpha), more)
    yield from _thresholds(judged, maker)


def _point(judged: _Judged, maker: CurveMaker, here: Cut, more: Mapping[str, str]) -> Iterator[Record]:
    kept, broken, open_, unfinished, n = (
        _per_prompt(here, name)
        for name in ("n_kept", "n_broken", "n_undetermined", "n_unfinished", "n_samples")
    )
    for quantity, part, whole in (
        ("judged_rate", kept, n),
        ("judged_undetermined", open_, n),
        ("judged_rate_decided", kept, kept + broken),
        ("judged_unfinished", unfinished, n),
    ):
        resampling = maker.resampling("/".join([quantity, *more.values()]))
        yield maker.record(quantity, clustered_share(part, whole, resampling=resampling), **more)
    if judged.calibration is not None:
        found = corrected_share(
            here.rows, judged.calibration, level=maker.config.level, seed=maker.config.seed
        )
        yield maker.record("judged_rate_corrected", found, **more)


def _per_prompt(cut: Cut, name: str) -> np.ndarray:
    values = cut.rows[name].to_numpy(zero_copy_only=False).astype(np.float64)
    return np.bincount(clusters_of(cut.rows), weights=values)


def _thresholds(judged: _Judged, maker: CurveMaker) -> Iterator[Record]:
    rows = decided_rows(maker.cut, ("n_samples",))
    sweep = counted(rows, ("n_samples",))
    decided = ("n_kept", "n_broken")
    estimate = _with_open(_alpha_c(maker, sweep, "alpha_c_judged"), rows)
    yield judged.uncorrected(maker.record("alpha_c_judged", estimate))
    slope = "slope_greedy" if judged.decoding == "greedy" else "slope_judged"
    yield judged.uncorrected(_slope(maker, sweep, slope))
    if judged.calibration is not None:
        yield _corrected(maker, sweep, rows["kept_by"].to_pylist(), judged.calibration)
    sweep = counted(decided_rows(maker.cut, decided), decided)
    yield judged.uncorrected(maker.record("alpha_c_decided", _alpha_c(maker, sweep, "alpha_c_decided")))


def _with_open(estimate: Estimate, rows: pa.Table) -> Estimate:
    """Say that undetermined replies count as not kept; where nothing was kept they bound nothing either."""
    undetermined, n = (float(pc.sum(rows[name]).as_py() or 0) for name in ("n_undetermined", "n_samples"))
    if undetermined == 0.0:
        return estimate
    if np.isnan(estimate.value):
        estimate = replace(estimate, high=float("nan"))
    return with_caveat(
        estimate, f"{undetermined / n:.0%} of the replies are undetermined, not counted as kept"
    )


def _corrected(
    maker: CurveMaker, sweep: Sweep | None, kept_by: Sequence[str | None], calibration: Calibration
) -> Record:
    """α_c where the judged share crosses what half of the replies kept looks like through the judge."""
    quantity = "alpha_c_judged_corrected"
    if sweep is None:
        return maker.unknown(quantity, f"not bracketed: {uncountable(sweep, maker.cut)}")
    found, reason = known_or_reason(
        lambda: corrected_sweep(sweep, [name or "" for name in kept_by], calibration)
    )
    if found is None:
        return maker.unknown(quantity, reason)
    estimate = _alpha_c(maker, found.sweep, quantity, corrected=found)
    for caveat in found.caveats:
        estimate = with_caveat(estimate, caveat)
    return maker.record(quantity, estimate)


def _slope(maker: CurveMaker, sweep: Sweep | None, quantity: str) -> Record:
    reason = uncountable(sweep, maker.cut)
    if sweep is None or reason:
        return maker.unknown(quantity, reason)
    found, reason = known_or_reason(lambda: sharpness(sweep, resampling=maker.resampling(quantity)))
    return maker.unknown(quantity, reason) if found is None else maker.record(quantity, found.within)


def _alpha_c(
    maker: CurveMaker, sweep: Sweep | None, quantity: str, *, corrected: CorrectedSweep | None = None
) -> Estimate:
    reason = uncountable(sweep, maker.cut)
    middle = None if corrected is None else corrected.middle
    if sweep is not None and not reason:
        found, reason = known_or_reason(
            lambda: threshold(sweep, resampling=maker.resampling(quantity), middle=middle)
        )
        if found is not None:
            return bounded(found, sweep)
    blank = Estimate.unknown(
        f"not bracketed: {reason}", n=maker.cut.n_prompts, unit="1", method="not measured"
    )
    if sweep is None:
        return blank
    as_judged = CorrectedSweep(sweep=sweep, middle=Middle(value=0.5), caveats=(), one_map=True)
    return _unanimous(blank, corrected or as_judged, level=maker.config.level)


def _unanimous(blank: Estimate, corrected: CorrectedSweep, *, level: float) -> Estimate:
    """Bound α_c by an end of the grid where every reply agrees, and prompts are enough to say so.

    With each prompt one draw, all of G kept puts P(kept) above (a/2)^(1/G), which must exceed the middle.
    """
    agreed, alpha = agreed_beyond(corrected, level=level), corrected.sweep.alpha
    if agreed == "kept":
        return replace(blank, low=float(alpha.max()))
    return replace(blank, high=float(alpha.min())) if agreed else blank
