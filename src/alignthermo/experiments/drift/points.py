"""Where along a conversation it is measured."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from alignthermo.transcripts import PreparedTranscript

__all__ = ["Point", "conversation_points", "ending_point", "history_tokens", "monologue_points", "start_of"]

Count = Callable[[str], int]


@dataclass(frozen=True, kw_only=True)
class Point:
    """A place in a conversation.

    Attributes
    ----------
    number : int
        0 is the beginning: nothing was said yet.
    prepared : PreparedTranscript
        The conversation; of a monologue, as much of it as was said.
    upto : int
        Speeches that stand before the point.
    turns : int
        Replies so far.
    tokens : int
        Of the words said since the instruction.
    """

    number: int
    prepared: PreparedTranscript
    upto: int
    turns: int
    tokens: int


def history_tokens(prepared: PreparedTranscript, upto: int, *, count: Count) -> int:
    """Count the tokens of the words that stand after the instruction."""
    told = [speech.content for speech in prepared.speeches[prepared.n_instructing : upto]]
    if prepared.merged and told:
        told[0] = told[0][len(prepared.merged) :]
    return sum(count(text) for text in told if text)


def start_of(prepared: PreparedTranscript, probe: str) -> tuple[PreparedTranscript, int, str | None]:
    """Return what the beginning of a conversation is made of: speeches, how many, and the probe after them.

    An instruction that stands in the first user message is put before the probe, in the same way.
    """
    if not prepared.merged:
        return prepared, prepared.n_instructing, probe
    asked = replace(prepared.speeches[0], content=f"{prepared.merged}\n\n{probe}")
    return replace(prepared, speeches=(asked,)), 1, None


def conversation_points(prepared: PreparedTranscript, *, every: int, count: Count) -> tuple[Point, ...]:
    """Return the beginning, and the first reply that ends at least `every` tokens after the point before.

    Parameters
    ----------
    prepared : PreparedTranscript
    every : int
        In tokens of history.
    count : callable
        Tokens of a text.
    """
    found = [Point(number=0, prepared=prepared, upto=prepared.n_instructing, turns=0, tokens=0)]
    for upto in prepared.probe_points:
        tokens = history_tokens(prepared, upto, count=count)
        if tokens - found[-1].tokens >= every:
            found.append(_after(prepared, upto, number=len(found), tokens=tokens))
    return tuple(found)


def ending_point(points: Sequence[Point], whole: PreparedTranscript, *, count: Count) -> Point | None:
    """Return the last point moved to the end of a conversation; None where it stands there.

    Regular points leave up to their spacing unmeasured at the end, where a model has drifted most. Moved, and
    not added, because points closer than their spacing would say more of the end than of the rest. A
    conversation that holds the beginning alone keeps it.

    Parameters
    ----------
    points : sequence of Point
        As `conversation_points` or `monologue_points` gave them.
    whole : PreparedTranscript
        The conversation.
    count : callable
        Tokens of a text.
    """
    last, ends = points[-1], [upto for upto in whole.probe_points if upto > whole.n_instructing]
    if not last.number or not ends:
        return None
    tokens = history_tokens(whole, ends[-1], count=count)
    if (last.upto, last.tokens) == (ends[-1], tokens):
        return None
    return _after(whole, ends[-1], number=last.number, tokens=tokens)


def _after(prepared: PreparedTranscript, upto: int, *, number: int, tokens: int) -> Point:
    turns = sum(speech.role == "assistant" for speech in prepared.speeches[:upto])
    return Point(number=number, prepared=prepared, upto=upto, turns=turns, tokens=tokens)


def monologue_points(
    prepared: PreparedTranscript,
    *,
    every: int,
    encode: Callable[[str], tuple[int, ...]],
    decode: Callable[[list[int]], str],
) -> tuple[Point, ...]:
    """Return points every so many tokens inside the one long reply of a conversation.

    At a point the reply is cut and a question follows; what the model said later is not seen. Turns stay at
    1: time in a monologue is counted in tokens.
    """
    start = Point(number=0, prepared=prepared, upto=prepared.n_instructing, turns=0, tokens=0)
    return (start, *_inside(prepared, every=every, encode=encode, decode=decode))


def _inside(
    prepared: PreparedTranscript,
    *,
    every: int,
    encode: Callable[[str], tuple[int, ...]],
    decode: Callable[[list[int]], str],
) -> Iterator[Point]:
    reply = encode(prepared.speeches[-1].content)
    before = history_tokens(prepared, len(prepared.speeches) - 1, count=lambda text: len(encode(text)))
    number = 0
    for stop in range(every, len(reply) + 1, every):
        text = decode(list(reply[:stop])).strip()
        if not text:
            continue
        number += 1
        cut = (*prepared.speeches[:-1], replace(prepared.speeches[-1], content=text))
        yield Point(
            number=number,
            prepared=replace(prepared, speeches=cut),
            upto=len(cut),
            turns=1,
            tokens=before + stop,
        )
