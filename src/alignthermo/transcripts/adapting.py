"""Conversations a template refuses, changed step by step until it takes them; every change is noted."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from alignthermo.transcripts.transcript import Speech

__all__ = ["adaptations", "one_line", "own_messages"]

_BREAKS = re.compile(r"\s*[\r\n]\s*")
_CALL = "Tool call: "
_RESULT = "Tool result"
_Change = Callable[[Sequence[Speech]], list[Speech]]


def adaptations(*, merge_system: bool) -> tuple[tuple[str, _Change], ...]:
    """Return the changes in the order they are tried, each on top of those before, with what is noted.

    Parameters
    ----------
    merge_system : bool
        Whether a system text may go into the user message that follows it.
    """
    steps: list[tuple[str, _Change]] = [
        ("developer messages written as system messages", _developer_as_system),
        ("tool calls written as text", _calls_as_text),
        ("tool results written as user messages", _results_as_user),
        ("later system messages written as user messages", _later_system_as_user),
        ("neighbouring messages of one role joined", joined),
    ]
    if merge_system:
        steps.append(("system text merged into the user message", _system_into_user))
    return (*steps, ("line breaks written as blanks", _one_line))


def joined(speeches: Sequence[Speech]) -> list[Speech]:
    """Join neighbours of one role by a blank line; tool results and calls stay apart."""
    kept: list[Speech] = []
    for one in speeches:
        last = kept[-1] if kept else None
        if last is None or last.role != one.role or one.role == "tool" or last.tool_calls or one.tool_calls:
            kept.append(one)
        else:
            kept[-1] = replace(last, content=f"{last.content}\n\n{one.content}")
    return kept


def own_messages(speeches: Sequence[Speech]) -> tuple[int, ...]:
    """Return the places of what the user said, tool results that were written as user messages left out.

    Examples
    --------
    >>> said = [("assistant", 'Tool call: {"name": "find"}'), ("user", "Tool result of find: a key"),
    ...         ("user", "Thanks.")]
    >>> own_messages([Speech(role=role, content=content) for role, content in said])
    (2,)
    """
    places: list[int] = []
    called = False
    for place, one in enumerate(speeches):
        if one.role == "user" and not (called and one.content.startswith(_RESULT)):
            places.append(place)
            called = False
        elif one.role == "assistant":
            called = _CALL in one.content
    return tuple(places)


def one_line(text: str) -> str:
    """Write line breaks, with the blanks around them, as blanks."""
    return _BREAKS.sub(" ", text).strip()


def _developer_as_system(speeches: Sequence[Speech]) -> list[Speech]:
    return [replace(one, role="system") if one.role == "developer" else one for one in speeches]


def _calls_as_text(speeches: Sequence[Speech]) -> list[Speech]:
    return [_spelt(one) if one.tool_calls else one for one in speeches]


def _spelt(speech: Speech) -> Speech:
    lines = [speech.content] if speech.content else []
    lines += [f"{_CALL}{call.as_text()}" for call in speech.tool_calls]
    return replace(speech, content="\n".join(lines), tool_calls=())


def _results_as_user(speeches: Sequence[Speech]) -> list[Speech]:
    return [
        Speech(role="user", content=f"{_RESULT}{f' of {one.name}' if one.name else ''}: {one.content}")
        if one.role == "tool"
        else one
        for one in speeches
    ]


def _later_system_as_user(speeches: Sequence[Speech]) -> list[Speech]:
    return [
        replace(one, role="user") if one.role == "system" and number else one
        for number, one in enumerate(speeches)
    ]


def _system_into_user(speeches: Sequence[Speech]) -> list[Speech]:
    if len(speeches) < 2 or speeches[0].role != "system" or speeches[1].role != "user":
        return list(speeches)
    content = f"{speeches[0].content}\n\n{speeches[1].content}"
    return [replace(speeches[1], content=content), *speeches[2:]]


def _one_line(speeches: Sequence[Speech]) -> list[Speech]:
    return [replace(one, content=one_line(one.content)) for one in speeches]
