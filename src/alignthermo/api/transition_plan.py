"""What a transition would cost, before it is run: every context is composed, no weight is loaded."""

from dataclasses import dataclass, replace

from alignthermo.api.measured_models import MeasuredModels
from alignthermo.api.names import load_prompts
from alignthermo.api.plan import bytes_in_memory, operations_per_second, weights_of
from alignthermo.errors import InputError
from alignthermo.experiments import (
    DialogueBound,
    PlannedTokens,
    RefinementBound,
    Sources,
    TransitionConfig,
    TransitionPlan,
    compose_all,
    dialogue_bound,
    read_sources,
    refinement_bound,
    scenes_of,
)
from alignthermo.judges import parse_judge
from alignthermo.models.sources import resolve
from alignthermo.prompts import PromptSet

__all__ = ["PlannedTransition", "composed", "plan_transition", "sources_of"]


@dataclass(frozen=True, kw_only=True)
class PlannedTransition:
    """The size of a run.

    Attributes
    ----------
    n_prompts, n_shards, n_contexts, n_models : int
    n_reinforced : int
        Those of the contexts that have redundant instruction.
    n_duplicates : int
        Cells that whole turns bring to a context another cell has reached; asked once.
    longest : int
        Tokens of the longest context.
    tokens : PlannedTokens
        Over all models: the plain way, the best possible, and what the run forwards where the cache holds.
        Refinement comes on top.
    refinement : RefinementBound
        At most this much more, over all models.
    dialogues : DialogueBound
        Own turns of rollouts, ramps and escalations, and at most this many tokens more.
    generated : int
        At most this many tokens of replies, drawn from the aligned model.
    alphas : tuple of float
        Smallest and largest α that is reached.
    worst_miss : float
        Largest distance, in tokens, between wanted and reached.
    skipped : tuple of str
        Prompts (under a family, or at all) that cannot be used, and rows of files, with the reason.
    model_bytes, peak_bytes : int
        All models in memory, a judge's too; with the key-value cache.
    seconds : float
        From the arithmetic and this machine's speed on one matrix product.
    """

    n_prompts: int
    n_shards: int
    n_contexts: int
    n_models: int
    n_reinforced: int
    n_duplicates: int
    longest: int
    tokens: PlannedTokens
    refinement: RefinementBound
    dialogues: DialogueBound
    generated: int
    alphas: tuple[float, float]
    worst_miss: float
    skipped: tuple[str, ...]
    model_bytes: int
    peak_bytes: int
    seconds: float


def plan_transition(config: TransitionConfig) -> PlannedTransition:
    """Compose and count a run without loading a weight.

    Raises
    ------
    ModelError, InputError
        A model cannot be found; a file cannot be read.
    ContextTooLong
        Contexts exceed the model's length.
    AlignthermoError
        As `alignthermo.experiments.compose_all`.
    """
    sources = sources_of(config, load_prompts(config.prompts))
    models = MeasuredModels.of(config)
    plan = _composed(config, sources, models)
    model_bytes = models.bytes_in_memory(config.dtype) + _judge_bytes(config)
    n_models = 1 if config.base is None else 2
    contexts, tokens = plan.contexts, _times(plan.tokens(), n_models)
    bound = refinement_bound(plan, config)
    spoken = dialogue_bound(config, sources, tokenizer=models.tokenizer)
    sampled = [len(one.ids) for one in contexts if one.wanted.reinforcement is None]
    generated = config.samples * config.max_new_tokens * len(sampled)
    # the plain way reads a context once more for every reply
    tokens = replace(tokens, naive=tokens.naive + config.samples * sum(sampled))
    # filler stands where the attack was: its contexts reach no α
    alphas = [one.alpha for one in contexts if one.length and one.wanted.control == "attack"]
    return PlannedTransition(
        n_prompts=len({context.query for context in contexts}),
        n_shards=len(plan.shards),
        n_contexts=len(contexts),
        n_models=n_models,
        n_reinforced=sum(context.wanted.reinforcement is not None for context in contexts),
        n_duplicates=plan.duplicates,
        longest=max(context.counts.total for context in contexts),
        tokens=tokens,
        refinement=replace(bound, tokens=n_models * bound.tokens),
        dialogues=spoken,
        generated=generated,
        alphas=(min(alphas), max(alphas)) if alphas else (float("nan"), float("nan")),
        worst_miss=max(max(abs(c.missed_instruction), abs(c.missed_adversarial)) for c in contexts),
        skipped=(
            *sources.unread,
            *(f"alpha {alpha:g}: added attack never reaches it" for alpha in _beyond_reach(config)),
            *(f"{p.prompt_id}: {p.message}" for p in plan.problems),
        ),
        model_bytes=model_bytes,
        peak_bytes=model_bytes + models.cache_bytes(config.max_cached_tokens),
        seconds=2.0
        * models.mean_parameters
        * (tokens.planned + spoken.tokens + generated)
        / operations_per_second(),
    )


def composed(config: TransitionConfig, sources: Sources) -> TransitionPlan:
    """Compose all contexts with the tokenizer and the length of the models that a configuration names.

    Raises
    ------
    AlignthermoError
        As `alignthermo.experiments.compose_all`, or a model cannot be found.
    """
    return _composed(config, sources, MeasuredModels.of(config))


def _composed(config: TransitionConfig, sources: Sources, models: MeasuredModels) -> TransitionPlan:
    return compose_all(config, sources, tokenizer=models.tokenizer, max_length=models.max_length)


def sources_of(config: TransitionConfig, prompt_set: PromptSet) -> Sources:
    """Read the files of turns and templates, and choose the prompts that are asked.

    Raises
    ------
    InputError
        A file cannot be read, or there is no prompt.
    ConfigError
        Dialogues are asked for, and no category has enough prompts.
    """
    queries = prompt_set.limited(config.limit).prompts
    if not queries:
        raise InputError(f"prompt set {prompt_set.name!r} has no usable prompt")
    sources = read_sources(config, pool=prompt_set.prompts, queries=queries)
    if config.has_dialogues:
        scenes_of(config, sources)  # an hour's sweep should not end at prompts nobody can talk about
    return sources


def _beyond_reach(config: TransitionConfig) -> tuple[float, ...]:
    """Ratios that instruction keeps out of reach, however much attack is added to it."""
    return tuple(alpha for alpha in config.alphas if alpha >= 1.0 and config.design == "append_only")


def _judge_bytes(config: TransitionConfig) -> int:
    """Return what the model of a judge takes, which stands beside the measured one."""
    model = parse_judge(config.judge).model if config.samples else ""
    return bytes_in_memory(weights_of(resolve(model)), "auto") if model else 0


def _times(tokens: PlannedTokens, n: int) -> PlannedTokens:
    return replace(tokens, naive=n * tokens.naive, optimal=n * tokens.optimal, planned=n * tokens.planned)
