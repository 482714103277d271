"""A tokenizer whose tokens are words, for language models that are tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from alignthermo.errors import ConfigError

__all__ = ["CHAT_TEMPLATE", "AddedWord", "WordTokenizer"]

CHAT_TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}> {{ message['content'] }} <end> {% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)

_MARKER = re.compile(r"<\w+>")
_WORD = re.compile(r"[^\s<]+|<")  # a run without blanks or "<", or a lone "<"
_PIECE = re.compile(f"{_MARKER.pattern}|{_WORD.pattern}")


@dataclass(frozen=True, kw_only=True)
class AddedWord:
    """A marker as Hugging Face tokenizers describe their added tokens."""

    content: str
    special: bool = True


class WordTokenizer:
    """Words to ids by look-up, with the interface of a Hugging Face tokenizer that the package uses.

    Text is split at white space and around ``<marker>`` tokens, which are special; an unlisted word becomes
    the first token. Decoding joins with single spaces, so encoding a decoded text returns its ids.

    Parameters
    ----------
    tokens : sequence of str
        Token strings in the order of their ids; the first is the unknown token, which is no marker.
    chat_template : str or None
        Jinja template.

    Raises
    ------
    ConfigError
        No token, a token listed twice, one that the splitting would tear apart, or a first token that is
        a marker.

    Examples
    --------
    >>> tokenizer = WordTokenizer(["[unk]", "<user>", "good", "day"])
    >>> tokenizer("<user>good evening")["input_ids"]
    [1, 2, 0]
    >>> tokenizer.decode([2, 3])
    'good day'
    """

    def __init__(self, tokens: Sequence[str], *, chat_template: str | None = CHAT_TEMPLATE) -> None:
        torn = [token for token in tokens if _PIECE.findall(token) != [token]]
        if torn or len(set(tokens)) != len(tokens) or not tokens:
            raise ConfigError(f"WordTokenizer: tokens must be distinct single words; torn apart: {torn}")
        if _MARKER.fullmatch(tokens[0]):
            raise ConfigError(f"WordTokenizer: the unknown token must not be a marker, got {tokens[0]!r}")
        self.chat_template: Any = chat_template
        self._tokens = tuple(tokens)
        self._ids = {token: index for index, token in enumerate(tokens)}

    def __len__(self) -> int:
        return len(self._tokens)

    def __call__(
        self,
        text: str,
        *,
        split_special_tokens: bool = False,
        **options: Any,  # noqa: ANN401
    ) -> Mapping[str, Any]:
        """Encode `text`; `split_special_tokens` reads markers as plain words.

        Other options of Hugging Face tokenizers are accepted and change nothing: there is nothing to add,
        to pad or to truncate.
        """
        pieces = (_WORD if split_special_tokens else _PIECE).findall(text)
        ids = [self._ids.get(piece, 0) for piece in pieces]
        return {"input_ids": ids, "attention_mask": [1] * len(ids)}

    def decode(
        self,
        ids: Sequence[int],
        *,
        skip_special_tokens: bool = False,
        **options: Any,  # noqa: ANN401
    ) -> str:
        """Join the token strings with single spaces; `skip_special_tokens` leaves out markers."""
        words = self.convert_ids_to_tokens(ids)
        return " ".join(word for word in words if not (skip_special_tokens and _MARKER.fullmatch(word)))

    def convert_ids_to_tokens(self, ids: Sequence[int]) -> list[str]:
        """Token strings of `ids`."""
        return [self._tokens[index] for index in ids]

    def get_vocab(self) -> dict[str, int]:
        """Token string to id."""
        return dict(self._ids)

    @property
    def added_tokens_decoder(self) -> dict[int, AddedWord]:
        """The markers, by id."""
        return {i: AddedWord(content=t) for t, i in self._ids.items() if _MARKER.fullmatch(t)}

    def get_chat_template(self) -> str:
        """Return the chat template.

        Raises
        ------
        ValueError
            There is none, as Hugging Face tokenizers say it.
        """
        if self.chat_template is None:
            raise ValueError("this tokenizer has no chat template")
        return str(self.chat_template)

    def apply_chat_template(
        self,
        conversation: Sequence[Mapping[str, str]],
        *,
        chat_template: str | None = None,
        tokenize: bool = True,
        **variables: Any,  # noqa: ANN401
    ) -> str | Mapping[str, Any]:
        """Write a conversation as text, or as its encoding; `variables` reach the template."""
        template = self.get_chat_template() if chat_template is None else chat_template
        text = _writer(template).render(messages=list(conversation), **variables)
        return self(text) if tokenize else text


@lru_cache(maxsize=32)
def _writer(template: str) -> Any:  # noqa: ANN401
    """Compile a template once: a sweep writes thousands of conversations with the same one."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment().from_string(template)
