"""From rows to points and levels: probes averaged, arms compared over what both have reached."""

import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from alignthermo.errors import ConfigError
from alignthermo.estimators import Resampling
from alignthermo.experiments.drift.cuts import drift_cuts, whole_run
from alignthermo.experiments.drift.levels import end_of, level_records, paired_difference, start_of
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.experiments.drift.schema import DRIFT_SCHEMA
from alignthermo.experiments.drift.series import drift_series, last_third, points_of
from tests.experiments.drift.synthetic_rows import Planted, config, drift_rows


def row(**values):
    defaults = {"arm": "plain", "category": "x", "kind": "probe", "probe": "p", "number": 0, "reasons": "{}"}
    return {**defaults, "point": 0, "turns": 0, "tokens": 0, "lag_turns": 0, "lag_tokens": 0, **values}


def run_of(*rows):
    return whole_run(pa.Table.from_pylist([row(**one) for one in rows], schema=DRIFT_SCHEMA))


def along(values, **more):
    return [
        {"point": i, "turns": i, "tokens": 10 * i, "drift": value, **more} for i, value in enumerate(values)
    ]


def test_probes_of_a_point_are_averaged_and_unknown_ones_left_out():
    run = run_of(
        {"point": 1, "turns": 1, "tokens": 9, "probe": "a", "drift": 1.0},
        {"point": 1, "turns": 1, "tokens": 9, "probe": "b", "drift": 3.0},
        {"point": 2, "turns": 2, "tokens": 20, "probe": "a", "drift": None},
        {"point": 2, "turns": 2, "tokens": 20, "probe": "b", "drift": 5.0},
        {"point": 3, "turns": 3, "tokens": 30, "probe": "a", "drift": None},
    )
    points = points_of(run, run.floats("drift"))
    assert points.point.tolist() == [1, 2, 3]
    assert points.value[:2].tolist() == [2.0, 5.0]
    assert np.isnan(points.value[2])
    series = drift_series(run, "drift")
    assert series.panel("tokens").caveats == ("1 of 3 values not measured",)


def test_infinite_points_are_counted_and_in_no_mean():
    run = run_of(*along([0.0, 1.0, np.inf, 3.0]))
    levels = end_of(run, "drift")
    assert levels.value.tolist() == [3.0]
    assert levels.n_infinite == 1


def test_the_end_is_the_last_third_that_every_arm_has_reached():
    plain, longer = along([0, 1, 2, 3, 4, 5, 6]), along(range(13), arm="repeat@end")
    run = run_of(*plain, *longer)
    ends = {arm: end_of(run.of(arm=arm), "drift").value.tolist() for arm in ("plain", "repeat@end")}
    assert ends == {"plain": [5.5], "repeat@end": [5.5]}
    alone = run_of(*longer).of(arm="repeat@end")
    assert end_of(alone, "drift").value.tolist() == [10.5]


def test_a_conversation_without_a_late_point_ends_at_its_last_one():
    run = run_of(*along([0.0, 1.0]), *along([0, 1, 2, 3, 4, 5, 6], arm="sliding:9"))
    short = run.of(arm="sliding:9")
    assert end_of(short, "drift").value.tolist() == [1.0]
    assert end_of(run_of(*along([0.5])), "drift").value.size == 0  # the beginning is never the end


def test_tokens_are_the_clock_where_turns_do_not_tell_points_apart():
    told = [{**one, "turns": min(one["point"], 1)} for one in along([0, 1, 2, 3, 4, 5, 6])]
    run = run_of(*told)
    assert run.clock == "tokens"
    assert end_of(run, "drift").value.tolist() == [5.5]
    assert run_of(*along([0, 1, 2])).clock == "turns"


def test_the_start_of_drift_is_after_the_beginning():
    run = run_of(*along([0.0, 1.0, 2.0]))
    assert start_of(run, "drift").value.tolist() == [0.0]
    assert start_of(run, "drift", after_beginning=True).value.tolist() == [1.0]


def test_start_and_end_are_of_the_same_conversations():
    long = [one for number in range(9) for one in along([1.0, 2.0], number=number)]
    run = run_of(*long, *along([50.0], number=9))
    maker = DriftMaker(config=config(), cut=run.at(arm="plain", category="all"))
    start = next(one.estimate for one in level_records(maker) if one.quantity == "relaxation_start")
    assert math.isnan(start.value)  # this column was not measured
    told = pa.array([row["drift"] for row in run.rows.to_pylist()])
    rows = run.rows.set_column(run.rows.schema.get_field_index("influence"), "influence", told)
    maker = DriftMaker(config=config(), cut=whole_run(rows).at(arm="plain", category="all"))
    found = {one.quantity: one.estimate for one in level_records(maker)}
    assert (found["influence_start"].value, found["influence_end"].value) == (1.0, 2.0)
    assert found["influence_start"].caveats[-1] == "1 conversations without a later point left out"


def test_arms_are_paired_by_the_number_of_the_conversation():
    plain = [one for number in range(10) for one in along([0, number, number], number=number)]
    arm = [
        one
        for number in range(2, 10)
        for one in along([0, number - 1, number - 1], number=number, arm="repeat@end")
    ]
    run = run_of(*plain, *arm)
    found = paired_difference(
        end_of(run.of(arm="repeat@end"), "drift"),
        end_of(run.of(arm="plain"), "drift"),
        "drift",
        resampling=Resampling(rng=np.random.default_rng(0), n_resamples=200),
    )
    assert (found.value, found.n, found.stderr) == (-1.0, 8, 0.0)
    assert found.caveats[-1] == "2 conversations were measured on one side only"


def test_series_of_a_schedule_count_from_the_last_reminder():
    rows = drift_rows(Planted(arms=("plain", "repeat@100"), conversations=3), seed=0)
    run = whole_run(rows)
    reminded = run.of(arm="repeat@100", kind="probe")
    lag = drift_series(reminded, "drift", since_reminder=True)
    whole = drift_series(reminded, "drift")
    assert lag.tokens.max() < whole.tokens.max()
    assert (lag.tokens <= whole.tokens).all()
    plain = run.of(arm="plain")
    assert np.array_equal(
        drift_series(plain, "drift", since_reminder=True).tokens, drift_series(plain, "drift").tokens
    )


def test_cuts_are_arms_then_categories_that_are_large_enough():
    planted = Planted(arms=("sliding:9", "plain"), categories=("a", "b"), conversations=20, probes=1)
    names = [dict(cut.where) for cut in drift_cuts(whole_run(drift_rows(planted, seed=0)))]
    assert names[0] == {"arm": "plain", "category": "all"}
    assert {"arm": "sliding:9", "category": "b"} in names
    few = list(drift_cuts(whole_run(drift_rows(replace(planted, conversations=10), seed=0))))
    assert all(cut.where["category"] == "all" for cut in few)


def test_late_points_are_within_reach():
    run = run_of(*along(range(10)))
    points = points_of(run, run.floats("drift"))
    assert points.point[last_third(points, run)].tolist() == [7, 8, 9]


@pytest.mark.parametrize(
    ("name", "placement", "every", "window"),
    [
        ("plain", "none", 0, "whole"),
        ("repeat@start", "start", 0, "whole"),
        ("own@end", "end", 0, "whole"),
        ("remember@64", "every", 64, "whole"),
        ("truncate:512", "none", 0, "truncate"),
        ("shuffled", "none", 0, "whole"),
    ],
)
def test_an_arm_knows_its_treatment(name, placement, every, window):
    arms = ("repeat@start", "own@end", "remember@64", "truncate:512", "shuffled")
    settings = config(arms=arms, reminder_texts=["x"])
    arm = settings.arm(name)
    reminders = arm.treatment.reminders
    assert (reminders.placement, reminders.every, arm.treatment.window.policy) == (placement, every, window)
    assert arm.reminds == (placement != "none")
    assert arm.is_moved == (placement == "end")
    assert arm.is_control == (name == "shuffled")
    with pytest.raises(ConfigError, match="no arm 'sing@end'"):
        settings.arm("sing@end")
