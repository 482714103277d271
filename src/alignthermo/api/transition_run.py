"""Run a transition: bind models, prompts, run folder and summary together."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from alignthermo.api.finishing import finish
from alignthermo.api.in_memory import configured, names_of
from alignthermo.api.loading import alone, pair_loader, weight_digests
from alignthermo.api.names import given_prompts, load_prompts
from alignthermo.api.stages import Staged, stages_in_folder, stages_in_memory
from alignthermo.api.stored import described
from alignthermo.api.transition_plan import composed, sources_of
from alignthermo.api.transition_result import TransitionResult
from alignthermo.errors import ConfigError, InputError
from alignthermo.experiments import (
    Sources,
    TransitionConfig,
    TransitionPlan,
    compose_all,
    context_rows,
    curve_rows,
    summarise_transition,
    token_records,
    transition_stages,
)
from alignthermo.judges import judge_identity
from alignthermo.prompts import PromptSet
from alignthermo.quantities import LanguageModel, Pair, Progress, Prompt, silent
from alignthermo.runs import RunConfig, RunFolder, parse_gate, read_run
from alignthermo.runs.layout import RUN

__all__ = ["run_transition", "transition"]


def transition(
    model: Pair | LanguageModel,
    prompts: str | Path | PromptSet | Sequence[Prompt | str | Mapping[str, object]],
    *,
    progress: Progress = silent,
    **settings: object,
) -> TransitionResult:
    """Measure where compliance breaks as the adversarial share of the context grows, in memory.

    Parameters
    ----------
    model : Pair or LanguageModel
        Of a pair the aligned side is measured, and the base for the constant-field null.
    prompts : file, registry name, prompt set or list
        With compliant and defiant reference answers.
    progress : callable, optional
    **settings
        Fields of `TransitionConfig`: ``families``, ``alphas``, ``lengths``, ``orders`` …

    Returns
    -------
    TransitionResult
        ``result.certificate`` is the answer.

    Examples
    --------
    >>> result = transition(pair, "prompts.jsonl", lengths=[200, 400])     # doctest: +SKIP
    """
    prompt_set = given_prompts(prompts)
    pair = model if isinstance(model, Pair) else alone(model)
    known = {**names_of(model), "prompts": prompt_set.name}
    config = configured(TransitionConfig, known, settings, verb="transition")
    sources = sources_of(config, prompt_set)
    plan = compose_all(
        config,
        sources,
        tokenizer=pair.aligned.tokenizer,
        max_length=min(pair.aligned.max_length, pair.base.max_length),
    )
    stages = transition_stages(plan, config, sources)
    staged = stages_in_memory(stages, pair=pair, progress=progress)
    return _summarised(config, staged, _unread(prompt_set, sources))


def run_transition(config: TransitionConfig, *, progress: Progress = silent) -> TransitionResult:
    """Run a transition into its folder, or continue the one that is there.

    Raises
    ------
    ConfigError
        No output folder, or options that exclude each other.
    RunConflict
        The folder holds a run with another configuration.
    ContextTooLong
        Contexts exceed the model's length; nothing was run.
    GateFailed
        A ``fail_if`` condition holds.
    """
    if config.out is None:
        raise ConfigError("a run needs a folder: give --out DIR")
    for gate in config.fail_if:
        parse_gate(gate)  # an hour's run should not end in a slip of the finger
    prompt_set = load_prompts(config.prompts)
    sources = sources_of(config, prompt_set)
    # A design that is refused must leave no folder behind that would then belong to it.
    plan = None if (Path(config.out) / RUN).exists() else _composed(config, sources, progress)
    folder = RunFolder.open(config.out, config=_run_config(config, prompt_set))
    with ExitStack() as stack:
        staged = stages_in_folder(
            transition_stages(plan, config, sources),
            folder=folder,
            shard=config.shard,
            load=pair_loader(config, stack, progress),
            progress=progress,
        )
    return _finish(config, folder, staged, _unread(prompt_set, sources), progress)


def _composed(config: TransitionConfig, sources: Sources, progress: Progress) -> TransitionPlan:
    progress("compose contexts", 0, 1, "")
    plan = composed(config, sources)
    progress("compose contexts", 1, 1, f"{len(plan.contexts)} contexts")
    return plan


def _finish(
    config: TransitionConfig,
    folder: RunFolder,
    staged: Staged,
    unread: tuple[str, ...],
    progress: Progress,
) -> TransitionResult:
    """Summarise once every shard of every stage is there, whoever measured it."""
    if staged.waiting:
        return TransitionResult(
            records=(),
            verdicts=(),
            shard_records=staged.records,
            rows=context_rows(staged.stored),
            tables=staged.stored,
            folder=folder.path,
            complete=False,
            unread=unread,
        )
    progress("fits and bootstrap", 0, 1, "")
    summarised = _summarised(config, staged, unread)
    progress("fits and bootstrap", 1, 1, "")
    result = replace(summarised, folder=folder.path, run=described(read_run(folder.path)))
    finish(folder, result, gates=config.fail_if)
    return result


def _summarised(config: TransitionConfig, staged: Staged, unread: tuple[str, ...]) -> TransitionResult:
    if curve_rows(staged.stored).num_rows == 0:
        reasons = [r.estimate.reason for r in staged.records if r.estimate.reason]
        raise InputError(f"no context could be measured: {reasons[0] if reasons else 'there was none'}")
    estimates, verdicts = summarise_transition(staged.stored, config)
    return TransitionResult(
        records=(*estimates, *token_records(staged.records)),
        verdicts=verdicts,
        shard_records=staged.records,
        rows=context_rows(staged.stored),
        tables=staged.stored,
        run={"config": config.model_dump(mode="json")},
        unread=unread,
    )


def _unread(prompt_set: PromptSet, sources: Sources) -> tuple[str, ...]:
    return (*map(str, prompt_set.problems), *sources.unread)


def _run_config(config: TransitionConfig, prompt_set: PromptSet) -> RunConfig:
    files = {
        f"{name}_sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest()
        for name, path in (
            ("templates", config.templates),
            ("turns", config.turns),
            ("judge_labels", config.judge_labels),
        )
        if path is not None
    }
    judge = judge_identity(config.judge) if config.samples else None
    if judge is not None:
        files["judge_revision"] = judge.revision
    return RunConfig(
        experiment="transition",
        given=config.model_dump(mode="json", exclude_defaults=True),
        resolved={**config.model_dump(mode="json"), "prompts_sha256": prompt_set.sha256, **files},
        weights={**weight_digests(config), **({} if judge is None else {"judge": judge.digest})},
        device=config.device,
    )
