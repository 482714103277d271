"""Arms against plain, controls, null checks and the table: planted effects and planted faults."""

import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from alignthermo.experiments.drift.checks import apparatus_checks, control_checks
from alignthermo.experiments.drift.cuts import whole_run
from alignthermo.experiments.drift.effects import (
    control_records,
    effect_findings,
    gain_records,
    reminder_token_levels,
)
from alignthermo.experiments.drift.levels import level_records
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.experiments.drift.summary import summarise_drift
from alignthermo.experiments.drift.table import drift_table
from tests.experiments.drift.synthetic_rows import LINEAR, Planted, config, drift_rows

PLANTED = Planted(
    law=replace(LINEAR, noise_sd=0.05),
    h=(3.0, -1.0),
    arms=("plain", "repeat@end", "repeat@start", "sliding:200", "shuffled", "no_instruction"),
    conversations=24,
    probes=1,
    window_factor=0.5,
)
END = 0.2 * 8.5
"""Drift beyond the length effect in the last third: the mean over turns 7 to 10."""


@pytest.fixture(scope="module")
def run():
    return whole_run(drift_rows(PLANTED, seed=2))


def maker(run, arm):
    return DriftMaker(config=config(arms=PLANTED.arms), cut=run.of(arm=arm).at(arm=arm, category="all"))


def effects(run, arm):
    records, verdicts = effect_findings(maker(run, arm), maker(run, "plain").cut)
    return {r.slice["measure"]: r for r in records}, verdicts[0]


def test_a_reminder_that_resets_the_drift_helps(run):
    found, verdict = effects(run, "repeat@end")
    assert found["drift"].quantity == "reminder_effect"
    assert found["drift"].estimate.low < -END < found["drift"].estimate.high
    assert found["compliance"].estimate.low > 0.4
    assert (verdict.name, verdict.outcome) == ("reminders", "helps")


def test_a_reminder_that_does_nothing_is_not_said_to_help():
    run = whole_run(drift_rows(replace(PLANTED, h=(3.0, 3.0), arms=("plain", "repeat@start")), seed=2))
    found, verdict = effects(run, "repeat@start")
    assert abs(found["drift"].estimate.value) < 3.0 * found["drift"].estimate.stderr
    assert verdict.outcome == "no effect found"


def test_a_window_is_compared_with_plain(run):
    found, verdict = effects(run, "sliding:200")
    assert found["drift"].quantity == "window_effect"
    assert found["drift"].estimate.low < -0.5 * END < found["drift"].estimate.high
    assert (verdict.name, verdict.outcome) == ("window", "helps")


def test_less_drift_is_not_help_where_compliance_is_not_known():
    run = whole_run(drift_rows(replace(PLANTED, references=False), seed=2))
    assert effects(run, "repeat@end")[1].outcome == "less drift"


def test_the_gain_is_what_a_reminder_token_buys(run):
    """Without reminders the mean beyond length is 0.2 × 5.5 nat, with them 0; 10 replies of 20 tokens."""
    found = list(gain_records(maker(run, "repeat@end"), maker(run, "plain").cut))
    gain = {r.slice["measure"]: r.estimate for r in found}
    assert gain["drift"].low < 0.2 * 5.5 / 200.0 < gain["drift"].high
    assert gain["non-compliance"].low > 0.0
    assert reminder_token_levels(maker(run, "repeat@end")).value.tolist() == [200.0] * 24
    nothing = next(iter(gain_records(maker(run, "repeat@start"), maker(run, "plain").cut))).estimate
    assert nothing.low < 0.0 < nothing.high


def test_a_gain_without_reminders_has_a_reason(run):
    found = list(gain_records(maker(run, "sliding:200"), maker(run, "plain").cut))
    assert all("has a reminder in it" in one.estimate.reason for one in found)


def controls(run):
    plain = maker(run, "plain")
    records = list(level_records(plain))
    for arm in ("shuffled", "no_instruction"):
        records += control_records(maker(run, arm), plain.cut)
    return records, {v.name: v for v in control_checks(records)}


def test_controls_are_paired_differences_to_plain(run):
    records, verdicts = controls(run)
    found = next(r.estimate for r in records if r.quantity == "shuffled_difference")
    assert found.low < -PLANTED.control_offset < found.high
    assert {v.outcome for v in verdicts.values()} == {"pass"}
    assert set(verdicts) == {"control_shuffled", "control_no_instruction"}


def test_a_drift_that_any_instruction_shows_fails_the_control():
    _, verdicts = controls(whole_run(drift_rows(replace(PLANTED, control_offset=0.0), seed=2)))
    assert verdicts["control_shuffled"].outcome == "fail"
    assert "not about the instruction" in verdicts["control_shuffled"].statement


def with_value(rows, name, value, *, at):
    column = rows[name].to_pylist()
    column[at] = value
    return rows.set_column(rows.schema.get_field_index(name), name, pa.array(column, rows[name].type))


ROWS = drift_rows(Planted(conversations=2, probes=1), seed=0)


def checks(rows, **settings):
    return {v.name: v.outcome for v in apparatus_checks(whole_run(rows), config(**settings))}


def test_sound_rows_pass_the_checks():
    assert checks(ROWS) == {"finite": "pass", "start_is_zero": "pass"}


@pytest.mark.parametrize(
    ("name", "value", "at", "failing"),
    [
        ("drift", math.inf, 3, "finite"),
        ("influence", -0.1, 3, "finite"),
        ("drift", None, 3, "finite"),
        ("literal", math.inf, 1, "finite"),
        ("drift", 1e-3, 0, "start_is_zero"),
    ],
)
def test_a_planted_fault_fails_its_check(name, value, at, failing):
    at = next(i for i in range(at, ROWS.num_rows) if (ROWS[name][i].as_py() is not None))
    found = checks(with_value(ROWS, name, value, at=at))
    assert found[failing] == "fail"


def test_a_missing_drift_with_a_reason_is_no_fault():
    rows = with_value(with_value(ROWS, "drift", None, at=2), "reasons", '{"drift": "too long"}', at=2)
    assert checks(rows)["finite"] == "pass"


def test_identical_models_have_no_distance():
    same = {"base": "shipped:one", "aligned": "shipped:one"}
    assert checks(ROWS, **same)["identical_pair"] == "fail"
    zeros = [None if value is None else 0.0 for value in ROWS["relaxation"].to_pylist()]
    index = ROWS.schema.get_field_index("relaxation")
    rows = ROWS.set_column(index, "relaxation", pa.array(zeros, pa.float64()))
    assert checks(rows, **same)["identical_pair"] == "pass"
    assert "identical_pair" not in checks(rows)


@pytest.fixture(scope="module")
def table():
    planted = replace(PLANTED, arms=("plain", "repeat@end", "shuffled"), conversations=10)
    settings = config(reminders=("repeat@end",), controls=("neutral", "shuffled"), bound=3.0)
    return drift_table(*summarise_drift({"probe": drift_rows(planted, seed=2)}, settings))


def test_the_table_has_a_line_per_arm_with_compliance_beside_the_drift(table):
    assert [line.arm for line in table.lines] == ["plain", "repeat@end", "shuffled"]
    plain = dict(zip(table.header, table.rows[0], strict=True))
    assert plain["n"] == "10"
    assert plain["compliance"].startswith("0.949 -> 0.")
    assert plain["per 1,000 tokens"].startswith("5") or plain["per 1,000 tokens"].startswith("4")
    assert plain["gain per 100"] == plain["reminder tokens"] == ""


def test_the_table_prices_the_reminders_and_judges_no_control(table):
    reminded = dict(zip(table.header, table.rows[1], strict=True))
    assert reminded["reminder tokens"] == "200"
    assert float(reminded["gain per 100"].split()[0]) == pytest.approx(0.55, abs=0.05)
    control = dict(zip(table.header, table.rows[2], strict=True))
    assert control["law"] == control["verdict"] == "control"
    assert any(note.startswith("schedule:") for note in table.notes)


def test_the_table_is_plain_values_too(table):
    first = table.as_dicts()[0]
    assert first["arm"] == "plain"
    assert np.isfinite(first["end"]["value"])
    assert table.as_dicts()[2]["excess"]["value"] is None
