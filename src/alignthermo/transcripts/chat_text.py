"""A conversation with tool calls as the text of a chat template, and where somebody's words stand in it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from alignthermo.errors import TemplateError
from alignthermo.prompts import RenderOptions
from alignthermo.prompts.chat_template import ChatTokenizer, pin_date, template_of, unused_marks
from alignthermo.quantities import Tokenizer
from alignthermo.transcripts.transcript import Speech, ToolCall

__all__ = ["ChatText", "ChatWriter", "OwnedText"]


@dataclass(frozen=True, kw_only=True)
class OwnedText:
    """Characters ``start`` to ``stop`` of a text: words of speech number `owner`."""

    owner: int
    start: int
    stop: int


@dataclass(frozen=True, kw_only=True)
class ChatText:
    """What a template wrote, and the words in it in order of appearance."""

    text: str
    words: tuple[OwnedText, ...]


class ChatWriter:
    """Writes conversations with one tokenizer's chat template.

    Parameters
    ----------
    tokenizer : Tokenizer
    options : RenderOptions

    Raises
    ------
    TemplateError
        The tokenizer has no chat template.

    Attributes
    ----------
    template : str
        With today's date pinned.
    notes : tuple of str
        What of it could not be pinned.
    """

    def __init__(self, tokenizer: Tokenizer, options: RenderOptions) -> None:
        self._tokenizer = cast(ChatTokenizer, tokenizer)
        self._options = options
        self.template, self.notes = pin_date(template_of(self._tokenizer), options.today)

    def write(
        self,
        speeches: Sequence[Speech],
        *,
        tools: Sequence[Mapping[str, object]] = (),
        generation: bool,
    ) -> ChatText:
        """Write a conversation and find every speech in it.

        The conversation is written twice, the second time with private-use marks around all words; a template
        that drops or rewrites words is refused, because nothing could be said about their tokens.

        Raises
        ------
        TemplateError
            The template refuses the conversation, or leaves words out.
        """
        text = self._apply(speeches, tools, generation=generation)
        start, end = unused_marks(text)
        owners: list[int] = []
        marked = [_marked(one, number, (start, end), owners) for number, one in enumerate(speeches)]
        spans, cleaned = _read_marks(self._apply(marked, tools, generation=generation), start, end)
        if cleaned != text or len(spans) != len(owners):
            raise TemplateError(
                "the chat template leaves out or rewrites words of the conversation "
                f"({', '.join(dict.fromkeys(one.role for one in speeches))})"
            )
        self._require_names(speeches, text)
        words = (OwnedText(owner=o, start=a, stop=b) for o, (a, b) in zip(owners, spans, strict=True))
        return ChatText(text=text, words=tuple(words))

    def _apply(
        self, speeches: Sequence[Speech], tools: Sequence[Mapping[str, object]], *, generation: bool
    ) -> str:
        import jinja2

        variables = {"enable_thinking": False, **self._options.template_kwargs}
        try:
            text = self._tokenizer.apply_chat_template(
                cast(Any, [_conversation(one) for one in speeches]),
                chat_template=self.template,
                tools=list(tools) or None,
                tokenize=False,
                add_generation_prompt=generation,
                **variables,
            )
        except (jinja2.TemplateError, TypeError, ValueError, KeyError, AttributeError) as error:
            roles = ", ".join(one.role for one in speeches[:8]) + (" …" if len(speeches) > 8 else "")
            raise TemplateError(f"the chat template refuses the conversation ({roles}): {error}") from error
        return str(text)

    def _require_names(self, speeches: Sequence[Speech], text: str) -> None:
        for name in (call.name for one in speeches for call in one.tool_calls):
            if name not in text:
                raise TemplateError(f"the chat template leaves out a call of the tool {name!r}")


def _conversation(speech: Speech) -> dict[str, object]:
    message: dict[str, object] = {"role": speech.role, "content": speech.content}
    if speech.tool_calls:
        message["tool_calls"] = [
            {
                "type": "function",
                "id": call.id or "",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in speech.tool_calls
        ]
    if speech.name is not None:
        message["name"] = speech.name
    if speech.tool_call_id is not None:
        message["tool_call_id"] = speech.tool_call_id
    return message


def _marked(speech: Speech, number: int, marks: tuple[str, str], owners: list[int]) -> Speech:
    """Put marks around the content and every text among the arguments of calls, noting whose they are."""

    def mark(text: str) -> str:
        core = text.strip()
        if not core:
            return text
        owners.append(number)
        at = text.index(core)
        return f"{text[:at]}{marks[0]}{core}{marks[1]}{text[at + len(core) :]}"

    content = mark(speech.content)
    calls = tuple(
        ToolCall(name=call.name, arguments=cast(Any, _each_text(call.arguments, mark)), id=call.id)
        for call in speech.tool_calls
    )
    return replace(speech, content=content, tool_calls=calls)


def _each_text(value: object, change: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _each_text(one, change) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_each_text(one, change) for one in value]
    return value


def _read_marks(text: str, start: str, end: str) -> tuple[list[tuple[int, int]], str]:
    """Spans between marks, in the coordinates of the text without marks; none where marks do not pair."""
    spans: list[tuple[int, int]] = []
    kept: list[str] = []
    opened: int | None = None
    at = 0
    for piece in re.split(f"([{start}{end}])", text):
        if piece == start and opened is None:
            opened = at
        elif piece == end and opened is not None:
            spans.append((opened, at))
            opened = None
        elif piece in (start, end):
            return [], text
        else:
            kept.append(piece)
            at += len(piece)
    return spans, "".join(kept)
