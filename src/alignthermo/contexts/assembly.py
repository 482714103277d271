"""Chosen turns to a conversation with owners, and its layout to a context."""

from collections.abc import Sequence
from dataclasses import dataclass

from alignthermo.contexts.attack_templates import AttackTemplate
from alignthermo.contexts.context import Context, Counts, Span, TurnRecord
from alignthermo.contexts.design import Cell
from alignthermo.contexts.layout import Layout
from alignthermo.contexts.material import Task
from alignthermo.contexts.query import Query
from alignthermo.contexts.turns import TEMPLATE, Piece, Turn
from alignthermo.contexts.unit import Kind, Unit
from alignthermo.prompts import digest_of
from alignthermo.quantities import Message

__all__ = ["Entry", "context_of", "conversation_of"]

REPEATED = "turns repeated: the pool was used up"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A unit on its way into a conversation."""

    kind: Kind
    unit: str
    family: str
    place: str
    messages: tuple[Message, ...] = ()
    copy: int = 0

    @classmethod
    def of(cls, unit: Unit, *, place: str, copy: int = 0) -> "Entry":
        """Enter a unit."""
        return cls(
            kind=unit.label,
            unit=unit.id,
            family=unit.family,
            place=place,
            messages=unit.messages,
            copy=copy,
        )


def conversation_of(entries: list[Entry], query: Query) -> tuple[list[Turn], list[Entry]]:
    """Return turns with owners; those of the request, and of a template around it, come last."""
    turns = [
        Turn.whole(message, owner=owner) for owner, entry in enumerate(entries) for message in entry.messages
    ]
    asked = len(entries)
    owners = [*entries, Entry(kind="query", unit="query", family="query", place="query")]
    pieces = [Piece(text=query.request, owner=asked)]
    if query.template is not None:
        owners.append(_wrapping(query.template))
        pieces = _filled(query.template, query.request, asked=asked)
    turns.append(Turn(role="user", pieces=tuple(pieces), opener=asked, closer=asked))
    return turns, owners


def _wrapping(template: AttackTemplate) -> Entry:
    return Entry(kind="adversarial", unit=f"template-{template.name}", family="template", place="query")


def _filled(template: AttackTemplate, request: str, *, asked: int) -> list[Piece]:
    first, *others = template.between
    pieces = [Piece(text=first, owner=asked + 1)]
    for text in others:
        pieces += [Piece(text=request, owner=asked), Piece(text=text, owner=asked + 1)]
    return [piece for piece in pieces if piece.text]


def context_of(
    name: str, *, cell: Cell, task: Task, entries: Sequence[Entry], layout: Layout, replaced: int
) -> Context:
    """Name and count what a layout holds, owner by owner."""
    order = list(dict.fromkeys(span.owner for span in layout.spans if span.owner != TEMPLATE))
    position = {owner: index for index, owner in enumerate(order)}
    position[TEMPLATE] = TEMPLATE
    spans = tuple(
        Span(
            kind="template" if span.owner == TEMPLATE else entries[span.owner].kind,
            turn=position[span.owner],
            start=span.start,
            stop=span.stop,
        )
        for span in layout.spans
    )
    turns = tuple(_record(entries[owner], position[owner], spans) for owner in order)
    repeated = any(turn.copy and turn.place != "reinforcement" for turn in turns)
    return Context(
        id=name,
        query=task.query.id,
        family=task.material.family,
        wanted=cell,
        messages=layout.messages,
        ids=layout.ids,
        turns=turns,
        spans=spans,
        counts=Counts.of(spans, turns),
        replaced=replaced,
        digest=digest_of(layout.ids),
        notes=(*layout.notes, *_wrapped(turns), *((REPEATED,) if repeated else ())),
    )


def _wrapped(turns: Sequence[TurnRecord]) -> tuple[str, ...]:
    return tuple(f"the request stands in {one.unit}" for one in turns if one.is_wrap)


def _record(entry: Entry, position: int, spans: Sequence[Span]) -> TurnRecord:
    tokens = sum(span.stop - span.start for span in spans if span.turn == position)
    return TurnRecord(
        unit=entry.unit,
        kind=entry.kind,
        family=entry.family,
        tokens=tokens,
        place=entry.place,
        copy=entry.copy,
    )
