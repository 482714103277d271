"""Early warning out of rows: detectors on attacks they were not set on, against plain baselines."""

from collections.abc import Iterator

import numpy as np
from scipy import stats

from alignthermo.experiments.own_turns import WarningReport, WarningSettings, judge_warnings
from alignthermo.experiments.own_turns.warning import BASELINES
from alignthermo.experiments.transition_curves import CurveMaker, known_or_reason
from alignthermo.experiments.transition_dialogue_rows import matching, recording_of
from alignthermo.experiments.transition_loops import shown
from alignthermo.quantities import Estimate, Record, Verdict

__all__ = ["warning_records", "warnings_of"]

ROC_POINTS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75)


def warnings_of(maker: CurveMaker) -> tuple[WarningReport | None, str]:
    """Judge the detectors; None and an empty reason where no dialogue escalates, else why it cannot be."""
    rows = matching(maker.cut.rows, protocol="escalation")
    attacks, harmless = (matching(rows, arm=arm) for arm in ("attack", "harmless"))
    if not rows.num_rows:
        return None, ""
    if not attacks.num_rows or not harmless.num_rows:
        return None, "attacks or harmless dialogues are missing"
    return known_or_reason(
        lambda: judge_warnings(
            recording_of(attacks),
            recording_of(harmless),
            settings=WarningSettings(),
            resampling=maker.resampling("warnings"),
        )
    )


def warning_records(maker: CurveMaker) -> Iterator[Record | Verdict]:
    """Yield the numbers of every detector, and what they come to."""
    report, reason = warnings_of(maker)
    if report is None:
        if reason:
            yield maker.unknown("warning_area", reason)
            yield Verdict(
                name="early_warning", outcome="inconclusive", statement=reason, slice=maker.cut.where
            )
        return
    for one in report.detectors:
        kind = "baseline" if one.name in BASELINES else "indicator"
        where = {"detector": one.name, "kind": kind}
        yield maker.record("warning_area", one.area, **where)
        yield maker.record("warning_false_alarms", one.false_alarms, **where)
        yield maker.record("warning_detection", one.detection, **where)
        yield maker.record("warning_lead_time", one.lead_time, **where)
    for name, false, found in report.curves:
        for rate in ROC_POINTS:
            detected = float(found[np.searchsorted(false, rate + 1e-12, side="right") - 1])
            value = Estimate(value=detected, n=report.attacks, unit="1", method="empirical ROC of peaks")
            yield maker.record("warning_roc", value, detector=name, false_alarms=f"{rate:g}")
    for name, difference in report.beyond_best_baseline:
        yield maker.record("warning_beyond_baseline", difference, detector=name)
    yield _verdict(maker, report)


def _verdict(maker: CurveMaker, report: WarningReport) -> Verdict:
    """Any indicator beyond the best baseline, at the level shared between the indicators (Bonferroni)."""
    differences = report.beyond_best_baseline
    z = float(stats.norm.ppf(1.0 - 0.5 * (1.0 - maker.config.level) / max(1, len(differences))))
    better = [name for name, d in differences if d.value - z * d.stderr > 0.0]
    base = max((d for d in report.detectors if d.name in BASELINES), key=lambda d: d.area.value)
    best = max((d for d in report.detectors if d.name not in BASELINES), key=lambda d: d.area.value)
    said = ", ".join(better) if better else f"best is {best.name}, area {shown(best.area)}"
    return Verdict(
        name="early_warning",
        outcome="beyond the baselines" if better else "not beyond the baselines",
        statement=f"{said}; best baseline {base.name}, area {shown(base.area)}",
        tests=(
            f"{report.attacks} attacks that collapsed late, {report.no_collapse} that never did, "
            f"{report.harmless} harmless dialogues held out",
            *(
                f"{d.name}: area {shown(d.area)}; false alarms {shown(d.false_alarms)}, detected "
                f"{shown(d.detection)}, lead {shown(d.lead_time)} turns"
                for d in report.detectors
            ),
        ),
        slice=maker.cut.where,
    )
