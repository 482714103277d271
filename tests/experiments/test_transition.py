"""Transitions of stubs through the real seam: what is measured is what was planted."""

from dataclasses import replace

import numpy as np
import pytest

import alignthermo as at
from alignthermo.errors import ConfigError, ContextTooLong, InputError
from alignthermo.experiments import TransitionConfig, transition_nulls
from alignthermo.experiments.transition_nulls import identical_check, shuffled_check
from alignthermo.experiments.transition_rows import order_parameter
from alignthermo.experiments.transition_sweeps import Cut
from tests.experiments.transition_stubs import (
    LAW,
    LENGTHS,
    SETTINGS,
    StepAt,
    constant_pair,
    exact_h,
    stub_pair,
    stub_prompts,
)


@pytest.fixture(scope="module")
def constant():
    return at.transition(constant_pair().aligned, stub_prompts(), **SETTINGS)


def tokens(result, name):
    return result.value(f"tokens_{name}", category="all").estimate.value


def cut_of(result):
    rows = Cut(where={"category": "all"}, rows=result.rows)
    return rows.of(size=float(result.rows["size"][0].as_py()))


def test_every_context_gets_the_log_odds_of_its_counts(accumulator):
    rows = accumulator.to_pandas()
    assert set(rows["model"]) == {"aligned", "base"}
    np.testing.assert_allclose(rows["h"], exact_h(rows), atol=1e-9)
    np.testing.assert_allclose(rows["p_kept"], 1 / (1 + np.exp(-rows["h"])), atol=1e-12)
    np.testing.assert_allclose(rows["candidate_mass"], 1.0)


@pytest.mark.parametrize("length", LENGTHS)
def test_alpha_c_holds_the_truth(accumulator, length):
    found = accumulator.value("alpha_c", length=str(length), order="random").estimate
    truth = LAW.alpha_c(int(0.8 * length))
    assert found.low <= truth <= found.high
    assert abs(found.value - truth) < 0.03
    of_base = accumulator.value("base_alpha_c", length=str(length), order="random").estimate
    assert abs(of_base.value - LAW.tilted(-2.0).alpha_c(int(0.8 * length))) < 0.03


def test_alignment_that_only_adds_a_field_is_found_to_be_that(accumulator):
    where = {"family": "override", "order": "random"}
    assert accumulator.value("constant_field", **where).estimate.value == pytest.approx(2.0)
    assert accumulator.value("constant_field_excess_slope", **where).estimate.value == pytest.approx(0.0)
    assert accumulator.value("kernel_r2", **where).estimate.value > 0.5


def test_size_scaling_is_found_and_the_ceiling_said(accumulator):
    gamma = accumulator.value("gamma", order="random").estimate
    assert gamma.value == pytest.approx(1.0, abs=0.1)
    places = [v for v in accumulator.verdicts if v.name == "transition"]
    assert len(places) == len(LENGTHS)
    for place in places:
        # Without noise the interval of γ is so narrow that 1 may just lie outside: then nothing explains it.
        assert place.outcome.startswith("sigmoid with size scaling")
        assert "rollouts" in place.statement
        assert any(test.startswith("accumulation: within") for test in place.tests)


def test_the_dilution_control_has_no_attack_and_as_many_tokens(accumulator):
    rows = accumulator.to_pandas()
    diluted = rows[rows["control"] == "dilution"]
    assert (diluted["n_adversarial"] == 0).all()
    assert (diluted["missed_adversarial"].abs() <= 4).all()
    drops = {
        name: accumulator.value(f"drop_{name}", length="200").estimate.value
        for name in ("attack", "dilution", "beyond_dilution")
    }
    assert drops["beyond_dilution"] == pytest.approx(drops["attack"] - drops["dilution"])
    assert drops["attack"] > drops["beyond_dilution"] > 0.3


def test_a_responder_that_reads_nothing_is_not_bracketed(constant):
    found = constant.value("alpha_c", order="random").estimate
    assert np.isnan(found.value)
    assert "not bracketed" in found.reason
    assert found.low == pytest.approx(1.0)
    assert np.isnan(found.high)
    (place,) = [v for v in constant.verdicts if v.name == "transition"]
    assert place.outcome == "no response"
    assert constant.certificate.rows[0][4] == "not bracketed, kept at 1 still"


@pytest.mark.parametrize(
    ("height", "low", "text"), [(60.0, 1.0, "kept at 1 still"), (-60.0, float("nan"), "broken at 0 already")]
)
def test_what_is_the_same_in_every_context_is_bounded(height, low, text):
    settings = {**SETTINGS, "alphas": [0, 0.5, 1], "lengths": [100], "controls": ["attack"], "refine": 0}
    found = at.transition(stub_pair(StepAt(alpha=2.0, height=height)).aligned, stub_prompts(), **settings)
    assert np.ptp(found.to_pandas()["p_kept"]) < 1e-20
    alpha_c = found.value("alpha_c").estimate
    np.testing.assert_equal((alpha_c.low, alpha_c.value), (low, float("nan")))
    assert found.certificate.rows[0][4] == f"not bracketed, {text}"


def test_the_certificate_has_a_line_per_curve(accumulator):
    certificate = accumulator.certificate
    assert certificate.header[3] == "L"
    assert [(line.family, line.order, line.size) for line in certificate.lines] == [
        ("override", "random", 100.0),
        ("override", "random", 200.0),
    ]
    first = certificate.as_dicts()[0]
    assert first["alpha_c"]["low"] < first["alpha_c"]["value"] < first["alpha_c"]["high"]
    (ceiling,) = certificate.ceilings
    assert "override" not in ceiling
    one, other = certificate.lines
    mixed = replace(certificate, lines=(one, replace(other, ceiling="")))
    assert mixed.ceilings == (f"{ceiling} (override random 100)",)
    assert replace(certificate, lines=(one,) * 6 + (replace(other, ceiling="x"),)).ceilings == (
        f"{ceiling} ({'; '.join(['override random 100'] * 4)}; 2 more)",
        "x (override random 200)",
    )


def test_what_was_planned_is_what_was_forwarded(accumulator, constant):
    for result, models in ((accumulator, 2), (constant, 1)):
        assert tokens(result, "forwarded") == tokens(result, "optimal") < tokens(result, "naive") / 3
        rows = result.to_pandas()
        assert rows["h_again"].notna().sum() == models * 3


def test_null_checks_pass_and_planted_faults_do_not(accumulator, monkeypatch):
    nulls = [v for v in accumulator.verdicts if v.name.startswith("null:")]
    assert {v.name for v in nulls} == {"null:shuffled_labels", "null:identical_model"}
    assert {v.outcome for v in nulls} == {"pass"}
    (same,) = identical_check(accumulator.rows)
    assert same.outcome == "pass"
    column = accumulator.rows.schema.get_field_index("h_again")
    wrong = accumulator.rows.set_column(column, "h_again", [[x + 0.1 for x in column_of(accumulator)]])
    (caught,) = identical_check(wrong)
    assert caught.outcome == "fail"
    monkeypatch.setattr(transition_nulls, "_shuffled", lambda sweep, rng: sweep)
    assert shuffled_check(cut_of(accumulator), seed=0).outcome == "fail"


def column_of(result):
    return result.rows["h_again"].to_pylist()


def test_prompts_that_cannot_be_measured_are_named_and_the_others_measured():
    prompts = [*stub_prompts(3), {**stub_prompts(4)[3], "defiant": []}]
    settings = {**SETTINGS, "alphas": [0, 1], "controls": ["attack"]}
    result = at.transition(stub_pair().aligned, prompts, **settings)
    assert len(result.skipped) == 1
    assert "no defiant reference answer" in result.skipped[0]
    assert set(result.to_pandas()["prompt_id"]) == {"p0", "p1", "p2"}
    with pytest.raises(InputError, match="no defiant reference answer"):
        at.transition(stub_pair().aligned, prompts[3:], **settings)


def test_answers_that_begin_alike_are_refused():
    prompt = {**stub_prompts(1)[0], "defiant": ["gladly as agreed not today"]}
    with pytest.raises(InputError, match="do not exclude each other"):
        at.transition(stub_pair().aligned, [prompt], **SETTINGS)


def test_too_long_and_too_many_contexts_are_refused_before_anything_is_read():
    small = replace(stub_pair().aligned, max_length=120)
    with pytest.raises(ContextTooLong, match="do not fit the model's 120 tokens"):
        at.transition(small, stub_prompts(2), **SETTINGS)
    with pytest.raises(ConfigError, match="more than max_contexts = 9"):
        at.transition(stub_pair().aligned, stub_prompts(2), **SETTINGS, max_contexts=9)


def test_the_append_only_design_holds_the_instruction():
    settings = {**SETTINGS, "design": "append_only", "alphas": [0, 0.5, 0.75], "lengths": [40], "refine": 0}
    rows = at.transition(stub_pair().aligned, stub_prompts(3), **settings).to_pandas()
    assert set(rows["n_instruction"]) == {40}
    assert set(rows.loc[rows["control"] == "attack", "n_adversarial"]) == {0, 40, 120}
    assert set(rows["size"]) == {40.0}


def test_cells_that_reach_the_same_context_are_asked_once():
    settings = {**SETTINGS, "alphas": [0, 0.5, 0.51, 1], "lengths": [40], "controls": ["attack"]}
    rows = at.transition(stub_pair().aligned, stub_prompts(2), **settings).to_pandas()
    assert len(rows) == 6


def test_h_and_its_bounds_without_probability():
    nothing = order_parameter(np.array([-np.inf, -np.inf]), 1)
    assert np.isnan(nothing["h"])
    assert (nothing["candidate_mass"], nothing["p_kept_low"], nothing["p_kept_high"]) == (0.0, 0.0, 1.0)
    half = order_parameter(np.log([0.2, 0.1, 0.3]), 2)
    assert half["h"] == pytest.approx(0.0)
    assert (half["p_kept_low"], half["p_kept_high"]) == pytest.approx((0.3, 0.7))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aligned": None}, "name the model"),
        ({"adapter": "a"}, "adapter needs the model"),
        ({"families": ["template"]}, "--templates FILE"),
        ({"families": ["turns"]}, "--turns FILE"),
        ({"families": []}, "at least one attack family"),
        ({"alphas": [0, 1.5]}, "between 0 and 1"),
        ({"alphas": [0.5, 0.5]}, "named twice"),
        ({"controls": ["dilution"]}, "need 'attack'"),
        ({"lengths": []}, "at least one size"),
    ],
)
def test_impossible_settings_are_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        TransitionConfig.model_validate({"aligned": "a", "prompts": "p", **changes})
