"""The conversations of the dialogues: one instruction, the requests under it, the material around them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from alignthermo.contexts import Context, ContextComposer, Design, Task, Unit
from alignthermo.errors import ConfigError, InputError
from alignthermo.experiments.own_turns import Request, Rung
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_material import Sources, task_of
from alignthermo.experiments.transition_sweeps import ALL, MIN_CATEGORY_PROMPTS
from alignthermo.prompts import RenderOptions
from alignthermo.quantities import Message, Prompt, Tokenizer

__all__ = ["MAX_REQUESTS", "Scene", "SceneMaterial", "scenes_of"]

MAX_REQUESTS = 8
"""Requests of one conversation; with more of them a dialogue would rarely ask one twice."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Requests that are asked in one conversation.

    Attributes
    ----------
    category : str
        Slice the results belong to: ``all`` where the run has one category, or small ones under one text.
    prompts : tuple of Prompt
        Of one instruction; the first gives the system text.
    """

    category: str
    prompts: tuple[Prompt, ...]


def scenes_of(config: TransitionConfig, sources: Sources) -> tuple[Scene, ...]:
    """Return a scene for every category that has a curve of its own.

    A conversation has one instruction, so its requests are prompts of the category with the same system text:
    the largest such group, at most `MAX_REQUESTS` of it. Where no category is large enough, but all prompts
    are given one system text, there is one scene, of all.

    Raises
    ------
    ConfigError
        Several categories, none of them with enough prompts for a curve.
    """
    usable = [prompt for prompt in sources.queries if prompt.compliant and prompt.defiant]
    categories = list(dict.fromkeys(prompt.category for prompt in usable))
    if len(categories) == 1:
        return (_scene(ALL, usable, config),)
    large = [
        category
        for category in categories
        if sum(prompt.category == category for prompt in usable) >= MIN_CATEGORY_PROMPTS
    ]
    if not large and usable and config.system_prompt is not None:
        return (_scene(ALL, usable, config),)
    if not large:
        raise ConfigError(
            f"dialogues need one instruction, and none of {len(categories)} categories has "
            f"{MIN_CATEGORY_PROMPTS} prompts with answers of both kinds; give prompts of one category, or "
            f"one instruction for all of them (--system-prompt)"
        )
    return tuple(
        _scene(category, [p for p in usable if p.category == category], config) for category in large
    )


def _scene(category: str, prompts: Sequence[Prompt], config: TransitionConfig) -> Scene:
    groups: dict[tuple[str, ...], list[Prompt]] = {}
    for prompt in prompts:
        system = tuple(m.content for m in prompt.messages if m.role == "system")
        groups.setdefault(system if config.system_prompt is None else (), []).append(prompt)
    largest = max(groups.values(), key=len)
    return Scene(category=category, prompts=tuple(largest[:MAX_REQUESTS]))


class SceneMaterial:
    """A scene in the words of one tokenizer.

    Parameters
    ----------
    scene : Scene
    config : TransitionConfig
    sources : Sources
    tokenizer : Tokenizer
        Of the measured model; it counts.

    Raises
    ------
    InputError
        There is too little material, or no request can be asked.
    TemplateError
        The chat template takes no plain conversation.
    """

    def __init__(
        self, scene: Scene, *, config: TransitionConfig, sources: Sources, tokenizer: Tokenizer
    ) -> None:
        self._config = config
        self._composer = ContextComposer(
            tokenizer,
            options=RenderOptions(template_kwargs=config.template_kwargs),
            raw=config.raw,
            refused_turns=config.refused_turns,
        )
        self._task = _task(scene, config, sources)
        self.prompts = {request: prompt for prompt in scene.prompts if (request := _request(prompt))}
        if not self.prompts:
            raise InputError(
                f"scene {scene.category}: no prompt has compliant and defiant reference answers that can be "
                f"told apart by how they begin"
            )

    @property
    def requests(self) -> tuple[Request, ...]:
        """What is asked, in turn."""
        return tuple(self.prompts)

    @cached_property
    def opening(self) -> tuple[Message, ...]:
        """The system text."""
        return self._written([m for unit in self._task.material.system for m in unit.messages], first=True)

    def pool(self, kind: str) -> tuple[tuple[Message, ...], ...]:
        """Return whole turns of ``instruction``, ``adversarial`` or ``filler``."""
        units: Sequence[Unit] = getattr(self._task.material, kind)
        return tuple(self._written(unit.messages, first=False) for unit in units)

    @property
    def join(self) -> str | None:
        """What joins neighbouring messages of one role, where the template wants roles to alternate."""
        traits = self._composer.traits
        if traits.same_role:
            return None
        return "\n\n" if traits.line_breaks else " "

    def rung(self, alpha: float) -> Rung | None:
        """Compose material of a wanted α at the first length and order; None where α is out of reach.

        An append-only design has no α of 1. The α of the rung is that reached, in tokens.
        """
        config = self._config
        if config.design == "append_only" and alpha >= 1.0:
            return None
        design = Design(
            sizes=config.sizes_at((alpha,), config.lengths[:1]),
            orders=config.orders[:1],
            seed=config.seed,
            matching=config.matching,
            share="sweep",
            block=config.block,
        )
        (context,) = self._composer.contexts(design, self._task)
        return Rung(alpha=context.alpha, messages=self._unmerged(context))

    def tokens(self, messages: Sequence[Message]) -> int:
        """Count a turn with its role markers."""
        unit = Unit(id="turn", label="instruction", family="turn", messages=tuple(messages))
        return self._composer.cost(unit)

    def _unmerged(self, context: Context) -> tuple[Message, ...]:
        """Return the turns before the request as they were before any was merged with its neighbour."""
        material, history = self._task.material, self._task.query.history
        known = (*material.system, *material.instruction, *material.adversarial, *history)
        units: dict[tuple[str, str], Unit] = {(unit.label, unit.id): unit for unit in known}
        messages: list[Message] = []
        for turn in context.turns:
            if turn.kind != "query":
                messages += self._written(units[(turn.kind, turn.unit)].messages, first=not messages)
        return tuple(messages)

    def _written(self, messages: Sequence[Message], *, first: bool) -> tuple[Message, ...]:
        """Write system messages that the template refuses as user messages."""
        traits = self._composer.traits
        return tuple(
            Message(role="user", content=message.content)
            if message.role == "system"
            and not (traits.first_system if first and place == 0 else traits.later_system)
            else message
            for place, message in enumerate(messages)
        )


def _task(scene: Scene, config: TransitionConfig, sources: Sources) -> Task:
    """Return material that gives none of the requests' answers away."""
    asked = Sources(
        pool=sources.pool, queries=scene.prompts, templates=sources.templates, turns=sources.turns
    )
    shared = config.model_copy(update={"share": "sweep"})
    return task_of(scene.prompts[0], config.families[0], shared, asked)


def _request(prompt: Prompt) -> Request | None:
    """Return what a prompt asks, or None where its answers cannot be told apart by how they begin."""
    sides = [_apart(side) for side in (prompt.compliant, prompt.defiant)]
    clash = any(a.startswith(b) or b.startswith(a) for a in sides[0] for b in sides[1])
    if clash or not all(sides):
        return None
    return Request(messages=(prompt.messages[-1],), compliant=sides[0], defiant=sides[1])


def _apart(texts: Sequence[str]) -> tuple[str, ...]:
    """Drop empty answers, and those that begin with another: they are part of its event."""
    distinct = [text for text in dict.fromkeys(texts) if text.strip()]
    return tuple(t for t in distinct if not any(o != t and t.startswith(o) for o in distinct))
