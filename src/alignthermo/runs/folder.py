"""The run folder: append, resume, verify.

::

    run.json                    configuration as given and as resolved, digests, provenance of the start
    journal.jsonl               what is committed; see journal.py
    records/part-SHARD.parquet  rows of RECORD_SCHEMA
    tokens/part-SHARD.parquet   rows of TOKEN_SCHEMA and the experiment's own columns
    rows/part-SHARD.parquet     rows of an experiment that measures no tokens, each stage in its schema
    summary.json, report.html   written at the end, whole or not at all
    leases/, quarantine/        who works on what; damaged parts, kept for inspection

A shard counts when the journal says so and its files have the digests the journal gives. Everything that
writes does so under one lock: temporary file, fsync, rename, fsync of the folder, and only then the journal.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from alignthermo.quantities import Record, Verdict
from alignthermo.runs.config import RunConfig
from alignthermo.runs.durable import folder_lock, io_errors, sha256_hex, write_atomically
from alignthermo.runs.identity import claim_folder
from alignthermo.runs.journal import Commit, Journal, PartFile
from alignthermo.runs.layout import JOURNAL, LEASES, LOCK, REPORT, SUMMARY, part_path
from alignthermo.runs.lease import hold_lease
from alignthermo.runs.parts import quarantine_damaged, read_records_parts, read_row_parts, read_token_parts
from alignthermo.runs.provenance import collect_provenance
from alignthermo.runs.schema import check_tokens, parquet_bytes, records_to_table, storable
from alignthermo.runs.summary import summary_json

__all__ = ["RunFolder"]


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """An open run folder; several processes may have the same one open.

    Attributes
    ----------
    path : Path
    config : RunConfig
    journal : Journal
        What is committed.
    quarantined : tuple of str
        Shards whose files were found damaged when this process opened the folder; they are pending again.
    """

    path: Path
    config: RunConfig
    journal: Journal
    quarantined: tuple[str, ...] = ()

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, config: RunConfig) -> "RunFolder":
        """Create the folder, or resume the run in it.

        Raises
        ------
        RunConflict
            A run with another configuration lives there; the error carries the differences.
        RunFolderError
            The folder cannot be written, is not a run folder, or its run.json is damaged.
        """
        folder = Path(path)
        provenance = collect_provenance(device=config.device)
        journal = Journal(path=folder / JOURNAL)
        with io_errors(folder, doing="open the run folder", safe="Nothing was changed."):
            folder.mkdir(parents=True, exist_ok=True)
            with folder_lock(folder / LOCK):
                claim_folder(folder, config=config, provenance=provenance)
                journal.refresh()
                journal.append({"event": "open", "pid": os.getpid(), **provenance})
            damaged = quarantine_damaged(folder, journal=journal)
        return cls(path=folder, config=config, journal=journal, quarantined=damaged)

    def pending(self, shard_ids: Sequence[str]) -> tuple[str, ...]:
        """Return those of `shard_ids` that no process has committed so far, in the order given.

        Raises
        ------
        ValueError
            A shard id is given twice or cannot be part of a file name.
        """
        for shard_id in shard_ids:
            part_path("records", shard_id)
        if len(set(shard_ids)) < len(shard_ids):
            raise ValueError("shard ids must differ from each other")
        with self._reading():
            self.journal.refresh()
        return tuple(shard_id for shard_id in shard_ids if shard_id not in self.journal.commits)

    @contextmanager
    def lease(self, shard_id: str) -> Iterator[bool]:
        """Yield True while the shard is ours to do; False if another has done it or is doing it now.

        Raises
        ------
        RunFolderError
            The lease cannot be written.
        """
        path = self.path / LEASES / f"{shard_id}.json"
        with ExitStack() as stack:
            with io_errors(path, doing=f"take shard {shard_id}", safe=self._safe()):
                held = stack.enter_context(hold_lease(path, lock=self.path / LOCK))
            yield held and bool(self.pending([shard_id]))

    def commit(
        self,
        shard_id: str,
        *,
        records: Sequence[Record],
        tokens: pa.Table | None = None,
        rows: pa.Table | None = None,
    ) -> None:
        """Store a finished shard, durably and once: a shard that is committed already stays as it is.

        Raises
        ------
        ValueError
            `tokens` lacks a column of TOKEN_SCHEMA.
        RunFolderError
            The disk is full or failing. The shard is either committed or pending, never half.
        """
        tables = {"records": records_to_table(records)}
        if tokens is not None:
            tables["tokens"] = check_tokens(tokens)
        if rows is not None:
            tables["rows"] = rows
        contents = {kind: parquet_bytes(table) for kind, table in tables.items()}
        with (
            io_errors(self.path, doing=f"commit shard {shard_id}", safe=self._safe()),
            folder_lock(self.path / LOCK),
        ):
            self.journal.refresh()
            if shard_id in self.journal.commits:
                return
            parts = {
                kind: self._write_part(kind, shard_id, content=content, rows=tables[kind].num_rows)
                for kind, content in contents.items()
            }
            commit = Commit(
                shard=shard_id, records=parts["records"], tokens=parts.get("tokens"), rows=parts.get("rows")
            )
            self.journal.append(Journal.commit_event(commit))

    def read_records(self) -> tuple[Record, ...]:
        """Return the records of all committed shards, in the order of their shard ids.

        Raises
        ------
        RunFolderError
            A part cannot be read or is damaged.
        """
        with self._reading():
            self.journal.refresh()
            return read_records_parts(self.path, self.journal)

    def read_tokens(self) -> pa.Table:
        """Return the token rows of all committed shards, in the order of their shard ids.

        Raises
        ------
        RunFolderError
            A part cannot be read or is damaged.
        """
        with self._reading():
            self.journal.refresh()
            return read_token_parts(self.path, self.journal)

    def read_rows(self, *, stage: str | None = None) -> pa.Table | None:
        """Return the experiment's own rows of all committed shards, in the order of their shard ids.

        Parameters
        ----------
        stage : str, optional
            Only the shards ``STAGE-NUMBER``: stages of one run have rows of their own schema.

        Raises
        ------
        ValueError
            No stage was named and the shards are of several schemas.
        RunFolderError
            A part cannot be read or is damaged.
        """
        with self._reading():
            self.journal.refresh()
            return read_row_parts(self.path, self.journal, stage=stage)

    def write_summary(self, *, estimates: Sequence[Record], verdicts: Sequence[Verdict] = ()) -> Path:
        """Write summary.json (strict JSON, see summary.py) and return its path.

        Raises
        ------
        RunFolderError
            The file cannot be written; an older one is untouched.
        """
        return self._write(SUMMARY, summary_json(estimates=estimates, verdicts=verdicts).encode())

    def write_report(self, html: str) -> Path:
        """Write report.html and return its path.

        Raises
        ------
        RunFolderError
            The file cannot be written; an older one is untouched.
        """
        return self._write(REPORT, storable(html).encode())

    def _write_part(self, kind: str, shard_id: str, *, content: bytes, rows: int) -> PartFile:
        name = part_path(kind, shard_id)
        write_atomically(self.path / name, content)
        return PartFile(path=name, sha256=sha256_hex(content), bytes=len(content), rows=rows)

    def _write(self, name: str, content: bytes) -> Path:
        path = self.path / name
        with io_errors(path, doing=f"write {name}", safe=self._safe()), folder_lock(self.path / LOCK):
            write_atomically(path, content)
        return path

    def _reading(self) -> AbstractContextManager[None]:
        return io_errors(self.path, doing="read the run folder", safe="Nothing was changed.")

    def _safe(self) -> str:
        return f"The {len(self.journal.commits)} shards committed so far are safe."
