"""Text to ids such that only the template writes control tokens."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from alignthermo.errors import PromptError
from alignthermo.prompts.chat_template import ChatTokenizer

__all__ = ["ControlTokens", "encode_continuation", "encode_literal", "encode_plain"]

_ANCHORS = ("\n", "x", ".")


@dataclass(frozen=True, kw_only=True)
class ControlTokens:
    """The tokens that steer a model, by their text.

    `special` are the tokenizer's special tokens, `structural` the other added tokens that the chat
    template writes (Qwen's ``<think>``); added tokens of blanks are ordinary text. `unknown` is the token
    that stands for text outside the vocabulary: it steers nothing, and ordinary text gives it.
    """

    special: Mapping[str, int]
    structural: Mapping[str, int]
    unknown: int | None = None

    @classmethod
    def of(cls, tokenizer: ChatTokenizer, template: str) -> "ControlTokens":
        """Collect the control tokens of a tokenizer for one template."""
        added = tokenizer.added_tokens_decoder.items()
        special = {token.content: index for index, token in added if token.special}
        structural = {
            token.content: index
            for index, token in added
            if not token.special and token.content in template and not token.content.isspace()
        }
        unknown = getattr(tokenizer, "unk_token_id", None)
        return cls(special=special, structural=structural, unknown=unknown)

    @cached_property
    def ids(self) -> frozenset[int]:
        """Ids that only a template may write."""
        return (frozenset(self.special.values()) | frozenset(self.structural.values())) - {self.unknown}

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches any of them, the longest first."""
        return re.compile(_any_of((*self.special, *self.structural)))

    @cached_property
    def _touching(self) -> re.Pattern[str]:
        words = [word for word in (*self.special, *self.structural) if word]
        begun = {word[:stop] for word in words for stop in range(1, len(word))}
        ended = {word[start:] for word in words for start in range(1, len(word))}
        either = (_any_of(words), rf"\A{_any_of(ended)}", rf"{_any_of(begun)}\Z")
        return re.compile("|".join(either))

    def could_touch(self, content: str) -> bool:
        """Whether a control token might be spelled with some of `content`, whatever stands around it.

        It would be in `content`, begin at its end, end at its beginning, or hold all of it. Templates may
        trim `content`.
        """
        core = content.strip()
        inside = bool(core) and any(core in word for word in (*self.special, *self.structural))
        return inside or any(self._touching.search(text) for text in {content, core})

    def find(self, text: str) -> tuple[tuple[int, int], ...]:
        """Where control tokens are spelled out in `text`."""
        return tuple(match.span() for match in self.pattern.finditer(text))


def _any_of(words: Iterable[str]) -> str:
    """Pattern of any of the words, the longest first; of nothing, without any."""
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return f"(?:{'|'.join(map(re.escape, longest_first))})" if longest_first else r"(?!)"


def encode_plain(text: str, tokenizer: ChatTokenizer, *, literal: bool = False) -> tuple[int, ...]:
    """Encode without adding special tokens; `literal` also keeps special tokens from being recognised.

    Raises
    ------
    PromptError
        The text holds a lone surrogate, which is half of a character.
    """
    check_encodable(text)
    if not text:
        return ()
    ids = tokenizer(text, add_special_tokens=False, split_special_tokens=literal)["input_ids"]
    return tuple(int(i) for i in ids)


def check_encodable(text: str) -> None:
    """Refuse text that is not valid Unicode.

    Raises
    ------
    PromptError
        Names the position of the lone surrogate.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise PromptError(
            f"the text holds a lone surrogate ({text[error.start]!r}) at character {error.start}: half of a "
            f"character, usually from JSON that was cut; replace it"
        ) from error


def encode_continuation(text: str, tokenizer: ChatTokenizer, controls: ControlTokens) -> tuple[int, ...]:
    """Encode literal text as it reads in the middle of a sequence.

    SentencePiece tokenizers put a blank before the first word of whatever they encode; in the middle
    nothing may be added. The text is then encoded after an anchor that does not merge with it.
    """
    pieces = _cut(text, controls)
    ids = _after_anchor(pieces[0], tokenizer)
    return ids + tuple(i for piece in pieces[1:] for i in _after_anchor(piece, tokenizer))


def encode_literal(
    text: str, spans: Sequence[tuple[int, int]], *, tokenizer: ChatTokenizer, controls: ControlTokens
) -> tuple[int, ...]:
    """Encode a rendered conversation; control tokens spelled out inside `spans` stay text.

    Without any such spelling this is the tokenizer's own encoding. With one, the stretch between the
    template's control tokens around it is encoded with special tokens split, everything else as before.

    Raises
    ------
    PromptError
        The tokenizer makes a control token of the text in a way that cannot be prevented.
    """
    found = controls.find(text)
    genuine = _outside(found, spans)
    if len(genuine) == len(found):
        ids = encode_plain(text, tokenizer)
    else:
        ids = _splice(text, genuine, found, tokenizer=tokenizer, controls=controls)
    steering = controls.ids
    written = sum(i in steering for i in ids)
    if written > len(genuine):
        raise PromptError(
            f"the tokenizer makes {written - len(genuine)} control token(s) of a message's own text, and no "
            f"way was found to keep them literal; remove them from the message"
        )
    return ids


def _outside(found: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return those of `found` that overlap none of `spans`."""
    ordered = sorted(spans)
    starts = [start for start, _ in ordered]
    furthest = [0, *accumulate((end for _, end in ordered), max)]
    # of the spans that begin before the end of one, some overlaps it if the furthest does
    return [(start, end) for start, end in found if furthest[bisect_left(starts, end)] <= start]


def _splice(
    text: str,
    genuine: Sequence[tuple[int, int]],
    found: Sequence[tuple[int, int]],
    *,
    tokenizer: ChatTokenizer,
    controls: ControlTokens,
) -> tuple[int, ...]:
    """Encode runs with forged tokens literally and everything between such runs in one piece."""
    borders = [(0, 0), *genuine, (len(text), len(text))]
    runs = [(left[1], right[0]) for left, right in pairwise(borders)]
    ids: tuple[int, ...] = ()
    plain_from = 0
    for start, end in runs:
        if not any(start <= at < end for at, _ in found):
            continue
        ids += encode_plain(text[plain_from:start], tokenizer)
        encode = encode_continuation if start else _from_the_start
        ids += encode(text[start:end], tokenizer, controls)
        plain_from = end
    return ids + encode_plain(text[plain_from:], tokenizer)


def _from_the_start(text: str, tokenizer: ChatTokenizer, controls: ControlTokens) -> tuple[int, ...]:
    first, *rest = _cut(text, controls)
    ids = encode_plain(first, tokenizer, literal=True)
    return ids + tuple(i for piece in rest for i in _after_anchor(piece, tokenizer))


def _cut(text: str, controls: ControlTokens) -> list[str]:
    """Break structural tokens after their first character: splitting special tokens leaves them whole."""
    places = [
        start + 1
        for start, end in controls.find(text)
        if text[start:end] in controls.structural and end > start + 1
    ]
    borders = [0, *places, len(text)]
    return [text[a:b] for a, b in pairwise(borders)]


def _after_anchor(text: str, tokenizer: ChatTokenizer) -> tuple[int, ...]:
    if not text:
        return ()
    for anchor in _ANCHORS:
        head = encode_plain(anchor, tokenizer, literal=True)
        ids = encode_plain(anchor + text, tokenizer, literal=True)
        if ids[: len(head)] == head and len(ids) > len(head):
            return ids[len(head) :]
    return encode_plain(text, tokenizer, literal=True)
