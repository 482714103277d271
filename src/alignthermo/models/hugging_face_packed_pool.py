"""Decoding many contexts of one token tree from one common store of keys: shared beginnings are held once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from alignthermo.models.forward import NativeForward
from alignthermo.models.heads import readout_logits
from alignthermo.models.hugging_face_packed import Layers, PackedRow, attention_window, masked_forward
from alignthermo.models.hugging_face_tree import TokenTree
from alignthermo.quantities import HeadReadout, LogitReadout

__all__ = ["KeyPool", "PooledDecoder"]


@dataclass(frozen=True, kw_only=True)
class KeyPool:
    """Keys and values of distinct tokens of a tree, in any order.

    Attributes
    ----------
    tree : TokenTree
    tokens : int64 array, shape (key,)
    layers : per layer a tensor of keys and one of values, shape (1, head, key, feature)
    """

    tree: TokenTree
    tokens: Int[np.ndarray, " key"]
    layers: Layers

    @classmethod
    def of(cls, tree: TokenTree, rows: Sequence[PackedRow]) -> "KeyPool":
        """Gather what some rows hold, every token of the tree once and padding not at all."""
        held = np.zeros(tree.n_tokens, dtype=np.bool_)
        kept: list[Int[np.ndarray, " _"]] = []
        for row in rows:
            new = np.flatnonzero((row.keys >= 0) & ~held[row.keys])
            held[row.keys[new]] = True
            kept.append(new)
        tokens = np.concatenate([row.keys[new] for row, new in zip(rows, kept, strict=True)])
        return cls(tree=tree, tokens=tokens, layers=_gathered(rows, kept))

    def visible(self, ends: Int[np.ndarray, " row"]) -> Bool[np.ndarray, "row key"]:
        """Say which keys the tokens `ends` see, themselves included."""
        q, k = ends[:, None], self.tokens[None]
        return np.asarray((k <= q) & (q < self.tree.end[k]))


def _gathered(rows: Sequence[PackedRow], kept: Sequence[Int[np.ndarray, " _"]]) -> Layers:
    at = [torch.from_numpy(new) for new in kept]
    layers = []
    for number in range(len(rows[0].layers)):
        pair = []
        for side in (0, 1):
            states = [row.layers[number][side] for row in rows]
            pair.append(
                torch.cat([s.index_select(2, a.to(s.device)) for s, a in zip(states, at, strict=True)], dim=2)
            )
        layers.append((pair[0], pair[1]))
    return tuple(layers)


class PooledDecoder:
    """Sequences that grow as further branches of a tree; see `alignthermo.models.decoding.Decoder`.

    The next tokens of all sequences are one packed row, so a step computes as many tokens as there are
    sequences and copies one store of keys, not one for each. Keys of finished sequences stay, unseen.

    Parameters
    ----------
    forward : NativeForward
    pool : KeyPool
    ends : int64 array, shape (row,)
        Last token of each context.
    last : tensor, shape (row, feature)
        Its features.
    """

    def __init__(
        self,
        forward: NativeForward,
        pool: KeyPool,
        *,
        ends: Int[np.ndarray, " row"],
        last: Float[Tensor, "row feature"],
    ) -> None:
        self._forward, self._last, self._layers = forward, last, pool.layers
        self._windowed = attention_window(forward)[1] is not None
        self._visible = torch.from_numpy(pool.visible(ends))
        self._depth: Int[Tensor, " key"] = torch.from_numpy(pool.tree.depth[pool.tokens])
        self._next: Int[Tensor, " row"] = torch.from_numpy(pool.tree.depth[ends] + 1)

    def logits(self) -> Float[Tensor, "row vocab"]:
        """Logits of the next token of each row, never below float32."""
        head = self._forward.head
        with torch.inference_mode():
            return readout_logits(
                LogitReadout(logits=self._last)
                if head is None
                else HeadReadout(hidden=self._last.to(head.weight.device), head=head)
            )

    def advance(self, tokens: Sequence[int], rows: Sequence[int]) -> None:
        """Keep `rows` and append a token to each."""
        from transformers import DynamicCache

        kept = torch.tensor(list(rows))
        self._next = self._next[kept]
        own = torch.eye(len(kept), dtype=torch.bool)
        self._visible = torch.cat([self._visible[kept], own], dim=1)
        self._depth = torch.cat([self._depth, self._next])
        cache = DynamicCache()
        with torch.inference_mode():
            for number, (k, v) in enumerate(self._layers):
                cache.update(k, v, number)
            features, self._layers = masked_forward(
                self._forward,
                torch.tensor(list(tokens))[None],
                positions=self._next[None],
                visible=self._visible[None],
                distance=(self._next[:, None] - self._depth)[None] if self._windowed else None,
                cache=cache,
                keep=True,
            )
        self._next = self._next + 1
        self._last = features[0]
