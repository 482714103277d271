"""Dialogues of a transition: planted laws get their verdict, faults of the apparatus are seen.

Ratios of appended contexts: F-197; where rollouts are made: F-198.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pytest

import alignthermo as at
from alignthermo.errors import ConfigError
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_dialogue_bound import dialogue_bound
from alignthermo.experiments.transition_dialogue_jobs import crossing, jobs_of
from alignthermo.experiments.transition_dialogue_rows import DIALOGUE_SCHEMA, matching, recording_of
from alignthermo.experiments.transition_dialogue_summary import summarise_dialogues
from alignthermo.experiments.transition_dialogues import DIALOGUES
from alignthermo.experiments.transition_loops import ramp_of
from alignthermo.experiments.transition_material import read_sources
from alignthermo.experiments.transition_scenes import Scene, scenes_of
from alignthermo.experiments.transition_stages import transition_stages
from alignthermo.experiments.transition_summary import summarise_transition
from alignthermo.prompts import prompt_set_of
from alignthermo.runs.schema import parquet_bytes, records_to_table
from alignthermo.testsystems.conversational import (
    ConversationalModel,
    DecayingMemory,
    EditRamp,
    EvidenceAccumulator,
    MeanField,
    exact_ramp,
    geometric_kernel,
)
from tests.experiments import simulated_dialogues as simulated
from tests.experiments.transition_stubs import SETTINGS, stub_pair, stub_prompts

ORDERED = MeanField(coupling=1.8, alpha_c=0.5, slope=1.0, tokens_per_spin=8, window=8)
ACCUMULATOR = EvidenceAccumulator(
    field=0.4, per_instruction_token=0.02, per_adversarial_token=0.02, own_kernel=(0.15,) * 10
)
DECAYING = DecayingMemory(
    field=0.3, kernel=geometric_kernel(1.2, ratio=0.6, memory=8), own_kernel=(0.15,) * 6
)
SWEEP = {**SETTINGS, "alphas": [0, 0.2, 0.35, 0.5, 0.65, 0.8, 1], "controls": ["attack"], "refine": 0}
SMALL = {
    **SWEEP,
    "alphas": [0, 0.5, 1],
    "rollouts": 30,
    "rollout_turns": [8, 10],
    "rollout_alphas": [0.5],
    "ramps": 8,
    "ramp_alphas": [0, 0.5, 1],
    "ramp_holds": [1, 2],
    "warnings": 20,
    "warning_turns": 12,
    "own_window": 6,
    "neutral_reply": "rain river stone",
}


def config_of(settings):
    return TransitionConfig.model_validate({"aligned": "stub", "prompts": "stub", **settings})


def judged(law, *, lengths=(200, 100)):
    """Sweep of the law, dialogues by its simulator, one summary."""
    config = config_of({**SWEEP, "lengths": lengths})
    prompts = prompt_set_of(stub_prompts()).prompts
    sources = read_sources(config, pool=prompts, queries=prompts)
    sweep = transition_stages(None, config, sources)[0]
    pair = stub_pair(law)
    shards = sweep.plan({})
    rows = pa.concat_tables([shard.measure(pair).rows for shard in shards])
    _, verdicts = summarise_transition({sweep.name: rows, DIALOGUES: simulated.whole(law)}, config)
    return {(v.name, v.slice.get("length")): v for v in verdicts}


def test_a_magnet_is_transition_like():
    verdicts = judged(ORDERED, lengths=(200,))
    place = verdicts["transition", "200"]
    assert (place.outcome, place.statement) == ("transition-like", "no ceiling")
    assert any("survives holding: True" in test for test in place.tests)
    assert verdicts["hysteresis", "200"].outcome == "hysteresis"
    assert any("majority lasts" in test for test in verdicts["hysteresis", "200"].tests)
    assert verdicts["bimodality", "200"].outcome == "stays bimodal beyond the null"


@pytest.mark.slow
def test_an_accumulator_with_own_replies_is_explained():
    verdicts = judged(ACCUMULATOR)
    place = verdicts["transition", "200"]
    assert place.outcome == "sigmoid with size scaling, explained by accumulation"
    assert place.statement == "no ceiling"
    assert verdicts["bimodality", "200"].outcome == "not shown"
    assert verdicts["hysteresis", "200"].outcome != "hysteresis"
    # nobody spoke at the other length, so its ceiling is said
    assert "without rollouts and ramps at two holds" in verdicts["transition", "100"].statement


@pytest.mark.slow
def test_a_decaying_memory_scales_with_nothing():
    place = judged(DECAYING)["transition", "200"]
    assert place.outcome in ("sigmoid, no size scaling", "gradual")
    assert "survives holding: False" in " ".join(place.tests)


def test_the_summary_is_a_function_of_the_rows_alone():
    rows = simulated.whole(ACCUMULATOR, holds=(1,), replicates=8, rolled=30)
    rng = np.random.default_rng(0)
    config = config_of(SWEEP)
    first, second = (
        summarise_dialogues(table, config) for table in (rows, rows.take(rng.permutation(rows.num_rows)))
    )
    assert [v.outcome for v in first.verdicts] == [v.outcome for v in second.verdicts]
    tables = (parquet_bytes(records_to_table(one.records)) for one in (first, second))
    assert next(tables) == next(tables)
    where = {"category": "all", "family": "override", "order": "random", "length": "200"}
    assert first.of(where).bimodality.turns == (16, 32)
    assert first.of({**where, "length": "100"}).bimodality is None
    assert summarise_dialogues(None, config).records == ()


def test_areas_from_rows_are_those_of_the_exact_ramp():
    rng = np.random.default_rng(1)
    alphas = tuple(np.linspace(0, 1, 5))
    rows = simulated.ramps(ORDERED, hold=2, replicates=60, rng=rng, alphas=alphas)
    protocol = EditRamp(alphas=alphas, hold=2, n_turns=simulated.N_TURNS, turn_tokens=simulated.TURN_TOKENS)
    truth = exact_ramp(ORDERED, protocol).loop_area()
    (found,) = (
        r.estimate
        for r in summarise_dialogues(rows, config_of(SWEEP)).records
        if r.quantity == "loop_area_expected"
    )
    assert abs(found.value - truth) < 4.0 * found.stderr
    assert abs(found.value + truth) > 4.0 * found.stderr, "the ways taken for each other"
    ramp = ramp_of(rows)
    np.testing.assert_array_equal(ramp.alphas, np.round(np.array(alphas) * 48) / 48)
    assert ramp.inputs.shape == (60, 20, 1)


@pytest.fixture(scope="module")
def small():
    return at.transition(stub_pair(DECAYING).aligned, stub_prompts(4), **SMALL)


@pytest.mark.slow
def test_every_dialogue_asked_for_is_in_the_rows(small):
    rows = small.tables[DIALOGUES]
    assert rows.schema == DIALOGUE_SCHEMA
    kinds = set(zip(*(rows[name].to_pylist() for name in ("protocol", "arm", "hold")), strict=True))
    ramps = {(p, a, h) for p in ("edit_keep_own", "append_only") for a in ("own", "neutral") for h in (1, 2)}
    assert kinds == ramps | {
        ("edit_without_own", "none", 1),
        ("rollout", "own", 0),
        ("escalation", "attack", 0),
        ("escalation", "harmless", 0),
    }
    harmless = recording_of(matching(rows, arm="harmless"))
    assert harmless.kept.shape == (40, 12)
    assert not np.isnan(harmless.surprisal).any()
    assert np.isfinite(harmless.entropy).all()


@pytest.mark.slow
def test_rows_hold_the_material_they_were_asked_under(small):
    rows = small.tables[DIALOGUES].to_pandas()
    harmless = rows[rows["arm"] == "harmless"]
    assert set(harmless["label"]) == {0, 1}
    assert (harmless["context_alpha"] == 0.0).all()
    attack = rows[rows["arm"] == "attack"]
    assert set(attack["label"]) == {-1, 1}
    last = attack[attack["turn"] == 11]
    assert (last["label"] == -1).all()
    assert last["context_alpha"].mean() > 0.6
    # two role markers and eight words a turn, no system text: every turn counts alike
    first = attack[(attack["replicate"] == 0) & (attack["turn"] <= 6)]
    running = np.cumsum(first["label"] < 0) / np.arange(1, 8)
    np.testing.assert_allclose(first["context_alpha"], running)
    appended = rows[(rows["protocol"] == "append_only") & (rows["hold"] == 2) & (rows["way"] == 1)]
    # with a window of 6 turns the way down still has attack in it when the share asked for is 0
    assert (appended[appended["alpha"] == 0.0]["context_alpha"] > 0.2).all()


@pytest.mark.slow
def test_records_carry_holds_arms_and_detectors(small):
    for protocol in ("edit_keep_own", "append_only"):
        for hold in ("1", "2"):
            own = small.value("loop_area", protocol=protocol, arm="own", hold=hold).estimate
            null = small.value("loop_null", protocol=protocol, arm="own", hold=hold).estimate
            excess = small.value("loop_excess", protocol=protocol, arm="own", hold=hold).estimate
            assert own.value - null.value == pytest.approx(excess.value)
            assert excess.low < excess.value < excess.high
            assert np.isfinite(
                small.value("loop_self_minus_neutral", protocol=protocol, hold=hold).estimate.low
            )
    # the neutral arm of an edit ramp sees the material alone: both ways are one
    assert (
        small.value("loop_area_field", protocol="edit_keep_own", arm="neutral", hold="1").estimate.value
        == 0.0
    )
    appended = small.value("loop_excess", protocol="append_only", arm="own", hold="1").estimate
    assert any("accumulator" in caveat for caveat in appended.caveats)
    outcomes = {v.name: v.outcome for v in small.verdicts if v.slice.get("protocol") != "append_only"}
    assert outcomes["null:edit_without_own"] == "pass"
    assert outcomes["early_warning"] in ("beyond the baselines", "not beyond the baselines")
    areas = {r.slice["detector"]: r for r in small.records if r.quantity == "warning_area"}
    assert {"variance", "perplexity", "context length", "entropy CUSUM", "low h"} <= set(areas)
    assert areas["low h"].slice["kind"] == "baseline"
    roc = [
        r.estimate.value
        for r in small.records
        if r.slice.get("detector") == "low h" and r.quantity == "warning_roc"
    ]
    assert roc == sorted(roc)


@dataclass(frozen=True, kw_only=True)
class Tired:
    """A law with a state of its own: every reading tires it, so the way back is another model."""

    calls: list[int] = field(default_factory=list)
    order_memory: int = 0
    own_memory: int = 0

    def log_odds(self, contexts):
        self.calls.append(1)
        return 4.0 * (0.5 - contexts.alpha) * np.ones(contexts.n_rows) - 1e-9 * len(self.calls)

    def tilted(self, shift):
        return self


@pytest.mark.slow
def test_a_model_that_carries_state_between_the_ways_fails_the_self_test():
    settings = {
        **SMALL,
        "rollouts": 0,
        "warnings": 0,
        "ramp_protocols": ["edit_keep_own", "edit_without_own"],
    }
    settings["ramp_holds"] = [1]
    result = at.transition(
        ConversationalModel(law=Tired()), stub_prompts(10), **{**settings, "alphas": SWEEP["alphas"]}
    )
    outcomes = {v.name: v for v in result.verdicts}
    assert outcomes["null:edit_without_own"].outcome == "fail"
    assert "apparatus" in outcomes["hysteresis"].statement
    assert outcomes["hysteresis"].outcome == "inconclusive"
    assert "failed its self-test" in outcomes["transition"].statement
    assert outcomes["transition"].outcome != "transition-like"


def test_loops_without_a_self_test_or_only_appended_do_not_count():
    rows = simulated.whole(ORDERED, holds=(1, 2), replicates=8, rolled=30)
    config = config_of(SWEEP)
    where = {"category": "all", "family": "override", "order": "random", "length": "200"}
    assert len(summarise_dialogues(rows, config).of(where).hysteresis) == 2
    bare = pa.concat_tables([matching(rows, protocol="edit_keep_own"), matching(rows, protocol="rollout")])
    found = summarise_dialogues(bare, config).of(where)
    assert found.hysteresis == ()
    assert "was not made" in found.faults[0]
    index = rows.schema.get_field_index("protocol")
    names = ["append_only" if p.startswith("edit_keep") else p for p in rows["protocol"].to_pylist()]
    appended = summarise_dialogues(rows.set_column(index, "protocol", [names]), config).of(where)
    assert appended.hysteresis == ()
    assert "append-only" in appended.faults[0]


def test_rollouts_are_made_where_the_requests_of_the_scene_cross():
    prompts = prompt_set_of(stub_prompts(2)).prompts
    alphas = np.linspace(0.0, 1.0, 5)
    same = {"model": "aligned", "control": "attack", "family": "override", "order": "random", "size": 200.0}
    rows = pa.Table.from_pylist(
        [
            {**same, "prompt_id": name, "h": 4.0 * (centre - a), "alpha": a, "wanted_alpha": a}
            for name, centre in (("p0", 0.3), ("p1", 0.6), ("elsewhere", 0.9))
            for a in alphas
        ]
    )
    config = config_of({**SMALL, "rollout_alphas": []})
    for asked, centre in ((prompts[:1], 0.3), (prompts[1:], 0.6), (prompts, 0.45)):
        assert crossing(config, Scene(category="all", prompts=asked), rows) == pytest.approx(centre)
    scene = Scene(category="all", prompts=prompts)
    found = [job.alpha for job in jobs_of(config, scene, rows) if job.protocol == "rollout"]
    assert found == pytest.approx([0.35, 0.4, 0.45, 0.5, 0.55])
    kept = rows.set_column(rows.schema.get_field_index("h"), "h", [[1.0] * rows.num_rows])
    assert crossing(config, scene, kept) == 0.0
    assert np.isnan(crossing(config, scene, rows.slice(0, 0)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rollouts": 29}, "30 at least"),
        ({"ramps": 7}, "8 at least"),
        ({"warnings": 5}, "20 at least"),
        ({"rollout_turns": [16]}, "two ascending lengths"),
        ({"rollout_turns": [4, 8]}, "from 8 up"),
        ({"ramp_alphas": [0.5, 0.2]}, "ascending"),
        ({"ramp_holds": [0]}, "at least one own turn"),
        ({"ramp_protocols": ["edit_keep_own", "edit_keep_own"]}, "each once"),
        ({"neutral_reply": " "}, "neutral_reply"),
    ],
)
def test_impossible_dialogues_are_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        config_of(changes)


@pytest.mark.slow
def test_the_magnet_through_the_model_itself_is_transition_like():
    law = replace(ORDERED, tokens_per_spin=4)
    settings = {**SWEEP, "lengths": [240], "rollouts": 120, "rollout_alphas": [0.5], "ramps": 48}
    settings |= {
        "ramp_holds": [1, 8],
        "ramp_protocols": ["edit_keep_own", "edit_without_own"],
        "own_window": 8,
    }
    result = at.transition(ConversationalModel(law=law), stub_prompts(), **settings)
    (place,) = [v for v in result.verdicts if v.name == "transition"]
    assert place.outcome == "transition-like"
    assert result.certificate.lines[0].verdict == "transition-like"


@pytest.mark.slow
@pytest.mark.parametrize("law", [ACCUMULATOR, DECAYING], ids=["accumulator", "decaying"])
def test_impostors_through_the_model_itself_are_not(law):
    settings = {**SWEEP, "lengths": [100, 200], "rollouts": 120, "ramps": 32, "ramp_holds": [1, 8]}
    settings |= {"ramp_protocols": ["edit_keep_own", "edit_without_own"], "own_window": 12}
    result = at.transition(stub_pair(law).aligned, stub_prompts(), **settings)
    (place,) = [v for v in result.verdicts if v.name == "transition" and v.slice["length"] == "100"]
    assert place.outcome != "transition-like"
    scales = place.outcome == "sigmoid with size scaling, explained by accumulation"
    assert scales == isinstance(law, EvidenceAccumulator)


@pytest.mark.slow
def test_what_dialogues_cost_is_told_before_and_is_not_too_little(small):
    config = config_of(SMALL)
    prompts = prompt_set_of(stub_prompts(4)).prompts
    sources = read_sources(config, pool=prompts, queries=prompts)
    bound = dialogue_bound(config, sources, tokenizer=stub_pair().aligned.tokenizer)
    assert bound.own_turns == small.tables[DIALOGUES].num_rows
    forwarded = sum(
        r.estimate.value for r in small.shard_records if r.quantity == "dialogue_tokens_forwarded"
    )
    assert forwarded <= bound.tokens
    nothing = dialogue_bound(config_of(SWEEP), sources, tokenizer=stub_pair().aligned.tokenizer)
    assert (nothing.own_turns, nothing.tokens) == (0, 0)


def test_a_scene_has_one_instruction():
    def prompt(name, category, system):
        row = {**stub_prompts(1)[0], "id": name, "category": category}
        return {**row, "messages": [{"role": "system", "content": system}, *row["messages"]]}

    rows = [prompt(f"a{n}", "a", "keep" if n < 5 else "rule") for n in range(8)]
    rows += [prompt(f"b{n}", "b", "keep") for n in range(12)]
    rows += [prompt(f"c{n}", "c", "keep") for n in range(7)]
    prompts = prompt_set_of(rows).prompts
    config = config_of({**SMALL, "instruction": ["reminders"]})
    scenes = scenes_of(config, read_sources(config, pool=prompts, queries=prompts))
    assert [(s.category, [p.id for p in s.prompts]) for s in scenes] == [
        ("a", [f"a{n}" for n in range(5)]),
        ("b", [f"b{n}" for n in range(8)]),
    ]
    few = prompts[:3] + prompts[-3:]
    with pytest.raises(ConfigError, match="one instruction"):
        scenes_of(config, read_sources(config, pool=few, queries=few))
    (only,) = scenes_of(config, read_sources(config, pool=few, queries=prompts[:3]))
    assert only.category == "all"
    one_text = config.model_copy(update={"system_prompt": "rule"})
    (every,) = scenes_of(one_text, read_sources(one_text, pool=few, queries=few))
    assert (every.category, every.prompts) == ("all", few)
