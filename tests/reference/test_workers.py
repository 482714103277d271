"""Members side by side: same files, one failure costs one member, nothing outlives the build."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from alignthermo.reference.build import build
from tests.interrupts import heed_interrupts
from tests.reference.test_build import files_of

pytestmark = pytest.mark.slow

CHILDREN = "import sys; from alignthermo.cli import main; main()"


@pytest.fixture(scope="module")
def side_by_side(tmp_path_factory):
    """Two processes; one of the four members cannot be built, since its checkpoint is another's."""
    out: Path = tmp_path_factory.mktemp("pool")
    torch_state = {"digest": "another recipe", "history": [], "model": {}, "optimizer": {}}
    (out / ".work").mkdir()
    torch.save(torch_state, out / ".work" / "control-base.pt")
    stages: list[str] = []
    members = ["aligned-beta-0.25", "control-aligned"]
    report = build(out, members=members, smoke=True, jobs=2, progress=lambda stage, *_: stages.append(stage))
    return report, stages


def test_members_are_the_same_whatever_the_number_of_processes(smoke, side_by_side):
    report, _ = side_by_side
    alone = smoke[0]
    assert [m.name for m in report.members] == ["base", "aligned-beta-0.25"]
    assert report.members == alone.members[:2]
    here, there = files_of(alone.out), files_of(report.out)
    assert {n: d for n, d in here.items() if n.split("/")[0] in ("base", "aligned-beta-0.25")} == {
        n: d for n, d in there.items() if "/" in n
    }
    assert here["prompts.jsonl"] == there["prompts.jsonl"]


def test_a_failure_is_reported_by_name_and_costs_only_what_is_made_from_it(side_by_side):
    report, stages = side_by_side
    parent, child = report.failures
    assert (parent.name, child.name) == ("control-base", "control-aligned")
    assert "belongs to another recipe" in parent.error
    assert parent.exit_code == child.exit_code == 3
    assert "control-base was not" in child.error
    assert {"base: built", "aligned-beta-0.25: built", "control-base: failed"} <= set(stages)
    assert not (report.out / "control-base").exists()


def test_progress_names_every_member_at_work(side_by_side):
    _, stages = side_by_side
    assert {"base: pretrain", "aligned-beta-0.25: align", "base: measure"} <= set(stages)


def test_a_failure_in_this_process_costs_no_more(smoke, tmp_path):
    (tmp_path / ".work").mkdir()
    torch.save({"digest": "x", "history": [], "model": {}, "optimizer": {}}, tmp_path / ".work" / "base.pt")
    report = build(tmp_path, members=["aligned-beta-0.25"], smoke=True)
    assert [failure.name for failure in report.failures] == ["base", "aligned-beta-0.25"]
    assert report.members == ()


def descendants(pid: int) -> list[int]:
    """Processes of the group that are still there (Linux)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if int(fields[2]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_build_leaves_no_process_and_resumes(smoke, tmp_path, number):
    """To the whole group for an interrupt, as a terminal does; to the parent alone otherwise."""
    command = [sys.executable, "-c", CHILDREN, "reference", "build", "--smoke", "--jobs", "2"]
    command += ["--out", str(tmp_path), "--member", "aligned-beta-0.25", "--member", "control-base"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=heed_interrupts
    ) as process:
        for line in process.stderr:
            if "base: pretrain" in line:
                break
        time.sleep(0.3)
        assert len(descendants(process.pid)) >= 3
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        said = process.stderr.read()
        code = process.wait(30)
    deadline = time.monotonic() + 30.0
    while descendants(process.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert descendants(process.pid) == []
    assert "Traceback" not in said
    if number != signal.SIGKILL:
        assert code == 130
        assert "the same command resumes" in said
        assert not list(tmp_path.rglob("*.part"))
    report = build(tmp_path, members=["aligned-beta-0.25"], smoke=True)
    assert report.members == smoke[0].members[:2]
