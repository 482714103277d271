"""A smoke build: quick, complete, resumable to the bit, and strict about what it resumes."""

import json
import shutil
from pathlib import Path

import pytest

from alignthermo.errors import ConfigError, RunConflict
from alignthermo.reference import member_build
from alignthermo.reference.build import build
from alignthermo.reference.card import write_card
from alignthermo.reference.export import load_member, sha256_of
from alignthermo.reference.member_build import Record
from alignthermo.reference.members import SMOKE, with_parents
from alignthermo.reference.seed_spread import Headline, gather_spread
from tests.reference.conftest import BUILT

pytestmark = pytest.mark.slow


def files_of(out: Path) -> dict[str, str]:
    paths = (p for p in out.rglob("*") if p.is_file() and ".work" not in p.parts)
    return {str(p.relative_to(out)): sha256_of(p) for p in paths}


class Stop(KeyboardInterrupt):
    """Stands for a kill: an error would be reported and the next member begun."""


def stop_at(stage: str, step: int):
    def progress(now: str, done: int, total: int, detail: str) -> None:
        if (now, done) == (stage, step):
            raise Stop

    return progress


def test_a_smoke_build_is_quick_and_complete(smoke):
    report, seconds = smoke
    assert seconds < 60.0
    assert [m.name for m in report.members] == list(BUILT)
    assert report.failures == ()
    files = files_of(report.out)
    for member in BUILT:
        for name in (
            "model.safetensors",
            "config.json",
            "generation_config.json",
            "tokenizer.json",
            "README.md",
        ):
            assert f"{member}/{name}" in files
    assert "prompts.jsonl" in files
    assert (report.out / "base" / "model.safetensors").stat().st_mode & 0o777 == 0o644


def test_alignment_changes_the_weights_and_the_card_says_what_was_left_out(smoke):
    report, _ = smoke
    aligned = report.members[1]
    assert len({member.weights_sha256 for member in report.members}) == len(BUILT)
    card = (report.out / aligned.name / "README.md").read_text()
    assert aligned.weights_sha256 in card
    assert "Not in the alignment data" in card
    assert "Consistency mixture" in card
    assert "No spread between seeds is known" in card or "sd between" in card


def test_interrupted_and_resumed_equals_uninterrupted(smoke, tmp_path):
    report, _ = smoke
    aligned = "aligned-beta-0.25"
    stops = (("base: pretrain", 22), ("base: measure", 3), (f"{aligned}: score", 5), (f"{aligned}: align", 5))
    for stage, step in stops:
        with pytest.raises(Stop):
            build(tmp_path, members=[aligned], smoke=True, progress=stop_at(stage, step))
    resumed = build(tmp_path, members=[aligned], smoke=True)
    assert resumed.members == report.members[:2]
    whole = files_of(report.out)
    for name, digest in files_of(tmp_path).items():
        assert name == "manifest.json" or digest == whole[name]


def test_the_manifest_holds_every_file(smoke):
    report, _ = smoke
    manifest = json.loads(report.manifest.read_text())
    assert list(manifest["members"]) == list(BUILT)
    listed = {
        f"{member}/{name}": file["sha256"]
        for member, facts in manifest["members"].items()
        for name, file in facts["files"].items()
    }
    listed["prompts.jsonl"] = manifest["prompts"]["sha256"]
    found = files_of(report.out)
    del found["manifest.json"]
    assert listed == found


def test_building_again_trains_nothing(smoke, tmp_path):
    out = tmp_path / "copy"
    shutil.copytree(smoke[0].out, out)
    stages = set()
    again = build(out, members=BUILT, smoke=True, progress=lambda stage, *_: stages.add(stage))
    assert again.members == smoke[0].members
    assert {stage.partition(": ")[2] for stage in stages} == {"", "already built"}
    assert files_of(out) == files_of(smoke[0].out)


def test_a_newly_measured_spread_goes_on_the_cards_and_trains_nothing(smoke, tmp_path, monkeypatch):
    out = tmp_path / "copy"
    shutil.copytree(smoke[0].out, out)
    rows = [
        [Headline(name=name, unit="nat", value=v, stderr=0.01) for name in ("base: loss", "secret: F")]
        for v in (0.3, 0.4, 0.35)
    ]
    spread = gather_spread(rows, seeds=(0, 1, 2), members=("base", "aligned-beta-0.25"), prompts_sha256="x")
    monkeypatch.setattr(member_build, "read_spread", lambda: spread)
    build(out, members=["control-base"], smoke=True)
    card = (out / "control-base" / "README.md").read_text()
    assert "| base: loss (nat) | 0.35 | 0.05 | 0.3 to 0.4 | 0.01 |" in card
    assert "secret: F" not in card  # what alignment costs is no number of a base
    assert "from one seed only" in card
    assert "No spread between seeds is known" not in card
    untouched = "aligned-beta-0.25/README.md"
    assert files_of(out)[untouched] == files_of(smoke[0].out)[untouched]


def test_a_damaged_member_is_rebuilt_from_its_checkpoint(smoke, tmp_path):
    out = tmp_path / "copy"
    shutil.copytree(smoke[0].out, out)
    weights = out / "base" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    build(out, members=["base"], smoke=True)
    assert files_of(out) == files_of(smoke[0].out)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("aligned-beta-1", "by enumeration"),
        ("aligned-sft", "No KL term and no beta"),
        ("aligned-deep", "forced as the member's own turn"),
        ("aligned-rl", "own samples at T = 1"),
        ("control-base", "exchangeable control"),
        ("control-aligned", "exchangeable control"),
    ],
)
def test_cards_tell_each_recipe_and_world(smoke, name, says):
    facts = Record.read(smoke[0].out / ".work" / "aligned-beta-0.25.record.json").facts
    member = with_parents([name])[-1]
    card = write_card(member, member_build.world_of(member), SMOKE, facts, spread=None)
    assert says in card
    assert ("exchangeable control" in card) == name.startswith("control")
    assert ("Not in the alignment data" in card) == (name != "control-base")
    assert "license: apache-2.0" in card
    assert "No spread between seeds is known" in card
    assert len(card.encode()) < 8_000


@pytest.mark.parametrize(
    ("options", "difference"), [({"smoke": True, "seed": 1}, "seed: 0 -> 1"), ({}, "smoke: True")]
)
def test_another_build_in_the_same_folder_is_refused_and_nothing_touched(
    smoke, tmp_path, options, difference
):
    out = tmp_path / "copy"
    shutil.copytree(smoke[0].out, out)
    with pytest.raises(RunConflict, match=difference):
        build(out, **options)
    assert files_of(out) == files_of(smoke[0].out)


def test_unknown_members_and_seeds_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="base"):
        build(tmp_path, members=["nobody"], smoke=True)
    with pytest.raises(ConfigError, match="seed"):
        build(tmp_path, seed=-1, smoke=True)
    with pytest.raises(ConfigError, match="jobs"):
        build(tmp_path, jobs=0, smoke=True)


def test_parents_come_first():
    assert [m.name for m in with_parents(["base"])] == ["base"]
    assert with_parents(["aligned-beta-0.25", "base"]) == with_parents(["aligned-beta-0.25"])


def test_generation_settings_of_a_member(smoke):
    folder = smoke[0].out / "base"
    config = json.loads((folder / "generation_config.json").read_text())
    assert len(config["eos_token_id"]) == 2
    assert load_member(folder).config.tie_word_embeddings
