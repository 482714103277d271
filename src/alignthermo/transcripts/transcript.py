"""A recorded conversation, and a set of them with the rows that could not be used."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from alignthermo.prompts import RowProblem

__all__ = ["ROLES", "Speech", "ToolCall", "Transcript", "TranscriptSet"]

ROLES = ("system", "developer", "user", "assistant", "tool")
INSTRUCTING = ("system", "developer")


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """A call that an assistant made; `arguments` is text where it was not a JSON object."""

    name: str
    arguments: Mapping[str, object] | str
    id: str | None = None

    def as_text(self) -> str:
        """Spell the call as one line of JSON.

        Examples
        --------
        >>> ToolCall(name="find", arguments={"what": "Käse"}).as_text()
        '{"name": "find", "arguments": {"what": "Käse"}}'
        """
        return json.dumps({"name": self.name, "arguments": self.arguments}, ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class Speech:
    """What one party said: `role` is one of ``system developer user assistant tool``.

    Attributes
    ----------
    role, content : str
        Content is text; it may be empty where there are tool calls.
    tool_calls : tuple of ToolCall
        Of an assistant.
    name : str or None
        Of the tool whose result this is, or of the speaker.
    tool_call_id : str or None
        Which call a tool answers.
    inserted : str
        ``reminder`` or ``summary`` where a treatment put it in; empty for what was said.
    """

    role: str
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    name: str | None = None
    tool_call_id: str | None = None
    inserted: str = ""


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """One conversation.

    Attributes
    ----------
    id : str
        Unique within its set.
    speeches : tuple of Speech
        In order.
    tools : tuple of mappings
        Declarations of tools, as the row had them.
    line : int
        Where it was read from: the line, or the number of the sample in an Inspect log.
    meta : mapping
        Everything else the row carried.
    notes : tuple of str
        What reading had to leave out or change.
    rephrased : tuple of str
        The instruction in other words.
    """

    id: str
    speeches: tuple[Speech, ...]
    tools: tuple[Mapping[str, object], ...] = ()
    line: int = 0
    meta: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rephrased: tuple[str, ...] = ()

    @property
    def n_instructing(self) -> int:
        """How many speeches at the beginning are instructions (system or developer)."""
        count = 0
        while count < len(self.speeches) and self.speeches[count].role in INSTRUCTING:
            count += 1
        return count


@dataclass(frozen=True, kw_only=True)
class TranscriptSet:
    """Conversations from one source.

    Attributes
    ----------
    name : str
    transcripts : tuple of Transcript
        In file order, with unique ids.
    problems : tuple of RowProblem
        Rows that were left out, each with its line and why.
    sha256 : str
        ``sha256:`` and the digest of the conversations themselves.
    source : str
    """

    name: str
    transcripts: tuple[Transcript, ...]
    problems: tuple[RowProblem, ...] = ()
    sha256: str
    source: str

    def __len__(self) -> int:
        return len(self.transcripts)
