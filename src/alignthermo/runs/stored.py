"""A finished or broken-off run, read without changing it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from alignthermo.quantities import Record, Verdict
from alignthermo.runs.durable import io_errors
from alignthermo.runs.identity import read_run_json
from alignthermo.runs.journal import Journal
from alignthermo.runs.layout import JOURNAL, REPORT, SUMMARY
from alignthermo.runs.parts import damaged_shards, read_records_parts, read_row_parts, read_token_parts
from alignthermo.runs.summary import parse_summary

__all__ = ["StoredRun", "read_run"]


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """What a run folder holds.

    Attributes
    ----------
    path : Path
    experiment, digest : str
        Name of the experiment and digest of the configuration.
    given, resolved, weights, provenance : mapping
        As in run.json.
    sessions : tuple of mapping
        Provenance of every process that opened the folder.
    shards, damaged : tuple of str
        Committed shards, and those of them that fail their check.
    n_records, n_tokens : int
        Rows that the journal vouches for.
    estimates, verdicts : tuple
        From summary.json; None where the run has not written one yet.
    report : Path or None
        The report, where there is one.
    """

    path: Path
    experiment: str
    digest: str
    given: Mapping[str, object]
    resolved: Mapping[str, object]
    weights: Mapping[str, str]
    provenance: Mapping[str, object]
    sessions: tuple[Mapping[str, object], ...]
    shards: tuple[str, ...]
    damaged: tuple[str, ...]
    n_records: int
    n_tokens: int
    estimates: tuple[Record, ...] | None
    verdicts: tuple[Verdict, ...] | None
    report: Path | None

    def read_records(self) -> tuple[Record, ...]:
        """Return all committed records in shard order.

        Raises
        ------
        RunFolderError
            A part is damaged or cannot be read.
        """
        with io_errors(self.path, doing="read the run folder", safe="Nothing was changed."):
            return read_records_parts(self.path, _journal(self.path))

    def read_tokens(self) -> pa.Table:
        """Return all committed token rows in shard order.

        Raises
        ------
        RunFolderError
            A part is damaged or cannot be read.
        """
        with io_errors(self.path, doing="read the run folder", safe="Nothing was changed."):
            return read_token_parts(self.path, _journal(self.path))

    def read_rows(self, *, stage: str | None = None) -> pa.Table | None:
        """Return the experiment's own rows in shard order (of one stage), None where it has none.

        Raises
        ------
        ValueError
            No stage was named and the shards are of several schemas.
        RunFolderError
            A part is damaged or cannot be read.
        """
        with io_errors(self.path, doing="read the run folder", safe="Nothing was changed."):
            return read_row_parts(self.path, _journal(self.path), stage=stage)


def _journal(folder: Path) -> Journal:
    journal = Journal(path=folder / JOURNAL)
    journal.refresh()
    return journal


def read_run(path: str | os.PathLike[str]) -> StoredRun:
    """Read a run folder without writing to it.

    Raises
    ------
    RunFolderError
        The folder holds no run, or one that is damaged beyond its parts.
    """
    folder = Path(path)
    with io_errors(folder, doing="read the run folder", safe="Nothing was changed."):
        run = read_run_json(folder)
        journal = _journal(folder)
        commits = tuple(journal.commits.values())
        damaged = damaged_shards(folder, commits)
        summary = folder / SUMMARY
        parsed = parse_summary(summary.read_text(encoding="utf-8")) if summary.is_file() else (None, None)
    return StoredRun(
        path=folder,
        **{
            name: run[name] for name in ("experiment", "digest", "given", "resolved", "weights", "provenance")
        },
        sessions=tuple(journal.sessions),
        shards=tuple(journal.commits),
        damaged=tuple(commit.shard for commit in damaged),
        n_records=sum(commit.records.rows for commit in commits if commit.records is not None),
        n_tokens=sum(commit.tokens.rows for commit in commits if commit.tokens is not None),
        estimates=parsed[0],
        verdicts=parsed[1],
        report=folder / REPORT if (folder / REPORT).is_file() else None,
    )
