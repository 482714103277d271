"""A verb of the command line in a process of its own, to be killed, and how many shards it has committed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from alignthermo.runs import read_run
from alignthermo.runs.schema import parquet_bytes

PROGRAM = "from alignthermo.cli import main; main()"


def start(arguments: Sequence[str], out: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", PROGRAM, *arguments, "--out", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def n_commits(out: Path) -> int:
    journal = out / "journal.jsonl"
    return journal.read_text().count('"commit"') if journal.exists() else 0


def wait_for_commits(process: subprocess.Popen, out: Path, *, goal: int, seconds: float) -> None:
    """Until so many shards are committed, or the process has ended, or the time is over."""
    deadline = time.monotonic() + seconds
    while n_commits(out) < goal and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)


def finish(arguments: Sequence[str], out: Path) -> None:
    process = start(arguments, out)
    _, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors.decode()


def check_survives_kills(arguments: Sequence[str], folder: Path, *, kills: int, stages: set[str]) -> None:
    """Kill a verb at random instants and finish it: tables and summary of an uninterrupted run."""
    whole, broken = folder / "whole", folder / "broken"
    finish(arguments, whole)
    found = {shard.rpartition("-")[0] for shard in read_run(whole).shards}
    assert stages <= found
    chance = random.Random(20_261_124)
    for _ in range(kills):
        process = start(arguments, broken)
        wait_for_commits(process, broken, goal=n_commits(broken) + 1, seconds=600.0)
        time.sleep(chance.uniform(0.0, 0.2))
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, errors.decode()
    finish(arguments, broken)
    first, second = read_run(whole), read_run(broken)
    for stage in found:  # bytes: NaN is not equal to itself
        again, once = (parquet_bytes(run.read_rows(stage=stage)) for run in (second, first))
        assert again == once, stage
    assert (broken / "summary.json").read_bytes() == (whole / "summary.json").read_bytes()
