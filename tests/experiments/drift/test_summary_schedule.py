"""The cheapest treatment that keeps a bound: planted lags, held-out conversations that obey or do not."""

import math
from dataclasses import replace

import numpy as np
import pytest

from alignthermo.estimators.drift import DriftSeries
from alignthermo.experiments.drift.cuts import whole_run
from alignthermo.experiments.drift.lag_cells import lag_cells
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.experiments.drift.schedule import schedule_findings
from tests.experiments.drift.synthetic_rows import LENGTH, LINEAR, Planted, config, drift_rows

ARMS = ("plain", "repeat@80", "repeat@160", "repeat@320", "repeat@end", "sliding:200")
SETTINGS = {"reminders": ARMS[1:5], "windows": ARMS[5:], "bound": LENGTH + 1.1}
PLANTED = Planted(arms=ARMS, law=replace(LINEAR, noise_sd=0.05), conversations=40, probes=1)


KEPT = {"repeat@80", "repeat@160", "repeat@320", "repeat@end"}


class Planned:
    def __init__(self, planted, **settings):
        run = whole_run(drift_rows(planted, seed=1))
        self.records, self.verdicts = schedule_findings(
            DriftMaker(config=config(arms=ARMS, **{**SETTINGS, **settings}), cut=run)
        )
        self.schedule = next(v for v in self.verdicts if v.name == "schedule")

    def of(self, name, arm):
        return next(r.estimate for r in self.records if r.quantity == name and r.slice["arm"] == arm)

    def kept(self):
        return {v.slice["arm"] for v in self.verdicts if v.name == "keeps_bound" and v.outcome == "kept"}


@pytest.fixture(scope="module")
def planned():
    return Planned(PLANTED)


def test_the_cheapest_arm_that_keeps_the_bound_is_chosen_and_held(planned):
    """Drift at lag s turns is 0.2 s beyond the length effect, so 5.5 turns or 220 tokens keep 1.1 nat."""
    assert planned.kept() == KEPT
    assert planned.schedule.outcome == "held"
    chosen = planned.schedule.slice["arm"]
    assert planned.of("schedule_cost", chosen).value == min(
        planned.of("schedule_cost", arm).value for arm in KEPT
    )
    assert 100.0 < planned.of("schedule_every", "repeat@320").value <= 220.0
    for name in ("schedule_upper", "held_out_upper"):
        assert planned.of(name, chosen).value <= SETTINGS["bound"]


def test_an_arm_that_keeps_it_all_along_is_as_it_was_run(planned):
    assert planned.of("schedule_every", "repeat@80").value == 80.0
    assert planned.of("schedule_every", "repeat@160").value == 160.0


def test_what_does_not_keep_it_says_where_it_breaks(planned):
    for arm in ("plain", "sliding:200"):
        every = planned.of("schedule_every", arm)
        assert math.isnan(every.value)
        assert every.reason.startswith("the bound is kept up to")


def test_a_reminder_at_the_end_costs_one_at_every_reply(planned):
    horizon = float(planned.of("schedule_every", "repeat@end").value)
    replies = planned.of("schedule_cost", "repeat@end").value / PLANTED.reminder_length
    assert replies == pytest.approx(horizon / LINEAR.tokens_per_turn, rel=0.2)


def test_held_out_conversations_that_drift_more_break_it():
    broken = Planned(replace(PLANTED, held_out_factor=2.5))
    assert broken.schedule.outcome == "broken"
    assert broken.of("held_out_upper", broken.schedule.slice["arm"]).value > SETTINGS["bound"]


def test_without_drift_plain_keeps_it_at_no_cost():
    free = Planned(PLANTED, bound=LENGTH + 5.0)
    assert (free.schedule.outcome, free.schedule.slice["arm"]) == ("held", "plain")
    assert free.of("schedule_cost", "plain").value == 0.0


def test_a_window_that_stops_drift_keeps_it_at_no_cost():
    window = Planned(replace(PLANTED, window_factor=0.1))
    assert window.schedule.slice["arm"] == "sliding:200"
    assert window.of("schedule_cost", "sliding:200").value == 0.0


def test_where_none_keeps_it_every_arm_has_its_reason():
    none = Planned(PLANTED, bound=0.5)
    assert none.schedule.outcome == "none keeps it"
    assert none.schedule.slice["arm"] == "all"
    assert len(none.schedule.tests) == len(ARMS)
    assert none.kept() == set()


def test_beyond_what_was_measured_nothing_is_promised():
    far = Planned(PLANTED, bound=LENGTH + 5.0, horizon=5000)
    assert far.of("schedule_cost", "plain").reason.startswith("the bound is measured up to")
    assert far.schedule.slice["arm"].startswith("repeat@")


def test_non_compliance_is_bounded_by_the_log_odds():
    """h falls from 3 by 4 per 10 turns of lag: P(broken) passes 0.5 at 7.5 turns or 300 tokens."""
    planted = replace(PLANTED, h=(3.0, -1.0), conversations=80)
    planned = Planned(planted, bound_on="non_compliance", bound=0.5)
    assert planned.kept() >= KEPT - {"repeat@320"}
    assert "plain" not in planned.kept()
    assert planned.schedule.outcome == "held"
    assert planned.of("schedule_upper", "repeat@160").unit == "1"


def test_without_held_out_conversations_the_schedule_is_undecided():
    rows = drift_rows(PLANTED, seed=1)
    none = np.zeros(rows.num_rows, dtype=bool)
    rows = rows.set_column(rows.schema.get_field_index("held_out"), "held_out", [none])
    maker = DriftMaker(config=config(arms=ARMS, **SETTINGS), cut=whole_run(rows))
    schedule = next(v for v in schedule_findings(maker)[1] if v.name == "schedule")
    assert schedule.outcome == "undecided"
    assert "held out" in schedule.statement


def test_too_few_conversations_neither_keep_nor_break_it():
    few = Planned(replace(PLANTED, conversations=9), bound=5.0)
    assert few.schedule.outcome == "undecided"
    assert {v.outcome for v in few.verdicts} == {"undecided"}
    far = next(v for v in Planned(PLANTED).verdicts if v.slice["arm"] == "plain")
    assert (far.name, far.outcome) == ("keeps_bound", "broken")


def test_without_a_bound_nothing_is_looked_for():
    maker = DriftMaker(config=config(), cut=whole_run(drift_rows(Planted(conversations=2), seed=0)))
    assert schedule_findings(maker) == ([], [])


def series(tokens, n):
    times = np.tile(np.asarray(tokens, dtype=np.float64), n)
    number = np.repeat(np.arange(n), len(tokens))
    return DriftSeries(conversation=number, turns=times, tokens=times, value=np.ones(times.size))


def test_cells_are_as_wide_as_the_distance_of_probes():
    cells = lag_cells(series([0.0, 35.0, 45.0, 75.0, 90.0], 8), None, width=40.0)
    assert cells.lags.tolist() == [17.5, 60.0, 90.0]
    labelled = cells.labelled(series([0.0, 41.0, 80.0], 1))
    assert labelled.tokens.tolist() == [17.5, 60.0, 90.0]
    assert cells.as_run(128.0).lags.tolist() == [17.5, 60.0, 128.0]
    assert lag_cells(series([0.0, 0.0], 8), None, width=40.0).lags.tolist() == [1.0]


def test_the_last_cell_is_joined_until_enough_conversations_reach_it():
    one = series([40.0, 80.0, 120.0], 1)
    far = DriftSeries(
        conversation=np.concatenate([np.repeat(np.arange(1, 9), 2), one.conversation]),
        turns=np.concatenate([np.tile([40.0, 80.0], 8), one.turns]),
        tokens=np.concatenate([np.tile([40.0, 80.0], 8), one.tokens]),
        value=np.ones(19),
    )
    cells = lag_cells(far, None, width=40.0)
    assert np.isnan(cells.lags[0])  # no point stands before the first spacing but the beginning
    assert cells.lags[1:].tolist() == [40.0, pytest.approx((8 * 80.0 + 80.0 + 120.0) / 10)]
    assert cells.ending_at(120.0).reach == cells.reach  # joined cells stand for their mean
    assert lag_cells(far, None, width=40.0, horizon=78.0).reach == 40.0


def test_a_cell_that_enough_conversations_reach_stands_for_the_horizon():
    cells = lag_cells(series([40.0, 118.0], 8), series([40.0], 9), width=40.0)
    assert cells.lags[1:].tolist() == [79.0]  # the held-out conversations do not reach the second cell
    cells = lag_cells(series([40.0, 118.0], 8), series([40.0], 7), width=40.0)
    assert cells.ending_at(119.0).lags[1:].tolist() == [40.0, 119.0]
    assert cells.ending_at(200.0).reach == 118.0


def test_points_just_beyond_a_spacing_do_not_leave_a_cell_for_the_one_that_hits_it():
    """Most conversations overshoot their spacing by a few tokens; one that does not must not stand alone."""
    lags = np.concatenate([[128.0], np.arange(129.0, 145.0)])
    many = DriftSeries(conversation=np.arange(17), turns=lags, tokens=lags, value=np.full(17, 0.1))
    cells = lag_cells(many, None, width=128.0)
    assert np.isfinite(cells.lags).sum() == 1
    assert cells.reach == pytest.approx(lags.mean())
