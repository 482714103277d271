"""What the contexts of a transition are made of: instruction, attack families and filler of each prompt."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alignthermo.contexts import (
    Material,
    Query,
    Task,
    Unit,
    compliant_exchanges,
    conflicting_system_turns,
    filler_turns,
    instruction_of,
    instruction_text,
    many_shot_turns,
    override_turns,
    read_templates,
    read_turns,
    reminder_turns,
    role_play_turns,
    system_units,
    template_turns,
)
from alignthermo.contexts.attack_templates import AttackTemplate
from alignthermo.contexts.reinforcing import FILLER
from alignthermo.contexts.texts import CONFLICTING_ORDERS, OVERRIDES, REMINDERS, ROLE_PLAYS
from alignthermo.errors import InputError
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_kept_by import completing
from alignthermo.judges import read_labelled
from alignthermo.quantities import Prompt, random_stream

__all__ = ["Sources", "read_sources", "task_of"]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where turns come from.

    Attributes
    ----------
    pool, queries : tuple of Prompt
        Prompts that exchanges are made of, and those that are asked.
    templates : tuple of AttackTemplate
    turns : tuple of Unit
        The user's own.
    unread : tuple of str
        Rows of the two files that could not be used.
    """

    pool: tuple[Prompt, ...]
    queries: tuple[Prompt, ...]
    templates: tuple[AttackTemplate, ...] = ()
    turns: tuple[Unit, ...] = ()
    unread: tuple[str, ...] = ()

    def labelled(self, label: str) -> tuple[Unit, ...]:
        """Return the user's turns with a label."""
        return tuple(unit for unit in self.turns if unit.label == label)


def read_sources(config: TransitionConfig, *, pool: Sequence[Prompt], queries: Sequence[Prompt]) -> Sources:
    """Read the files of templates and of the user's own turns; see that the judge's labels can be read.

    Raises
    ------
    InputError
        A file cannot be read, or holds nothing usable (for example no template with a slot).
    """
    templates: tuple[AttackTemplate, ...] = ()
    turns: tuple[Unit, ...] = ()
    unread: list[str] = []
    if config.templates is not None:
        held = read_templates(Path(config.templates))
        templates = held.templates
        unread += [f"{held.source}: {problem}" for problem in held.problems]
    if config.turns is not None:
        own = read_turns(Path(config.turns))
        turns = own.units
        unread += [f"{own.source}: {problem}" for problem in own.problems]
    if config.judge_labels is not None:
        labels = read_labelled(Path(config.judge_labels))
        unread += [f"{labels.name}: {problem}" for problem in labels.problems]
    complete = completing(pool, config)
    return Sources(
        pool=tuple(map(complete, pool)),
        queries=tuple(map(complete, queries)),
        templates=templates,
        turns=turns,
        unread=tuple(unread),
    )


def task_of(
    prompt: Prompt, family: str, config: TransitionConfig, sources: Sources, *, reinforced: bool = False
) -> Task:
    """Return what the contexts of one prompt under one attack family are made of.

    With `reinforced`, reminders of the instruction too.

    Raises
    ------
    InputError
        There is too little material.
    ConfigError
        A reminder repeats the rule, and the prompt has none.
    PromptError
        The prompt does not end with a user message.
    """
    system = _system(prompt, config)
    fillers = sources.labelled("filler")
    wrapping = family == "wrapped_request"
    return Task(
        query=Query.of(prompt, template=_wrap(prompt, config, sources) if wrapping else None),
        material=Material(
            family=family,
            system=system,
            instruction=_instruction(prompt, system, config, sources),
            adversarial=_attack(prompt, config.before_wrap if wrapping else family, config, sources),
            wrap_alone=wrapping and config.before_wrap == "nothing",
            filler=fillers or filler_turns(),
            reminders=_reminders(system, config) if reinforced else (),
        ),
    )


def _system(prompt: Prompt, config: TransitionConfig) -> tuple[Unit, ...]:
    if config.system_prompt is None:
        return system_units(prompt)
    return system_units(config.system_prompt) if config.system_prompt.strip() else ()


def _instruction(
    prompt: Prompt, system: tuple[Unit, ...], config: TransitionConfig, sources: Sources
) -> tuple[Unit, ...]:
    units = sources.labelled("instruction")
    if "exchanges" in config.instruction:
        units += compliant_exchanges(sources.pool, queries=_asked(prompt, config, sources))
    if "reminders" in config.instruction:
        phrasings = {"own": config.reminders} if config.reminders else REMINDERS
        units += reminder_turns(instruction_text(system), phrasings=phrasings, role=config.reminder_role)
    return units


def _reminders(system: tuple[Unit, ...], config: TransitionConfig) -> tuple[Unit, ...]:
    texts = {"own": config.reminders, **REMINDERS}
    phrasings = {name: texts[name] for name in config.phrasings if name != FILLER}
    if not phrasings:
        return ()
    return reminder_turns(instruction_text(system), phrasings=phrasings, role=config.reminder_role)


def _wrap(prompt: Prompt, config: TransitionConfig, sources: Sources) -> AttackTemplate:
    """Deal one template to each prompt, or one to all where prompts share their turns."""
    whose = prompt.id if config.share == "prompt" else "every prompt"
    rng = random_stream(config.seed, "wrap", whose)
    return sources.templates[int(rng.integers(len(sources.templates)))]


def _attack(prompt: Prompt, family: str, config: TransitionConfig, sources: Sources) -> tuple[Unit, ...]:
    if family == "nothing":
        return ()
    if family == "many_shot":
        return many_shot_turns(sources.pool, queries=_asked(prompt, config, sources))
    if family == "override":
        return override_turns(config.overrides or OVERRIDES)
    if family == "role_play":
        return role_play_turns(config.role_plays or ROLE_PLAYS)
    if family == "conflicting_system":
        return conflicting_system_turns(config.conflicting_orders or CONFLICTING_ORDERS)
    if family == "template":
        return template_turns(sources.templates, _other_requests(prompt, sources))
    units = sources.labelled("adversarial")
    if not units:
        raise InputError(f"{config.turns} holds no adversarial turn, which the family 'turns' is made of")
    return units


def _asked(prompt: Prompt, config: TransitionConfig, sources: Sources) -> tuple[Prompt, ...]:
    """Return the queries that exchanges may stand before: all of them where prompts share their turns."""
    if config.share == "prompt":
        return (prompt,)
    return tuple(query for query in sources.queries if instruction_of(query) == instruction_of(prompt))


def _other_requests(prompt: Prompt, sources: Sources) -> tuple[Prompt, ...]:
    own = prompt.messages[-1].content
    return tuple(
        other
        for other in sources.pool
        if other.category == prompt.category and other.messages[-1].content != own
    )
