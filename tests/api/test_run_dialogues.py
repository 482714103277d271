"""Dialogues in a run folder: own rows beside those of the sweep, damage measured anew, bit for bit."""

import pytest

from alignthermo.api.stages import stages_in_folder, stages_in_memory
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_dialogues import DIALOGUES
from alignthermo.experiments.transition_material import read_sources
from alignthermo.experiments.transition_stages import transition_stages
from alignthermo.prompts import prompt_set_of
from alignthermo.quantities import silent
from alignthermo.runs import RunFolder, read_run
from alignthermo.runs.schema import parquet_bytes
from alignthermo.testsystems.conversational import DecayingMemory
from tests.experiments.transition_stubs import SETTINGS, stub_pair, stub_prompts
from tests.runs.synthetic_run import CONFIG

SMALL = {
    **SETTINGS,
    **{"aligned": "stub", "prompts": "stub", "alphas": [0, 1], "lengths": [40], "controls": ["attack"]},
    **{"refine": 0, "ramps": 8, "ramp_alphas": [0, 1], "ramp_holds": [1], "own_window": 2},
}
PAIR = stub_pair(DecayingMemory(field=0.0, kernel=(0.5,), own_kernel=(0.5,)))


def same(first, second):
    """To the last bit; NaN, which is not equal to itself, counts as the same."""
    # what Parquet calls the items of a list is another word than Arrow's own
    return parquet_bytes(first.cast(second.schema).combine_chunks()) == parquet_bytes(second.combine_chunks())


def test_rows_of_dialogues_have_their_own_schema_and_survive_damage(tmp_path):
    config = TransitionConfig.model_validate(SMALL)
    prompts = prompt_set_of(stub_prompts(3)).prompts
    sources = read_sources(config, pool=prompts, queries=prompts)
    stages = transition_stages(None, config, sources)
    whole = stages_in_memory(stages, pair=PAIR, progress=silent).stored

    def run(load):
        folder = RunFolder.open(tmp_path, config=CONFIG)
        return stages_in_folder(stages, folder=folder, shard=None, load=load, progress=silent)

    stored = run(lambda: PAIR).stored
    assert set(stored) == {"sweep", DIALOGUES}
    for name, table in stored.items():
        assert same(table, whole[name])
    (tmp_path / "rows" / "part-dialogues-00002.parquet").write_bytes(b"torn")
    again = run(lambda: PAIR).stored
    assert same(again[DIALOGUES], whole[DIALOGUES])
    # nothing is left to do, and nothing is loaded
    run(lambda: pytest.fail("measured again"))
    kept = read_run(tmp_path)
    assert same(kept.read_rows(stage=DIALOGUES), whole[DIALOGUES])
    assert kept.read_rows(stage="reinforce") is None
    with pytest.raises(ValueError, match="name a stage"):
        kept.read_rows()
    quantities = {record.quantity for record in kept.read_records()}
    assert {"dialogue_tokens_forwarded", "dialogue_tokens_naive"} <= quantities


def test_dialogues_that_do_not_fit_the_model_are_named_and_the_others_held(tmp_path):
    config = TransitionConfig.model_validate({**SMALL, "own_window": 16, "ramp_holds": [1, 8]})
    prompts = prompt_set_of(stub_prompts(3)).prompts
    sources = read_sources(config, pool=prompts, queries=prompts)
    pair = stub_pair(PAIR.aligned.law, max_length=120)
    staged = stages_in_memory(transition_stages(None, config, sources), pair=pair, progress=silent)
    holds = set(staged.stored[DIALOGUES]["hold"].to_pylist())
    assert holds == {1}
    failed = [r for r in staged.records if r.unit_id.startswith(DIALOGUES) and r.estimate.reason]
    assert len(failed) == 4
    assert all("hold 8" in r.unit_id for r in failed)
