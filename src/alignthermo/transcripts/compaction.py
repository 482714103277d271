"""One message that stands for others: the first words of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alignthermo.transcripts.transcript import Speech

__all__ = ["Summary", "summary_of"]

_WORDS = 12


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Quotes of messages that were taken out.

    Attributes
    ----------
    quotes : tuple of str
        One line each, oldest first.
    left_out : int
        Still older messages that are not quoted.
    tokens : int
        Of the lines, counted one by one.
    """

    quotes: tuple[str, ...]
    left_out: int
    tokens: int

    @property
    def speech(self) -> Speech:
        """The message, spoken by the user and marked as a summary."""
        return Speech(
            role="user", content="\n".join((_head(self.left_out), *self.quotes)), inserted="summary"
        )

    def within(self, tokens: int, count: Callable[[str], int]) -> "Summary":
        """Leave out the oldest quotes until the rest fits; with none left it is as long as it must be."""
        short = self
        while short.tokens > tokens and short.quotes:
            short = _summary(short.quotes[1:], short.left_out + 1, count)
        return short


def summary_of(speeches: Sequence[Speech], count: Callable[[str], int]) -> Summary:
    r"""Quote the first twelve words of each message.

    Examples
    --------
    >>> summary_of([Speech(role="user", content="one two three")], len).speech.content
    'Earlier in this conversation, each message cut to its first words:\n- user: one two three'
    """
    return _summary(tuple(map(_quote, speeches)), 0, count)


def _summary(quotes: tuple[str, ...], left_out: int, count: Callable[[str], int]) -> Summary:
    tokens = sum(map(count, (_head(left_out), *quotes)))
    return Summary(quotes=quotes, left_out=left_out, tokens=tokens)


def _head(left_out: int) -> str:
    older = f" ({left_out} older left out)" if left_out else ""
    return f"Earlier in this conversation, each message cut to its first words{older}:"


def _quote(speech: Speech) -> str:
    said = " ".join((speech.content, *(f"Tool call: {call.as_text()}" for call in speech.tool_calls))).split()
    more = " …" if len(said) > _WORDS else ""
    who = f"{speech.role} {speech.name}" if speech.name else speech.role
    return f"- {who}: {' '.join(said[:_WORDS])}{more}"
