"""A tree through a model that reads packed rows: every distinct token once."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Int

from alignthermo.models.hugging_face_packed import PackedChain, PackedReader, PackedRow
from alignthermo.observables.forest.packed_sampling import PackedSampler
from alignthermo.observables.forest.questions import Answer
from alignthermo.observables.forest.schedule import Bounds, Grow, Leave, Step, schedule
from alignthermo.observables.forest.settings import ForestSettings
from alignthermo.observables.forest.shelf import Shelf
from alignthermo.observables.forest.workbench import Workbench

__all__ = ["PackedRoute", "packed_bounds"]

_FEATURES_AT_ONCE = 2**26
# Pairs computed in vain that cost as much as starting another pass: few where arithmetic is slow.
_MASKED = {"cpu": 2**17}
_MASKED_ELSEWHERE = 2**24


def packed_bounds(settings: ForestSettings, *, width: int, device: str) -> Bounds:
    """Say what one pass may hold where every token leaves `width` numbers behind."""
    slots = max(1, min(settings.tokens_per_pass, _FEATURES_AT_ONCE // width))
    cached = max(1, settings.max_cached_tokens // 2)
    return Bounds(slots=slots, cached=cached, masked=_MASKED.get(device, _MASKED_ELSEWHERE))


class PackedRoute:
    """Executes a schedule.

    Parameters
    ----------
    reader : PackedReader
    bench : Workbench
    """

    def __init__(self, reader: PackedReader, bench: Workbench) -> None:
        self._reader, self._bench = reader, bench
        self._collector, self._ledger = bench.collector, bench.ledger
        self._sampler = None if bench.draws is None else PackedSampler(reader.forward, bench.draws, bench)
        self._bounds = packed_bounds(bench.settings, width=reader.width, device=reader.forward.device.type)
        self._shelf: Shelf[PackedChain] = Shelf(limit=max(1, bench.settings.max_cached_tokens // 2))

    def run(self) -> Iterator[Answer]:
        """Read the whole tree, handing out answers as they become complete."""
        yield from self._collector.answers()
        for step in schedule(self._bench.trie.root, bounds=self._bounds):
            self._take(step)
            yield from self._collector.answers()
        if self._sampler is not None:
            self._sampler.flush()
            yield from self._collector.answers()

    def _take(self, step: Step) -> None:
        if isinstance(step, Leave):
            self._shelf.leave()
            return
        chain = self._shelf.top()
        past = chain.first(step.known) if chain is not None and step.known else None
        if isinstance(step, Grow):
            self._grow(past, step.tokens)
        else:
            samples = self._sampler is not None and any(self._sampler.wants(row) for row in step.rows)
            self._use(step.rows, self._read(step.rows, past, keep=samples))

    def _grow(self, past: PackedChain | None, tokens: Int[np.ndarray, " token"]) -> None:
        longer = self._chain(past, tokens, use=self._use)
        whole = longer.tokens

        def again() -> PackedChain:
            self._ledger.recomputed += len(whole)
            return self._chain(None, whole, use=None)

        self._shelf.put(longer, length=len(whole), again=again)

    def _chain(
        self,
        past: PackedChain | None,
        tokens: Int[np.ndarray, " token"],
        *,
        use: Callable[[Sequence[Int[np.ndarray, " _"]], list[PackedRow]], None] | None,
    ) -> PackedChain:
        """Read a chain piece by piece."""
        chain = past
        for start in range(0, len(tokens), self._bounds.slots):
            piece = tokens[start : start + self._bounds.slots]
            rows = self._read([piece], chain, keep=True)
            if use is not None:
                use([piece], rows)
            chain = PackedChain(tokens=rows[0].keys, layers=rows[0].layers)
        if chain is None:
            raise AssertionError("a trunk has at least one token")
        return chain

    def _read(
        self, rows: Sequence[Int[np.ndarray, " _"]], past: PackedChain | None, *, keep: bool
    ) -> list[PackedRow]:
        self._ledger.count([len(row) for row in rows])
        return self._reader.read(rows, past=past, keep=keep)

    def _use(self, rows: Sequence[Int[np.ndarray, " _"]], read: list[PackedRow]) -> None:
        places, features = [], []
        for tokens, row in zip(rows, read, strict=True):
            wanted = np.flatnonzero(self._bench.demand.read[tokens])
            places.append(tokens[wanted])
            features.append(row.features[torch.from_numpy(wanted).to(row.features.device)])
        asked = np.concatenate(places)
        if asked.size:
            # Cloned outside inference mode: what leaves is an ordinary tensor.
            self._collector.take(asked, self._reader.readout(torch.cat(features).clone()))
        if self._sampler is not None:
            for tokens, row in zip(rows, read, strict=True):
                self._sampler.offer(tokens, row)
