"""A real landscape, killed at twelve random instants: the tables of an uninterrupted run, to the last bit."""

import json
import random
import signal
import time

import pytest

from alignthermo.runs import read_run
from tests.api.verb_process import n_commits, start, wait_for_commits

KILLS = 12
ARGUMENTS = (
    *("landscape", "--pair", "shipped", "--limit", "60", "--samples", "2", "--max-new-tokens", "32"),
    *("--prompts-per-shard", "3", "--resamples", "200", "--context-policy", "on_policy"),
    *("--context-policy", "base_policy"),
)


@pytest.mark.slow
def test_twelve_kills_lose_no_row_double_no_row_and_change_no_bit(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    _, errors = start(ARGUMENTS, whole).communicate(timeout=400)
    assert n_commits(whole) > 0, errors.decode()
    chance = random.Random(20_261_123)
    struck = []
    for kill in range(KILLS):
        process = start(ARGUMENTS, broken)
        goal = n_commits(broken) + chance.randint(1, 3)
        wait_for_commits(process, broken, goal=goal, seconds=60.0)
        time.sleep(chance.uniform(0.0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        struck.append((kill, process.returncode, n_commits(broken)))
    assert sum(code == -signal.SIGKILL for _, code, _ in struck) == KILLS, struck
    process = start(ARGUMENTS, broken)
    _, errors = process.communicate(timeout=400)
    assert process.returncode == 0, errors.decode()
    first, second = read_run(whole), read_run(broken)
    assert second.read_tokens().equals(first.read_tokens())
    assert second.read_records() == first.read_records() or _same(second, first)
    assert (broken / "summary.json").read_bytes() == (whole / "summary.json").read_bytes()
    assert json.loads((broken / "run.json").read_text())["digest"] == first.digest


def _same(second, first) -> bool:
    """Compare records whose NaN are not equal to themselves by how they print."""
    return [repr(r) for r in second.read_records()] == [repr(r) for r in first.read_records()]
