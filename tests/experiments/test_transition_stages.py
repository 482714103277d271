"""Stages of a transition: the grid refines itself, reinforcement raises α_c, as planned."""

import numpy as np
import pytest

import alignthermo as at
from alignthermo.estimators import Resampling
from alignthermo.estimators.laws import threshold
from alignthermo.experiments import (
    TransitionConfig,
    certificate_of,
    compose_all,
    context_rows,
    curve_rows,
    read_sources,
    refinement_bound,
)
from alignthermo.experiments.transition_cells import refined_cells
from alignthermo.experiments.transition_reinforcement import reinforcement_records
from alignthermo.experiments.transition_sweeps import Cut, curve_sweep
from alignthermo.prompts import prompt_set_of
from tests.experiments.transition_stubs import LAW, SETTINGS, StepAt, stub_pair, stub_prompts

STEP = 0.62
SMALL = {**SETTINGS, "controls": ["attack"], "lengths": [100]}
GRID = {**SMALL, "lengths": [160], "alphas": [0, 0.25, 0.5, 0.75, 1]}
"""A sixteenth of 160 tokens is one turn: refined α are reached exactly."""
RAISED = {
    **SMALL,
    "reinforce": ["start", "end"],
    "reinforce_phrasings": ["own", "filler"],
    "reinforce_tokens": [0, 20, 60],
    "wanted_alpha_c": 0.7,
    "refine": 0,
}


@pytest.fixture(scope="module")
def stepped():
    return at.transition(stub_pair(StepAt(alpha=STEP)).aligned, stub_prompts(), **GRID)


@pytest.fixture(scope="module")
def raised():
    return at.transition(stub_pair().aligned, stub_prompts(), **RAISED)


def planned(settings, prompts, pair):
    config = TransitionConfig.model_validate({"aligned": "stub", "prompts": "stub", **settings})
    prompt_set = prompt_set_of(prompts).prompts
    sources = read_sources(config, pool=prompt_set, queries=prompt_set)
    plan = compose_all(config, sources, tokenizer=pair.aligned.tokenizer, max_length=10_000)
    return config, plan


@pytest.mark.slow
def test_a_true_step_is_held_by_one_refined_cell(stepped):
    found = stepped.value("alpha_c", order="random").estimate
    assert found.low <= STEP <= found.high
    assert found.high - found.low <= 0.25 / 4 + 1e-9
    rows = stepped.to_pandas()
    assert set(rows["stage"]) == {"sweep", "refine1"}
    added = sorted(rows.loc[rows["stage"] == "refine1", "wanted_alpha"].unique())
    assert added == pytest.approx([0.5625, 0.625, 0.6875])
    assert stepped.value("alphas_added", order="random").estimate.value == 3.0
    points = [r for r in stepped.records if r.quantity == "p_kept" and r.slice.get("stage") == "refine1"]
    assert sorted(r.slice["wanted_alpha"] for r in points) == ["0.5625", "0.625", "0.6875"]


@pytest.mark.slow
def test_without_refinement_the_interval_is_the_whole_cell(stepped):
    cut = Cut(where={}, rows=stepped.tables["sweep"])
    asked = Resampling(rng=np.random.default_rng(0), n_resamples=200)
    found = threshold(curve_sweep(cut, column="p_kept"), resampling=asked).alpha_c
    assert found.high - found.low >= 0.25
    assert "refine it" in found.caveats[0]


@pytest.mark.slow
def test_a_second_round_refines_the_cell_of_the_first(stepped):
    config = TransitionConfig.model_validate({"aligned": "stub", "prompts": "stub", **GRID, "refine": 2})
    (cells,) = refined_cells(config, curve_rows(stepped.tables)).values()
    alphas = [cell.alpha for cell in cells]
    assert len(alphas) == 3
    assert all(0.5625 < alpha < 0.625 for alpha in alphas)


def test_a_curve_is_refined_only_where_its_grid_does_not_resolve_it(raised):
    fine = {**SMALL, "alphas": [0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 1]}
    assert set(at.transition(stub_pair().aligned, stub_prompts(), **fine).to_pandas()["stage"]) == {"sweep"}
    config = TransitionConfig.model_validate({"aligned": "stub", "prompts": "stub", **RAISED})
    (cells,) = refined_cells(config, curve_rows(raised.tables)).values()
    assert all(0.5 < cell.alpha < 0.7 for cell in cells)


def test_reinforced_contexts_are_pairs_of_the_grid(raised):
    rows = raised.to_pandas()
    plain = rows[rows["stage"] == "sweep"].set_index(["prompt_id", "wanted_alpha"])
    more = rows[rows["stage"] == "reinforce"]
    assert len(more) == 2 * 2 * 2 * len(plain)
    own = plain.loc[list(zip(more["prompt_id"], more["wanted_alpha"], strict=True))]
    np.testing.assert_array_equal(more["n_adversarial"], own["n_adversarial"])
    redundant = np.where(more["phrasing"] == "own", more["n_reinforcement"], 0)
    np.testing.assert_array_equal(more["n_instruction"] - redundant, own["n_instruction"])
    np.testing.assert_array_equal(more["missed_instruction"], own["missed_instruction"])
    assert (more["n_reinforcement"] > 0).all()


@pytest.mark.parametrize("placement", ["start", "end"])
def test_the_gain_of_reinforcement_is_that_of_the_law(raised, placement):
    where = {"placement": placement, "phrasing": "own"}
    per_token = 0.8 * LAW.per_instruction_token
    pooled = [r for r in raised.records if r.quantity == "reinforcement_gain_h" and "tokens" not in r.slice]
    (gain,) = [r.estimate for r in pooled if r.slice.items() >= where.items()]
    assert gain.value == pytest.approx(per_token)
    slope = 0.8 * (LAW.per_instruction_token + LAW.per_adversarial_token) * 100
    assert raised.value("reinforcement_gain", **where).estimate.value == pytest.approx(
        per_token / slope, rel=0.01
    )
    thresholds = [raised.value("alpha_c_reinforced", tokens=str(r), **where).estimate for r in (20, 60)]
    for tokens, found in zip((20, 60), thresholds, strict=True):
        assert found.low <= LAW.alpha_c(80) + tokens * per_token / slope <= found.high


@pytest.mark.slow
def test_steep_curves_with_redundant_instruction_are_refined_where_they_cross():
    more = {"reinforce": ["end"], "reinforce_phrasings": ["own"], "reinforce_tokens": [20, 40]}
    settings = {**GRID, **more}
    result = at.transition(stub_pair(StepAt(alpha=STEP)).aligned, stub_prompts(), **settings)
    rows = result.to_pandas()
    assert set(rows["stage"]) == {"sweep", "refine1", "reinforce", "reinforce1"}
    added = rows[rows["stage"] == "reinforce1"].groupby("wanted_reinforcement")["wanted_alpha"].unique()
    # redundant tokens dilute the attack: the step stands at 0.62 (160 + R)/160 of the own turns
    assert {dose: sorted(alphas) for dose, alphas in added.items()} == {
        20: [0.5625, 0.625, 0.6875],
        40: [0.8125, 0.875, 0.9375],
    }
    for tokens, truth in ((20, 0.6975), (40, 0.775)):
        found = result.value("alpha_c_reinforced", tokens=str(tokens)).estimate
        assert found.low <= truth <= found.high
        assert found.high - found.low <= 0.25 / 4 + 1e-9
    config, plan = planned(settings, stub_prompts(), stub_pair())
    bound = refinement_bound(plan, config)
    assert bound.contexts == 3 * 4 * 10 > rows["stage"].isin(["refine1", "reinforce1"]).sum() == 3 * 3 * 10
    assert 0 < result.value("tokens_forwarded").estimate.value - plan.tokens().planned <= bound.tokens


def test_filler_of_the_same_length_raises_nothing(raised):
    where = {"placement": "end", "phrasing": "filler"}
    assert raised.value("reinforcement_gain", **where).estimate.value == pytest.approx(0.0, abs=1e-12)
    own = {"placement": "end", "phrasing": "own"}
    beyond = raised.value("reinforcement_gain_h_beyond_filler", **own).estimate
    assert beyond.value == pytest.approx(0.8 * LAW.per_instruction_token)
    assert "not reached within" in raised.value("tokens_to_reach", **where).estimate.reason


def test_the_certificate_names_the_cheapest_reinforcement(raised):
    # 0.05 of α at a gain of 0.004 per token
    (line,) = raised.certificate.lines
    assert line.tokens_to_raise.low <= 12.5 <= line.tokens_to_raise.high
    assert line.reinforcement in ("own at start", "own at end")
    assert raised.certificate.header[-1] == "tokens to raise"
    assert raised.certificate.rows[0][-1].endswith(f"], {line.reinforcement}")
    spelled = raised.certificate.as_dicts()[0]
    assert spelled["tokens_to_raise"]["value"] == line.tokens_to_raise.value
    assert spelled["gain_per_token"]["value"] == pytest.approx(0.004, rel=0.01)


def test_without_a_wanted_threshold_the_gain_of_100_tokens_is_certified(raised):
    config = TransitionConfig.model_validate(
        {"aligned": "stub", "prompts": "stub", **RAISED, "wanted_alpha_c": None}
    )
    again = list(reinforcement_records(raised.tables, config))
    assert not [r for r in again if r.quantity.startswith("tokens_to_")]
    curve = [r for r in raised.records if r.quantity == "alpha_c"]
    text = certificate_of([*curve, *again], raised.verdicts).rows[0][-1]
    assert text.startswith("α_c +0.4 [")
    assert "per 100 tokens, own at" in text


def test_three_prompts_bound_no_reinforced_threshold():
    more = {"reinforce": ["end"], "reinforce_phrasings": ["own"], "reinforce_tokens": [400], "refine": 0}
    settings = {**RAISED, **more, "wanted_alpha_c": None}
    bounds = []
    for n in (8, 3):
        result = at.transition(stub_pair().aligned, stub_prompts(n), **settings)
        bounds.append(result.value("alpha_c_reinforced", tokens="400").estimate)
    enough, few = bounds
    assert "kept at every" in enough.reason
    assert enough.low > 0.9
    assert np.isnan(few.low)
    assert "too few prompts: 3" in few.reason


@pytest.mark.slow
def test_the_plan_counts_reinforcement_exactly_and_bounds_refinement(stepped, raised):
    pair = stub_pair()
    config, plan = planned(RAISED, stub_prompts(), pair)
    assert len(plan.contexts) == context_rows(raised.tables).num_rows
    forwarded = raised.value("tokens_forwarded").estimate.value
    assert plan.tokens().planned == forwarded
    assert refinement_bound(plan, config).contexts == 0
    once = config.model_copy(update={"refine": 1})
    assert refinement_bound(plan, once).contexts == 3 * 10 * (2 + 2 * 2 * 2)
    config, plan = planned(GRID, stub_prompts(), pair)
    bound = refinement_bound(plan, config)
    assert bound.contexts == stepped.tables["refine1"].num_rows
    more = stepped.value("tokens_forwarded").estimate.value - plan.tokens().planned
    assert 0 < more <= bound.tokens


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"reinforce_phrasings": ["sung"]}, "'sung' is not one of own, filler"),
        ({"reinforce_tokens": [0]}, "at least one above 0"),
        ({"reinforce": ["middle"]}, "start"),
        ({"reinforce": [], "reinforce_phrasings": []}, "name placements in reinforce"),
        ({"refine": -1}, "refine"),
    ],
)
def test_impossible_settings_are_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        TransitionConfig.model_validate({"aligned": "a", "prompts": "p", **RAISED, **changes})


def test_a_prompt_without_a_rule_is_swept_and_said_not_to_be_reinforced():
    settings = {**SMALL, "alphas": [0, 0.5, 1], "instruction": ["exchanges"], "reminders": []}
    settings |= {"reinforce": ["end"], "reinforce_phrasings": ["repeat"], "reinforce_tokens": [20]}
    ruled = {"role": "system", "content": "keep rule always honour"}
    prompts = [
        {**row, "messages": [ruled, *row["messages"]]} if number else row
        for number, row in enumerate(stub_prompts(3))
    ]
    result = at.transition(stub_pair().aligned, prompts, **settings)
    rows = result.to_pandas()
    assert set(rows.loc[rows["stage"] == "reinforce", "prompt_id"]) == {"p1", "p2"}
    assert set(rows.loc[rows["stage"] == "sweep", "prompt_id"]) == {"p0", "p1", "p2"}
    assert any("there is no rule" in text for text in result.skipped)


def test_what_refinement_makes_too_long_is_left_out_and_said():
    _, plan = planned({**SMALL, "alphas": [0, 0.5, 1], "lengths": [60, 100]}, stub_prompts(2), stub_pair())
    (shard,) = plan.shards
    longest = max(context.counts.total for context in plan.contexts) + shard.prompts[0].longest_answer
    assert shard.within(longest) == shard
    cut = shard.within(longest - 1)
    assert 0 < len(cut.questions) < len(shard.questions)
    assert "do not fit the model's" in cut.problems[0].message
    assert shard.within(10).prompts == ()
