import json
import os
import socket
import subprocess
import sys
import time

import pytest

from alignthermo.runs import RunFolder, lease
from alignthermo.runs.lease import STALE_SECONDS, hold_lease
from tests.runs.synthetic_run import CONFIG


@pytest.fixture
def folder(tmp_path):
    return RunFolder.open(tmp_path, config=CONFIG)


def lease_file(folder, shard_id="a"):
    return folder.path / "leases" / f"{shard_id}.json"


def plant(folder, **changes):
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "birth": lease._birth(os.getpid()), "since": 0}
    lease_file(folder).write_text(json.dumps({**owner, **changes}))


def dead_pid():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def held(folder):
    with folder.lease("a") as ours:
        return ours


def test_a_lease_is_held_once_and_given_back(folder):
    with folder.lease("a") as ours:
        assert ours
        assert not held(folder)
        with folder.lease("b") as other:
            assert other
    assert not lease_file(folder).exists()
    assert held(folder)


def test_a_lease_is_given_back_after_an_error(folder):
    with pytest.raises(RuntimeError, match="boom"), folder.lease("a"):
        raise RuntimeError("boom")
    assert held(folder)


def test_a_committed_shard_is_not_ours_to_do(folder):
    folder.commit("a", records=())
    assert not held(folder)


def test_a_live_process_keeps_its_lease(folder):
    plant(folder)
    assert not held(folder)


def test_the_lease_of_a_dead_process_is_taken_over(folder):
    plant(folder, pid=dead_pid())
    assert held(folder)


def test_a_process_number_used_again_is_not_the_owner(folder):
    plant(folder, birth="another boot:1")
    assert held(folder)


def test_a_zombie_is_dead(folder):
    process = subprocess.Popen([sys.executable, "-c", ""])
    deadline = time.monotonic() + 10
    birth = "unset"
    while birth is not None and time.monotonic() < deadline:
        birth = lease._birth(process.pid)
        time.sleep(0.01)
    plant(folder, pid=process.pid, birth="whatever:1")
    try:
        assert held(folder)
    finally:
        process.wait()


def test_another_host_is_believed_while_its_heart_beats(folder):
    plant(folder, host="elsewhere", pid=1)
    assert not held(folder)
    old = time.time() - STALE_SECONDS - 1
    os.utime(lease_file(folder), (old, old))
    assert held(folder)


def test_a_silent_process_loses_its_lease(folder):
    plant(folder)
    old = time.time() - STALE_SECONDS - 1
    os.utime(lease_file(folder), (old, old))
    assert held(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}"])
def test_an_unreadable_lease_counts_until_it_is_stale(folder, content):
    lease_file(folder).write_bytes(content)
    assert not held(folder)
    old = time.time() - STALE_SECONDS - 1
    os.utime(lease_file(folder), (old, old))
    assert held(folder)


def test_the_heart_beats(folder, monkeypatch):
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 0.02)
    path = lease_file(folder)
    with folder.lease("a"):
        os.utime(path, (1.0, 1.0))
        deadline = time.monotonic() + 10
        while path.stat().st_mtime < 2.0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert path.stat().st_mtime > 2.0


def test_a_lease_that_was_taken_is_not_removed(folder):
    with folder.lease("a") as ours:
        assert ours
        plant(folder, host="elsewhere")
    assert lease_file(folder).exists()


def test_a_vanished_lease_is_no_error(tmp_path):
    with hold_lease(tmp_path / "l.json", lock=tmp_path / ".lock") as ours:
        assert ours
        (tmp_path / "l.json").unlink()
