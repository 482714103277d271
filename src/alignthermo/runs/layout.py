"""Names inside a run folder."""

import re

__all__ = [
    "JOURNAL",
    "KINDS",
    "LEASES",
    "LOCK",
    "QUARANTINE",
    "REPORT",
    "RUN",
    "SUMMARY",
    "part_path",
    "shard_order",
    "stage_of",
]

RUN = "run.json"
JOURNAL = "journal.jsonl"
SUMMARY = "summary.json"
REPORT = "report.html"
LOCK = ".lock"
LEASES = "leases"
QUARANTINE = "quarantine"
KINDS = ("records", "tokens", "rows")

_SHARD_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


def part_path(kind: str, shard_id: str) -> str:
    """Return the path of a part inside the folder.

    Raises
    ------
    ValueError
        `shard_id` is not 1 to 100 of ``A-Z a-z 0-9 _ . -``, beginning with a letter, digit or underscore.

    Examples
    --------
    >>> part_path("records", "on_policy-0003")
    'records/part-on_policy-0003.parquet'
    """
    if not _SHARD_ID.fullmatch(shard_id):
        raise ValueError(f"shard id {shard_id!r} cannot be part of a file name")
    return f"{kind}/part-{shard_id}.parquet"


def shard_order(shard_id: str) -> tuple[tuple[bool, int, str], ...]:
    """Sort key under which ``shard-2`` comes before ``shard-10``.

    Examples
    --------
    >>> sorted(["s-10", "s-2", "s-1"], key=shard_order)
    ['s-1', 's-2', 's-10']
    """
    pieces = re.findall(r"\d+|\D+", shard_id)
    return tuple((piece.isdigit(), int(piece) if piece.isdigit() else 0, piece) for piece in pieces)


def stage_of(shard_id: str) -> str:
    """Return the stage a shard belongs to: its name without the number.

    Examples
    --------
    >>> stage_of("dialogues-00003"), stage_of("on_policy-0003-0001"), stage_of("whole")
    ('dialogues', 'on_policy-0003', 'whole')
    """
    stage, _, number = shard_id.rpartition("-")
    return stage if stage and number.isdigit() else shard_id
