"""Continuations from the caches that reading a tree leaves behind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from alignthermo.models.decoding import Decoder
from alignthermo.models.forward import NativeForward
from alignthermo.models.hugging_face_packed import PackedRow
from alignthermo.models.hugging_face_packed_decoder import PackedDecoder
from alignthermo.models.hugging_face_packed_pool import KeyPool, PooledDecoder
from alignthermo.observables.forest.sampling_jobs import Draws, Job
from alignthermo.observables.forest.workbench import Workbench
from alignthermo.quantities import Completion

__all__ = ["PackedSampler"]

# Sequences grow from one common store of keys where no more than so many of its keys per key of their own
# are computed in vain; from repeated stores otherwise.
_IN_VAIN = 4


class PackedSampler:
    """Gathers contexts until a batch is full, then grows all their replicates together.

    Parameters
    ----------
    forward : NativeForward
    draws : Draws
    bench : Workbench
    """

    def __init__(self, forward: NativeForward, draws: Draws, bench: Workbench) -> None:
        self._forward, self._draws = forward, draws
        self._collector, self._ledger = bench.collector, bench.ledger
        demand, settings = bench.demand, bench.settings
        self._rows = settings.rows_per_decode
        self._cached = max(1, settings.max_cached_tokens // 2)
        self._tree = bench.tree
        self._place = demand.context_place
        self._ends: Bool[np.ndarray, " tree"] = np.zeros(len(demand.read), dtype=np.bool_)
        self._ends[demand.context_place] = True
        self._asking: dict[int, list[int]] = {}
        for question, place in enumerate(demand.context_place.tolist()):
            self._asking.setdefault(place, []).append(question)
        self._waiting: dict[int, _Context] = {}

    def wants(self, tokens: Int[np.ndarray, " token"]) -> bool:
        """Whether a context ends at one of these tokens."""
        return bool(self._ends[tokens].any())

    def offer(self, tokens: Int[np.ndarray, " token"], row: PackedRow) -> None:
        """Take the contexts that end in a row that was read, and sample once there are enough."""
        for time in np.flatnonzero(self._ends[tokens]).tolist():
            for question in self._asking[int(tokens[time])]:
                self._waiting[question] = _Context(row=row, time=time)
            if self._held() >= self._cached or len(self._waiting) * self._draws.sampling.n >= self._rows:
                self.flush()

    def flush(self) -> None:
        """Sample in every context that waits."""
        jobs = self._draws.jobs(sorted(self._waiting))
        decoder, batches = self._plan(jobs) if jobs else (self._apart, [])
        done: dict[int, list[Completion]] = {}
        for batch in batches:
            drawn = self._draws.draw(batch, decoder=decoder)
            self._ledger.generated += sum(len(completion.ids) for completion in drawn)
            for (question, _), completion in zip(batch, drawn, strict=True):
                done.setdefault(question, []).append(completion)
        for question, completions in done.items():
            self._collector.complete(question, tuple(completions))
        self._waiting = {}

    def _held(self) -> int:
        rows = {id(one.row): one.row for one in self._waiting.values()}
        return sum(len(row.keys) for row in rows.values())

    def _plan(self, jobs: Sequence[Job]) -> tuple[Callable[[Sequence[Job]], Decoder], list[list[Job]]]:
        """Choose a decoder, and cut the jobs into batches it can hold."""
        lengths = {question: self._length(question) for question in self._waiting}
        pool = KeyPool.of(self._tree, list({id(c.row): c.row for c in self._waiting.values()}.values()))
        own = sum(lengths.values()) * self._draws.sampling.n
        pooled = len(pool.tokens) * len(jobs) <= _IN_VAIN * own
        each = self._draws.sampling.max_new_tokens + (0 if pooled else max(lengths.values()))
        size = max(1, min(self._rows, self._cached // each))
        batches = [list(jobs[start : start + size]) for start in range(0, len(jobs), size)]
        return (partial(self._together, pool) if pooled else self._apart), batches

    def _length(self, question: int) -> int:
        return int(self._tree.depth[self._place[question]]) + 1

    def _together(self, pool: KeyPool, jobs: Sequence[Job]) -> PooledDecoder:
        ends = np.array([self._place[question] for question, _ in jobs])
        return PooledDecoder(self._forward, pool, ends=ends, last=self._last(jobs))

    def _apart(self, jobs: Sequence[Job]) -> PackedDecoder:
        chains = [self._waiting[question].row.chain(self._waiting[question].time) for question, _ in jobs]
        return PackedDecoder(self._forward, chains, last=self._last(jobs))

    def _last(self, jobs: Sequence[Job]) -> Float[Tensor, "row feature"]:
        contexts = [self._waiting[question] for question, _ in jobs]
        return torch.stack([context.row.features[context.time] for context in contexts])


@dataclass(frozen=True, kw_only=True)
class _Context:
    """Where a context ends: in which row, at which of its tokens."""

    row: PackedRow
    time: int
