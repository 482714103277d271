"""One row to one transcript, or the reason why not."""

import json
from collections.abc import Mapping, Sequence

from alignthermo.errors import PromptError
from alignthermo.transcripts.content import text_of
from alignthermo.transcripts.transcript import ROLES, Speech, ToolCall, Transcript

__all__ = ["rephrased_of", "transcript_from_row"]

_OWN = ("id", "messages", "tools", "rephrased")
_OTHER_NAMES = {"function": "tool"}


def transcript_from_row(row: Mapping[str, object], *, line: int) -> Transcript:
    """Check a row in the format of the chat APIs and turn it into a transcript.

    Text is kept as it is, special tokens and marks of any script included; only lone surrogates, which no
    tokenizer can read, are refused.

    Parameters
    ----------
    row : mapping
        `messages`, and optionally `id`, `tools` and `rephrased` (the instruction in other words: a text, or a
        list of them); every other column goes to `meta`.
    line : int
        Where the row was read; a row without an id is called ``row-LINE``.

    Raises
    ------
    PromptError
        What is wrong, and in which message.
    """
    messages = _unpacked(row.get("messages"))
    if messages is None:
        raise PromptError(f"no `messages`; the columns are {', '.join(map(str, row)) or 'none'}")
    if not isinstance(messages, (list, tuple)) or not messages:
        raise PromptError('`messages` must be a list of {"role": …, "content": …} with at least one message')
    speeches: list[Speech] = []
    notes: list[str] = []
    for number, message in enumerate(messages, start=1):
        try:
            speech, left = _speech(message)
        except PromptError as error:
            raise PromptError(f"message {number}: {error}") from error
        speeches.append(speech)
        notes += [f"message {number}: {note}" for note in left]
    if not any(one.content.strip() or one.tool_calls for one in speeches):
        raise PromptError("no message has a visible character")
    return Transcript(
        id=_id(row.get("id"), line),
        speeches=tuple(speeches),
        tools=_tools(_unpacked(row.get("tools"))),
        line=line,
        meta={name: value for name, value in row.items() if name not in _OWN},
        notes=tuple(notes),
        rephrased=rephrased_of(row),
    )


def rephrased_of(row: Mapping[str, object]) -> tuple[str, ...]:
    """Read the column `rephrased`: the instruction in other words, a text or a list of texts.

    Raises
    ------
    PromptError
        Something else stands there.

    Examples
    --------
    >>> rephrased_of({"rephrased": "Talk like a pirate."})
    ('Talk like a pirate.',)
    """
    given = _unpacked(row.get("rephrased"))
    if given is None or given == "":
        return ()
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, (list, tuple)) or not all(isinstance(one, str) and one.strip() for one in texts):
        raise PromptError("`rephrased` must be text, or a list of texts, none empty")
    return tuple(_clean(one, "rephrased") for one in texts)


def _unpacked(value: object) -> object:
    """Read a list that a CSV cell holds as JSON text."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _id(value: object, line: int) -> str:
    if value is None or value == "":
        return f"row-{line}"
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise PromptError(f"`id` must be text or a number, not {type(value).__name__}")
    return _clean(str(value), "id")


def _tools(value: object) -> tuple[Mapping[str, object], ...]:
    if value is None or value == "":
        return ()
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, Mapping) for one in value):
        raise PromptError("`tools` must be a list of objects")
    return tuple(value)


def _speech(message: object) -> tuple[Speech, tuple[str, ...]]:
    if not isinstance(message, Mapping):
        raise PromptError(f"must be an object with `role` and `content`, not {type(message).__name__}")
    role = message.get("role")
    role = _OTHER_NAMES.get(role, role) if isinstance(role, str) else role
    if not isinstance(role, str) or role not in ROLES:
        raise PromptError(f"has the role {role!r}; roles are {', '.join(ROLES)}")
    calls = _tool_calls(message, role)
    if message.get("content") is None and not calls:
        raise PromptError("`content` is missing, and there are no tool calls")
    content, notes = text_of(message.get("content"))
    speech = Speech(
        role=role,
        content=_clean(content, "content"),
        tool_calls=calls,
        name=_optional_text(message, "name"),
        tool_call_id=_optional_text(message, "tool_call_id"),
    )
    return speech, notes


def _tool_calls(message: Mapping[str, object], role: str) -> tuple[ToolCall, ...]:
    given = message.get("tool_calls")
    if given is None and isinstance(message.get("function_call"), Mapping):
        given = [{"function": message["function_call"]}]
    if given is None:
        return ()
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise PromptError("`tool_calls` must be a list")
    if given and role != "assistant":
        raise PromptError(f"`tool_calls` stand in a message of role {role!r}; only an assistant calls tools")
    return tuple(_tool_call(call, number) for number, call in enumerate(given, start=1))


def _tool_call(call: object, number: int) -> ToolCall:
    body = call.get("function", call) if isinstance(call, Mapping) else None
    if not isinstance(call, Mapping) or not isinstance(body, Mapping):
        raise PromptError(f'tool call {number} must be {{"function": {{"name": …, "arguments": …}}}}')
    name = body.get("name")
    if not isinstance(name, str) or not name:
        raise PromptError(f"tool call {number} has no function name")
    return ToolCall(
        name=_clean(name, "function name"),
        arguments=_arguments(body.get("arguments"), number),
        id=_optional_text(call, "id"),
    )


def _arguments(value: object, number: int) -> Mapping[str, object] | str:
    """Arguments come as JSON text or as an object; text that is no object stays text."""
    if value is None or value == "":
        return {}
    read = value
    if isinstance(value, str):
        try:
            read = json.loads(value)
        except (ValueError, RecursionError):
            return _clean(value, "arguments")
    if isinstance(read, Mapping):
        _clean(json.dumps(read, ensure_ascii=False, default=str), "arguments")
        return dict(read)
    if isinstance(value, str):
        return _clean(value, "arguments")
    raise PromptError(f"tool call {number}: `arguments` must be an object or text")


def _optional_text(message: Mapping[str, object], name: str) -> str | None:
    value = message.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise PromptError(f"`{name}` must be text, not {type(value).__name__}")
    return _clean(value, name)


def _clean(text: str, where: str) -> str:
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise PromptError(
            f"`{where}` has a lone surrogate (half a character), which no tokenizer can read; mend the text "
            "where it was cut"
        )
    return text
