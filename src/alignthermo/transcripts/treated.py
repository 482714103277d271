"""A conversation as the model reads it under a treatment: reminders in, messages that no longer fit out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from alignthermo.errors import InputError
from alignthermo.transcripts.adapting import own_messages
from alignthermo.transcripts.compaction import Summary, summary_of
from alignthermo.transcripts.reminding import reminder_text
from alignthermo.transcripts.transcript import Speech
from alignthermo.transcripts.treatment import Reminders, Treatment, Window
from alignthermo.transcripts.writer import PreparedTranscript

__all__ = ["Asked", "Treated", "treated"]

Asked = Literal["probe", "message"]
Count = Callable[[str], int]
_SUMMARY_SHARE = 4


@dataclass(frozen=True, kw_only=True)
class Treated:
    """A point of a conversation after its treatment.

    Attributes
    ----------
    prepared : PreparedTranscript
        Its speeches are those the model reads at this point; what was put in is marked in `Speech.inserted`.
        `TranscriptWriter.context` joins them where the template wants roles to alternate.
    upto : int
        How many speeches of `prepared` stand at this point.
    lag_turns, lag_tokens : int
        Own replies, and tokens of words, that the conversation has had since the last reminder that still
        stands; since its beginning where none does. Messages that a window took out count, reminders do not.
    reminders, reminder_tokens : int
        That stand in it.
    dropped : int
        Messages of the conversation that the window took out, the instruction included.
    """

    prepared: PreparedTranscript
    upto: int
    lag_turns: int
    lag_tokens: int
    reminders: int
    reminder_tokens: int
    dropped: int


def treated(
    prepared: PreparedTranscript,
    treatment: Treatment,
    *,
    upto: int,
    count: Count,
    asked: Asked = "probe",
) -> Treated:
    """Put reminders into the first `upto` speeches and take out what a window has no room for.

    A reminder after every k tokens stands before the first user message that comes when k tokens of words or
    more were said since the one before; its place follows from what was said, so it keeps it while the
    conversation grows. A probe is such a user message, too. A window takes whole messages out, as few as need
    be, and begins what it leaves with a user message: a tool result never stays without its call. The last
    user message always stays, even where it is too long by itself. Reminders count as words of the window;
    one at the start goes with the instruction, one at the end never goes, any other with the message it
    stands before. In a compaction the message that stands for the others takes a quarter of the window at
    most, and leaves out its oldest quotes for that.

    Parameters
    ----------
    prepared : PreparedTranscript
    treatment : Treatment
    upto : int
        Speeches of `prepared` that were said.
    count : callable
        Tokens of a text, see `TranscriptWriter.count`.
    asked : {"probe", "message"}
        What is answered next: a probe that follows, or the last user message among the speeches.

    Raises
    ------
    InputError
        A point outside the conversation, or a reminder says the rule, or other words for it, where there are
        none.
    """
    if not 0 <= upto <= len(prepared.speeches):
        raise InputError(
            f"transcript {prepared.id!r} has {len(prepared.speeches)} messages; there is no point {upto}"
        )
    script = _Script.of(prepared, upto, count)
    placed = _placed(script, treatment.reminders, asked=asked, count=count)
    cut = _cut(script, placed, treatment.window, count)
    standing = [one for one in placed if cut.keeps(one)]
    since = standing[-1].place if standing else 0
    changed = bool(standing) or cut.dropped > 0
    return Treated(
        prepared=_assembled(prepared, script, standing, cut) if changed else prepared,
        upto=_n_assembled(script, standing, cut) if changed else upto,
        lag_turns=sum(map(_is_reply, script.history[since:])),
        lag_tokens=sum(script.tokens[since:]),
        reminders=len(standing),
        reminder_tokens=sum(one.tokens for one in standing),
        dropped=cut.dropped,
    )


@dataclass(frozen=True, kw_only=True)
class _Script:
    """The instruction apart from what was said since, also where a template had them merged."""

    opening: tuple[Speech, ...]
    history: tuple[Speech, ...]
    opening_tokens: int
    tokens: tuple[int, ...]
    id: str
    rephrased: tuple[str, ...]

    @classmethod
    def of(cls, prepared: PreparedTranscript, upto: int, count: Count) -> "_Script":
        speeches = prepared.speeches[:upto]
        opening, history = speeches[: prepared.n_instructing], speeches[prepared.n_instructing :]
        if prepared.merged and speeches:
            first = speeches[0]
            opening = (replace(first, content=prepared.merged),)
            rest = first.content[len(prepared.merged) :]
            rest = rest.removeprefix("\n\n") if rest.startswith("\n\n") else rest.removeprefix(" ")
            history = (*((replace(first, content=rest),) if rest.strip() else ()), *speeches[1:])
        return cls(
            opening=opening,
            history=history,
            opening_tokens=sum(_words(one, count) for one in opening),
            tokens=tuple(_words(one, count) for one in history),
            id=prepared.id,
            rephrased=prepared.rephrased,
        )

    @property
    def asking(self) -> tuple[int, ...]:
        """Places of the user's own messages."""
        return own_messages(self.history)


@dataclass(frozen=True, kw_only=True)
class _Placed:
    """A reminder before history message `place`."""

    place: int
    speech: Speech
    tokens: int
    pinned: Literal["no", "instruction", "always"]


@dataclass(frozen=True, kw_only=True)
class _Cut:
    """What stays: the instruction or not, and the history from one message on."""

    instruction: bool
    first: int
    dropped: int
    summary: Summary | None = None

    def keeps(self, one: _Placed) -> bool:
        if one.pinned == "no":
            return one.place >= self.first
        return one.pinned == "always" or self.instruction


def _words(speech: Speech, count: Count) -> int:
    return count(speech.content) + sum(count(call.as_text()) for call in speech.tool_calls)


def _is_reply(speech: Speech) -> bool:
    return speech.role == "assistant" and not speech.tool_calls


def _placed(script: _Script, reminders: Reminders, *, asked: Asked, count: Count) -> list[_Placed]:
    if reminders.placement == "none":
        return []
    pinned: dict[str, Literal["no", "instruction", "always"]] = {"start": "instruction", "end": "always"}
    placed = []
    for place, turn in _places(script, reminders, asked):
        text = reminder_text(
            reminders.texts[turn % len(reminders.texts)],
            rule="\n\n".join(one.content for one in script.opening),
            rephrased=script.rephrased,
            turn=turn,
            who=script.id,
        )
        placed.append(
            _Placed(
                place=place,
                speech=Speech(role=reminders.role, content=text, inserted="reminder"),
                tokens=count(text),
                pinned=pinned.get(reminders.placement, "no"),
            )
        )
    return placed


def _places(script: _Script, reminders: Reminders, asked: Asked) -> list[tuple[int, int]]:
    """Where reminders stand, and the number by which each takes its text."""
    here = len(script.history)
    if reminders.placement == "start":
        return [(0, 0)]
    if reminders.placement == "end":
        place = max(script.asking, default=here) if asked == "message" else here
        return [(place, sum(map(_is_reply, script.history[:place])))]
    due = (*script.asking, *((here,) if asked == "probe" else ()))
    places: list[int] = []
    for place in due:
        if sum(script.tokens[places[-1] if places else 0 : place]) >= reminders.every:
            places.append(place)
    return [(place, number) for number, place in enumerate(places)]


def _cut(script: _Script, placed: Sequence[_Placed], window: Window, count: Count) -> _Cut:
    """Find the first way to cut that fits, from taking nothing to leaving the last user message alone."""
    if window.policy == "whole":
        return _Cut(instruction=bool(script.opening), first=0, dropped=0)
    ways = _ways(script, window)
    for way in ways:
        room = window.tokens - _tokens(script, placed, way)
        summary = None
        if way.first and window.policy == "compaction" and room >= 0:
            said = summary_of(script.history[: way.first], count)
            summary = said.within(window.tokens // _SUMMARY_SHARE, count)
        if room >= (summary.tokens if summary else 0):
            return replace(way, summary=summary)
    last = ways[-1]
    if not last.first or window.policy != "compaction":
        return last
    room = window.tokens - _tokens(script, placed, last)
    return replace(last, summary=summary_of(script.history[: last.first], count).within(room, count))


def _ways(script: _Script, window: Window) -> list[_Cut]:
    whole = _Cut(instruction=bool(script.opening), first=0, dropped=0)
    firsts = [place for place in script.asking if place > 0]
    if window.policy != "truncate":
        return [whole, *(replace(whole, first=place, dropped=place) for place in firsts)]
    if not firsts or script.asking[:1] == (0,):
        firsts = [0, *firsts]
    n_opening = len(script.opening)
    return [
        whole,
        *(_Cut(instruction=False, first=place, dropped=n_opening + place) for place in firsts),
    ]


def _tokens(script: _Script, placed: Sequence[_Placed], cut: _Cut) -> int:
    """Words that stay, without a summary."""
    return (
        (script.opening_tokens if cut.instruction else 0)
        + sum(script.tokens[cut.first :])
        + sum(one.tokens for one in placed if cut.keeps(one))
    )


def _assembled(
    prepared: PreparedTranscript, script: _Script, standing: Sequence[_Placed], cut: _Cut
) -> PreparedTranscript:
    opening = script.opening if cut.instruction else ()
    speeches = [*opening, *(one.speech for one in standing if one.place < cut.first)]
    if cut.summary is not None:
        speeches.append(cut.summary.speech)
    for place in range(cut.first, len(script.history) + 1):
        speeches += [one.speech for one in standing if one.place == place]
        speeches += script.history[place : place + 1]
    return replace(
        prepared,
        speeches=tuple(speeches),
        n_instructing=0 if prepared.merged else len(opening),
        merged=prepared.merged if cut.instruction else "",
    )


def _n_assembled(script: _Script, standing: Sequence[_Placed], cut: _Cut) -> int:
    opening = len(script.opening) if cut.instruction else 0
    return opening + len(standing) + (cut.summary is not None) + len(script.history) - cut.first
