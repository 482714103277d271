"""Made-up dialogues: a loop that holds, rollouts of two kinds, detectors good and bad."""

import math

from alignthermo.quantities import Estimate, Verdict

HOLDS = (1, 4, 16)
DETECTORS = {
    "variance": ("indicator", 0.81),
    "lag-1 autocorrelation": ("indicator", 0.74),
    "negative skewness": ("indicator", 0.52),
    "perplexity": ("baseline", 0.66),
    "context length": ("baseline", 0.50),
    "entropy CUSUM": ("baseline", 0.70),
    "low h": ("baseline", 0.86),
}


def dialogue_records(record, number, where):
    """Return records and verdicts; `record` and `number` make them."""
    records = [
        *loops(record, number, where),
        *rollouts(record, number, where),
        *warnings(record, number, where),
    ]
    tests = ("hold 1: self − neutral 0.21 [0.15, 0.27]",)
    verdicts = [
        Verdict(
            name="hysteresis",
            outcome="hysteresis",
            statement="edit_keep_own: survives holding",
            tests=tests,
            slice={**where, "protocol": "edit_keep_own"},
        ),
        Verdict(
            name="bimodality", outcome="stays bimodal beyond the null", statement="at α = 0.5", slice=where
        ),
        Verdict(
            name="early_warning",
            outcome="not beyond the baselines",
            statement="best is variance",
            slice=where,
        ),
        Verdict(name="null:edit_without_own", outcome="pass", statement="|Δh| at most 0 nat", slice=where),
    ]
    return records, verdicts


def plain(value, unit="α"):
    return Estimate(value=value, n=40, unit=unit, method="mean over nulls")


def loops(record, number, where):
    records = []
    for protocol in ("edit_keep_own", "append_only"):
        for hold in HOLDS:
            at = {**where, "protocol": protocol, "hold": str(hold)}
            records.append(record("loop_self_minus_neutral", number(0.2, unit="α"), at))
            for arm, area in (("own", 0.3), ("neutral", 0.08)):
                here = {**at, "arm": arm}
                for quantity in ("loop_area", "loop_area_expected", "loop_area_field"):
                    records.append(record(quantity, number(area, unit="α"), here))
                records.append(record("loop_null", plain(0.1), here))
                records.append(record("loop_excess", number(area - 0.1, unit="α"), here))
                records += ways(record, number, here, area)
    return records


def ways(record, number, here, area):
    records = []
    for way, shift in (("up", area / 2), ("down", -area / 2)):
        for step in range(9):
            alpha = step / 8
            p = 1.0 / (1.0 + math.exp(9.0 * (alpha - 0.5 - shift)))
            place = {"way": way, "alpha": f"{alpha:.4g}", "context_alpha": f"{0.25 + alpha / 2:.4g}"}
            records.append(record("ramp_p_kept", number(p), {**here, **place}))
    return records


def rollouts(record, number, where):
    records = []
    for alpha in (0.4, 0.45, 0.5, 0.55, 0.6):
        at = {**where, "alpha": f"{alpha:g}"}
        peak = math.exp(-(((alpha - 0.5) / 0.06) ** 2))
        records.append(record("rollout_p_kept", number(1.0 - alpha), at))
        for quantity, value in (
            ("outcome_variance", 2 + 6 * peak),
            ("field_variance", 1 + peak),
            ("flips", 3.0),
        ):
            records.append(record(quantity, number(value, half=0.3), at))
        records.append(record("outcome_variance_null", plain(2 + 2 * peak, "1"), at))
        records.append(record("outcome_variance_excess", number(4 * peak, half=0.5), at))
        for turns in ("16", "32"):
            excess = number(0.2 * peak)
            records.append(record("bimodality_excess", excess, {**at, "turns": turns}))
    return records


def warnings(record, number, where):
    records = []
    for detector, (kind, area) in DETECTORS.items():
        at = {**where, "detector": detector}
        for quantity, value in (("warning_area", area), ("warning_detection", area - 0.2)):
            records.append(record(quantity, number(value, half=0.06), {**at, "kind": kind}))
        records.append(record("warning_false_alarms", number(0.1), {**at, "kind": kind}))
        records.append(record("warning_lead_time", number(5.0, half=2.0, unit="turn"), {**at, "kind": kind}))
        if kind == "indicator":
            records.append(record("warning_beyond_baseline", number(area - 0.86), at))
        for rate in (0.05, 0.1, 0.2, 0.5):
            found = plain(rate ** (1.0 / area - 1.0), "1")
            records.append(record("warning_roc", found, {**at, "false_alarms": f"{rate:g}"}))
    return records
