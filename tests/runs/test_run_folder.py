import json
from pathlib import Path

import pyarrow as pa
import pytest

from alignthermo.errors import RunConflict, RunFolderError
from alignthermo.runs import RunConfig, RunFolder, own_shards, read_run
from tests.runs.synthetic_run import (
    CONFIG,
    assert_complete,
    records_of,
    run,
    shard_ids,
    tokens_of,
)


def part(path, shard_id, kind="records"):
    return Path(path) / kind / f"part-{shard_id}.parquet"


def test_a_run_and_the_same_command_again(tmp_path):
    assert_complete(run(tmp_path / "run", count=3), count=3)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "run").rglob("*.parquet")}
    assert_complete(run(tmp_path / "run", count=3), count=3)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "run").rglob("*.parquet")} == before


def test_shards_are_read_in_order_whoever_finished_first(tmp_path):
    folder = RunFolder.open(tmp_path, config=CONFIG)
    for shard_id in reversed(shard_ids(12)):
        folder.commit(shard_id, records=records_of(shard_id), tokens=tokens_of(shard_id))
    assert_complete(folder, count=12)


def test_a_folder_without_commits_reads_as_empty(tmp_path):
    folder = RunFolder.open(tmp_path, config=CONFIG)
    assert folder.read_records() == ()
    assert folder.read_tokens().num_rows == 0
    assert folder.pending(("a", "b")) == ("a", "b")


def test_records_alone_and_extra_token_columns(tmp_path):
    folder = RunFolder.open(tmp_path, config=CONFIG)
    folder.commit("a", records=records_of("s-0000"))
    with_extra = tokens_of("s-0001").append_column("sample", pa.array(range(40)))
    folder.commit("b", records=(), tokens=with_extra)
    assert folder.read_tokens().column_names[-1] == "sample"
    assert len(folder.read_records()) == 3


def test_committing_twice_keeps_the_first(tmp_path):
    folder = RunFolder.open(tmp_path, config=CONFIG)
    folder.commit("a", records=records_of("s-0000"))
    folder.commit("a", records=records_of("s-0001"))
    assert [r.unit_id for r in folder.read_records()] == [r.unit_id for r in records_of("s-0000")]


def test_two_open_folders_see_each_other(tmp_path):
    one, other = (RunFolder.open(tmp_path, config=CONFIG) for _ in range(2))
    one.commit("a", records=())
    assert other.pending(("a", "b")) == ("b",)
    other.commit("b", records=())
    assert one.pending(("a", "b")) == ()


def test_another_configuration_is_refused_with_the_differences(tmp_path):
    run(tmp_path, count=1)
    before = sorted(p.name for p in tmp_path.rglob("*"))
    other = RunConfig(experiment="synthetic", resolved={"seed": 8}, weights={"base": "sha256:1"})
    with pytest.raises(RunConflict, match=r"config\.seed: 7 -> 8") as caught:
        RunFolder.open(tmp_path, config=other)
    assert caught.value.exit_code == 3
    assert caught.value.diff == ("config.seed: 7 -> 8", 'weights.base: "sha256:0" -> "sha256:1"')
    assert sorted(p.name for p in tmp_path.rglob("*")) == before


def test_another_device_may_help(tmp_path):
    run(tmp_path, count=1)
    here = RunConfig(
        experiment="synthetic",
        resolved={"seed": 7, "shard": "1/2", "device": "cuda"},
        weights={"base": "sha256:0"},
        device="cuda",
    )
    assert RunFolder.open(tmp_path, config=here).pending(shard_ids(2)) == shard_ids(2)[1:]


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunFolderError, match=r"thesis\.tex"):
        RunFolder.open(tmp_path, config=CONFIG)
    assert sorted(p.name for p in tmp_path.iterdir()) in ([".lock", "thesis.tex"], ["thesis.tex"])


# As root every mode is writable, so these are places where even root cannot make a folder.
@pytest.mark.parametrize("place", ["below a file", "/proc/alignthermo-run", "/dev/null/run"])
def test_an_unwritable_place_is_a_clear_error(tmp_path, place):
    if place == "below a file":
        (tmp_path / "file").write_text("")
        place = tmp_path / "file" / "run"
    with pytest.raises(RunFolderError, match=r"(?s)cannot open.*Choose a folder") as caught:
        RunFolder.open(place, config=CONFIG)
    assert caught.value.exit_code == 3
    assert str(place).split("/run")[0] in str(caught.value)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing", "empty"])
@pytest.mark.parametrize("kind", ["records", "tokens"])
def test_a_damaged_part_is_set_aside_and_computed_again(tmp_path, damage, kind):
    run(tmp_path, count=3)
    victim = part(tmp_path, shard_ids(3)[1], kind)
    content = bytearray(victim.read_bytes())
    if damage == "missing":
        victim.unlink()
    else:
        content[len(content) // 2] ^= 4
        half = content[: len(content) // 2]
        victim.write_bytes({"flipped": content, "truncated": half, "empty": b""}[damage])
    folder = RunFolder.open(tmp_path, config=CONFIG)
    assert folder.quarantined == (shard_ids(3)[1],)
    assert folder.pending(shard_ids(3)) == (shard_ids(3)[1],)
    kept = list((tmp_path / "quarantine").iterdir())
    assert len(kept) == (1 if damage == "missing" else 2)
    assert_complete(run(tmp_path, count=3), count=3)


def test_damage_after_opening_is_noticed_when_reading(tmp_path):
    folder = run(tmp_path, count=2)
    victim = part(tmp_path, shard_ids(2)[0])
    victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    with pytest.raises(RunFolderError, match="damaged"):
        folder.read_records()


def test_the_same_part_can_be_damaged_twice(tmp_path):
    for _ in range(2):
        run(tmp_path, count=1)
        part(tmp_path, shard_ids(1)[0]).write_bytes(b"")
    assert RunFolder.open(tmp_path, config=CONFIG).quarantined == shard_ids(1)
    assert len([p for p in (tmp_path / "quarantine").iterdir() if p.name.startswith("records")]) == 2


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_torn_last_line_of_the_journal_costs_one_shard_at_most(tmp_path, cut):
    run(tmp_path, count=3)
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-cut])
    folder = RunFolder.open(tmp_path, config=CONFIG)
    assert set(folder.pending(shard_ids(3))) <= {shard_ids(3)[2]}
    assert_complete(run(tmp_path, count=3), count=3)


def test_a_flipped_bit_in_the_journal_is_noticed(tmp_path):
    run(tmp_path, count=3)
    journal = tmp_path / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"on_policy-0001", b"on_policy-0009", 1)  # still JSON
    journal.write_bytes(b"".join(lines))
    folder = RunFolder.open(tmp_path, config=CONFIG)
    assert folder.journal.damaged_lines == 1
    assert folder.pending(shard_ids(3)) == (shard_ids(3)[1],)
    assert_complete(run(tmp_path, count=3), count=3)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": "alignthermo.run/1"}'])
def test_a_damaged_run_json_is_refused(tmp_path, content):
    run(tmp_path, count=1)
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(RunFolderError, match="damaged"):
        RunFolder.open(tmp_path, config=CONFIG)


def test_a_changed_configuration_in_run_json_is_noticed(tmp_path):
    run(tmp_path, count=1)
    path = tmp_path / "run.json"
    path.write_text(path.read_text().replace('"seed": 7', '"seed": 8'))
    with pytest.raises(RunFolderError, match="digest"):
        read_run(tmp_path)


def test_run_json_says_what_when_and_with_what(tmp_path):
    run(tmp_path, count=1)
    stored = json.loads((tmp_path / "run.json").read_text())
    assert stored["schema"] == "alignthermo.run/1"
    assert stored["digest"] == CONFIG.digest
    assert stored["weights"] == {"base": "sha256:0"}
    assert stored["seed"] == 7
    assert {"python", "packages", "git", "device", "threads", "time", "host"} <= set(stored["provenance"])
    assert stored["provenance"]["packages"]["pyarrow"] == pa.__version__
    assert set(stored["provenance"]["git"]) == {"commit", "dirty"}


@pytest.mark.parametrize("bad", ["../x", "a/b", "", ".hidden", "a" * 101, "ü"])
def test_a_shard_id_that_is_no_file_name_is_refused(tmp_path, bad):
    folder = RunFolder.open(tmp_path, config=CONFIG)
    with pytest.raises(ValueError, match="file name"):
        folder.pending([bad])
    with pytest.raises(ValueError, match="file name"):
        folder.commit(bad, records=())


def test_shard_ids_must_differ(tmp_path):
    with pytest.raises(ValueError, match="differ"):
        RunFolder.open(tmp_path, config=CONFIG).pending(["a", "a"])


def test_read_run_shows_a_finished_run_without_touching_it(tmp_path):
    run(tmp_path, count=2)
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in tmp_path.rglob("*")}
    stored = read_run(tmp_path)
    assert stored.shards == shard_ids(2)
    assert (stored.n_records, stored.n_tokens) == (6, 80)
    assert stored.damaged == ()
    assert len(stored.estimates) == 6
    assert stored.verdicts == ()
    assert stored.report == tmp_path / "report.html"
    assert len(stored.sessions) == 1
    assert stored.read_tokens().num_rows == 80
    assert len(stored.read_records()) == 6
    assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in tmp_path.rglob("*")} == before


def test_read_run_shows_a_broken_off_run(tmp_path):
    folder = RunFolder.open(tmp_path, config=CONFIG)
    folder.commit("a", records=records_of("s-0000"))
    part(tmp_path, "a").write_bytes(b"")
    stored = read_run(tmp_path)
    assert stored.estimates is None
    assert stored.verdicts is None
    assert stored.report is None
    assert stored.damaged == ("a",)


def test_read_run_refuses_what_is_no_run(tmp_path):
    with pytest.raises(RunFolderError, match=r"no run\.json"):
        read_run(tmp_path)
    with pytest.raises(RunFolderError, match=r"no run\.json"):
        read_run(tmp_path / "absent")


def test_a_report_with_lone_surrogates_is_written(tmp_path):
    folder = RunFolder.open(tmp_path, config=CONFIG)
    assert folder.write_report("<p>\ud800").read_text() == "<p>\\ud800"


def test_shards_of_all_processes_are_all_shards():
    ids = shard_ids(10)
    taken = [one for index in (1, 2, 3) for one in own_shards(ids, shard=f"{index}/3")]
    assert sorted(taken) == list(ids)
    assert own_shards(ids, shard=None) == ids


def test_a_relative_path_with_a_symlink_is_fine(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    assert_complete(run("link/run", count=1), count=1)
