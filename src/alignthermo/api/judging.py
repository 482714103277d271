"""Judges held against labels, and the stored replies of a run judged again."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from alignthermo.api.names import load_prompts
from alignthermo.api.stored import rerender
from alignthermo.api.transition_result import TransitionResult
from alignthermo.errors import ConfigError, InputError, RunFolderError
from alignthermo.experiments import (
    JUDGE_CHECK,
    JUDGED_QUANTITIES,
    TransitionConfig,
    completing,
    curve_rows,
    judge_rows,
    summarise_judged,
)
from alignthermo.judges import Calibration, calibrate_by, judge_identity, load_judge, load_reply_judge
from alignthermo.quantities import Prompt
from alignthermo.runs import StoredRun, read_run
from alignthermo.runs.layout import stage_of
from alignthermo.runs.rewriting import rewrite_summary

__all__ = ["JUDGED_AGAIN", "calibrate_judge", "judge_again"]

JUDGED_AGAIN = "judged.parquet"
"""What the last judge said of every stored reply, in a run folder."""

_T = TypeVar("_T")


def calibrate_judge(
    path: str | Path,
    *,
    judge: str = "heuristic",
    covariate: str | None = None,
    level: float = 0.95,
    seed: int = 0,
    device: str = "auto",
) -> Calibration:
    """Hold a judge against a file of labelled completions.

    Parameters
    ----------
    path : path
        JSONL, CSV or Parquet, see `alignthermo.judges.read_labelled`.
    judge : str
        ``heuristic``, ``classifier:ID`` or ``guard:FORMAT:ID``.
    covariate : str, optional
        Numeric column along which the errors are tested; ``alpha`` where every row has it.
    level : float
    seed : int
    device : str

    Raises
    ------
    ConfigError, ModelError, WeightsError
        There is no such judge, or it cannot be loaded.
    InputError
        The file cannot be read, has no usable row, or no such covariate.
    """
    loaded = load_judge(judge, device=device)
    return calibrate_by(Path(path), judge=loaded, covariate=covariate, level=level, seed=seed)


def judge_again(
    folder: str | Path,
    *,
    judge: str,
    judge_labels: str | None = None,
    kept_by: str | None = None,
    prompts: str | None = None,
    device: str = "auto",
) -> TransitionResult:
    """Judge the stored replies of a finished transition anew and rewrite its summary and its report.

    No measured model is loaded. What does not depend on the judge stays as it is; judged quantities are
    replaced, and the new verdicts lie in ``judged.parquet`` beside the summary; its metadata name the judge,
    its revision and the digest of its weights. The measured rows, with what the run's own judge said, are not
    touched: repeating the run's command goes back to that judge.

    Parameters
    ----------
    folder : path
        A finished transition with sampled replies.
    judge : str
        See `alignthermo.judges.parse_judge`.
    judge_labels : str, optional
        File of labels for this judge; without it rates are not corrected.
    kept_by : str, optional
        ``refusal``, ``help`` or ``answers``: what keeps the instruction of prompts that do not say it
        themselves; as in the run, where not given.
    prompts : str, optional
        Where the prompt file of the run is now.
    device : str

    Raises
    ------
    RunFolderError
        The folder holds no finished transition.
    InputError
        The run has no replies, or the prompts are not those of the run.
    PromptError
        A prompt lacks what the judge needs.
    ConfigError, ModelError, WeightsError
        There is no such judge, or it cannot be loaded.
    """
    stored = _finished(folder)
    changes = {} if kept_by is None else {"kept_by": kept_by}
    config = _judged_by(stored, judge=judge, judge_labels=judge_labels, device=device, **changes)
    known = _prompts(stored, prompts, config)
    rows = _rows(stored)
    judged = judge_rows(rows, known, load_reply_judge(judge, device=device))
    records, verdicts = summarise_judged(judged, config)
    old, said = stored.estimates or (), stored.verdicts or ()
    result = TransitionResult(
        records=_spliced(old, records, [one.quantity in JUDGED_QUANTITIES for one in old]),
        verdicts=_spliced(said, verdicts, [one.name.startswith(JUDGE_CHECK) for one in said]),
        shard_records=stored.read_records(),
        rows=judged,
        run={"config": config.model_dump(mode="json"), "provenance": dict(stored.provenance)},
        folder=stored.path,
    )
    tables = {JUDGED_AGAIN: _replies(judged).replace_schema_metadata(_identity(judge))}
    rewrite_summary(stored.path, estimates=result.records, verdicts=result.verdicts, tables=tables)
    if stored.report is not None:
        rerender(stored.path)
    return result


def _finished(folder: str | Path) -> StoredRun:
    stored = read_run(folder)
    if stored.experiment != "transition":
        raise RunFolderError(f"{folder} holds a {stored.experiment}; only a transition has replies to judge")
    if stored.estimates is None:
        raise RunFolderError(f"{folder} holds a run that is not finished; repeat its command to finish it")
    return stored


def _judged_by(stored: StoredRun, **changes: str | None) -> TransitionConfig:
    known = {name: value for name, value in stored.resolved.items() if name in TransitionConfig.model_fields}
    if not known.get("samples"):
        raise InputError(f"{stored.path} has no replies to judge: the run took no --samples")
    try:
        return TransitionConfig.model_validate({**known, **changes})
    except ValueError as error:
        raise ConfigError(f"the replies cannot be judged so: {error}") from None


def _prompts(stored: StoredRun, given: str | None, config: TransitionConfig) -> dict[str, Prompt]:
    source = given or str(stored.resolved["prompts"])
    found = load_prompts(source)
    if found.sha256 != stored.resolved.get("prompts_sha256"):
        raise InputError(
            f"{source} is not the prompt set that {stored.path} was made with (its digest differs); name the "
            "unchanged file by --prompts"
        )
    return {prompt.id: prompt for prompt in map(completing(found.prompts, config), found.prompts)}


def _rows(stored: StoredRun) -> pa.Table:
    stages = dict.fromkeys(stage_of(shard) for shard in stored.shards)
    tables = {stage: stored.read_rows(stage=stage) for stage in stages}
    return curve_rows({stage: table for stage, table in tables.items() if table is not None})


def _spliced(old: Sequence[_T], new: Sequence[_T], replaced: Sequence[bool]) -> tuple[_T, ...]:
    """Put the new ones where the first of the replaced ones was, or at the end."""
    place = next((n for n, gone in enumerate(replaced) if gone), len(old))
    kept = [one for one, gone in zip(old, replaced, strict=True) if not gone]
    before = sum(not gone for gone in replaced[:place])
    return (*kept[:before], *new, *kept[before:])


def _identity(judge: str) -> dict[str, str]:
    found = judge_identity(judge)
    weights = {} if found is None else {"judge_revision": found.revision, "judge_weights": found.digest}
    return {"judge": judge, **weights}


def _replies(rows: pa.Table) -> pa.Table:
    """One row per context that has replies, with everything that was judged."""
    names = (
        "prompt_id",
        "context_id",
        "family",
        "order",
        "control",
        "alpha",
        "replies",
        "verdicts",
        "outcomes",
    )
    kept = rows.filter(pc.is_valid(rows["replies"]))
    return kept.select([*names, "kept_by", "judge"])
