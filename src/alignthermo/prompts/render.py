"""Prompts and responses to token ids, one digest for each."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from alignthermo.errors import PromptError, TemplateError
from alignthermo.prompts.chat_template import (
    ChatTokenizer,
    RenderOptions,
    TemplatedText,
    apply_template,
    template_of,
)
from alignthermo.prompts.literal import (
    ControlTokens,
    check_encodable,
    encode_continuation,
    encode_literal,
    encode_plain,
)
from alignthermo.quantities import Prompt, Tokenizer

__all__ = ["RenderOptions", "Rendered", "digest_of", "encode_response", "render", "render_raw"]


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A prompt as one model reads it.

    Attributes
    ----------
    ids : tuple of int
        Token ids, generation prompt included.
    text : str
        The text they spell.
    digest : str
        SHA-256 of the ids (`digest_of`).
    notes : tuple of str
        What rendering had to change.
    """

    ids: tuple[int, ...]
    text: str
    digest: str
    notes: tuple[str, ...] = ()


def digest_of(ids: Sequence[int]) -> str:
    """Return the SHA-256, in hex, of token ids as little-endian 64-bit integers.

    Examples
    --------
    >>> digest_of([1, 2])[:12]
    '0c730b69905c'
    """
    return hashlib.sha256(np.asarray(ids, dtype="<i8").tobytes()).hexdigest()


def render(prompt: Prompt, *, tokenizer: Tokenizer, options: RenderOptions | None = None) -> Rendered:
    """Render a prompt with the aligned model's chat template, generation prompt included.

    The words of messages stay literal: a control token typed inside a message is encoded as the
    characters it consists of. On text without control tokens the ids are those of a plain
    ``apply_chat_template(..., tokenize=True, add_generation_prompt=True)``.

    Parameters
    ----------
    prompt : Prompt
    tokenizer : Tokenizer
        Of the aligned model: it renders for both.
    options : RenderOptions, optional

    Raises
    ------
    PromptError
        The prompt is empty, holds a lone surrogate, or cannot be kept literal.
    TemplateError
        The template is missing, refuses a message or leaves one out.
    """
    options = options or RenderOptions()
    chat = cast(ChatTokenizer, tokenizer)
    _check_words(prompt)
    templated = apply_template(prompt.messages, tokenizer=chat, options=options)
    if options.control_tokens == "parse":
        ids = encode_plain(templated.text, chat)
    else:
        controls = ControlTokens.of(chat, template_of(chat))
        spans = _words(prompt, templated, controls)
        ids = encode_literal(templated.text, spans, tokenizer=chat, controls=controls)
    return Rendered(ids=ids, text=templated.text, digest=digest_of(ids), notes=templated.notes)


def render_raw(prompt: Prompt, *, tokenizer: Tokenizer) -> Rendered:
    r"""Render a prompt as plain text for a base model that never saw a chat.

    The text is the contents of the messages joined by blank lines and followed by one, so that the
    response reads as the next paragraph; roles are not written. The tokenizer adds what it adds at the
    beginning of a text (a BOS token, or nothing) and no end-of-text token. Control tokens typed inside
    a message stay literal.

    Raises
    ------
    PromptError
        The prompt is empty or holds a lone surrogate.
    """
    _check_words(prompt)
    text = "".join(f"{message.content}\n\n" for message in prompt.messages)
    words = encode_plain(text, cast(ChatTokenizer, tokenizer), literal=True)
    framed = tokenizer(text, add_special_tokens=True, split_special_tokens=True)["input_ids"]
    ids = _without_ending(tuple(int(i) for i in framed), words)
    return Rendered(ids=ids, text=text, digest=digest_of(ids))


def encode_response(text: str, *, tokenizer: Tokenizer) -> tuple[int, ...]:
    """Encode a response to stand right after a rendered prompt.

    Verbatim: nothing is stripped, no beginning or end of text is added, no blank is put before the
    first word, and control tokens typed inside it stay literal.

    Raises
    ------
    PromptError
        The text holds a lone surrogate.
    """
    chat = cast(ChatTokenizer, tokenizer)
    template = template_of(chat) if chat.chat_template else ""
    return encode_continuation(text, chat, ControlTokens.of(chat, template))


def _check_words(prompt: Prompt) -> None:
    if not any(message.content.strip() for message in prompt.messages):
        raise PromptError(
            f"prompt {prompt.id!r} is empty: it has no message with a visible character; give it text "
            f"or drop it"
        )
    for message in prompt.messages:
        try:
            check_encodable(message.content)
        except PromptError as error:
            raise PromptError(f"prompt {prompt.id!r}, {message.role} message: {error}") from error


def _words(prompt: Prompt, templated: TemplatedText, controls: ControlTokens) -> Sequence[tuple[int, int]]:
    """Where somebody's words may spell a control token; nowhere, where none can be made of them."""
    if not any(controls.could_touch(message.content) for message in prompt.messages):
        return ()
    if templated.spans is None:
        _check_skeleton(prompt, templated, controls)
        return ()
    return templated.spans


def _check_skeleton(prompt: Prompt, templated: TemplatedText, controls: ControlTokens) -> None:
    """Accept a template whose rewriting cannot be followed, if only it wrote the control tokens.

    Templates cut the reasoning from earlier answers, up to a ``</think>`` that somebody's text holds; what
    counts is that none of it is left.
    """

    def written(text: str | None) -> list[str]:
        return [text[start:end] for start, end in controls.find(text)] if text is not None else []

    if written(templated.text) != written(templated.skeleton):
        raise TemplateError(
            f"prompt {prompt.id!r}: a message spells a control token, and the chat template rewrites "
            f"its messages "
            f"so that the two cannot be told apart; remove it from the message, or render with "
            f"control_tokens='parse'"
        )


def _without_ending(framed: tuple[int, ...], words: tuple[int, ...]) -> tuple[int, ...]:
    """Drop what a tokenizer adds after the words (an end-of-text token)."""
    for start in range(len(framed) - len(words) + 1):
        if framed[start : start + len(words)] == words:
            return framed[: start + len(words)]
    return framed
