"""Texts that begin alike, encoded once: each goes on from the control token up to which it was known."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from alignthermo.prompts.chat_template import ChatTokenizer
from alignthermo.prompts.literal import ControlTokens, encode_literal
from alignthermo.quantities import Tokenizer
from alignthermo.transcripts.chat_text import ChatText

__all__ = ["EncodedText", "GrowingEncoder"]

Ids = tuple[int, ...]
Span = tuple[int, int]
_REMEMBERED = 4


@dataclass(frozen=True, kw_only=True)
class EncodedText:
    """A chat text as token ids.

    Attributes
    ----------
    text : str
    ids : tuple of int
        What encoding the whole text in one piece gives.
    spans : tuple of (start, stop)
        Tokens of each of its words, in order; a token across a border counts to what follows.
    anchors : tuple of (character, token)
        Where the template's own control tokens stand.
    """

    text: str
    ids: Ids
    spans: tuple[Span, ...]
    anchors: tuple[tuple[int, int], ...]


class GrowingEncoder:
    """Encodes contexts that grow turn by turn: all of them together cost about what the last one does.

    Text before a control token is encoded the same whatever follows that token. The first time this is made
    use of it is also checked; a tokenizer that does otherwise encodes every text in one piece.

    Parameters
    ----------
    tokenizer : Tokenizer
    template : str
        The chat template, which says what is a control token.
    literal : bool
        Whether control tokens spelled inside words stay text.
    """

    def __init__(self, tokenizer: Tokenizer, template: str, *, literal: bool) -> None:
        self._tokenizer = cast(ChatTokenizer, tokenizer)
        self._controls = ControlTokens.of(self._tokenizer, template)
        self._literal = literal
        self._known: deque[EncodedText] = deque(maxlen=_REMEMBERED)
        self._resumes: bool | None = None  # None until it was tried

    def encode(self, chat: ChatText) -> EncodedText:
        """Encode a text.

        Raises
        ------
        PromptError
            Words hold a lone surrogate, or a control token that cannot be kept literal.
        """
        words = [(word.start, word.stop) for word in chat.words]
        known, n_anchors = self._best(chat.text)
        encoded = self._encode(chat.text, words, known, n_anchors)
        if known is not None and self._resumes is None:
            whole = self._encode(chat.text, words, None, 0)
            self._resumes = whole.ids == encoded.ids
            encoded = whole
        self._known.append(encoded)
        return encoded

    def _best(self, text: str) -> tuple[EncodedText | None, int]:
        """Find the known text that shares most, and how many of its anchors can be gone on from."""
        best: tuple[EncodedText | None, int] = (None, 0)
        reached = 0
        for known in self._known if self._resumes is not False else ():
            common = _common(known.text, text)
            # The control token itself must be shared: some take the blanks before them away.
            n = sum(self._end_of(known.text, at) <= common for at, _ in known.anchors)
            if n and known.anchors[n - 1][0] > reached:
                best, reached = (known, n), known.anchors[n - 1][0]
        return best

    def _end_of(self, text: str, at: int) -> int:
        match = self._controls.pattern.match(text, at)
        return match.end() if match else len(text) + 1

    def _encode(
        self, text: str, words: Sequence[Span], known: EncodedText | None, n_anchors: int
    ) -> EncodedText:
        at, n_before = known.anchors[n_anchors - 1] if known is not None else (0, 0)
        before = () if known is None else known.ids[:n_before]
        rest = self._ids(text, (at, len(text)), words)
        anchors = () if known is None else known.anchors[: n_anchors - 1]
        anchors += self._anchors(text, at, words, rest, n_before)
        ids = before + rest
        done = 0
        spans: list[Span] = []
        if known is not None:
            done = sum(stop <= at for _, stop in words)
            spans = list(known.spans[:done])
        spans += [self._span(text, word, words, ids, anchors) for word in words[done:]]
        return EncodedText(text=text, ids=ids, spans=tuple(spans), anchors=anchors)

    def _ids(self, text: str, piece: Span, words: Sequence[Span]) -> Ids:
        start, stop = piece
        inside = [(max(a, start) - start, min(b, stop) - start) for a, b in words if b > start and a < stop]
        return encode_literal(
            text[start:stop],
            inside if self._literal else (),
            tokenizer=self._tokenizer,
            controls=self._controls,
        )

    def _anchors(
        self, text: str, at: int, words: Sequence[Span], rest: Ids, n_before: int
    ) -> tuple[tuple[int, int], ...]:
        """Pair the control tokens of a text with those among its ids; none where they cannot be paired."""
        spelt = [(start + at, end + at) for start, end in self._controls.find(text[at:])]
        if self._literal:
            spelt = [span for span in spelt if not any(a < span[1] and span[0] < b for a, b in words)]
        places = [n_before + n for n, token in enumerate(rest) if token in self._controls.ids]
        if len(places) != len(spelt):
            return ()
        return tuple((start, place) for (start, _), place in zip(spelt, places, strict=True))

    def _span(
        self,
        text: str,
        word: Span,
        words: Sequence[Span],
        ids: Ids,
        anchors: Sequence[tuple[int, int]],
    ) -> Span:
        at, token = max((one for one in anchors if one[0] <= word[0]), default=(0, 0))
        tail = ids[token:]
        start, stop = (token + _common(tail, self._ids(text, (at, end), words)) for end in word)
        return start, max(start, stop)


def _common(a: str | Ids, b: str | Ids) -> int:
    """Length of the common beginning, by bisection: comparing slices is fast, comparing items is not."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
