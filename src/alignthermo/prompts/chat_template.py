"""A conversation as the text of a chat template, with the places where somebody's words stand."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Literal, Protocol, runtime_checkable

from alignthermo.errors import PromptError, TemplateError
from alignthermo.quantities import Message

__all__ = [
    "ChatTokenizer",
    "RenderOptions",
    "TemplatedText",
    "apply_template",
    "pin_date",
    "template_of",
    "unused_marks",
]

_PRIVATE_USE = range(0xE000, 0xF8FF)
_LITERAL_DATE = re.compile(r"""strftime_now\(\s*(["'])(.*?)\1\s*\)""")


@runtime_checkable
class ChatTokenizer(Protocol):
    """What rendering needs of a Hugging Face tokenizer beyond `alignthermo.quantities.Tokenizer`."""

    chat_template: Any

    @property
    def added_tokens_decoder(self) -> Mapping[int, Any]:
        """Tokens beside the learned vocabulary, by id."""
        ...

    def get_chat_template(self) -> str:
        """Return the template that applies to a conversation without tools."""
        ...

    def apply_chat_template(self, conversation: list[dict[str, str]], **options: Any) -> Any:  # noqa: ANN401
        """Write a conversation as text."""
        ...

    def __call__(self, text: str, **options: Any) -> Mapping[str, Any]:  # noqa: ANN401
        """Encode `text`."""
        ...


@dataclass(frozen=True, kw_only=True)
class RenderOptions:
    """How conversations become text.

    Attributes
    ----------
    system_fallback : str
        What to do where the template refuses a system role (Gemma): ``error``, or ``merge_into_user``,
        which puts the system text before the next user text, a blank line between them.
    template_kwargs : mapping
        Variables for the template. ``enable_thinking`` is False unless given here.
    today : datetime.date
        The date a template reads when it asks for today's; pinned, so that a run can be repeated.
    control_tokens : str
        ``literal``: control tokens typed inside a message stay text. ``parse``: they become control
        tokens, as a plain ``apply_chat_template`` would make them.
    """

    system_fallback: Literal["error", "merge_into_user"] = "error"
    template_kwargs: Mapping[str, object] = field(default_factory=dict)
    today: date = date(2024, 7, 26)
    control_tokens: Literal["literal", "parse"] = "literal"


def template_of(tokenizer: ChatTokenizer) -> str:
    """Return the chat template that applies to a plain conversation.

    Raises
    ------
    TemplateError
        The tokenizer has none.
    """
    if not tokenizer.chat_template:
        raise TemplateError(
            "the aligned model's tokenizer has no chat template, so its prompts cannot be rendered; use an "
            "instruction-tuned checkpoint, put a chat_template.jinja into its folder, or check that base and "
            "aligned are not exchanged; a transition can do without (`--raw`), a landscape cannot"
        )
    try:
        return tokenizer.get_chat_template()
    except ValueError as error:
        raise TemplateError(f"the tokenizer's chat templates have no default one: {error}") from error


@dataclass(frozen=True, kw_only=True)
class _Writer:
    """A template with its variables."""

    tokenizer: ChatTokenizer
    template: str
    kwargs: Mapping[str, object]

    def write_all(self, messages: Sequence[Message]) -> str:
        """Write a conversation and make sure that no instruction was left out.

        Templates do drop parts of earlier assistant messages (their reasoning); system and user texts
        must be there in full.
        """
        text = self.write(messages)
        for message in messages:
            if message.role in ("system", "user") and message.content.strip() not in text:
                raise TemplateError(
                    f"the chat template leaves out or rewrites a {message.role} message: "
                    f"{message.content[:60]!r}"
                )
        return text

    def write(self, messages: Sequence[Message]) -> str:
        """Write a conversation, generation prompt included."""
        import jinja2

        conversation = [{"role": m.role, "content": m.content} for m in messages]
        variables = {"enable_thinking": False, **self.kwargs}
        try:
            text = self.tokenizer.apply_chat_template(
                conversation,
                chat_template=self.template,
                tokenize=False,
                add_generation_prompt=True,
                **variables,
            )
        except (jinja2.TemplateError, TypeError, ValueError, KeyError) as error:
            roles = ", ".join(message.role for message in messages)
            raise TemplateError(f"the chat template refuses the conversation ({roles}): {error}") from error
        return str(text)


@dataclass(frozen=True, kw_only=True)
class TemplatedText:
    """A rendered conversation.

    Attributes
    ----------
    text : str
        What the template wrote.
    notes : tuple of str
        What was changed to get here.
    """

    text: str
    notes: tuple[str, ...]
    _messages: tuple[Message, ...]
    _writer: _Writer

    @cached_property
    def spans(self) -> tuple[tuple[int, int], ...] | None:
        """Where the contents of messages stand in `text`; None where the template rewrites its messages.

        Costs one more rendering, so it is not done before somebody asks.
        """
        return _find_messages(self.text, self._messages, self._writer)

    @cached_property
    def skeleton(self) -> str:
        """The same conversation with every content replaced by ``x``: what the template itself writes."""
        return self._writer.write([Message(role=message.role, content="x") for message in self._messages])


def apply_template(
    messages: Sequence[Message], *, tokenizer: ChatTokenizer, options: RenderOptions
) -> TemplatedText:
    """Render a conversation, generation prompt included, and find the messages in it.

    Raises
    ------
    TemplateError
        There is no template, or it refuses or drops a message.
    """
    template, notes = pin_date(template_of(tokenizer), options.today)
    writer = _Writer(tokenizer=tokenizer, template=template, kwargs=options.template_kwargs)
    try:
        text = writer.write_all(messages)
    except TemplateError as error:
        if not any(message.role == "system" for message in messages):
            raise
        if options.system_fallback == "error":
            raise TemplateError(
                f"{error}; the conversation has a system message: if the template refuses that role, "
                f"--system-fallback merge_into_user puts its text before the next user message"
            ) from error
        messages = _merge_system(messages)
        text = writer.write_all(messages)
        notes = (*notes, "system text merged into the user message")
    return TemplatedText(text=text, notes=notes, _messages=tuple(messages), _writer=writer)


def pin_date(template: str, today: date) -> tuple[str, tuple[str, ...]]:
    """Replace calls for today's date by `today`; a call whose format is computed cannot be pinned."""

    def written(match: re.Match[str]) -> str:
        return '"' + today.strftime(match[2]).replace('"', r"\"") + '"'

    pinned = _LITERAL_DATE.sub(written, template)
    if "strftime_now(" in pinned:
        return pinned, ("the chat template reads today's date in a way that cannot be pinned",)
    return pinned, ()


def _merge_system(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Put each system text before the user text that follows it."""
    merged: list[Message] = []
    waiting: list[str] = []
    for message in messages:
        if message.role == "system":
            waiting.append(message.content)
        elif message.role == "user" and waiting:
            merged.append(Message(role="user", content="\n\n".join([*waiting, message.content])))
            waiting = []
        else:
            merged.append(message)
    if waiting:
        merged.append(Message(role="user", content="\n\n".join(waiting)))
    return tuple(merged)


def _find_messages(
    text: str, messages: Sequence[Message], writer: _Writer
) -> tuple[tuple[int, int], ...] | None:
    """Render once more with private-use marks around each content and read off where they end up.

    The marks stand inside leading and trailing blanks, so that a template that trims its messages does
    what it did without them.
    """
    start, end = unused_marks(text)
    marked = [Message(role=m.role, content=_mark(m.content, start, end)) for m in messages]
    try:
        text_with_marks = writer.write(marked)
    except TemplateError:
        return None
    spans, cleaned = _read_marks(text_with_marks, start, end)
    return spans if cleaned == text else None


def _mark(content: str, start: str, end: str) -> str:
    core = content.strip()
    if not core:
        return content
    at = content.index(core)
    return f"{content[:at]}{start}{core}{end}{content[at + len(core) :]}"


def unused_marks(text: str) -> tuple[str, str]:
    """Return two characters of Unicode's private use that a text does not hold."""
    unused: Iterator[str] = (chr(point) for point in _PRIVATE_USE if chr(point) not in text)
    try:
        return next(unused), next(unused)
    except StopIteration:
        raise PromptError("a message uses every private-use character of Unicode; remove them") from None


def _read_marks(text: str, start: str, end: str) -> tuple[tuple[tuple[int, int], ...] | None, str]:
    """Spans between marks, in the coordinates of the text without marks; None where marks do not pair."""
    spans: list[tuple[int, int]] = []
    pieces = re.split(f"([{start}{end}])", text)
    opened: int | None = None
    at = 0
    for piece in pieces:
        if piece == start and opened is None:
            opened = at
        elif piece == end and opened is not None:
            spans.append((opened, at))
            opened = None
        elif piece in (start, end):
            return None, text
        else:
            at += len(piece)
    cleaned = "".join(piece for piece in pieces if piece not in (start, end))
    return (tuple(spans) if opened is None else None), cleaned
