"""Replies in many registers with what happened to the request, by class of difficulty; two sets.

`READ` was looked at while the rules were mended. `UNREAD` was written before that by the same hand, and its
replies were scored without being looked at again. Both are test data: no rule may be written for one of their
sentences.
"""

import json
from pathlib import Path
from typing import NamedTuple

__all__ = ["READ", "UNREAD", "Said"]

FILE = Path(__file__).with_name("registers.jsonl")


class Said(NamedTuple):
    kind: str
    request: str
    reply: str
    label: str


def _rows(name):
    with FILE.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return tuple(Said(*(row[field] for field in Said._fields)) for row in rows if row["set"] == name)


READ, UNREAD = _rows("read"), _rows("unread")
