"""Every write, fsync and rename fails once, at every call: nothing is torn, and the run resumes."""

import errno
import os
import re

import pytest

from alignthermo.errors import RunFolderError
from alignthermo.runs import RunFolder, read_run
from alignthermo.runs import folder as folder_module
from tests.runs.synthetic_run import CONFIG, assert_complete, records_of, run, shard_ids, tokens_of

COUNT = 2


@pytest.fixture(autouse=True)
def quick_provenance(monkeypatch):
    """Asking git and every package for its version is most of the time of opening a folder."""
    monkeypatch.setattr(folder_module, "collect_provenance", lambda *, device: {"device": device})


class Failing:
    """Fails at call number `at`, with `code`; counts calls."""

    def __init__(self, real, *, at, code, partial=False):
        self.real, self.at, self.code, self.partial, self.calls = real, at, code, partial, 0

    def __call__(self, *arguments, **options):
        self.calls += 1
        if self.calls == self.at:
            if self.partial:  # the disk fills in the middle of a write
                self.real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
            raise OSError(self.code, os.strerror(self.code))
        return self.real(*arguments, **options)


def all_calls(monkeypatch, tmp_path, name):
    with monkeypatch.context() as patch:
        counter = Failing(getattr(os, name), at=-1, code=0)
        patch.setattr(os, name, counter)
        run(tmp_path / "count", count=COUNT)
    return counter.calls


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("write", errno.ENOSPC),
        ("fsync", errno.ENOSPC),
        pytest.param("fsync", errno.EIO, marks=pytest.mark.slow),
        pytest.param("replace", errno.ENOSPC, marks=pytest.mark.slow),
        pytest.param("open", errno.ENOSPC, marks=pytest.mark.slow),
    ],
)
def test_a_failure_at_every_call_leaves_a_folder_that_resumes(tmp_path, monkeypatch, name, code):
    calls = all_calls(monkeypatch, tmp_path, name)
    assert calls >= 2 * COUNT
    failed = 0
    for at in range(1, calls + 1):
        place = tmp_path / str(at)
        message = failure_of(place, monkeypatch, name=name, at=at, code=code)
        if message is not None:
            failed += 1
            assert re.search(r"(?s)cannot .*: /.*(safe|Nothing was changed).*(same command|Choose)", message)
            assert os.strerror(code) in message
        assert_nothing_torn(place)
        assert_complete(run(place, count=COUNT), count=COUNT)
    # Giving a lease back may fail without a word, since it goes stale by itself; nothing else may.
    leases_given_back = {"open": COUNT}.get(name, 0)
    assert failed >= calls - leases_given_back


def failure_of(place, monkeypatch, *, name, at, code):
    """Run with a fault and return the message of the error, or None if the run got through."""
    with monkeypatch.context() as patch:
        patch.setattr(os, name, Failing(getattr(os, name), at=at, code=code, partial=name == "write"))
        try:
            run(place, count=COUNT)
        except RunFolderError as error:
            return str(error)
    return None


def assert_nothing_torn(place):
    if not (place / "run.json").exists():
        return
    stored = read_run(place)
    assert stored.damaged == ()
    assert stored.n_tokens == 40 * len(stored.shards)
    stored.read_records()


def test_a_full_disk_says_what_is_safe(tmp_path, monkeypatch):
    folder = RunFolder.open(tmp_path, config=CONFIG)
    first, second = shard_ids(2)
    folder.commit(first, records=records_of(first), tokens=tokens_of(first))
    monkeypatch.setattr(os, "fsync", Failing(os.fsync, at=1, code=errno.ENOSPC))
    with pytest.raises(RunFolderError, match=r"The 1 shards .* safe\. Free some space") as caught:
        folder.commit(second, records=records_of(second))
    assert str(tmp_path) in str(caught.value)


def test_reading_errors_are_named(tmp_path):
    folder = run(tmp_path, count=1)
    victim = tmp_path / "records" / f"part-{shard_ids(1)[0]}.parquet"
    victim.unlink()
    with pytest.raises(RunFolderError, match="cannot read the run folder"):
        folder.read_records()
