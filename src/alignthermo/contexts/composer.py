"""Wanted alpha, length and order to a conversation of whole turns with exact counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from alignthermo.contexts.assembly import Entry, context_of, conversation_of
from alignthermo.contexts.context import Context
from alignthermo.contexts.deck import Deck, Drawn, shuffled
from alignthermo.contexts.design import Cell, Design
from alignthermo.contexts.dilution import diluted
from alignthermo.contexts.layout import Typesetter
from alignthermo.contexts.matching import achievable_totals, nearest_prefix, nearest_subset
from alignthermo.contexts.material import Task
from alignthermo.contexts.orders import arrange, spread
from alignthermo.contexts.query import Query
from alignthermo.contexts.reinforcing import redundant_turns
from alignthermo.contexts.roles import RefusedTurns
from alignthermo.contexts.traits import TemplateTraits
from alignthermo.contexts.unit import Unit
from alignthermo.errors import AlignthermoError, ConfigError, InputError, PromptError, TemplateError
from alignthermo.prompts import RenderOptions
from alignthermo.quantities import Message, Tokenizer

__all__ = ["AchievableGrid", "ContextComposer"]


@dataclass(frozen=True, kw_only=True)
class AchievableGrid:
    """Numbers of tokens that whole turns can reach, fixed turns (system text, history) included."""

    instruction: tuple[int, ...]
    adversarial: tuple[int, ...]


class ContextComposer:
    """Composes contexts for one tokenizer.

    Parameters
    ----------
    tokenizer : Tokenizer
        Of the aligned model; it renders and counts.
    options : RenderOptions, optional
        How the chat template is used; ``control_tokens='parse'`` is the only way in which text becomes
        control tokens.
    raw : bool
        Write contents as paragraphs, for models without a chat template.
    refused_turns : str
        What to do with conversations that the template refuses. ``error`` says so before anything is run.
        ``adapt`` writes refused system turns as user turns, merges consecutive turns of one role where the
        template wants roles to alternate, puts messages on one line where it wants that, and notes it.

    Raises
    ------
    TemplateError
        There is no chat template, or it takes no plain conversation.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        options: RenderOptions | None = None,
        raw: bool = False,
        refused_turns: RefusedTurns = "error",
    ) -> None:
        self._typesetter = Typesetter(tokenizer, options=options, raw=raw, refused_turns=refused_turns)
        self._costs: dict[tuple[tuple[Message, ...], bool], int] = {}
        self._wraps: dict[Query, int] = {}

    @property
    def traits(self) -> TemplateTraits:
        """What the tokenizer's template accepts."""
        return self._typesetter.traits

    def sweep(self, design: Design, tasks: Sequence[Task]) -> Iterator[Context]:
        """Yield the contexts of a design for every task, in a fixed order.

        Raises
        ------
        ConfigError
            Two tasks share query and family.
        TemplateError, PromptError, InputError
            As `contexts`.
        """
        names = [(task.query.id, task.material.family) for task in tasks]
        if len(set(names)) < len(names):
            raise ConfigError("two tasks of a sweep have the same query and family, hence the same ids")
        for task in tasks:
            yield from self.contexts(design, task)

    def contexts(self, design: Design, task: Task) -> Iterator[Context]:
        """Yield the contexts of a design for one task.

        Raises
        ------
        InputError
            The material has too few turns of a kind.
        TemplateError
            The template refuses the conversation, and how it could be adapted.
        PromptError
            A text cannot be used.
        """
        decks = {r: self.deal(design, task, replicate=r) for r in range(design.replicates)}
        for cell in design.cells():
            yield self.compose(cell, task, design=design, deck=decks[cell.replicate])

    def deal(self, design: Design, task: Task, *, replicate: int) -> Deck:
        """Shuffle the material of a task for one replicate.

        Raises
        ------
        InputError
            The material has too few turns of a kind, or a template around the request is too long to be used.
        """
        scope = task.query.id if design.share == "prompt" else "every prompt"
        fixed_instruction, fixed_adversarial = self._fixed(task)
        largest = max(size[1] for size in design.sizes)
        if fixed_adversarial and 2.0 * largest <= fixed_adversarial:
            raise InputError(
                f"{task.query.id}: the template around the request has {fixed_adversarial} tokens, "
                f"twice the largest wanted N_adv ({largest:.0f}) or more: it would never be used; raise the "
                "lengths, or take a shorter template"
            )
        wanted = {
            "instruction": max(size[0] for size in design.sizes) - fixed_instruction,
            "adversarial": 0.0 if task.material.wrap_alone else largest - fixed_adversarial,
            "filler": 1.0 if "dilution" in design.controls else 0.0,
        }

        def draw(name: str, pool: Sequence[Unit]) -> tuple[Drawn, ...]:
            return shuffled(
                pool,
                seed=design.seed,
                stream=(name, scope, replicate),
                costs=self.cost,
                tokens=wanted[name],
                repeat=design.repeat and name != "filler",
            )

        material = task.material
        return Deck(
            instruction=draw("instruction", material.instruction),
            adversarial=draw("adversarial", material.adversarial),
            filler=draw("filler", material.filler),
        )

    def compose(self, cell: Cell, task: Task, *, design: Design, deck: Deck) -> Context:
        """Compose one context.

        Raises
        ------
        TemplateError, PromptError
            As `contexts`.
        """
        name = f"{task.query.id}/{task.material.family}/{cell.name}"
        query, replaced = self._asked(cell, task.query), 0
        dealt = self._dealt(cell, replace(task, query=query), design, deck, bare=query != task.query)
        if cell.control == "dilution":
            dealt, replaced = diluted(dealt, deck.filler, after=self._template_cost(query))
            query = replace(query, template=None)
        entries = self._entries(cell, task, dealt)
        try:
            turns, entries = conversation_of(entries, query)
            layout = self._typesetter.lay_out(turns, name=name)
        except (TemplateError, PromptError) as error:
            raise _in_cell(error, name) from error
        return context_of(name, cell=cell, task=task, entries=entries, layout=layout, replaced=replaced)

    def _asked(self, cell: Cell, query: Query) -> Query:
        """Take the template, all or nothing, off a request where that comes nearer to the attack."""
        if 2.0 * cell.n_adversarial > self._template_cost(query):
            return query
        return replace(query, template=None)

    def achievable(self, design: Design, task: Task, *, replicate: int = 0) -> AchievableGrid:
        """Return the token counts that whole turns can reach, up to the largest the design asks for."""
        deck = self.deal(design, task, replicate=replicate)
        totals = []
        sides = zip((deck.instruction, deck.adversarial), self._fixed(task), (0, 1), strict=True)
        for side, fixed, axis in sides:
            room = int(max(size[axis] for size in design.sizes)) - fixed
            costs = [one.cost for one in side]
            reached = achievable_totals(costs, max(0, room), matching=design.matching)
            bare = (0,) if side is deck.adversarial and fixed else ()
            totals.append((*bare, *(fixed + total for total in reached)))
        return AchievableGrid(instruction=totals[0], adversarial=totals[1])

    def cost(self, unit: Unit, *, opening: bool = False) -> int:
        """Tokens of a turn in the middle or at the beginning of a conversation, role markers included.

        Raises
        ------
        TemplateError, PromptError
            The template refuses the turn, or its text cannot be used.
        """
        key = (unit.messages, opening)
        if key not in self._costs:
            try:
                self._costs[key] = self._typesetter.cost(unit.messages, opening=opening)
            except (TemplateError, PromptError) as error:
                raise _in_cell(error, f"{unit.family} turn {unit.id!r}") from error
        return self._costs[key]

    def _fixed(self, task: Task) -> tuple[int, int]:
        """Instruction and adversarial tokens that every cell of a task has."""
        system = sum(self.cost(unit, opening=True) for unit in task.material.system)
        history = sum(self.cost(unit) for unit in task.query.history if unit.label == "instruction")
        return system + history, self._template_cost(task.query)

    def _template_cost(self, query: Query) -> int:
        if query.template is None:
            return 0
        if query not in self._wraps:
            turns, entries = conversation_of([], query)
            layout = self._typesetter.lay_out(turns, name=query.id)
            wrapping = [owner for owner, entry in enumerate(entries) if entry.kind == "adversarial"]
            self._wraps[query] = sum(s.stop - s.start for s in layout.spans if s.owner in wrapping)
        return self._wraps[query]

    def _dealt(self, cell: Cell, task: Task, design: Design, deck: Deck, *, bare: bool) -> tuple[Drawn, ...]:
        """Choose turns; none of an attack whose first turn, the template around the request, is not there."""
        fixed_instruction, fixed_adversarial = self._fixed(task)
        instruction = _chosen(deck.instruction, cell.n_instruction - fixed_instruction, design)
        room = 0.0 if bare else cell.n_adversarial - fixed_adversarial
        adversarial = _chosen(deck.adversarial, room, design)
        return arrange(instruction, adversarial, order=cell.order, block=design.block)

    def _entries(self, cell: Cell, task: Task, dealt: Sequence[Drawn]) -> list[Entry]:
        system = [Entry.of(unit, place="system") for unit in task.material.system]
        middle = [Entry.of(one.unit, place="dealt", copy=one.copy) for one in dealt]
        history = [Entry.of(unit, place="history") for unit in task.query.history]
        if cell.reinforcement is None:
            return [*system, *middle, *history]
        material = task.material
        redundant = redundant_turns(
            material.reminders, cell.reinforcement, costs=self.cost, filler=material.filler
        )
        more = [Entry.of(one.unit, place="reinforcement", copy=one.copy) for one in redundant]
        if cell.reinforcement.placement == "start":
            return [*system, *more, *middle, *history]
        if cell.reinforcement.placement == "end":
            return [*system, *middle, *history, *more]
        return [*system, *spread(middle, more), *history]


def _chosen(sequence: Sequence[Drawn], target: float, design: Design) -> tuple[Drawn, ...]:
    costs = [one.cost for one in sequence]
    if design.matching == "nested":
        return tuple(sequence[: nearest_prefix(costs, target)])
    return tuple(sequence[index] for index in nearest_subset(costs, target))


def _in_cell(error: AlignthermoError, name: str) -> AlignthermoError:
    """Return the same kind of error that also says where."""
    return type(error)(f"{name}: {error}")
