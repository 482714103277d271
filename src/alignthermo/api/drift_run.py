"""Run a drift meter: bind models, conversations, run folder and summary together."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from alignthermo.api.drift_result import DriftResult
from alignthermo.api.drift_sources import DriftSources, read_drift_sources
from alignthermo.api.finishing import finish
from alignthermo.api.in_memory import configured, names_of
from alignthermo.api.loading import alone, pair_loader, weight_digests
from alignthermo.api.stages import Staged, stages_in_folder, stages_in_memory
from alignthermo.api.stored import described
from alignthermo.errors import ConfigError, InputError
from alignthermo.experiments import token_records
from alignthermo.experiments.drift import PROBE, DriftConfig, drift_stages, summarise_drift
from alignthermo.quantities import LanguageModel, Pair, Progress, silent
from alignthermo.runs import RunConfig, RunFolder, parse_gate, read_run
from alignthermo.transcripts import TranscriptSet, transcripts_of

__all__ = ["drift", "run_drift"]


def drift(
    model: Pair | LanguageModel,
    conversations: str | Path | TranscriptSet | Sequence[Mapping[str, object]] | None = None,
    *,
    progress: Progress = silent,
    **settings: object,
) -> DriftResult:
    """Measure whether an instruction holds over conversations, in memory.

    Parameters
    ----------
    model : Pair or LanguageModel
        Of a pair the aligned side is measured, and the base for the relaxation.
    conversations : file, transcript set or list of rows, optional
        Recorded ones, with `messages`; left out, they are held (``mode="self_chat"``, ``prompts=…``).
    progress : callable, optional
    **settings
        Fields of `DriftConfig`: ``every``, ``reminders``, ``windows``, ``bound`` …

    Returns
    -------
    DriftResult
        ``result.table`` is the answer.

    Examples
    --------
    >>> result = drift(pair, "transcripts.jsonl", reminders=["repeat@256"], bound=0.2)   # doctest: +SKIP
    """
    pair = model if isinstance(model, Pair) else alone(model)
    recorded = _given(conversations)
    known = {**names_of(model), **({} if recorded is None else {"transcripts": recorded.name})}
    config = configured(DriftConfig, known, settings, verb="drift")
    sources = read_drift_sources(config, recorded=recorded)
    staged = stages_in_memory(drift_stages(config, sources.material), pair=pair, progress=progress)
    return _summarised(config, staged, sources)


def run_drift(config: DriftConfig, *, progress: Progress = silent) -> DriftResult:
    """Run a drift meter into its folder, or continue the run that is there.

    Raises
    ------
    ConfigError
        No output folder, or options that exclude each other.
    RunConflict
        The folder holds a run with another configuration.
    InputError
        A file cannot be read, or nothing in it can be used.
    GateFailed
        A ``fail_if`` condition holds.
    """
    if config.out is None:
        raise ConfigError("a run needs a folder: give --out DIR")
    for gate in config.fail_if:
        parse_gate(gate)  # an hour's run should not end in a slip of the finger
    sources = read_drift_sources(config)
    folder = RunFolder.open(config.out, config=_run_config(config, sources))
    with ExitStack() as stack:
        staged = stages_in_folder(
            drift_stages(config, sources.material),
            folder=folder,
            shard=config.shard,
            load=pair_loader(config, stack, progress),
            progress=progress,
        )
    if staged.waiting:
        return DriftResult(
            records=(),
            verdicts=(),
            shard_records=staged.records,
            tables=staged.stored,
            folder=folder.path,
            complete=False,
            unread=sources.unread,
        )
    summarised = _summarised(config, staged, sources)
    result = replace(summarised, folder=folder.path, run=described(read_run(folder.path)))
    finish(folder, result, gates=config.fail_if)
    return result


def _summarised(config: DriftConfig, staged: Staged, sources: DriftSources) -> DriftResult:
    if PROBE not in staged.stored:
        reasons = [record.estimate.reason for record in staged.records if record.estimate.reason]
        raise InputError(f"no point could be measured: {reasons[0] if reasons else 'there was none'}")
    records, verdicts = summarise_drift(staged.stored, config)
    return DriftResult(
        records=(*records, *token_records(staged.records, experiment="drift")),
        verdicts=verdicts,
        shard_records=staged.records,
        tables=staged.stored,
        run={"config": config.model_dump(mode="json")},
        unread=sources.unread,
    )


def _run_config(config: DriftConfig, sources: DriftSources) -> RunConfig:
    return RunConfig(
        experiment="drift",
        given=config.model_dump(mode="json", exclude_defaults=True),
        resolved={**config.model_dump(mode="json"), **sources.digests},
        weights=weight_digests(config),
        device=config.device,
    )


def _given(
    conversations: str | Path | TranscriptSet | Sequence[Mapping[str, object]] | None,
) -> TranscriptSet | None:
    if conversations is None or isinstance(conversations, TranscriptSet):
        return conversations
    if isinstance(conversations, str | Path):
        from alignthermo.transcripts import read_transcripts

        return read_transcripts(Path(conversations))
    return transcripts_of(conversations)
