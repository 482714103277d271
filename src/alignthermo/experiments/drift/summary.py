"""From the rows of a drift run to its records and verdicts."""

from collections.abc import Iterator, Mapping

import pyarrow as pa

from alignthermo.experiments.drift.attention import attention_records
from alignthermo.experiments.drift.checks import apparatus_checks, control_checks
from alignthermo.experiments.drift.compliance import beside, instruction_verdicts
from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.correlates import correlate_findings
from alignthermo.experiments.drift.counts import count_records
from alignthermo.experiments.drift.courses import composition_records, course_records
from alignthermo.experiments.drift.cuts import ALL, PLAIN, DriftCut, drift_cuts, whole_run
from alignthermo.experiments.drift.destinations import destination_records
from alignthermo.experiments.drift.effects import control_records, effect_findings, gain_records
from alignthermo.experiments.drift.entropy import entropy_findings
from alignthermo.experiments.drift.laws import law_findings, rate_records
from alignthermo.experiments.drift.levels import level_records
from alignthermo.experiments.drift.maker import DriftMaker, estimates_by_name
from alignthermo.experiments.drift.schedule import schedule_findings
from alignthermo.experiments.drift.schema import DRIFT_SCHEMA, PROBE
from alignthermo.experiments.drift.stretches import Stretches, stretches_of
from alignthermo.quantities import Estimate, Record, Verdict

__all__ = ["summarise_drift"]

Findings = tuple[list[Record], list[Verdict]]


def summarise_drift(
    stored: Mapping[str, pa.Table], config: DriftConfig
) -> tuple[tuple[Record, ...], tuple[Verdict, ...]]:
    """Aggregate the rows of a drift run.

    Every arm has its own slice, over all categories and for each with at least 8 conversations. Intervals are
    over conversations; probes of a point are averaged first. The same rows, seed and settings give the same
    numbers.

    Parameters
    ----------
    stored : mapping of str to pyarrow.Table
        Rows of each stage by its name; those of the stage ``probe`` are of `DRIFT_SCHEMA`.
    config : DriftConfig

    Returns
    -------
    records, verdicts
        Verdicts: law, growth, compliance, forgetting, relaxation, length or content of each arm, what
        reminders and windows do, the schedule, and the null checks.
    """
    run = whole_run(stored.get(PROBE, DRIFT_SCHEMA.empty_table()))
    records: list[Record] = []
    verdicts: list[Verdict] = list(apparatus_checks(run, config))
    stretches = stretches_of(run)
    for cut in drift_cuts(run):
        more, found = _of_arm(DriftMaker(config=config, cut=cut), run, stretches)
        records += more
        verdicts += found
    planned, judged = schedule_findings(DriftMaker(config=config, cut=run))
    checks = control_checks(records)
    return (*records, *planned), (*verdicts, *judged, *checks)


def _of_arm(maker: DriftMaker, run: DriftCut, stretches: Stretches) -> Findings:
    """Everything about one arm and category."""
    records = [*count_records(maker), *level_records(maker), *rate_records(maker)]
    records += [*destination_records(maker), *attention_records(maker)]
    records += course_records(maker, stretches)
    if maker.cut.where["category"] == ALL:
        records += composition_records(maker, stretches)
    verdicts: list[Verdict] = []
    for findings in _judged(maker, run, stretches, estimates_by_name(records)):
        records += findings[0]
        verdicts += findings[1]
    return records, verdicts


def _judged(
    maker: DriftMaker, run: DriftCut, stretches: Stretches, found: Mapping[str, Estimate]
) -> Iterator[Findings]:
    """Yield what is concluded; of a control nothing is, but how it differs from plain."""
    yield _against_plain(maker, run)
    if maker.arm.is_control:
        return
    yield [], list(instruction_verdicts(maker, found))
    yield law_findings(maker, beside=beside(found), stretches=stretches)
    yield entropy_findings(maker)
    if maker.cut.where == {"arm": PLAIN, "category": ALL}:
        yield correlate_findings(maker)


def _against_plain(maker: DriftMaker, run: DriftCut) -> Findings:
    name, category = maker.cut.where["arm"], maker.cut.where["category"]
    if name == PLAIN:
        return [], []
    plain = run.of(arm=PLAIN) if category == ALL else run.of(arm=PLAIN, category=category)
    plain = plain.at(arm=PLAIN, category=category)
    if maker.arm.is_control:
        return list(control_records(maker, plain)), []
    records, verdicts = effect_findings(maker, plain)
    if maker.arm.reminds:
        records += gain_records(maker, plain)
    return records, verdicts
