"""Conversations that were held: as rows, as transcripts, and as lines of a file."""

import json
from collections.abc import Iterator, Sequence

import pyarrow as pa

from alignthermo.experiments.drift.schema import TALK_SCHEMA
from alignthermo.experiments.drift.seat import HeldTalk
from alignthermo.transcripts import TranscriptSet, transcripts_of

__all__ = ["talk_lines", "talk_rows_to_transcripts", "talk_table"]

_META = ("conversation", "arm", "category", "instruction", "number", "held_out")


def talk_table(held: Sequence[HeldTalk]) -> pa.Table:
    """Return conversations as rows of `TALK_SCHEMA`."""
    return pa.Table.from_pylist([_row(one) for one in held], schema=TALK_SCHEMA)


def talk_rows_to_transcripts(table: pa.Table) -> TranscriptSet:
    """Return rows of `TALK_SCHEMA` as transcripts, called ``CONVERSATION/ARM``.

    Raises
    ------
    InputError
        There is no row.
    """
    return transcripts_of(_transcript_rows(table), name="talk")


def talk_lines(table: pa.Table) -> Iterator[str]:
    """Give rows of `TALK_SCHEMA` as lines of JSON that `alignthermo.transcripts.read_transcripts` reads."""
    for row in _transcript_rows(table):
        yield json.dumps(row, ensure_ascii=False)


def _transcript_rows(table: pa.Table) -> list[dict[str, object]]:
    return [
        {
            "id": f"{row['conversation']}/{row['arm']}",
            "messages": json.loads(row["messages"]),
            **{name: row[name] for name in _META},
        }
        for row in table.to_pylist()
    ]


def _row(held: HeldTalk) -> dict[str, object]:
    messages = [{"role": one.role, "content": one.content} for one in held.speeches]
    return {
        "conversation": held.talk.id,
        "arm": held.arm.name,
        "category": held.talk.instruction.category,
        "instruction": held.talk.instruction.name,
        "messages": json.dumps(messages, ensure_ascii=False),
        "number": held.talk.number,
        "held_out": held.talk.held_out,
        "replies": held.replies,
        "tokens": held.tokens,
        "cut_replies": held.cut_replies,
        "empty_replies": held.empty_replies,
        "forwarded": held.forwarded,
        "naive": held.naive,
    }
