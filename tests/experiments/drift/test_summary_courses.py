"""What the page draws: courses over common stretches, gaps of laws, lags, single instructions."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from alignthermo.experiments.drift.correlates import correlate_findings
from alignthermo.experiments.drift.courses import composition_records, course_records
from alignthermo.experiments.drift.cuts import drift_cuts, whole_run
from alignthermo.experiments.drift.destinations import destination_records
from alignthermo.experiments.drift.law_records import TWO_ERRORS
from alignthermo.experiments.drift.laws import law_findings
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.experiments.drift.schedule import schedule_findings
from alignthermo.experiments.drift.stretches import stretches_of
from tests.experiments.drift.synthetic_rows import LENGTH, LINEAR, STEP, Planted, config, drift_rows

PLANTED = Planted(
    law=replace(LINEAR, noise_sd=0.05),
    h=(3.0, -1.0),
    arms=("plain", "repeat@80", "shuffled"),
    categories=("a", "b"),
    conversations=20,
)


def with_column(rows, name, values):
    values = pa.array(values, rows[name].type)
    return rows.set_column(rows.schema.get_field_index(name), name, values)


@pytest.fixture(scope="module")
def run():
    rows = drift_rows(PLANTED, seed=5)
    rows = with_column(rows, "n_instruction", [30] * rows.num_rows)
    rows = with_column(rows, "n_assistant", rows["tokens"].to_pylist())
    return whole_run(rows)


@pytest.fixture(scope="module")
def courses(run):
    stretches = stretches_of(run)
    makers = [DriftMaker(config=config(arms=PLANTED.arms), cut=cut) for cut in drift_cuts(run)]
    found = [r for maker in makers for r in course_records(maker, stretches)]
    found += [r for maker in makers for r in composition_records(maker, stretches)]
    return found


def along(records, quantity, arm="plain", category="all", **more):
    where = {"arm": arm, "category": category, **more}
    found = {
        r.slice["tokens"]: r.estimate
        for r in records
        if r.quantity == quantity and {k: v for k, v in r.slice.items() if k != "tokens"} == where
    }
    return dict(sorted(found.items(), key=lambda item: float(item[0])))


def test_every_arm_and_category_is_drawn_at_the_same_tokens(courses):
    plain = along(courses, "drift_along")
    assert len(plain) == 8
    assert next(iter(plain)) == "0"
    for arm, category in (("repeat@80", "all"), ("shuffled", "all"), ("plain", "a")):
        assert set(along(courses, "drift_along", arm, category)) <= set(plain)
    assert set(along(courses, "literal_along")) == set(plain)
    assert along(courses, "control_along", "shuffled") == {}


def test_the_mean_of_a_stretch_is_that_of_a_plain_loop(run, courses):
    rows = run.of(arm="plain", kind="probe").rows.to_pylist()
    edges = [-1.0, *stretches_of(run).edges.tolist()]
    for index, estimate in enumerate(list(along(courses, "excess_along").values())[1:]):
        each = {}
        for row in rows:
            if row["point"] > 0 and edges[index] < row["tokens"] <= edges[index + 1]:
                each.setdefault(row["number"], []).append(row["drift"] - row["control"])
        assert estimate.n == len(each)
        assert estimate.value == pytest.approx(np.mean([np.mean(one) for one in each.values()]))


def test_excess_is_paired_and_the_median_stands_beside(courses):
    drift, control, excess, median = (
        along(courses, f"{name}_along") for name in ("drift", "control", "excess", "median_drift")
    )
    for tokens, one in excess.items():
        assert one.value == pytest.approx(drift[tokens].value - control[tokens].value)
        assert median[tokens].low <= drift[tokens].value <= median[tokens].high
    last = list(excess)[-1]
    assert excess[last].stderr < np.hypot(drift[last].stderr, 0.3)
    assert drift[last].value > LENGTH + 1.5


def test_the_context_is_counted_by_owner(courses):
    own = along(courses, "composition_along", role="instruction")
    assert {one.value for one in own.values()} == {30.0}
    said = [one.value for one in along(courses, "composition_along", role="assistant").values()]
    assert said == sorted(said)
    assert along(courses, "composition_along", role="tool") == {}


@pytest.mark.parametrize("law", [PLANTED.law, STEP])
def test_gaps_of_all_laws_and_the_course_of_the_named_one(law):
    cut = next(iter(drift_cuts(whole_run(drift_rows(Planted(law=law, conversations=40), seed=0)))))
    maker, stretches = DriftMaker(config=config(), cut=cut), stretches_of(cut)
    records, (verdict, _) = law_findings(maker, beside="", stretches=stretches)
    gaps = {r.slice["law"]: r.estimate for r in records if r.quantity == "law_gap"}
    assert set(gaps) == {"none", "linear", "saturating", "power", "step"}
    assert min(gap.value for gap in gaps.values()) == 0.0
    assert gaps["none"].low > 0.0
    assert gaps["none"].level == TWO_ERRORS == pytest.approx(0.9545, abs=1e-4)
    assert verdict.outcome == law.law
    measured = along(course_records(maker, stretches), "excess_along")
    fitted = along(records, "law_along")
    assert len(fitted) == 7
    for tokens, one in fitted.items():
        assert one.value == pytest.approx(measured[tokens].value, abs=0.25)


def test_every_lag_has_its_mean_and_limit(run):
    settings = config(bound=LENGTH + 5.0, reminders=("repeat@80",))
    records, verdicts = schedule_findings(DriftMaker(config=settings, cut=run))
    chosen = next(v for v in verdicts if v.name == "schedule").slice["arm"]
    parts = {}
    for record in records:
        if record.quantity in ("lag_mean", "lag_upper"):
            at = (record.slice["arm"], record.slice["set"], record.slice["lag"])
            parts.setdefault(at, {})[record.quantity] = record.estimate
    assert {part for arm, part, _ in parts if arm == chosen} == {"chosen", "held_out"}
    assert all(set(found) == {"lag_mean", "lag_upper"} for found in parts.values())
    for found in parts.values():
        assert found["lag_mean"].value < found["lag_upper"].value or found["lag_upper"].reason


def test_the_share_of_failed_points_is_of_those_that_were_judged(run):
    maker = DriftMaker(config=config(), cut=next(iter(drift_cuts(run))))
    found = next(r for r in destination_records(maker) if r.quantity == "failed_share").estimate
    kept = maker.cut.of(kind="probe").floats("kept")
    assert found.value == pytest.approx((kept < 0.5).mean())
    nothing = drift_rows(replace(PLANTED, references=False, conversations=9), seed=0)
    maker = DriftMaker(config=config(), cut=next(iter(drift_cuts(whole_run(nothing)))))
    found = next(r for r in destination_records(maker) if r.quantity == "failed_share").estimate
    assert "nobody knows" in found.reason


def test_instructions_have_their_own_rate_until_there_are_too_many(run):
    maker = DriftMaker(config=config(), cut=next(iter(drift_cuts(run))))
    records, _ = correlate_findings(maker)
    rates = {r.slice["instruction"]: r for r in records if r.quantity == "instruction_drift_rate"}
    assert set(rates) == {f"i{i}" for i in range(10)}
    per_token = LINEAR.drift / LINEAR.n_turns / LINEAR.tokens_per_turn
    assert rates["i0"].estimate.value == pytest.approx(per_token, rel=0.2)
    assert rates["i0"].estimate.reason.startswith("too few conversations")
    many = replace(PLANTED, instruction_factors=(1.0,) * 41, conversations=41, arms=("plain",))
    maker = DriftMaker(config=config(), cut=next(iter(drift_cuts(whole_run(drift_rows(many, seed=0))))))
    assert not any(r.quantity.startswith("instruction_") for r in correlate_findings(maker)[0])
