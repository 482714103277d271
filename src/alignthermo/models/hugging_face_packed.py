"""The native forward over packed rows of a token tree: one call, many branches, an explicit mask."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from alignthermo.errors import ModelError
from alignthermo.models.forward import MaskedBatch, NativeForward, pad_right
from alignthermo.models.heads import check_finite
from alignthermo.models.hugging_face_tree import TokenTree
from alignthermo.models.out_of_memory import is_out_of_memory, run_in_halves
from alignthermo.quantities import HeadReadout, LogitReadout, Readout

__all__ = ["PackedChain", "PackedReader", "PackedRow", "attention_window", "masked_forward"]

Layers = tuple[tuple[Tensor, Tensor], ...]
_Rows = Int[np.ndarray, "row time"]


@dataclass(frozen=True, kw_only=True)
class PackedChain:
    """Keys and values of a chain of tokens, each the parent of the next.

    Attributes
    ----------
    tokens : int64 array, shape (key,)
        Which tokens of the tree, in order.
    layers : per layer a tensor of keys and one of values, shape (1, head, key, feature)
    """

    tokens: Int[np.ndarray, " key"]
    layers: Layers

    def first(self, n: int) -> "PackedChain":
        """Return the first `n` tokens of the chain, as views."""
        if n == len(self.tokens):
            return self
        cut = tuple((k[..., :n, :], v[..., :n, :]) for k, v in self.layers)
        return PackedChain(tokens=self.tokens[:n], layers=cut)


@dataclass(frozen=True, kw_only=True)
class PackedRow:
    """What one row gave: features of its tokens and, where asked for, all it could see.

    Attributes
    ----------
    features : tensor, shape (time, feature)
        Final hidden states, or logits of a model without a head.
    keys : int64 array, shape (key,)
        The tokens of the tree that `layers` hold: the past, then the row's own.
    visible : bool array, shape (time, key)
    layers : as in `PackedChain`, or empty
    """

    features: Float[Tensor, "time feature"]
    keys: Int[np.ndarray, " key"]
    visible: Bool[np.ndarray, "time key"]
    layers: Layers

    def chain(self, time: int) -> PackedChain:
        """Return keys and values of everything that the token at `time` sees, itself included."""
        seen = np.flatnonzero(self.visible[time])
        at = torch.from_numpy(seen)
        layers = tuple(
            (k.index_select(2, at.to(k.device)), v.index_select(2, at.to(v.device))) for k, v in self.layers
        )
        return PackedChain(tokens=self.keys[seen], layers=layers)


class PackedReader:
    """Reads rows of one token tree through the native forward.

    Every token is given its own position and sees its ancestors only; the cache keeps every key, and a
    sliding window is part of the mask. Whether an architecture honours all this is not assumed but probed,
    see `alignthermo.models.hugging_face_probe`.

    Parameters
    ----------
    forward : NativeForward
    tree : TokenTree
    on_split : callable
        Told whenever a batch had to be halved for want of memory.
    """

    def __init__(self, forward: NativeForward, tree: TokenTree, *, on_split: Callable[[], None]) -> None:
        self.forward = forward
        self._tree = tree
        self._on_split = on_split
        self._plainly_causal = attention_window(forward) == (("full_attention",), None)

    @property
    def width(self) -> int:
        """Elements that one token leaves behind: those of a hidden state, or of logits."""
        head = self.forward.head
        return self.forward.vocab_size if head is None else int(head.weight.shape[1])

    def read(
        self, rows: Sequence[Int[np.ndarray, " _"]], *, past: PackedChain | None, keep: bool
    ) -> list[PackedRow]:
        """Read rows of tokens whose ancestors all are in the row itself or in `past`.

        Raises
        ------
        ModelError
            A single row does not fit into memory.
        """
        try:
            return run_in_halves(
                lambda part: self._read(part, past, keep=keep), list(rows), on_split=self._on_split
            )
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise ModelError(
                f"{max(map(len, rows))} packed tokens do not fit into the memory of {self.forward.device}: "
                f"lower tokens_per_pass and max_cached_tokens ({error})"
            ) from error

    def readout(self, features: Float[Tensor, "token feature"]) -> Readout:
        """Turn features of chosen tokens into what `LanguageModel.read` gives.

        Raises
        ------
        NonFiniteLogits
            NaN or +inf among them.
        """
        head = self.forward.head
        check_finite(features, what="logits" if head is None else "hidden states")
        if head is None:
            return LogitReadout(logits=features)
        return HeadReadout(hidden=features.to(head.weight.device), head=head)

    def _read(
        self, rows: Sequence[Int[np.ndarray, " _"]], past: PackedChain | None, *, keep: bool
    ) -> list[PackedRow]:
        queries = _padded(rows)
        known = np.empty(0, dtype=np.int64) if past is None else past.tokens
        keys = np.concatenate([np.broadcast_to(known, (len(rows), known.size)), queries], axis=1)
        visible = self._visible(queries, keys)
        if past is None and len(rows) == 1 and self._plainly_causal and self._is_beginning(rows[0]):
            return [self._read_beginning(rows[0], visible[0], keep=keep)]
        ids = np.where(queries < 0, 0, self._tree.ids[queries])
        with torch.inference_mode():
            features, layers = masked_forward(
                self.forward,
                torch.from_numpy(ids),
                positions=torch.from_numpy(self._depth(queries)),
                visible=torch.from_numpy(visible),
                distance=self._distance(queries, keys),
                cache=None if past is None else _repeated(past.layers, len(rows)),
                keep=keep,
            )
        return [
            PackedRow(
                features=features[b, : len(row)],
                keys=keys[b],
                visible=visible[b, : len(row)],
                layers=tuple((k[b : b + 1], v[b : b + 1]) for k, v in layers),
            )
            for b, row in enumerate(rows)
        ]

    def _is_beginning(self, tokens: Int[np.ndarray, " time"]) -> bool:
        """Whether tokens are the beginning of a sequence, each the parent of the next."""
        in_order = np.array_equal(self._tree.depth[tokens], np.arange(len(tokens)))
        return in_order and bool((self._tree.end[tokens] > tokens[-1]).all())

    def _read_beginning(
        self, tokens: Int[np.ndarray, " time"], visible: Bool[np.ndarray, "time key"], *, keep: bool
    ) -> PackedRow:
        """Read a plain sequence without a mask: causal attention skips what is not seen, half of all."""
        batch = pad_right([self._tree.ids[tokens].tolist()], cached=0, device=self.forward.device)
        with torch.inference_mode():
            features, grown = self.forward(batch, cache=_plain_cache() if keep else None, keep_cache=keep)
        layers = () if grown is None else tuple((layer.keys, layer.values) for layer in grown.layers)
        return PackedRow(features=features[0], keys=tokens, visible=visible, layers=layers)

    def _visible(self, queries: _Rows, keys: Int[np.ndarray, "row key"]) -> Bool[np.ndarray, "row time key"]:
        # Padding keys end before they begin. 32-bit numbers: half the memory to go through.
        end = np.where(keys < 0, -1, self._tree.end[keys]).astype(np.int32)
        q, k = queries.astype(np.int32)[:, :, None], keys.astype(np.int32)[:, None, :]
        return np.asarray((k <= q) & (q < end[:, None, :]))

    def _distance(
        self, queries: _Rows, keys: Int[np.ndarray, "row key"]
    ) -> Int[Tensor, "row time key"] | None:
        """How far back each key lies; None where no window asks."""
        if attention_window(self.forward)[1] is None:
            return None
        return torch.from_numpy(self._depth(queries)[:, :, None] - self._depth(keys)[:, None, :])

    def _depth(self, tokens: _Rows) -> _Rows:
        return np.where(tokens < 0, 0, self._tree.depth[tokens])


def masked_forward(  # noqa: PLR0913 - everything an explicit mask needs, all of it named
    forward: NativeForward,
    ids: Int[Tensor, "row time"],
    *,
    positions: Int[Tensor, "row time"],
    visible: Bool[Tensor, "row time key"],
    distance: Int[Tensor, "row time key"] | None,
    cache: Any,  # noqa: ANN401
    keep: bool,
) -> tuple[Float[Tensor, "row time feature"], Layers]:
    """Run the native forward with every mask given, window and all.

    Parameters
    ----------
    forward : NativeForward
    ids, positions : tensors, shape (row, time)
    visible : tensor, shape (row, time, key)
        Which keys (those of the cache, then the row's own) each token may see.
    distance : tensor, shape (row, time, key), or None
        How many positions before the token each key lies: what a sliding window is compared with, and needed
        only where there is one.
    cache : transformers cache of full layers, or None
    keep : bool
        Whether the grown cache is returned.
    """
    device = forward.device
    full = visible.to(device)
    kinds, window = attention_window(forward)
    masks = {"full_attention": _additive(full, forward.model.dtype)}
    if window is not None and distance is not None:
        masks["sliding_attention"] = _additive(full & (distance.to(device) < window), forward.model.dtype)
    mask = {kind: masks[kind] for kind in kinds} if len(kinds) > 1 else masks[kinds[0]]
    if keep and cache is None:
        cache = _plain_cache()
    batch = MaskedBatch(ids=ids.to(device), mask=mask, positions=positions.to(device))
    features, grown = forward(batch, cache=cache, keep_cache=keep)
    layers = () if grown is None else tuple((layer.keys, layer.values) for layer in grown.layers)
    return features, layers


def attention_window(forward: NativeForward) -> tuple[tuple[str, ...], int | None]:
    """Which kinds of attention the model's layers have, and how far the sliding ones see."""
    config = forward.model.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    kinds = tuple(sorted(set(getattr(config, "layer_types", None) or ())))
    if not kinds:
        kinds = ("full_attention",) if window is None else ("sliding_attention",)
    return kinds, None if "sliding_attention" not in kinds or window is None else int(window)


def _additive(visible: Bool[Tensor, "row time key"], dtype: torch.dtype) -> Float[Tensor, "row 1 time key"]:
    # The lowest number, not −inf: a padding token sees nothing, and a softmax over −inf alone is NaN.
    hidden = torch.full((), torch.finfo(dtype).min, dtype=dtype, device=visible.device)
    return torch.where(visible, torch.zeros_like(hidden), hidden)[:, None]


def _padded(rows: Sequence[Int[np.ndarray, " _"]]) -> _Rows:
    padded = np.full((len(rows), max(map(len, rows))), -1, dtype=np.int64)
    for b, row in enumerate(rows):
        padded[b, : len(row)] = row
    return padded


def _plain_cache() -> Any:  # noqa: ANN401
    """Without a configuration its layers keep every key, whatever the model's own windows are."""
    from transformers import DynamicCache

    return DynamicCache()


def _repeated(layers: Layers, rows: int) -> Any:  # noqa: ANN401
    cache = _plain_cache()
    for number, (k, v) in enumerate(layers):
        cache.update(k.expand(rows, -1, -1, -1), v.expand(rows, -1, -1, -1), number)
    return cache
