"""Contents of messages, as text: a string, or a list of parts as the chat APIs have it."""

from collections.abc import Mapping, Sequence

from alignthermo.errors import PromptError

__all__ = ["text_of"]

_TEXT_PARTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
_THOUGHT_PARTS = ("reasoning", "thinking", "redacted_thinking")


def text_of(content: object) -> tuple[str, tuple[str, ...]]:
    r"""Return a content as text, and what was left out or stands for something else.

    Text parts are joined by line breaks. A picture, a sound or a file becomes its kind in brackets;
    reasoning is left out, as chat templates do with that of earlier turns.

    Raises
    ------
    PromptError
        The content is neither text nor a list of parts, or a part is malformed.

    Examples
    --------
    >>> text_of([{"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": {}}])
    ('Look:\n[image_url]', ('1 part of kind image_url written as [image_url]',))
    """
    if content is None:
        return "", ()
    if isinstance(content, str):
        return content, ()
    if not isinstance(content, Sequence):
        raise PromptError(f"`content` must be text or a list of parts, not {type(content).__name__}")
    texts: list[str] = []
    left: dict[str, int] = {}
    for number, part in enumerate(content, start=1):
        text, kind = _part(part, number)
        if text is not None:
            texts.append(text)
        if kind:
            left[kind] = left.get(kind, 0) + 1
    return "\n".join(texts), tuple(_note(kind, count) for kind, count in left.items())


def _part(part: object, number: int) -> tuple[str | None, str]:
    """Text of a part, and its kind where it is not text."""
    if isinstance(part, str):
        return part, ""
    if not isinstance(part, Mapping) or not isinstance(part.get("type"), str):
        raise PromptError(f'part {number} of `content` must be an object with a `type`, for example "text"')
    kind = str(part["type"])
    if kind in _TEXT_PARTS:
        text = part.get(_TEXT_PARTS[kind])
        if not isinstance(text, str):
            raise PromptError(f"part {number} of `content` is of type {kind!r} but holds no text")
        return text, ""
    return (None if kind in _THOUGHT_PARTS else f"[{kind}]"), kind


def _note(kind: str, count: int) -> str:
    parts = f"{count} part{'s' if count > 1 else ''} of kind {kind}"
    return f"{parts} left out" if kind in _THOUGHT_PARTS else f"{parts} written as [{kind}]"
