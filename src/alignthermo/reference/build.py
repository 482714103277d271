"""Build the family: tokenizer, corpora and prompts, then bases, then what is made from them.

Every stage leaves its result in the output folder and is skipped when that is there already, and
all trainers resume from their checkpoints: a build that was interrupted goes on where it was and
ends with the same files as one that was not (same machine), whatever the number of processes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alignthermo.errors import ConfigError, RunConflict
from alignthermo.models.threads import usable_cores
from alignthermo.reference.checkpoint import write_atomically
from alignthermo.reference.manifest import write_manifest
from alignthermo.reference.member_build import Job, MemberReport, world_of, write_text
from alignthermo.reference.members import FULL, SMOKE, WORLDS, Member, with_parents
from alignthermo.reference.prompt_set import held_out_prompts, prompts_jsonl
from alignthermo.reference.shipped import PROMPTS
from alignthermo.reference.streams import stream
from alignthermo.reference.token_file import sample_tokens, write_tokens
from alignthermo.reference.tokenizer import Encoder, read_tokenizer, train_tokenizer
from alignthermo.reference.training import Progress
from alignthermo.reference.workers import (
    MemberFailure,
    build_here,
    build_side_by_side,
    one_thread,
)


@dataclass(frozen=True, kw_only=True)
class BuildReport:
    """What a build left in its output folder.

    Attributes
    ----------
    members : tuple of MemberReport
        Those that are finished, parents first.
    failures : tuple of MemberFailure
        Those that are not; empty when all went well.
    """

    out: Path
    seed: int
    smoke: bool
    members: tuple[MemberReport, ...]
    failures: tuple[MemberFailure, ...]
    prompts: Path
    manifest: Path


def build(
    out: Path | str,
    *,
    members: Sequence[str] | None = None,
    seed: int = 0,
    smoke: bool = False,
    jobs: int | None = 1,
    progress: Progress | None = None,
) -> BuildReport:
    """Build members of the reference family into `out`, resuming what is already there.

    A member that fails is reported in ``failures`` and does not stop the others.

    Parameters
    ----------
    out : path
        Each member becomes a folder of it; ``prompts.jsonl`` and ``manifest.json`` lie beside them
        and checkpoints in ``.work``, which may be deleted afterwards.
    members : sequence of str, optional
        Names from the member table; what they are made from is built too. Default: all.
    seed : int
        Of tokenizer, corpus, weights and batches. The world and its facts are always the same.
    smoke : bool
        A build small enough for tests; its members know nothing.
    jobs : int, optional
        Members in training at a time. One: in this process. More: each in a process of its own; a
        script must then guard its entry with ``if __name__ == "__main__"``. None: one per usable core.
    progress : callable, optional
        Called as ``progress(stage, done, total, detail)``; a member's stages are named
        ``"member: stage"``, the last of them ``built``, ``already built`` or ``failed``.

    Raises
    ------
    ConfigError
        For an unknown member, a negative seed or no job.
    RunConflict
        If `out` holds a build of another seed or scale.
    """
    if seed < 0:
        raise ConfigError(f"seed must not be negative, got {seed}")
    if jobs is not None and jobs < 1:
        raise ConfigError(f"jobs must be at least 1, got {jobs}")
    chosen, report = with_parents(members), progress or _silent
    job = Job(out=Path(out), scale=SMOKE if smoke else FULL, seed=seed)
    _claim(job, smoke=smoke)
    _prepare(job, chosen, report)
    side_by_side = min(jobs or usable_cores(), len(chosen))
    if side_by_side > 1:
        outcomes = build_side_by_side(job, chosen, jobs=side_by_side, progress=report)
    else:
        outcomes = build_here(job, chosen, progress=report)
    return BuildReport(
        out=job.out,
        seed=seed,
        smoke=smoke,
        members=tuple(one for one in outcomes if isinstance(one, MemberReport)),
        failures=tuple(one for one in outcomes if isinstance(one, MemberFailure)),
        prompts=job.out / PROMPTS,
        manifest=write_manifest(job),
    )


def _claim(job: Job, *, smoke: bool) -> None:
    """Make the folder this build's own, or refuse it if it is another's."""
    path, now = job.work / "build.json", {"seed": job.seed, "smoke": smoke}
    if path.exists():
        there = json.loads(path.read_text(encoding="utf-8"))
        diff = tuple(
            f"{key}: {there.get(key)} -> {value}" for key, value in now.items() if there.get(key) != value
        )
        if diff:
            raise RunConflict(
                f"{job.out} holds another build ({'; '.join(diff)}); choose another --out folder",
                diff=diff,
            )
    write_text(path, json.dumps(now))


def _silent(stage: str, done: int, total: int, detail: str) -> None:
    """Progress nobody asked for."""


def _prepare(job: Job, members: Sequence[Member], progress: Progress) -> None:
    """Make what several members share, once, before any of them starts."""
    with one_thread():
        _prompts(job)
        encoder = _tokenizer(job, progress)
        for world in dict.fromkeys(world_of(member).name for member in members):
            _corpus(job, encoder, world, progress)


def _tokenizer(job: Job, progress: Progress) -> Encoder:
    path = job.tokenizer
    if not path.exists():
        rng = stream(job.seed, "tokenizer")
        bpe = train_tokenizer(WORLDS["main"](), documents=job.scale.tokenizer_documents, rng=rng)
        write_atomically(path, lambda target: bpe.save(str(target)))
    progress("tokenizer", 1, 1, str(path))
    return Encoder(read_tokenizer(path))


def _prompts(job: Job) -> None:
    """Prompts do not depend on the seed: members of all seeds and worlds answer the same ones."""
    prompts = held_out_prompts(
        WORLDS["main"](), rng=stream(0, "prompts"), per_category=job.scale.prompts_per_category
    )
    write_text(job.out / PROMPTS, prompts_jsonl(prompts))


def _corpus(job: Job, encoder: Encoder, world: str, progress: Progress) -> None:
    """Sample training tokens, one for the last target, and the validation tokens."""
    path, schedule = job.tokens(world), job.scale.schedule
    if not path.exists():
        count = schedule.steps * schedule.tokens_per_step + 1 + job.scale.validation_tokens
        rng = stream(job.seed, f"corpus {world}")
        tokens = sample_tokens(WORLDS[world](), encoder, count=count, rng=rng, progress=progress)
        write_tokens(path, tokens)
