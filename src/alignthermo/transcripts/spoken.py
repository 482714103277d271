"""Speeches as they are written, each with whose words it holds: neighbours may have to share a message."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from alignthermo.transcripts.adapting import one_line
from alignthermo.transcripts.chat_text import ChatText, OwnedText
from alignthermo.transcripts.transcript import Speech

__all__ = ["Spoken", "forms_of", "named_words"]

_BETWEEN = "\n\n"


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """A message and the owners of its words.

    Attributes
    ----------
    speech : Speech
    parts : tuple of (owner, character)
        Where in the content the words of each owner end, in order.
    """

    speech: Speech
    parts: tuple[tuple[str, int], ...]

    @classmethod
    def whole(cls, speech: Speech, owner: str) -> "Spoken":
        """Return a message of one owner."""
        return cls(speech=speech, parts=((owner, len(speech.content.rstrip())),))

    def opened_by(self, instruction: str) -> "Spoken":
        """Return the same message with the instruction that stands at its beginning apart from the rest."""
        inside = self.speech.content.index(instruction.strip()) + len(instruction.strip())
        rest = tuple((owner, stop) for owner, stop in self.parts if stop > inside)
        return replace(self, parts=(("instruction", inside), *rest))

    def joined(self, other: "Spoken") -> "Spoken":
        """Put another message after this one, a blank line between them."""
        start = len(self.speech.content) + len(_BETWEEN)
        return Spoken(
            speech=replace(self.speech, content=f"{self.speech.content}{_BETWEEN}{other.speech.content}"),
            parts=(*self.parts, *((owner, start + stop) for owner, stop in other.parts)),
        )

    def on_one_line(self) -> "Spoken":
        """Write its line breaks as blanks."""
        content = self.speech.content
        return Spoken(
            speech=replace(self.speech, content=one_line(content)),
            parts=tuple((owner, len(one_line(content[:stop]))) for owner, stop in self.parts),
        )


def forms_of(spoken: Sequence[Spoken], *, merged: str) -> Iterator[list[Spoken]]:
    """Give the forms in which a template may take speeches, each after the one before was refused.

    Recorded speeches were brought to a form that is taken, so there is one form of them. What a treatment
    puts in may stand where the template wants another role: system messages after the first become user
    messages, then neighbours of one role are joined, then line breaks become blanks. An instruction that a
    template has in the user message (`merged`) is joined to the first one that is left.
    """
    form = list(spoken)
    treated = any(one.speech.inserted for one in form)
    if merged and len(form) > 1 and form[0].speech.content == merged:
        treated = True
        form = _instruction_joined(form)
    yield form
    if not treated:
        return
    form = [_as_user(one) if number else one for number, one in enumerate(form)]
    form = _neighbours_joined(form)
    yield form
    yield [one.on_one_line() for one in form]


def _instruction_joined(form: Sequence[Spoken]) -> list[Spoken]:
    first, *rest = form
    reminded = True
    while reminded and rest and rest[0].speech.role == "user":
        reminded = bool(rest[0].speech.inserted)
        first = first.joined(rest.pop(0))
    return [first, *rest]


def _as_user(one: Spoken) -> Spoken:
    if one.speech.role != "system":
        return one
    return replace(one, speech=replace(one.speech, role="user"))


def _neighbours_joined(spoken: Sequence[Spoken]) -> list[Spoken]:
    """Join as `alignthermo.transcripts.adapting.joined` does: tool results and calls stay apart."""
    kept: list[Spoken] = []
    for one in spoken:
        last = kept[-1].speech if kept else None
        mixed = last is None or last.role != one.speech.role or one.speech.role == "tool"
        if mixed or (last is not None and last.tool_calls) or one.speech.tool_calls:
            kept.append(one)
        else:
            kept[-1] = kept[-1].joined(one)
    return kept


def named_words(chat: ChatText, spoken: Sequence[Spoken]) -> tuple[ChatText, list[str]]:
    """Name the owner of all words; words of several owners in one message are parted where each ends."""
    words: list[OwnedText] = []
    owners: list[str] = []
    begun: set[int] = set()
    for word in chat.words:
        one = spoken[word.owner]
        content = one.speech.content
        parts = one.parts[-1:]
        if word.owner not in begun and content.strip():  # the first words of a message are its content
            parts = one.parts
        begun.add(word.owner)
        before = len(content) - len(content.lstrip())
        stops = [min(word.start + max(stop - before, 0), word.stop) for _, stop in parts[:-1]]
        start = word.start
        for (owner, _), stop in zip(parts, (*stops, word.stop), strict=True):
            if stop > start:
                words.append(OwnedText(owner=word.owner, start=start, stop=stop))
                owners.append(owner)
            start = max(start, stop)
    return ChatText(text=chat.text, words=tuple(words)), owners
