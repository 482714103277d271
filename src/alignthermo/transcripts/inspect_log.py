"""Samples of an Inspect log as rows in the format of the chat APIs; the log is read by its own package."""

import zlib
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from alignthermo.errors import ConfigError, InputError
from alignthermo.prompts.files import RawRow

__all__ = ["read_inspect_log"]

# What reading a damaged archive, or one of another kind, raises.
_REFUSALS = (OSError, ValueError, KeyError, TypeError, EOFError, NotImplementedError, BadZipFile, zlib.error)


def read_inspect_log(path: Path) -> Iterator[RawRow]:
    """Yield one row per sample and epoch, numbered from 1.

    Raises
    ------
    ConfigError
        The package ``inspect_ai`` is not installed.
    InputError
        The log is missing or cannot be read.
    """
    try:
        reader = import_module("inspect_ai.log")
    except ImportError as error:
        raise ConfigError(
            f"{path} is an Inspect log, which the package inspect_ai reads: "
            f"pip install 'alignthermo[inspect]' ({error})"
        ) from error
    if not path.is_file():
        raise InputError(f"Inspect log {path} is not a regular file")
    try:
        log = reader.read_eval_log(str(path), resolve_attachments=True)
    except _REFUSALS as error:
        raise InputError(f"{path} is not a readable Inspect log: {type(error).__name__}: {error}") from error
    return _rows(log)


def _rows(log: Any) -> Iterator[RawRow]:  # noqa: ANN401
    for number, sample in enumerate(log.samples or (), start=1):
        yield RawRow(line=number, values=_row(sample, log))


def _row(sample: Any, log: Any) -> dict[str, object]:  # noqa: ANN401
    scores = sample.scores or {}
    return {
        "id": f"{sample.id}/{sample.epoch}",
        "messages": [_message(message) for message in sample.messages],
        "task": log.eval.task,
        "model": log.eval.model,
        "target": sample.target,
        "scores": {name: score.value for name, score in scores.items()},
    }


def _message(message: Any) -> dict[str, object]:  # noqa: ANN401
    content = message.content
    row: dict[str, object] = {
        "role": message.role,
        "content": content if isinstance(content, str) else [_part(part) for part in content],
    }
    if message.role == "tool":
        row |= {"name": message.function, "tool_call_id": message.tool_call_id}
    if message.role == "assistant" and message.tool_calls:
        row["tool_calls"] = [
            {"id": call.id, "function": {"name": call.function, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return row


def _part(part: Any) -> Mapping[str, object]:  # noqa: ANN401
    return {"type": part.type, "text": getattr(part, "text", None)}
