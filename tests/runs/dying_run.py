"""Runs the synthetic experiment in forked processes and kills them; a script of its own, because pytest's
process has threads and must not fork, and because forks need not import everything again.

    dying_run.py random PLACE SEED      kill -9 at twelve random instants, restart each time
    dying_run.py calls PLACE            kill -9 at call 1, 2, 3 … of write, fsync and rename
    dying_run.py race PLACE             three processes at once in one folder

Prints what happened as JSON; ends with an error if a child failed instead of dying.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import pandas as pd

from alignthermo.runs import RunFolder, folder, read_run
from tests.runs.synthetic_run import CONFIG, assert_complete, run

assert pd  # pyarrow imports it at the first array: once here, not again in every forked process
SECONDS = 0.02
KILLS = 12
COUNT = {"random": 24, "calls": 2, "race": 20}


def in_child(work):
    """Do `work` in a forked process and return its number."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except BaseException as error:  # noqa: BLE001
        os.write(2, f"{error!r}\n".encode())
        os._exit(1)
    os._exit(0)


def ending(pid):
    return os.waitpid(pid, 0)[1]


def require(status, what):
    if status:
        sys.exit(f"{what} ended with status {status}")


def commits(place):
    journal = place / "journal.jsonl"
    return journal.read_bytes().count(b'"event":"commit"') if journal.exists() else 0


def kill_at_random(place, seed):
    count, rng, killed, seen = COUNT["random"], random.Random(seed), 0, []
    for number in range(KILLS):
        child = in_child(lambda: run(place, count=count, seconds=SECONDS))
        deadline = time.monotonic() + 20
        while commits(place) < min(2 * number, count - 1) and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 2 * SECONDS))
        os.kill(child, signal.SIGKILL)
        killed += ending(child) == signal.SIGKILL
        if (place / "run.json").exists():
            require(ending(in_child(lambda: assert_consistent(place))), f"the check after kill {number + 1}")
        seen.append(commits(place))
    require(ending(in_child(lambda: finish(place, count))), "the last process")
    return {"killed": killed, "commits_after_each": seen}


def assert_consistent(place):
    stored = read_run(place)
    assert stored.damaged == ()
    assert stored.read_tokens().num_rows == 40 * len(stored.shards)


def finish(place, count):
    assert_complete(run(place, count=count), count=count)


def die_at_call(number):
    """Replace the calls that change the disk; the one of that number kills us, a write after half of it."""
    calls, write = [0], os.write

    def wrapped(real):
        def call(*arguments, **options):
            calls[0] += 1
            if calls[0] == number:
                if real is write:
                    real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return call

    for name in ("write", "fsync", "replace"):
        setattr(os, name, wrapped(getattr(os, name)))


def kill_at_every_call(place):
    count, number, died = COUNT["calls"], 0, True
    while died:
        number += 1
        here = place / str(number)

        def first(number=number, here=here):
            die_at_call(number)
            run(here, count=count)

        status = ending(in_child(first))
        died = os.WIFSIGNALED(status)
        require(0 if died else status, f"the process to die at call {number}")
        require(ending(in_child(lambda here=here: finish(here, count))), f"the restart after call {number}")
    return {"calls": number - 1}


def race(place):
    count = COUNT["race"]
    children = [in_child(lambda: run(place, count=count, seconds=0.005)) for _ in range(3)]
    for child in children:
        require(ending(child), "a racer")
    require(ending(in_child(lambda: finish(place, count))), "the check after the race")
    journal = RunFolder.open(place, config=CONFIG).journal
    return {"lines": commits(place), "shards": len(journal.commits), "sessions": len(journal.sessions)}


if __name__ == "__main__":
    # Asking git and every package for its version is most of the time of opening a folder, and not the point.
    folder.collect_provenance = lambda *, device: {"device": device}
    what, where = sys.argv[1], Path(sys.argv[2])
    if what == "random":
        done = kill_at_random(where, int(sys.argv[3]))
    else:
        done = kill_at_every_call(where) if what == "calls" else race(where)
    os.write(1, json.dumps(done).encode())
