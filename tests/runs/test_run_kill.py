"""``kill -9`` at random instants and at every call that changes the disk; three processes in one folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from alignthermo.runs import RunFolder
from tests.runs.synthetic_run import CONFIG, assert_complete, run

ROOT = Path(__file__).parents[2]
COUNT = 24  # shards of the randomly killed run


def die(*arguments):
    """Run dying_run.py and return what it printed."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.runs.dying_run", *map(str, arguments)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_kill_9_at_twelve_random_instants_loses_and_doubles_nothing(tmp_path):
    place = tmp_path / "run"
    happened = die("random", place, 20)
    assert happened["killed"] == 12
    assert happened["commits_after_each"] == sorted(happened["commits_after_each"])
    assert 0 < happened["commits_after_each"][5] < COUNT  # they did strike in the middle
    uninterrupted = run(tmp_path / "uninterrupted", count=COUNT)
    folder = RunFolder.open(place, config=CONFIG)
    assert_complete(folder, count=COUNT)
    assert folder.read_tokens().equals(uninterrupted.read_tokens())
    for name in ("summary.json", "report.html"):
        assert (place / name).read_bytes() == (tmp_path / "uninterrupted" / name).read_bytes()


@pytest.mark.slow
def test_kill_9_at_every_call_that_changes_the_disk(tmp_path):
    # Two shards: a lease, two parts and a journal line each, of at least 14 calls together, and run.json.
    assert die("calls", tmp_path)["calls"] > 28


def test_processes_that_race_do_each_shard_once(tmp_path):
    assert die("race", tmp_path / "run") == {"lines": 20, "shards": 20, "sessions": 5}
