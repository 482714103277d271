"""Committed parts: verified when a folder is opened and again when they are read."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from alignthermo.errors import RunFolderError
from alignthermo.quantities import Record
from alignthermo.runs.durable import folder_lock, sha256_hex
from alignthermo.runs.journal import Commit, Journal, PartFile
from alignthermo.runs.layout import LOCK, QUARANTINE, shard_order, stage_of
from alignthermo.runs.schema import RECORD_SCHEMA, TOKEN_SCHEMA, records_from_table

__all__ = ["damaged_shards", "quarantine_damaged", "read_records_parts", "read_row_parts", "read_token_parts"]


def _is_whole(folder: Path, part: PartFile) -> bool:
    try:
        content = (folder / part.path).read_bytes()
    except FileNotFoundError:
        return False
    return len(content) == part.bytes and sha256_hex(content) == part.sha256


def damaged_shards(folder: Path, commits: Sequence[Commit]) -> tuple[Commit, ...]:
    """Return the commits of which a file is missing, truncated or changed."""
    return tuple(commit for commit in commits if not all(_is_whole(folder, part) for part in commit.files))


def quarantine_damaged(folder: Path, *, journal: Journal) -> tuple[str, ...]:
    """Move the files of damaged shards to ``quarantine/`` and journal that they are pending again.

    Raises
    ------
    OSError
        The file system refused; what was not moved will be found again.
    """
    # Hashing runs unlocked; what looks damaged is looked at again under the lock, with a fresh journal,
    # because another process may just have replaced it.
    suspects = [commit.shard for commit in damaged_shards(folder, list(journal.commits.values()))]
    if not suspects:
        return ()
    with folder_lock(folder / LOCK):
        journal.refresh()
        commits = [journal.commits[shard] for shard in suspects if shard in journal.commits]
        damaged = damaged_shards(folder, commits)
        for commit in damaged:
            _move_away(folder, commit)
            journal.append({"event": "quarantine", "shard": commit.shard})
    return tuple(commit.shard for commit in damaged)


def _move_away(folder: Path, commit: Commit) -> None:
    (folder / QUARANTINE).mkdir(exist_ok=True)
    for part in commit.files:
        path = folder / part.path
        if not path.exists():
            continue
        number = 1
        while (target := folder / QUARANTINE / f"{path.parent.name}-{path.name}.{number}").exists():
            number += 1
        path.replace(target)


def _read_part(folder: Path, part: PartFile) -> pa.Table:
    path = folder / part.path
    content = path.read_bytes()
    if sha256_hex(content) != part.sha256:
        raise RunFolderError(
            f"{path} is damaged: its content does not match the journal. "
            "Give the command of the run again: the part is set aside and computed anew."
        )
    return pq.read_table(pa.BufferReader(content))


def _in_order(journal: Journal) -> list[Commit]:
    return [journal.commits[shard] for shard in sorted(journal.commits, key=shard_order)]


def read_records_parts(folder: Path, journal: Journal) -> tuple[Record, ...]:
    """Return the records of all commits in shard order.

    Raises
    ------
    RunFolderError
        A part is damaged.
    OSError
        A part cannot be read.
    """
    tables = [
        _read_part(folder, commit.records) for commit in _in_order(journal) if commit.records is not None
    ]
    return tuple(record for table in tables for record in records_from_table(table.cast(RECORD_SCHEMA)))


def read_token_parts(folder: Path, journal: Journal) -> pa.Table:
    """Return the token rows of all commits in shard order; an empty TOKEN_SCHEMA table if there are none.

    Raises
    ------
    RunFolderError
        A part is damaged.
    OSError
        A part cannot be read.
    """
    tables = [_read_part(folder, commit.tokens) for commit in _in_order(journal) if commit.tokens is not None]
    if not tables:
        return TOKEN_SCHEMA.empty_table()
    return pa.concat_tables(tables, promote_options="default").combine_chunks()


def read_row_parts(folder: Path, journal: Journal, *, stage: str | None = None) -> pa.Table | None:
    """Return the experiment's own rows of all commits in shard order; None if there are none.

    Parameters
    ----------
    folder : Path
    journal : Journal
    stage : str, optional
        Only the shards of one stage, ``STAGE-NUMBER``; each stage has a schema of its own.

    Raises
    ------
    ValueError
        No stage was named and the shards are of several schemas.
    RunFolderError
        A part is damaged.
    OSError
        A part cannot be read.
    """
    commits = [one for one in _in_order(journal) if stage is None or stage_of(one.shard) == stage]
    tables = [_read_part(folder, commit.rows) for commit in commits if commit.rows is not None]
    if any(table.schema.names != tables[0].schema.names for table in tables[1:]):
        raise ValueError(f"{folder} holds rows of several stages with schemas of their own: name a stage")
    return pa.concat_tables(tables).combine_chunks() if tables else None
