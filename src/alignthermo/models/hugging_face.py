"""A transformers model behind the `LanguageModel` protocol."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from alignthermo.errors import ContextTooLong, InputError, ModelError
from alignthermo.models.cached_decoder import CachedDecoder
from alignthermo.models.decoding import decode
from alignthermo.models.forward import NativeForward, pad_right
from alignthermo.models.heads import check_finite
from alignthermo.models.hugging_face_attention import attention_at_ends
from alignthermo.models.hugging_face_packed import PackedReader
from alignthermo.models.hugging_face_probe import reads_packed_rows
from alignthermo.models.hugging_face_tree import TokenTree
from alignthermo.models.out_of_memory import is_out_of_memory, run_in_halves
from alignthermo.quantities import Completion, HeadReadout, LogitReadout, Prefix, Readout, Tokenizer

__all__ = ["CachedPrefix", "HuggingFaceModel"]

_Features = Float[Tensor, "row feature"]


@dataclass(frozen=True, kw_only=True)
class CachedPrefix:
    """A context with its key-value cache and the features of its last position; see `Prefix`."""

    ids: tuple[int, ...]
    cache: Any
    last: _Features
    owner: NativeForward


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One sequence of a batch with the positions that are asked for."""

    ids: list[int]
    positions: list[int]


class HuggingFaceModel:
    """A loaded causal language model that can be read exactly and sampled from.

    Nothing of the architecture is written anew: hidden states, masks, positions and caches are those
    of the native forward. Batches that do not fit into memory are halved; `n_halvings` counts how often.

    Parameters
    ----------
    forward : NativeForward
    tokenizer : Tokenizer
    stop_ids : frozenset of int
        Tokens that end a turn.
    max_length : int
        Longest context the model was made for.
    """

    def __init__(
        self, forward: NativeForward, *, tokenizer: Tokenizer, stop_ids: frozenset[int], max_length: int
    ) -> None:
        self._forward = forward
        self._tokenizer = tokenizer
        self._stop_ids = stop_ids
        self._max_length = max_length
        self.n_halvings = 0
        self._probed: tuple[int, bool, str] = (0, True, "")  # up to which length packed rows were tried

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer whose ids the model reads."""
        return self._tokenizer

    @property
    def max_length(self) -> int:
        """Longest context the model was made for, in tokens."""
        return self._max_length

    @property
    def vocab_size(self) -> int:
        """Width of the logits, padding rows included."""
        return self._forward.vocab_size

    @property
    def stop_ids(self) -> frozenset[int]:
        """Tokens that end a turn."""
        return self._stop_ids

    @property
    def device(self) -> torch.device:
        """Where token ids go."""
        return self._forward.device

    def shares_weights_with(self, other: "HuggingFaceModel") -> bool:
        """Whether both read through the same modules, as the two sides of an adapter do."""
        return self._forward.model is other._forward.model

    def read(
        self,
        ids: Sequence[Sequence[int]],
        *,
        positions: Sequence[Sequence[int]],
        prefix: Prefix | None = None,
    ) -> Readout:
        """Return what the model predicts after chosen positions; see `LanguageModel.read`.

        Raises
        ------
        NonFiniteLogits
            NaN or +inf in the hidden states or logits.
        ContextTooLong
            Prefix and sequence together exceed `max_length`.
        ModelError
            A single sequence does not fit into memory.
        InputError
            A position outside its sequence, an id outside the vocabulary, or a prefix of another model.
        """
        known = self._own(prefix)
        jobs = [_Job(ids=list(i), positions=list(p)) for i, p in zip(ids, positions, strict=True)]
        for job in jobs:
            self._check(job, known)
        # Without a head, logits of a whole batch would be held at once: one sequence at a time instead.
        size = len(jobs) if self._forward.head is not None else 1
        rows: list[_Features] = []
        for start in range(0, len(jobs), max(size, 1)):
            rows += self._in_halves(lambda part: self._rows(part, known), jobs[start : start + size])
        # Cloned outside inference mode: what leaves is an ordinary tensor.
        return self._readout(torch.cat(rows).clone() if rows else self._no_rows())

    def extend(self, ids: Sequence[int], prefix: Prefix | None = None) -> CachedPrefix:
        """Read `ids` after `prefix` once and return the longer prefix; `prefix` stays usable.

        Raises
        ------
        InputError
            There is nothing to read.
        ContextTooLong
            Prefix and ids together exceed `max_length`.
        """
        known = self._own(prefix)
        if not ids:
            if known is None:
                raise InputError("a prefix needs at least one token")
            return known
        self._check(_Job(ids=list(ids), positions=[]), known)
        with torch.inference_mode():
            cached = 0 if known is None else len(known.ids)
            batch = pad_right([list(ids)], cached=cached, device=self._forward.device)
            cache = None if known is None else copy.deepcopy(known.cache)
            features, cache = self._forward(batch, cache=cache, keep_cache=True, last_only=True)
        before = () if known is None else known.ids
        return CachedPrefix(
            ids=(*before, *ids), cache=cache, last=features[:, -1].clone(), owner=self._forward
        )

    def sample(
        self,
        contexts: Sequence[Sequence[int]],
        *,
        rngs: Sequence[np.random.Generator],
        max_new_tokens: int,
        temperature: float = 1.0,
    ) -> tuple[Completion, ...]:
        """Draw one continuation per context; see `LanguageModel.sample`.

        A continuation that reaches `max_length` ends there with ``finish="length"``.

        Raises
        ------
        ContextTooLong
            A context leaves no room for a single token.
        NonFiniteLogits
            NaN or +inf among the logits.
        """
        for context in contexts:
            self._check(_Job(ids=list(context), positions=[len(context) - 1]), None, room=1)
        if max_new_tokens < 1:
            return tuple(Completion(ids=(), finish="length") for _ in contexts)
        jobs = list(zip(map(list, contexts), rngs, strict=True))

        def draw(part: Sequence[tuple[list[int], np.random.Generator]]) -> Sequence[Completion]:
            return self._draw(part, max_new_tokens=max_new_tokens, temperature=temperature)

        return tuple(self._in_halves(draw, jobs)) if jobs else ()

    def decoder(self, contexts: Sequence[Sequence[int]]) -> CachedDecoder:
        """Read contexts into a cache and be ready to grow them by one token at a time."""
        return CachedDecoder(self._forward, [list(context) for context in contexts])

    def packed(self, tree: TokenTree, *, longest: int) -> tuple[PackedReader | None, str]:
        """Be ready to read packed rows of a token tree, where a probe shows that the model can.

        Parameters
        ----------
        tree : TokenTree
        longest : int
            Tokens of the longest sequence in it; the probe is as long, and repeated for longer ones only.

        Returns
        -------
        PackedReader or None
            None where packed rows are not read exactly.
        str
            What the probe found.
        """
        if longest > self._probed[0]:
            self._probed = (longest, *reads_packed_rows(self._forward, longest=longest))
        _, able, found = self._probed
        reader = PackedReader(self._forward, tree, on_split=self._count_halving) if able else None
        return reader, found

    def attention(
        self,
        contexts: Sequence[Sequence[int]],
        *,
        see: Callable[[int, Sequence[Float[np.ndarray, "head _"]]], None],
    ) -> tuple[int, str]:
        """Show the attention of the last token of each context; see `Attentive`.

        Raises
        ------
        ContextTooLong
            A context exceeds `max_length`.
        """
        for ids in contexts:
            self._check(_Job(ids=list(ids), positions=[len(ids) - 1]), None)
        return attention_at_ends(self._forward, contexts, see=see)

    def _draw(
        self,
        part: Sequence[tuple[list[int], np.random.Generator]],
        *,
        max_new_tokens: int,
        temperature: float,
    ) -> Sequence[Completion]:
        rngs = [rng for _, rng in part]
        states = [copy.deepcopy(rng.bit_generator.state) for rng in rngs]
        try:
            return decode(
                self.decoder([context for context, _ in part]),
                rngs=rngs,
                budgets=[min(max_new_tokens, self._max_length - len(context)) for context, _ in part],
                temperature=temperature,
                stop_ids=self._stop_ids,
            )
        except (RuntimeError, MemoryError) as error:
            if is_out_of_memory(error):  # the halves start over and must draw the same numbers
                for rng, state in zip(rngs, states, strict=True):
                    rng.bit_generator.state = state
            raise

    def _in_halves(self, function: Any, items: Sequence[Any]) -> list[Any]:  # noqa: ANN401
        try:
            return run_in_halves(function, items, on_split=self._count_halving)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise ModelError(
                f"a single sequence does not fit into the memory of {self._forward.device}: shorten it, "
                f"load in "
                f"a smaller dtype, or spread the model with --device balanced ({error})"
            ) from error

    def _count_halving(self) -> None:
        self.n_halvings += 1

    def _rows(self, jobs: Sequence[_Job], prefix: CachedPrefix | None) -> list[_Features]:
        with torch.inference_mode():
            features = self._features([job.ids for job in jobs], prefix)
            rows = []
            for b, job in enumerate(jobs):
                asked = torch.tensor(
                    [max(p, 0) for p in job.positions], dtype=torch.long, device=features.device
                )
                taken = features[b].index_select(0, asked)
                if prefix is not None and -1 in job.positions:
                    at_prefix = torch.tensor([p == -1 for p in job.positions], device=features.device)
                    taken = torch.where(at_prefix[:, None], prefix.last.to(features.device), taken)
                rows.append(taken)
            return rows

    def _features(
        self, sequences: list[list[int]], prefix: CachedPrefix | None
    ) -> Float[Tensor, "row time feature"]:
        if prefix is not None and not any(sequences):
            return prefix.last.expand(len(sequences), 1, -1)
        cached, cache = 0, None
        if prefix is not None:
            cached, cache = len(prefix.ids), copy.deepcopy(prefix.cache)
            cache.batch_repeat_interleave(len(sequences))
        batch = pad_right(sequences, cached=cached, device=self._forward.device)
        features, _ = self._forward(batch, cache=cache)
        return features

    def _readout(self, rows: _Features) -> Readout:
        head = self._forward.head
        check_finite(rows, what="logits" if head is None else "hidden states")
        if head is None:
            return LogitReadout(logits=rows)
        return HeadReadout(hidden=rows.to(head.weight.device), head=head)

    def _no_rows(self) -> _Features:
        head = self._forward.head
        if head is not None:
            return head.weight.new_empty((0, head.weight.shape[1]))
        return torch.empty((0, self.vocab_size), device=self._forward.device)

    def _own(self, prefix: Prefix | None) -> CachedPrefix | None:
        if prefix is None:
            return None
        if not isinstance(prefix, CachedPrefix) or prefix.owner is not self._forward:
            raise InputError("the prefix was made by another model; use this model's own `extend`")
        return prefix

    def _check(self, job: _Job, prefix: CachedPrefix | None, *, room: int = 0) -> None:
        before = 0 if prefix is None else len(prefix.ids)
        if before + len(job.ids) + room > self._max_length:
            raise ContextTooLong(
                f"{before + len(job.ids)} tokens of context{' leave no room in' if room else ' exceed'} the "
                f"{self._max_length} the model was made for; shorten the prompt"
            )
        lowest = 0 if prefix is None else -1
        if not all(lowest <= p < len(job.ids) for p in job.positions):
            raise InputError(f"positions {job.positions} reach outside a sequence of {len(job.ids)} tokens")
        if not all(0 <= i < self.vocab_size for i in job.ids):
            bad = next(i for i in job.ids if not 0 <= i < self.vocab_size)
            raise InputError(f"token id {bad} lies outside the model's vocabulary of {self.vocab_size}")
