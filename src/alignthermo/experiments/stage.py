"""The seam of a run of stages: each is planned from what is stored already, and measured shard by shard.

A stage begins when every shard of the stages before it is committed, whoever measured them. Its plan depends
on the configuration, the files it names and those rows, and on nothing else, so an interrupted run resumes to
the same tables and several processes that share a folder agree on what there is to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import pyarrow as pa

from alignthermo.quantities import Pair, Record

__all__ = ["Stage", "StageResult", "StageShard", "stage_shard_id"]


@dataclass(frozen=True, kw_only=True)
class StageResult:
    """What a shard leaves: rows in the stage's own schema, and records (what was skipped, tokens read)."""

    rows: pa.Table | None
    records: tuple[Record, ...]


@runtime_checkable
class StageShard(Protocol):
    """A unit of work that is committed whole."""

    @property
    def id(self) -> str:
        """Name in the run folder, from `stage_shard_id`."""
        ...

    def measure(self, pair: Pair) -> StageResult:
        """Measure it; the same pair gives the same result. Equal schema over all shards of a stage."""
        ...


@runtime_checkable
class Stage(Protocol):
    """A part of a run."""

    @property
    def name(self) -> str:
        """Tells the stage from every other of its run; letters, digits and underscores."""
        ...

    def plan(self, stored: Mapping[str, pa.Table]) -> Sequence[StageShard]:
        """Return its shards, none where there is nothing to do.

        `stored` holds the rows of every stage before, by its name, in the order of their shards; a stage
        without rows is missing. Called in every process and at every resumption, also when all shards are
        committed: cheap, and without a model. Work such as composing belongs into `StageShard.measure`.
        """
        ...


def stage_shard_id(stage: str, number: int) -> str:
    """Return the name of a stage's shard.

    Examples
    --------
    >>> stage_shard_id("sweep", 3)
    'sweep-00003'
    """
    return f"{stage}-{number:05d}"
