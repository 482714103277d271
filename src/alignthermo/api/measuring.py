"""Run a landscape: bind models, prompts, run folder, summary and report together."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from alignthermo.api.finishing import finish
from alignthermo.api.in_memory import configured, names_of
from alignthermo.api.names import given_prompts, load_prompts, model_source
from alignthermo.api.result import LandscapeResult, prompt_texts
from alignthermo.api.stored import described
from alignthermo.errors import ConfigError, InputError
from alignthermo.experiments import (
    Landscape,
    LandscapeConfig,
    Shard,
    ShardResult,
    prompt_records,
    summarise_landscape,
)
from alignthermo.models import load_pair as load_pair_of
from alignthermo.models.identity import pair_digests
from alignthermo.models.threads import threads_for
from alignthermo.prompts import PromptSet, render
from alignthermo.quantities import Pair, Progress, Prompt, Record, TemplatePolicy, silent
from alignthermo.runs import RunConfig, RunFolder, own_shards, parse_gate, read_run

__all__ = ["landscape", "load_pair", "run_landscape"]


def load_pair(
    base: str,
    aligned: str | None = None,
    *,
    adapter: str | None = None,
    template_policy: TemplatePolicy = "same_ids",
    dtype: str = "auto",
    device: str = "auto",
) -> Pair:
    """Load a base model and its aligned version so that they can be compared token by token.

    Parameters
    ----------
    base, aligned : str
        Hub id (``org/name`` or ``org/name@revision``), folder, or ``shipped:MEMBER``.
    adapter : str, optional
        PEFT adapter on the base; `aligned` is then left out. One set of weights is loaded.
    template_policy : ``same_ids`` or ``raw``
        What the base reads: the aligned model's ids, or plain text.
    dtype : str
        ``auto``: float32 on a CPU, the checkpoint's own on a GPU.
    device : str
        ``auto``, ``cpu``, ``cuda`` … or ``balanced`` to spread a large model over all GPUs.

    Raises
    ------
    ModelError
        A model cannot be found, is pickled, needs remote code, or lacks weights.
    IncompatiblePair
        The two vocabularies do not match.
    """
    return load_pair_of(
        model_source(base),
        None if aligned is None else model_source(aligned),
        adapter=adapter,
        template_policy=template_policy,
        dtype=dtype,
        device=device,
    )


def landscape(
    pair: Pair,
    prompts: str | Path | PromptSet | Sequence[Prompt | str | Mapping[str, object]],
    *,
    progress: Progress = silent,
    **settings: object,
) -> LandscapeResult:
    """Measure the alignment free energy of a pair over prompts, in memory.

    Parameters
    ----------
    pair : Pair
        From `load_pair`, or any two language models behind the seam.
    prompts : file, registry name, prompt set or list
        A list may hold strings, mappings with the columns of a prompt file, or `Prompt` objects.
    progress : callable, optional
    **settings
        Fields of `LandscapeConfig`: ``context_policies``, ``samples``, ``max_new_tokens``, ``seed`` …

    Returns
    -------
    LandscapeResult

    Examples
    --------
    >>> result = landscape(pair, ["Tell me a joke."], samples=4)     # doctest: +SKIP
    """
    prompt_set = given_prompts(prompts)
    known = {
        **names_of(pair),
        "prompts": prompt_set.name,
        "template_policy": pair.template_policy,
    }
    config = configured(LandscapeConfig, known, settings, verb="landscape")
    experiment = Landscape(pair=pair, prompts=_limited(prompt_set, config), config=config)
    shards = experiment.shards()
    tables: list[pa.Table] = []
    records: list[Record] = []
    for done, shard in enumerate(shards, start=1):
        result = experiment.measure(shard)
        tables += [] if result.tokens is None else [result.tokens]
        records += prompt_records(result, shard, config)
        progress("landscape", done, len(shards), shard.id)
    tokens = _concatenated(tables, records)
    aggregates, verdicts = summarise_landscape(tokens, config)
    return LandscapeResult(
        records=aggregates,
        prompt_records=tuple(records),
        verdicts=verdicts,
        tokens=tokens,
        prompts=prompt_texts(experiment.prompts),
        unread=tuple(map(str, prompt_set.problems)),
        run={
            "base": config.base,
            "aligned": config.aligned,
            "config": config.model_dump(mode="json"),
            "provenance": dict(pair.provenance),
        },
    )


def run_landscape(config: LandscapeConfig, *, progress: Progress = silent) -> LandscapeResult:
    """Run a landscape into its folder, or continue the one that is there.

    Raises
    ------
    ConfigError
        No output folder, or options that exclude each other.
    RunConflict
        The folder holds a run with another configuration.
    GateFailed
        A ``fail_if`` condition holds.
    """
    if config.out is None:
        raise ConfigError("a run needs a folder: give --out DIR")
    for gate in config.fail_if:
        parse_gate(gate)  # an hour's run should not end in a slip of the finger
    prompt_set = load_prompts(config.prompts)
    prompts = _limited(prompt_set, config)
    folder = RunFolder.open(config.out, config=_run_config(config, prompt_set))
    shards = {shard.id: shard for shard in Landscape.split(prompts, config)}
    mine = own_shards(tuple(shards), shard=config.shard)
    with threads_for(model_source(config.base)):
        pending = [shards[name] for name in folder.pending(mine)]
        _measure_pending(config, prompts, folder, pending, progress)
    result = _finish(config, prompts, folder, tuple(shards))
    return replace(result, unread=tuple(map(str, prompt_set.problems)))


def _measure_pending(
    config: LandscapeConfig,
    prompts: tuple[Prompt, ...],
    folder: RunFolder,
    pending: Sequence[Shard],
    progress: Progress,
) -> None:
    if not pending:
        return
    progress("load models", 0, 1, f"{config.base} / {config.aligned or config.adapter}")
    pair = load_pair(
        config.base,
        config.aligned,
        adapter=config.adapter,
        template_policy=config.template_policy,
        dtype=config.dtype,
        device=config.device,
    )
    progress("load models", 1, 1, "")
    _require_template(pair, prompts[0])
    experiment = Landscape(pair=pair, prompts=prompts, config=config)
    n_failed = 0
    for done, shard in enumerate(pending, start=1):
        with folder.lease(shard.id) as ours:
            if ours:
                n_failed += _commit(folder, shard, experiment.measure(shard), config)
        detail = f"{n_failed} prompts failed" if n_failed else ""
        progress("landscape", done, len(pending), detail)


def _require_template(pair: Pair, prompt: Prompt) -> None:
    """Refuse a pair whose aligned model has no chat template before the first shard, not once per prompt."""
    if not pair.aligned.tokenizer.chat_template:
        render(prompt, tokenizer=pair.aligned.tokenizer)


def _commit(folder: RunFolder, shard: Shard, result: ShardResult, config: LandscapeConfig) -> int:
    folder.commit(shard.id, tokens=result.tokens, records=prompt_records(result, shard, config))
    return len(result.problems)


def _finish(
    config: LandscapeConfig, prompts: tuple[Prompt, ...], folder: RunFolder, shard_ids: Sequence[str]
) -> LandscapeResult:
    """Summarise and report once every shard is there, whoever measured it."""
    complete = not folder.pending(shard_ids)
    records = folder.read_records()
    tokens = folder.read_tokens()
    if complete and tokens.num_rows == 0:
        raise InputError(_nothing_measured(records))
    aggregates, verdicts = summarise_landscape(tokens, config) if complete else ((), ())
    result = LandscapeResult(
        records=aggregates,
        prompt_records=records,
        verdicts=verdicts,
        tokens=tokens,
        prompts=prompt_texts(prompts),
        run=described(read_run(folder.path)),
        folder=folder.path,
        complete=complete,
    )
    if complete:
        finish(folder, result, gates=config.fail_if)
    return result


def _run_config(config: LandscapeConfig, prompt_set: PromptSet) -> RunConfig:
    resolved = {**config.model_dump(mode="json"), "prompts_sha256": prompt_set.sha256}
    digests = pair_digests(
        model_source(config.base),
        None if config.aligned is None else model_source(config.aligned),
        adapter=config.adapter,
    )
    return RunConfig(
        experiment="landscape",
        given=config.model_dump(mode="json", exclude_defaults=True),
        resolved=resolved,
        weights=digests,
        device=config.device,
    )


def _limited(prompt_set: PromptSet, config: LandscapeConfig) -> tuple[Prompt, ...]:
    prompts = prompt_set.limited(config.limit).prompts
    if not prompts:
        raise InputError(f"prompt set {prompt_set.name!r} has no usable prompt")
    return prompts


def _concatenated(tables: Sequence[pa.Table], records: Sequence[Record]) -> pa.Table:
    if not tables:
        raise InputError(_nothing_measured(records))
    return pa.concat_tables(tables)


def _nothing_measured(records: Sequence[Record]) -> str:
    reasons = [r.estimate.reason for r in records if r.estimate.reason]
    first = f"; the first reason: {reasons[0]}" if reasons else ""
    return f"no prompt could be measured{first}"
