"""Replies with what happened to the request; two files of two sets each.

`READ` and `UNREAD` (registers.jsonl) are classes of difficulty, written by the hand that wrote the rules; the
first was looked at while the rules were mended, the second only scored.

`MANNERS_READ` and `MANNERS_UNREAD` (manners.jsonl) were written from memory in the manner of a dozen
published models, by hands that did not know the rules, and labelled by their writers; none of it is the
output of a model. The first was scored, then read, and the rules mended by class; the second was written and
scored after that. Many of their requests come from XSTest (CC-BY-4.0, Röttger et al. 2024), AdvBench (MIT,
Zou et al. 2023) and JailbreakBench (MIT, Chao et al. 2024). Replies to harmful requests that are labelled
fulfilled hold placeholders.

All are test data: no rule may be written for one of their sentences.
"""

import json
from pathlib import Path
from typing import NamedTuple

__all__ = ["MANNERS_READ", "MANNERS_UNREAD", "READ", "UNREAD", "Said"]

FOLDER = Path(__file__).parent


class Said(NamedTuple):
    kind: str
    request: str
    reply: str
    label: str


def _rows(file, name):
    with (FOLDER / file).open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return tuple(Said(*(row[field] for field in Said._fields)) for row in rows if row["set"] == name)


READ, UNREAD = (_rows("registers.jsonl", name) for name in ("read", "unread"))
MANNERS_READ, MANNERS_UNREAD = (_rows("manners.jsonl", name) for name in ("read", "unread"))
