"""Rollouts out of rows: bimodality, fluctuations, commitment and escape against α."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from alignthermo.estimators import Resampling, cluster_mean
from alignthermo.experiments.own_turns import RolloutPoint, RolloutRecord, analyse_rollouts
from alignthermo.experiments.possible_range import SHARE, within
from alignthermo.experiments.transition_curves import CurveMaker, known_or_reason
from alignthermo.experiments.transition_dialogue_rows import grid_of, matching, recording_of
from alignthermo.experiments.transition_loops import request_columns, shown
from alignthermo.quantities import Estimate, Record, Verdict

__all__ = ["Rollouts", "escape_lines", "rollout_records", "rollout_verdict", "rollouts_of"]

_NULLS = 400
"""Simulated additive nulls: enough for an error of an error."""


@dataclass(frozen=True, kw_only=True)
class Rollouts:
    """Rollouts at every α that was reached.

    Attributes
    ----------
    points : tuple of RolloutPoint
        α ascending.
    unknown : tuple of (α, reason)
    """

    points: tuple[RolloutPoint, ...]
    unknown: tuple[tuple[float, str], ...]

    @property
    def wavering(self) -> RolloutPoint | None:
        """The point whose mean compliance is nearest to 1/2.

        Chosen by the mean, which says nothing about the number of peaks, so the choice favours no verdict.
        """
        return min(self.points, key=lambda point: abs(point.mean_compliance.mean() - 0.5), default=None)


def rollouts_of(maker: CurveMaker) -> Rollouts | None:
    """Analyse the rollouts of a scene; None where there are none."""
    rows = matching(maker.cut.rows, protocol="rollout")
    if not rows.num_rows:
        return None
    points: list[RolloutPoint] = []
    unknown: list[tuple[float, str]] = []
    for alpha in sorted(set(rows["alpha"].to_pylist())):
        at = matching(rows, alpha=alpha)
        # two wanted ratios may have reached one: the same dialogues, with the same random numbers
        record = _record(matching(at, wanted_alpha=min(at["wanted_alpha"].to_pylist())), maker)
        resampling = _few(maker.resampling(f"rollouts/{alpha:.6g}"))
        found, reason = _analysed(record, resampling)
        if found is None:
            unknown.append((alpha, reason))
        else:
            points.append(found)
    return Rollouts(points=tuple(points), unknown=tuple(unknown))


def rollout_records(maker: CurveMaker, rollouts: Rollouts) -> Iterator[Record]:
    """Yield the numbers at every α."""
    for alpha, reason in rollouts.unknown:
        yield maker.unknown("rollout_p_kept", reason, alpha=f"{alpha:.4g}")
    for point in rollouts.points:
        where = {"alpha": f"{point.alpha:.4g}"}
        for quantity, value in _values(maker, point).items():
            yield maker.record(quantity, value, **where)
        two = point.bimodality
        for turns, coefficient, excess in zip(two.turns, two.coefficient, two.excess, strict=True):
            yield maker.record("bimodality", coefficient, **where, turns=str(turns))
            yield maker.record("bimodality_excess", excess, **where, turns=str(turns))


def rollout_verdict(maker: CurveMaker, rollouts: Rollouts) -> Iterator[Verdict]:
    """Say whether rollouts at the crossing are of two kinds, beyond what an additive memory makes."""
    point = rollouts.wavering
    if point is None:
        return
    two = point.bimodality
    tests = [
        f"{n} own turns: coefficient {shown(c)}; beyond the additive null {shown(e)}"
        for n, c, e in zip(two.turns, two.coefficient, two.excess, strict=True)
    ]
    yield Verdict(
        name="bimodality",
        outcome="stays bimodal beyond the null" if two.stays else "not shown",
        statement=(
            f"at α = {point.alpha:.3g}, where mean compliance is nearest to 1/2 "
            f"({float(point.mean_compliance.mean()):.2f}); Σw of the null {two.feedback:.2f}"
        ),
        tests=(*tests, *escape_lines(point)),
        slice=maker.cut.where,
    )


def escape_lines(point: RolloutPoint) -> tuple[str, ...]:
    """Say how long a branch lasts: a loop can survive a hold for as long as that."""
    names = ("kept", "broken")
    return tuple(
        f"own turns that a {name} majority lasts at α = {point.alpha:.3g}: {shown(tau)}"
        for name, tau in zip(names, point.escape, strict=True)
    )


def _analysed(record: RolloutRecord, resampling: Resampling) -> tuple[RolloutPoint | None, str]:
    return known_or_reason(lambda: analyse_rollouts(record, resampling=resampling))


def _record(rows: pa.Table, maker: CurveMaker) -> RolloutRecord:
    return RolloutRecord(
        recording=recording_of(rows),
        alpha=float(grid_of(rows, "alpha")[0, 0]),
        inputs=request_columns(rows),
        turns=maker.config.rollout_turns,
        window=maker.config.own_window,
    )


def _values(maker: CurveMaker, point: RolloutPoint) -> dict[str, Estimate]:
    n = point.mean_compliance.size
    resampling = maker.resampling(f"rollout_p_kept/{point.alpha:.6g}")
    mean = cluster_mean(point.mean_compliance, rng=resampling.rng, level=resampling.level, unit="1")
    h, settled = point.fluctuations, point.commitment

    def plain(value: float, unit: str, method: str) -> Estimate:
        return Estimate(value=value, n=n, unit=unit, method=method)

    null = "mean over simulated additive nulls"
    return {
        "rollout_p_kept": within(mean, SHARE),
        "rollout_feedback": plain(point.bimodality.feedback, "nat", "Σw of the additive null"),
        "rollout_left_out": plain(float(point.left_out), "1", "rollouts with an undetermined reply"),
        "rollout_candidate_mass": plain(
            float(np.nanmean(point.recording.candidate_mass)), "1", "mean over own turns"
        ),
        "outcome_variance": point.outcome.ratio,
        "outcome_variance_null": plain(point.outcome.null, "1", null),
        "outcome_variance_excess": point.outcome.excess,
        "field_variance": h.variance,
        "field_variance_null": plain(h.null_variance, "nat²", null),
        "field_variance_excess": h.excess_variance,
        "field_lag_one": h.lag_one,
        "field_lag_one_null": _known(h.null_lag_one, n, null),
        "field_lag_one_excess": h.excess_lag_one,
        "flips": settled.flips,
        "commitment_turns": settled.turns,
        "uncommitted": plain(settled.uncommitted, "1", "share of rollouts that had not settled"),
        "escape_kept": point.escape[0],
        "escape_broken": point.escape[1],
    }


def _known(value: float, n: int, method: str) -> Estimate:
    if np.isnan(value):
        return Estimate.unknown("h of the null does not fluctuate", n=n, unit="1", method=method)
    return Estimate(value=value, n=n, unit="1", method=method)


def _few(resampling: Resampling) -> Resampling:
    return replace(resampling, n_resamples=min(resampling.n_resamples, _NULLS))
