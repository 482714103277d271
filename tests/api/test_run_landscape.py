"""Whole runs on the shipped pair: reproducible, resumable, refused where they must be."""

import json
import shutil

import pytest

import alignthermo as at
from alignthermo.api import measuring
from alignthermo.errors import ConfigError, GateFailed, RunConflict

SETTINGS = {
    "base": "shipped:base",
    "aligned": "shipped:aligned-beta-0.25",
    "prompts": "shipped",
    "limit": 10,
    "max_new_tokens": 16,
    "resamples": 200,
    "prompts_per_shard": 4,
}


def run(out, **changes):
    return at.run_landscape(at.LandscapeConfig.model_validate({**SETTINGS, **changes, "out": str(out)}))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "run"
    return out, run(out)


def test_a_run_leaves_everything_the_folder_promises(finished):
    out, result = finished
    assert result.complete
    assert result.n_failed == 0
    for name in ("run.json", "journal.jsonl", "summary.json", "report.html"):
        assert (out / name).stat().st_size > 0
    assert any((out / "tokens").glob("part-*.parquet"))
    assert any((out / "records").glob("part-*.parquet"))
    summary = json.loads((out / "summary.json").read_text(), parse_constant=pytest.fail)
    assert summary["schema"].startswith("alignthermo.summary/")
    assert {e["quantity"] for e in summary["estimates"]} >= {"f_align", "sequence_kl", "depth_90"}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(finished, tmp_path):
    out, result = finished
    again = run(tmp_path / "again")
    other = run(tmp_path / "other", seed=1)
    assert again.tokens.equals(result.tokens)
    assert (tmp_path / "again" / "summary.json").read_bytes() == (out / "summary.json").read_bytes()
    assert not other.tokens.equals(result.tokens)


def test_a_second_call_resumes_without_loading_a_model(finished, monkeypatch):
    out, result = finished
    before = (out / "summary.json").read_bytes()
    monkeypatch.setattr(measuring, "load_pair", lambda *a, **k: pytest.fail("a model was loaded"))
    assert run(out).tokens.equals(result.tokens)
    assert (out / "summary.json").read_bytes() == before


def test_a_lost_part_is_measured_again_and_gives_the_same_table(finished, tmp_path):
    out, result = finished
    damaged = tmp_path / "damaged"
    shutil.copytree(out, damaged)
    part = sorted((damaged / "tokens").glob("part-*.parquet"))[1]
    part.write_bytes(part.read_bytes()[:100])
    assert run(damaged).tokens.equals(result.tokens)


def test_shards_of_two_processes_make_one_run(finished, tmp_path):
    _, result = finished
    first = run(tmp_path / "split", shard="1/2")
    assert not first.complete
    assert run(tmp_path / "split", shard="2/2").tokens.equals(result.tokens)


def test_another_configuration_in_the_same_folder_is_refused_with_the_difference(finished):
    out, _ = finished
    with pytest.raises(RunConflict, match="seed: 0 -> 5"):
        run(out, seed=5)


def test_a_gate_is_judged_on_interval_ends(finished, tmp_path):
    with pytest.raises(GateFailed, match="f_align"):
        run(tmp_path / "gated", limit=5, fail_if=("f_align.value > 0.0",))
    assert (tmp_path / "gated" / "report.html").exists()


def test_the_base_against_itself_is_flat():
    pair = at.load_pair("shipped:base", "shipped:base")
    result = at.landscape(pair, at.load_prompts("shipped").limited(10), max_new_tokens=12, resamples=200)
    assert result.value("f_align", context_policy="on_policy").estimate.value < 1e-6
    assert result.value("top1_agreement", context_policy="on_policy").estimate.value == 1.0
    assert all(verdict.outcome != "fail" for verdict in result.verdicts)


def test_python_takes_strings_and_gives_tables_and_a_notebook_view():
    pair = at.load_pair("shipped:base", "shipped:aligned-beta-0.25")
    prompts = ["Which vault code has Max?", "<script>x</script>"]
    result = at.landscape(pair, prompts, max_new_tokens=8, resamples=200)
    frame = result.to_pandas()
    assert {"prompt_id", "position", "kl_aligned_base", "top1_agrees"} <= set(frame.columns)
    assert len(frame) == result.tokens.num_rows > 0
    assert "<script>" not in result._repr_html_()
    with pytest.raises(ConfigError, match="max_new_tokens"):
        at.landscape(pair, ["x"], max_new_tokens=0)


def test_a_plan_counts_exactly_and_loads_nothing(finished, monkeypatch):
    _, result = finished
    plan = at.plan_landscape(at.LandscapeConfig.model_validate(SETTINGS))
    assert plan.n_prompts == 10
    assert plan.n_responses == 20
    forced = result.tokens.to_pandas().query("context_policy == 'teacher_forced:defiant'")
    assert plan.max_response_tokens == 10 * 16 + len(forced)
    assert plan.model_bytes > 4_000_000
    assert plan.seconds > 0.0
