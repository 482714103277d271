"""A real transition with all its stages, killed at random instants: the tables of an uninterrupted run."""

import random
import signal
import time

import pytest

from alignthermo.runs import read_run
from alignthermo.runs.schema import parquet_bytes
from tests.api.verb_process import n_commits, start, wait_for_commits

KILLS = 4
ARGUMENTS = (
    *("transition", "--aligned", "shipped:aligned-beta-0.25", "--prompts", "shipped", "--limit", "12"),
    *("--alphas", "0,0.5,1", "--lengths", "120", "--orders", "adversarial_last", "--controls", "attack"),
    *("--reinforce", "end", "--reinforce-phrasings", "short", "--reinforce-tokens", "20"),
    *("--resamples", "200"),
)


@pytest.mark.slow
def test_kills_in_and_between_stages_lose_and_double_no_row(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    process = start(ARGUMENTS, whole)
    _, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors.decode()
    stages = {shard.rpartition("-")[0] for shard in read_run(whole).shards}
    assert {"sweep", "reinforce"} <= stages
    chance = random.Random(20_261_124)
    for _ in range(KILLS):
        process = start(ARGUMENTS, broken)
        wait_for_commits(process, broken, goal=n_commits(broken) + 1, seconds=600.0)
        time.sleep(chance.uniform(0.0, 0.2))
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, errors.decode()
    process = start(ARGUMENTS, broken)
    _, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors.decode()
    first, second = read_run(whole), read_run(broken)
    for stage in stages:  # bytes: NaN is not equal to itself
        again, once = (parquet_bytes(run.read_rows(stage=stage)) for run in (second, first))
        assert again == once, stage
    assert (broken / "summary.json").read_bytes() == (whole / "summary.json").read_bytes()
