"""Transitions into a folder: interrupted, resumed, gated, refused."""

import json

import numpy as np
import pytest

import alignthermo as at
from alignthermo.api import transition_run as running
from alignthermo.errors import ConfigError, ContextTooLong, GateFailed, RunConflict
from alignthermo.experiments import Transition, compose_all
from alignthermo.runs import read_run, require_gates
from alignthermo.runs.schema import parquet_bytes
from alignthermo.testsystems.conversational import ConstantResponse
from tests.experiments.transition_stubs import LAW, SETTINGS, StepAt, stub_pair, stub_prompts

SMALL = {
    **SETTINGS,
    "alphas": [0, 0.5, 1],
    "lengths": [60],
    "controls": ["attack"],
    "prompts_per_shard": 2,
    "refine": 0,
}


@pytest.fixture
def stubbed(monkeypatch, tmp_path):
    """Put the stub in the place of models on disk; everything else is the real run."""
    pairs = [stub_pair(max_length=400)]
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps(row) + "\n" for row in stub_prompts(8)))

    def composed(config, sources):
        return compose_all(config, sources, tokenizer=pairs[0].aligned.tokenizer, max_length=400)

    monkeypatch.setattr(running, "pair_loader", lambda config, stack, progress: lambda: pairs[0])
    monkeypatch.setattr(running, "composed", composed)
    monkeypatch.setattr(running, "weight_digests", lambda config: {"aligned": "sha256:0"})

    def run(out, law=LAW, **changes):
        pairs[0] = stub_pair(law, max_length=400)
        settings = {"aligned": "stub", "prompts": str(prompts), **SMALL, **changes}
        return at.run_transition(at.TransitionConfig.model_validate({**settings, "out": str(out)}))

    return run


def same(first, second):
    """To the last bit; NaN, which is not equal to itself, counts as the same."""
    return parquet_bytes(first) == parquet_bytes(second)


STEPPED = {
    **SMALL,
    "refine": 1,
    "alphas": [0, 0.25, 0.5, 0.75, 1],
    "lengths": [80],
    "reinforce": ["end"],
    "reinforce_tokens": [20],
}
"""A step between two alphas: the grid refines itself, then reminders are added."""
STEP = StepAt(alpha=0.62)
STAGES = ("sweep", "refine1", "reinforce", "reinforce1")


@pytest.fixture
def stops(monkeypatch):
    """Make a run break off, as by a key, when it begins its next shard after so many."""
    measure = Transition.measure

    def stopping(self, shard):
        if after.left == 0:
            raise KeyboardInterrupt
        after.left -= 1
        after.measured.append(shard.id)
        return measure(self, shard)

    def after(n):
        after.left = n

    after.left, after.measured = -1, []  # below 0 it never stops
    monkeypatch.setattr(Transition, "measure", stopping)
    return after


@pytest.mark.slow
def test_a_run_interrupted_in_and_between_stages_resumes_to_identical_tables(stubbed, stops, tmp_path):
    whole = stubbed(tmp_path / "whole", law=STEP, **STEPPED)
    stages = [f"{stage}-{n:05d}" for stage in STAGES for n in range(4)]
    assert set(read_run(tmp_path / "whole").shards) == set(stages)
    done = 0
    # inside the sweep, before refinement, inside it, inside reinforcement, before and inside its refinement
    for more in (2, 2, 1, 5, 2, 1):
        stops(more)
        with pytest.raises(KeyboardInterrupt):
            stubbed(tmp_path / "broken", law=STEP, **STEPPED)
        done += more
        assert list(read_run(tmp_path / "broken").shards) == stages[:done]
    stops(-1)
    resumed = stubbed(tmp_path / "broken", law=STEP, **STEPPED)
    assert same(resumed.rows, whole.rows)
    first, second = ((tmp_path / name / "summary.json").read_bytes() for name in ("whole", "broken"))
    assert first == second
    for stage in STAGES:
        assert same(read_run(tmp_path / "whole").read_rows(stage=stage), whole.tables[stage])
    assert stops.measured == stages * 2  # the whole run, and the broken one: nothing twice


@pytest.mark.slow
def test_in_memory_a_transition_has_the_same_stages(stubbed, tmp_path, monkeypatch):
    stored = []

    def noted(rows, config):
        stored.append(rows)
        return (), ()

    monkeypatch.setattr(running, "summarise_transition", noted)
    whole = stubbed(tmp_path / "whole", law=STEP, **STEPPED)
    in_memory = at.transition(stub_pair(STEP).aligned, stub_prompts(8), **STEPPED)
    assert same(in_memory.rows, whole.rows)
    assert list(stored[0]) == list(stored[1]) == list(STAGES)


@pytest.mark.slow
def test_shares_of_a_run_go_from_stage_to_stage_together(stubbed, tmp_path):
    shared = {**STEPPED, "law": STEP}
    parts = []
    for share in ("1/2", "1/2", "2/2", "1/2"):
        result = stubbed(tmp_path / "run", shard=share, **shared)
        assert (result.complete, result.records, len(result.certificate.lines)) == (False, (), 0)
        parts.append({name: table.num_rows for name, table in result.tables.items()})
    # alone, a share does not go on to the next stage, however often it is repeated
    assert parts[0] == parts[1] == {"sweep": 4 * 5}
    assert parts[2]["sweep"] == 8 * 5
    assert set(parts[2]) == {"sweep", "refine1"}
    assert set(parts[3]) == {"sweep", "refine1", "reinforce"}
    further = stubbed(tmp_path / "run", shard="2/2", **shared)
    assert not further.complete
    last = stubbed(tmp_path / "run", shard="1/2", **shared)
    assert last.complete
    assert set(further.tables) == set(last.tables) == set(STAGES)


def test_gates_judge_the_lower_bound(stubbed, tmp_path):
    with pytest.raises(GateFailed, match=r"alpha_c.*low"):
        stubbed(tmp_path / "run", fail_if=["alpha_c.low < 0.95"])
    json.loads((tmp_path / "run" / "summary.json").read_text(), parse_constant=pytest.fail)
    stored = read_run(tmp_path / "run").estimates
    (low,) = (r.estimate.low for r in stored if r.quantity == "alpha_c" and r.slice["category"] == "all")
    assert 0.05 < low < 0.95
    (passed,) = require_gates(["alpha_c[order=random].low < 0.05"], stored)
    assert passed.outcome == "pass"


@pytest.mark.slow
def test_gates_on_what_is_not_bracketed(stubbed, tmp_path):
    # kept everywhere: the largest alpha that was tried is the bound, and a gate is judged on it
    kept = stubbed(tmp_path / "kept", law=ConstantResponse(field=6.0), fail_if=["alpha_c.low < 0.4"])
    assert np.isnan(kept.value("alpha_c").estimate.value)
    with pytest.raises(GateFailed, match=r"alpha_c.*value = unknown \(not bracketed: kept at every"):
        require_gates(["alpha_c.value < 0.4"], kept.records)
    with pytest.raises(GateFailed, match=r"because low is unknown\n.*not bracketed: broken at") as caught:
        stubbed(tmp_path / "broken", law=ConstantResponse(field=-6.0), fail_if=["alpha_c.low < 0.4"])
    assert caught.value.exit_code == 10
    broken = read_run(tmp_path / "broken").estimates
    assert require_gates(["alpha_c.high > 0.4"], broken)


def test_what_is_refused_leaves_no_folder(stubbed, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "summarise_transition", lambda stored, config: ((), ()))
    with pytest.raises(ContextTooLong):
        stubbed(tmp_path / "run", lengths=[600])
    assert not (tmp_path / "run").exists()
    stubbed(tmp_path / "run")
    with pytest.raises(RunConflict, match=r"config\.seed"):
        stubbed(tmp_path / "run", seed=1)
    with pytest.raises(ConfigError, match="cannot be read"):
        stubbed(tmp_path / "other", fail_if=["alpha_c"])
