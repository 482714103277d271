"""A verb of the command line in a process of its own, to be killed, and how many shards it has committed."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

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
