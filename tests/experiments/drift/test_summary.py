"""From planted rows to records and verdicts: what is planted is found, what is not is not claimed."""

import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from alignthermo.experiments.drift.compliance import instruction_verdicts
from alignthermo.experiments.drift.cuts import drift_cuts, whole_run
from alignthermo.experiments.drift.destinations import destination_records
from alignthermo.experiments.drift.laws import law_findings
from alignthermo.experiments.drift.levels import level_records
from alignthermo.experiments.drift.maker import DriftMaker, estimates_by_name
from alignthermo.experiments.drift.schema import DRIFT_SCHEMA
from alignthermo.experiments.drift.stretches import stretches_of
from alignthermo.experiments.drift.summary import summarise_drift
from tests.experiments.drift.synthetic_rows import (
    LENGTH,
    LINEAR,
    NO_CONTENT,
    STEP,
    Planted,
    config,
    drift_rows,
)

FORGETS = Planted(h=(3.0, -1.0), influence=(2.0, 0.5), relaxation=(4.0, 2.0))


def maker_of(planted, seed=0, *, rows=None, **settings):
    """A maker of the plain arm, for what needs no more than a part of the summary."""
    run = whole_run(drift_rows(planted, seed=seed) if rows is None else rows)
    return DriftMaker(config=config(**settings), cut=next(iter(drift_cuts(run))))


def laws_of(maker):
    return law_findings(maker, beside="", stretches=stretches_of(maker.cut))


def judged(maker):
    """Verdicts on the instruction, and the estimates they rest on."""
    found = estimates_by_name([*level_records(maker), *destination_records(maker)])
    return {one.name: one for one in instruction_verdicts(maker, found)}, found


class Found:
    """Records and verdicts by name and arm."""

    def __init__(self, planted, seed=0, *, rows=None, **settings):
        table = drift_rows(planted, seed=seed) if rows is None else rows
        self.records, self.verdicts = summarise_drift({"probe": table}, config(**settings))

    def __getitem__(self, name):
        return self.of(name)

    def of(self, name, arm="plain", **finer):
        where = {"arm": arm, "category": "all", **finer}
        return next(r.estimate for r in self.records if r.quantity == name and r.slice == where)

    def outcome(self, name, arm="plain"):
        return self.verdict(name, arm).outcome

    def verdict(self, name, arm="plain"):
        return next(v for v in self.verdicts if v.name == name and v.slice.get("arm", arm) == arm)


@pytest.fixture(scope="module")
def forgets():
    return Found(FORGETS, attention=True)


@pytest.fixture(scope="module")
def null():
    return Found(Planted(law=NO_CONTENT))


def test_the_planted_law_and_rate_are_found(forgets):
    assert forgets.outcome("law") == "linear"
    for name in ("drift_rate_turns", "median_drift_rate_turns"):
        assert forgets[name].low < LINEAR.drift / LINEAR.n_turns < forgets[name].high
    per_token = LINEAR.drift / LINEAR.n_turns / LINEAR.tokens_per_turn
    assert forgets["excess_rate_tokens"].value == pytest.approx(per_token, rel=0.15)
    assert forgets.of("law_rate", law="linear").value == pytest.approx(per_token, rel=0.15)


def test_levels_stand_at_the_first_point_and_in_the_last_third(forgets):
    first, late = LINEAR.mean(np.array([1.0]))[0], LINEAR.mean(np.array([7.0, 8.0, 9.0, 10.0])).mean()
    assert forgets["drift_start"].value == pytest.approx(LENGTH + first, abs=0.06)
    assert forgets["drift_end"].low < LENGTH + late < forgets["drift_end"].high
    assert forgets["control_end"].value == pytest.approx(LENGTH, abs=0.02)
    assert forgets["excess_end"].value == pytest.approx(late, abs=0.06)
    assert forgets["drift_end"].value - forgets["control_end"].value == pytest.approx(
        forgets["excess_end"].value
    )


def test_forgetting_is_less_influence_and_less_compliance(forgets):
    assert forgets.outcome("compliance") == "falls"
    assert forgets.outcome("forgetting") == "forgets"
    assert forgets.outcome("relaxation") == "falls back to the base"
    assert forgets.outcome("length_or_content") == "content"
    assert forgets["influence_change"].value == pytest.approx(-1.5 * 0.85, abs=0.1)
    assert forgets["log_odds_change"].value == pytest.approx(-4.0 * 0.85, abs=0.1)
    assert forgets["went_to_base"].value == 1.0
    assert forgets["went_to_wish"].value == 0.0


@pytest.mark.parametrize(
    ("changed", "verdict", "outcome"),
    [
        ({"h": (3.0, 3.0)}, "forgetting", "needs it less"),
        ({"h": (-5.0, -5.0)}, "forgetting", "never kept"),
        ({"h": (-5.0, 2.0)}, "forgetting", "needs it less"),
        ({"influence": (2.0, 2.0)}, "forgetting", "strays"),
        ({"h": (3.0, 3.0)}, "relaxation", "the base comes nearer"),
        ({"relaxation": (4.0, 4.0)}, "relaxation", "goes elsewhere"),
        ({"lean": -1.0}, "relaxation", "goes to the wish"),
        ({"references": False}, "forgetting", "inconclusive"),
        ({"references": False}, "relaxation", "inconclusive"),
        ({"h": (1.0, 3.0)}, "compliance", "rises"),
    ],
)
def test_one_sign_alone_is_not_called_forgetting(changed, verdict, outcome):
    verdicts, _ = judged(maker_of(replace(FORGETS, conversations=24, **changed)))
    assert verdicts[verdict].outcome == outcome


def test_length_alone_claims_nothing(null):
    assert null["drift_end"].low > 0.9  # a drift there is
    assert null.outcome("length_or_content") == "length"
    assert null.outcome("law") == "none"
    assert null.outcome("growth") == "no drift"
    assert null.outcome("forgetting") == "remembers"
    assert null.outcome("compliance") == "holds"
    assert null.outcome("relaxation") == "does not"
    assert null.outcome("entropy") == "undecided"
    assert null.outcome("irreversibility") == "no irreversibility found"
    assert null.outcome("drift_vs_free_energy") != "as the paper says"


def test_what_length_alone_does_would_be_a_drift_without_the_control(null):
    assert null["drift_start"].value == pytest.approx(LENGTH, abs=0.06)
    without = maker_of(Planted(law=LINEAR, conversations=20), controls=())
    _, (law, growth) = laws_of(without)
    assert law.statement.startswith("of drift, over tokens")
    assert "beyond neutral" not in growth.statement
    assert not any(r.quantity.startswith(("control", "excess_")) for r in level_records(without))


def test_a_step_has_its_change_point():
    records, (law, _) = laws_of(maker_of(replace(FORGETS, law=STEP)))
    found = estimates_by_name(records)
    assert law.outcome == "step"
    assert found["change_point"].value == pytest.approx(STEP.scale * STEP.tokens_per_turn, rel=0.15)
    assert found["jump"].value == pytest.approx(STEP.drift, rel=0.1)


def test_a_rate_that_grows_is_told_from_one_that_does_not(forgets, null):
    growing = replace(LINEAR, law="power", scale=2.5)
    records, (_, growth) = laws_of(maker_of(replace(FORGETS, law=growing)))
    assert growth.outcome == "the rate grows"
    assert estimates_by_name(records)["rate_change"].low > 0.0
    assert forgets.outcome("growth") in ("steady", "undecided", "slowing")
    assert "nothing is said beyond" in null.verdict("growth").statement


def test_drift_is_given_with_compliance_beside_it(forgets):
    for name in ("law", "growth", "length_or_content", "forgetting", "relaxation"):
        assert "compliance" in forgets.verdict(name).statement


def test_literal_drift_is_called_literal_and_attention_goes_by_layer(forgets):
    literal = next(r for r in forgets.records if r.quantity == "literal_end")
    assert literal.policies["of"].startswith("different questions")
    assert forgets.of("attention_start", layer="0").value == pytest.approx(0.5)
    assert forgets.of("attention_end", layer="0").value < 0.3
    assert forgets.of("attention_end", layer="1").value == pytest.approx(0.2)


def test_courses_follow_the_mean(forgets):
    course = [r for r in forgets.records if r.quantity == "drift_along"]
    values = [r.estimate.value for r in sorted(course, key=lambda r: float(r.slice["tokens"]))]
    assert len(values) == 8
    assert values[0] == 0.0
    assert values == sorted(values)


def test_every_record_is_finite_or_has_a_reason(forgets, null):
    everything = Found(
        replace(FORGETS, arms=("plain", "repeat@128", "shuffled"), conversations=9),
        bound=2.0,
        reminders=("repeat@128",),
        controls=("neutral", "shuffled"),
        attention=True,
    )
    nothing = Found(None, rows=DRIFT_SCHEMA.empty_table(), bound=1.0, windows=("sliding:200",))
    for found in (forgets, null, everything, nothing):
        for record in found.records:
            known = all(math.isfinite(x) for x in (record.estimate.value, record.estimate.low))
            assert known or record.estimate.reason, record.quantity
        names = [(r.quantity, tuple(sorted(r.slice.items()))) for r in found.records]
        assert len(set(names)) == len(names)


def test_too_few_conversations_are_inconclusive_with_what_is_needed():
    found = Found(replace(FORGETS, conversations=5))
    for name in ("law", "compliance", "forgetting", "relaxation", "length_or_content", "irreversibility"):
        verdict = found.verdict(name)
        assert verdict.outcome == "inconclusive"
        assert "8" in verdict.statement
    assert found.outcome("growth") == "undecided"
    assert math.isnan(found["drift_end"].low)
    assert found["drift_end"].reason == "too few conversations: 5, an interval needs 8"


def test_two_points_show_no_law():
    rows = drift_rows(FORGETS, seed=0)
    maker = maker_of(None, rows=rows.filter(pc.less_equal(rows["point"], 2)))
    _, (law, growth) = laws_of(maker)
    assert (law.outcome, growth.outcome) == ("inconclusive", "undecided")
    assert "some with 3 values" in law.statement


def test_missing_columns_say_what_the_rows_say():
    why = {"influence": "the window took the instruction out", "relaxation": "the base has no such token"}
    verdicts, found = judged(maker_of(replace(FORGETS, dropped=why, conversations=10)))
    assert found["influence_end"].reason == why["influence"]
    assert found["relaxation_change"].reason == why["relaxation"]
    assert verdicts["relaxation"].outcome == "inconclusive"
    assert why["relaxation"] in verdicts["relaxation"].statement


def test_sampled_answers_stand_in_where_there_are_no_log_odds():
    rows = drift_rows(replace(FORGETS, conversations=20), seed=0)
    nulls = pa.nulls(rows.num_rows, pa.float64())
    rows = rows.set_column(rows.schema.get_field_index("h_here"), "h_here", nulls)
    verdicts, found = judged(maker_of(None, rows=rows))
    assert found["compliance_end"].value == found["kept_end"].value
    assert verdicts["compliance"].outcome == "falls"
    assert "sampled answers" in verdicts["compliance"].statement


def test_references_of_little_mass_are_said_to_be_so():
    rows = drift_rows(replace(FORGETS, conversations=10), seed=0)
    little = pa.array([0.02] * rows.num_rows, pa.float64())
    rows = rows.set_column(rows.schema.get_field_index("mass_here"), "mass_here", little)
    verdicts, _ = judged(maker_of(None, rows=rows))
    assert "carry only 0.02 of the answers" in verdicts["compliance"].statement
    verdicts, _ = judged(maker_of(replace(FORGETS, conversations=10)))
    assert "carry only" not in verdicts["compliance"].statement


def test_the_order_of_rows_changes_no_bit():
    rows = drift_rows(replace(FORGETS, conversations=9), seed=0)
    mixed = rows.take(np.random.default_rng(3).permutation(rows.num_rows))
    first, again = Found(None, rows=rows), Found(None, rows=mixed)
    assert repr(again.records) == repr(first.records)
    assert again.verdicts == first.verdicts
