"""The stages of a run, one after the other: in memory, or through a folder that others share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from alignthermo.experiments import Stage, StageShard
from alignthermo.quantities import Pair, Progress, Record
from alignthermo.runs import RunFolder, own_shards

__all__ = ["Staged", "stages_in_folder", "stages_in_memory"]


@dataclass(frozen=True, kw_only=True)
class Staged:
    """What the stages left.

    Attributes
    ----------
    stored : mapping of str to pyarrow.Table
        Rows of each stage by its name.
    records : tuple of Record
        Of all shards: prompts that were skipped, tokens that were read.
    waiting : str
        Stage that other processes still work on, after which nothing was begun; empty when all is done.
    """

    stored: Mapping[str, pa.Table]
    records: tuple[Record, ...]
    waiting: str = ""


def stages_in_memory(stages: Sequence[Stage], *, pair: Pair, progress: Progress) -> Staged:
    """Run every stage in this process and keep what it gives."""
    stored: dict[str, pa.Table] = {}
    records: list[Record] = []
    for stage in stages:
        shards = stage.plan(dict(stored))
        tables: list[pa.Table] = []
        for done, shard in enumerate(shards, start=1):
            result = shard.measure(pair)
            tables += [] if result.rows is None else [result.rows]
            records += result.records
            progress(stage.name, done, len(shards), shard.id)
        if tables:
            stored[stage.name] = pa.concat_tables(tables)
    return Staged(stored=stored, records=tuple(records))


def stages_in_folder(
    stages: Sequence[Stage],
    *,
    folder: RunFolder,
    shard: str | None,
    load: Callable[[], Pair],
    progress: Progress,
) -> Staged:
    """Run, or go on with, the stages of a folder; stop at the first that others have not finished.

    Each stage is planned from the rows that are committed, so whoever comes to it, whenever, finds the same
    shards.

    Parameters
    ----------
    stages : sequence of Stage
    folder : RunFolder
    shard : str or None
        ``I/N``: measure every N-th shard only, from the I-th.
    load : callable
        Gives the pair; called only where something is left to measure.
    progress : callable
    """
    stored: dict[str, pa.Table] = {}
    waiting = ""
    for stage in stages:
        shards = stage.plan(dict(stored))
        own = own_shards(tuple(one.id for one in shards), shard=shard)
        _measure(stage.name, shards, own=own, folder=folder, load=load, progress=progress)
        rows = folder.read_rows(stage=stage.name)
        if rows is not None:
            stored[stage.name] = rows
        if folder.pending([shard.id for shard in shards]):
            waiting = stage.name
            break
    return Staged(stored=stored, records=folder.read_records(), waiting=waiting)


def _measure(
    name: str,
    shards: Sequence[StageShard],
    *,
    own: Sequence[str],
    folder: RunFolder,
    load: Callable[[], Pair],
    progress: Progress,
) -> None:
    by_id = {shard.id: shard for shard in shards}
    pending = folder.pending(own)
    for done, shard_id in enumerate(pending, start=1):
        pair = load()
        with folder.lease(shard_id) as ours:
            if ours:
                result = by_id[shard_id].measure(pair)
                folder.commit(shard_id, records=result.records, rows=result.rows)
        progress(name, done, len(pending), "")
