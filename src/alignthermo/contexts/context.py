"""A composed context: what was wanted, what was reached, and whose every token is."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alignthermo.contexts.design import Cell
from alignthermo.contexts.unit import Kind
from alignthermo.errors import ContextTooLong
from alignthermo.quantities import Message

__all__ = ["Context", "Counts", "Span", "TurnRecord", "check_lengths"]

_CELLS_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class TurnRecord:
    """A unit as it stands in a context.

    Attributes
    ----------
    unit : str
        Its id; ``query`` for the request.
    kind : str
        ``instruction``, ``adversarial``, ``filler`` or ``query``.
    family : str
    tokens : int
        In this context, role markers included.
    place : str
        ``system``, ``history``, ``reinforcement``, ``query``, or ``dealt`` for a turn chosen by the design.
    copy : int
        0 the first time the turn is used.
    """

    unit: str
    kind: Kind
    family: str
    tokens: int
    place: str
    copy: int = 0

    @property
    def is_wrap(self) -> bool:
        """Whether this is the text of a template around the request."""
        return self.place == "query" and self.kind == "adversarial"


@dataclass(frozen=True, kw_only=True)
class Span:
    """Tokens ``start`` to ``stop`` (exclusive); `turn` is an index into `Context.turns`, -1 the template."""

    kind: Kind
    turn: int
    start: int
    stop: int


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Tokens by kind; they add up to `total`.

    `reinforcement` came on top of a cell's own turns; it is a part of `instruction`, or of `filler` where the
    control phrasing ``filler`` stands for reminders.
    """

    instruction: int
    adversarial: int
    filler: int
    query: int
    template: int
    reinforcement: int

    @classmethod
    def of(cls, spans: Iterable[Span], turns: Sequence[TurnRecord]) -> "Counts":
        """Count spans."""
        tokens: Counter[str] = Counter()
        for span in spans:
            tokens[span.kind] += span.stop - span.start
        redundant = sum(turn.tokens for turn in turns if turn.place == "reinforcement")
        return cls(
            instruction=tokens["instruction"],
            adversarial=tokens["adversarial"],
            filler=tokens["filler"],
            query=tokens["query"],
            template=tokens["template"],
            reinforcement=redundant,
        )

    @property
    def length(self) -> int:
        """L = N_instr + N_adv."""
        return self.instruction + self.adversarial

    @property
    def total(self) -> int:
        """All tokens of the context."""
        return self.length + self.filler + self.query + self.template


@dataclass(frozen=True, kw_only=True)
class Context:
    """A conversation composed for one cell.

    Attributes
    ----------
    id : str
        Query, family and cell.
    query, family : str
        Id of the prompt, name of the attack.
    wanted : Cell
    messages : tuple of Message
        As the template got them.
    ids : tuple of int
        Generation prompt included: a response begins right after.
    turns : tuple of TurnRecord
        In the order of the conversation.
    spans : tuple of Span
        In order, without gap or overlap.
    counts : Counts
    replaced : int
        Adversarial tokens in whose place filler stands (dilution control), as they count by themselves.
    digest : str
        SHA-256 of the ids.
    notes : tuple of str
        What was changed for the template, repeated, or could not be told exactly.
    """

    id: str
    query: str
    family: str
    wanted: Cell
    messages: tuple[Message, ...]
    ids: tuple[int, ...]
    turns: tuple[TurnRecord, ...]
    spans: tuple[Span, ...]
    counts: Counts
    replaced: int
    digest: str
    notes: tuple[str, ...]

    @property
    def alpha(self) -> float:
        """The reached N_adv / (N_instr + N_adv); NaN without instruction and attack."""
        return self.counts.adversarial / self.counts.length if self.counts.length else float("nan")

    @property
    def length(self) -> int:
        """The reached L = N_instr + N_adv."""
        return self.counts.length

    @property
    def missed_instruction(self) -> float:
        """Reached minus wanted instruction tokens, reinforcement left out."""
        redundant = (t for t in self.turns if t.place == "reinforcement" and t.kind == "instruction")
        return self.counts.instruction - sum(t.tokens for t in redundant) - self.wanted.n_instruction

    @property
    def missed_adversarial(self) -> float:
        """Reached minus wanted adversarial tokens; of the dilution control, filler minus what it replaces."""
        if self.wanted.control == "dilution":
            dealt = (turn for turn in self.turns if turn.kind == "filler" and turn.place == "dealt")
            return float(sum(turn.tokens for turn in dealt) - self.replaced)
        return self.counts.adversarial - self.wanted.n_adversarial

    def row(self) -> dict[str, str | int | float]:
        """Return everything a table of contexts needs, ids, texts and spans left out."""
        wanted, counts = self.wanted, self.counts
        return {
            "context_id": self.id,
            "prompt_id": self.query,
            "family": self.family,
            "order": wanted.order,
            "replicate": wanted.replicate,
            "control": wanted.control,
            "reinforcement": wanted.reinforcement.name if wanted.reinforcement else "",
            "wanted_alpha": wanted.alpha,
            "wanted_length": wanted.length,
            "alpha": self.alpha,
            "length": counts.length,
            "n_instruction": counts.instruction,
            "n_adversarial": counts.adversarial,
            "n_filler": counts.filler,
            "n_query": counts.query,
            "n_template": counts.template,
            "n_reinforcement": counts.reinforcement,
            "n_total": counts.total,
            "missed_instruction": self.missed_instruction,
            "missed_adversarial": self.missed_adversarial,
            "context_digest": self.digest,
            "notes": "; ".join(self.notes),
        }


def check_lengths(contexts: Iterable[Context], *, max_length: int, reserve: int = 0) -> None:
    """Refuse a sweep that has contexts beyond a model's length.

    Parameters
    ----------
    contexts : iterable of Context
    max_length : int
        Of the model.
    reserve : int
        Tokens needed after the context, for reference responses or samples.

    Raises
    ------
    ContextTooLong
        Lists the cells.
    """
    beyond = [context for context in contexts if context.counts.total + reserve > max_length]
    if not beyond:
        return
    shown = "".join(f"\n  {one.id}: {one.counts.total} tokens" for one in beyond[:_CELLS_SHOWN])
    more = f"\n  … and {len(beyond) - _CELLS_SHOWN} more" if len(beyond) > _CELLS_SHOWN else ""
    after = f" with {reserve} more for the answer" if reserve else ""
    raise ContextTooLong(
        f"{len(beyond)} context(s) do not fit the model's {max_length} tokens{after}:{shown}{more}\nlower "
        f"the lengths of the design, shorten the material, or take a model with a longer context"
    )
