"""Attention weights of single tokens of a context, where the native implementation can show them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from alignthermo.models.forward import NativeForward, pad_right

__all__ = ["attention_of"]

# What a model raises that has no eager attention, or layers without attention.
_REFUSALS = (RuntimeError, ValueError, TypeError, AttributeError, KeyError, NotImplementedError)


def attention_of(
    forward: NativeForward, ids: list[int], *, positions: Sequence[int]
) -> tuple[list[list[Float[np.ndarray, "head key"]]] | None, str]:
    """Read a context once and look at the attention of some of its tokens.

    Only ``eager`` attention shows its weights, so the model is switched to it for the time of the call. Each
    token looked at is read alone after the cache of what stands before it: weights of one token at a time are
    all that is ever held.

    Parameters
    ----------
    forward : NativeForward
    ids : list of int
    positions : sequence of int
        Ascending.

    Returns
    -------
    list of lists of arrays, or None
        Per position and layer, shape (head, key).
    str
        How they were had, or why not.
    """
    try:
        with torch.inference_mode(), _eager(forward.model) as how:
            found = _walk(forward, ids, positions)
    except _REFUSALS as error:
        return None, f"the model shows no attention ({type(error).__name__}: {str(error)[:120]})"
    if any(not one for one in found):
        return None, "the model shows no attention: its layers return no weights"
    return found, how


def _walk(
    forward: NativeForward, ids: list[int], positions: Sequence[int]
) -> list[list[Float[np.ndarray, "head key"]]]:
    found, cache, read = [], None, 0
    for position in positions:
        if position > read:
            batch = pad_right([ids[read:position]], cached=read, device=forward.device)
            _, cache = forward(batch, cache=cache, keep_cache=True, last_only=True)
        batch = pad_right([[ids[position]]], cached=position, device=forward.device)
        weights, cache = forward.attend(batch, cache=cache)
        found.append([layer[0, :, 0].double().cpu().numpy() for layer in weights])
        read = position + 1
    return found


@contextmanager
def _eager(model: Any) -> Iterator[str]:  # noqa: ANN401
    before = model.config._attn_implementation
    if before == "eager":
        yield "eager attention"
        return
    model.set_attn_implementation("eager")
    try:
        yield f"read with eager attention in the place of {before}"
    finally:
        model.set_attn_implementation(before)
