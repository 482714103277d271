"""The native transformers forward: token ids in, final hidden states (or logits) and a cache out."""

import inspect
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from alignthermo.quantities import OutputHead

__all__ = ["Batch", "MaskedBatch", "NativeForward", "pad_left", "pad_right"]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Padded token ids with the mask over cache and ids, and the position of every id."""

    ids: Int[Tensor, "row time"]
    mask: Int[Tensor, "row cached_and_time"]
    positions: Int[Tensor, "row time"]


@dataclass(frozen=True, kw_only=True)
class MaskedBatch:
    """Token ids with a mask that is added to the attention scores as it is, or one per kind of layer."""

    ids: Int[Tensor, "row time"]
    mask: Float[Tensor, "row 1 time cached_and_time"] | dict[str, Float[Tensor, "row 1 time cached_and_time"]]
    positions: Int[Tensor, "row time"]


def pad_right(sequences: list[list[int]], *, cached: int, device: torch.device) -> Batch:
    """Pad on the right after `cached` tokens that every row shares: nothing real ever sees the padding."""
    ids, present = _pad(sequences, left=False, device=device)
    rows, longest = ids.shape
    before = torch.ones((rows, cached), dtype=torch.long, device=device)
    positions = torch.arange(cached, cached + longest, device=device).expand(rows, -1)
    return Batch(ids=ids, mask=torch.cat([before, present], dim=1), positions=positions)


def pad_left(sequences: list[list[int]], *, device: torch.device) -> Batch:
    """Pad on the left, so that all rows end together; positions count real tokens only."""
    ids, present = _pad(sequences, left=True, device=device)
    return Batch(ids=ids, mask=present, positions=(present.cumsum(dim=1) - 1).clamp_min(0))


def _pad(
    sequences: list[list[int]], *, left: bool, device: torch.device
) -> tuple[Int[Tensor, "row time"], Int[Tensor, "row time"]]:
    longest = max(map(len, sequences))
    rows, present = [], []
    for sequence in sequences:
        blank = [0] * (longest - len(sequence))
        rows.append(blank + sequence if left else sequence + blank)
        ones = [1] * len(sequence)
        present.append(blank + ones if left else ones + blank)
    return torch.tensor(rows, device=device), torch.tensor(present, device=device)


class NativeForward:
    """One side of a pair: a causal language model, and whether its adapter is switched on.

    Parameters
    ----------
    model : transformers PreTrainedModel
        The causal language model itself, adapter layers injected where there is an adapter.
    head : OutputHead or None
        With a head the backbone alone runs and gives hidden states; without one the whole model runs
        and gives logits.
    adapter : peft PeftModel, optional
        The wrapper that can switch the adapter off.
    adapter_on : bool
        Whether this side reads with the adapter.
    """

    def __init__(
        self,
        model: Any,  # noqa: ANN401
        *,
        head: OutputHead | None,
        adapter: Any = None,  # noqa: ANN401
        adapter_on: bool = True,
    ) -> None:
        self.model = model
        self.head = head
        self._adapter = adapter
        self._adapter_on = adapter_on
        self._runner = model if head is None else getattr(model, model.base_model_prefix)
        self._accepts = frozenset(inspect.signature(self._runner.forward).parameters)

    @property
    def device(self) -> torch.device:
        """Where token ids go."""
        device: torch.device = self.model.get_input_embeddings().weight.device
        return device

    @property
    def vocab_size(self) -> int:
        """Width of the logits."""
        if self.head is not None:
            return self.head.vocab_size
        return int(self.model.config.get_text_config().vocab_size)

    def __call__(
        self,
        batch: Batch | MaskedBatch,
        *,
        cache: Any = None,  # noqa: ANN401
        keep_cache: bool = False,
        last_only: bool = False,
    ) -> tuple[Float[Tensor, "row kept feature"], Any]:
        """Run a batch after what `cache` holds; the cache grows in place.

        Returns
        -------
        tensor, shape (row, time or 1, feature)
            Hidden states after the last norm, or logits.
        cache or None
            The grown cache where `keep_cache` asked for it.
        """
        arguments = self._arguments(batch, cache, keep_cache=keep_cache)
        if last_only and "logits_to_keep" in self._accepts:
            arguments["logits_to_keep"] = 1
        with self._adapter_state():
            output = self._runner(**arguments)
        features = output.logits if self.head is None else output.last_hidden_state
        if last_only:
            features = features[:, -1:]
        return features, output.past_key_values if keep_cache else None

    def attend(self, batch: Batch, *, cache: Any = None) -> tuple[tuple[Tensor, ...], Any]:  # noqa: ANN401
        """Run a batch after what `cache` holds, with the attention weights of its tokens.

        Returns
        -------
        tuple of tensors, shape (row, head, time, key)
            One per layer; empty where the attention implementation of the moment does not give them.
        cache
            Grown.
        """
        with self._adapter_state():
            output = self._runner(**self._arguments(batch, cache, keep_cache=True), output_attentions=True)
        weights = tuple(w for w in getattr(output, "attentions", None) or () if w is not None)
        return weights, output.past_key_values

    def _arguments(self, batch: Batch | MaskedBatch, cache: Any, *, keep_cache: bool) -> dict[str, Any]:  # noqa: ANN401
        arguments = {
            "input_ids": batch.ids,
            "attention_mask": batch.mask,
            "past_key_values": cache,
            "use_cache": keep_cache,
            "return_dict": True,
        }
        if "position_ids" in self._accepts:
            arguments["position_ids"] = batch.positions
        return arguments

    def _adapter_state(self) -> AbstractContextManager[Any]:
        if self._adapter is None or self._adapter_on:
            return nullcontext()
        context: AbstractContextManager[Any] = self._adapter.disable_adapter()
        return context
