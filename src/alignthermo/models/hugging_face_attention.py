"""Attention weights of the last tokens of contexts, where the native implementation can show them."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from alignthermo.models.forward import NativeForward, pad_right

__all__ = ["SeeWeights", "attention_at_ends"]

SeeWeights = Callable[[int, Sequence[Float[np.ndarray, "head _"]]], None]
"""Is told the number of a context, and its weights layer by layer."""

# What a model raises that has no eager attention, or layers without attention.
_REFUSALS = (RuntimeError, ValueError, TypeError, AttributeError, KeyError, NotImplementedError)


def attention_at_ends(
    forward: NativeForward, contexts: Sequence[Sequence[int]], *, see: SeeWeights
) -> tuple[int, str]:
    """Look at the attention of the last token of each context; what neighbours begin with is read once.

    Only ``eager`` attention shows its weights, and it holds all weights of what it reads. So everything but
    the last token is read with the model's own implementation, and the model is switched for that one token.

    Parameters
    ----------
    forward : NativeForward
    contexts : sequence of sequence of int
        In an order in which each begins like the one before it, as far as it can be.
    see : callable
        Called once for every context.

    Returns
    -------
    int
        Tokens read; 0 where the model shows no attention.
    str
        How they were had, or why not.
    """
    try:
        with torch.inference_mode():
            return _Walk(forward, contexts).all(see), _how(forward)
    except _NoWeightsError as error:
        return 0, f"the model shows no attention: {error}"
    except _REFUSALS as error:
        return 0, f"the model shows no attention ({type(error).__name__}: {str(error)[:120]})"


class _NoWeightsError(Exception):
    """The eager forward gave no weights."""


class _Walk:
    """Reads contexts along a cache of what the next one begins with, too."""

    def __init__(self, forward: NativeForward, contexts: Sequence[Sequence[int]]) -> None:
        self._forward = forward
        self._contexts = [list(ids) for ids in contexts]
        self._cache: Any = None
        self._cached = 0
        self._read = 0

    def all(self, see: SeeWeights) -> int:
        """Look at the last token of every context and return how many tokens were read."""
        for number, ids in enumerate(self._contexts):
            follows = self._contexts[number + 1] if number + 1 < len(self._contexts) else []
            shared = _common(ids, follows)
            stem = max(self._cached, min(shared, len(ids) - 1))
            self._cache = self._extended(self._cache, ids[self._cached : stem], self._cached)
            self._cached = stem
            branch = copy.deepcopy(self._cache) if shared else self._cache
            branch = self._extended(branch, ids[stem:-1], stem)
            see(number, self._weights(ids, branch))
            if shared < self._cached or not shared:
                self._cache, self._cached = None, 0
        return self._read

    def _extended(self, cache: Any, ids: list[int], cached: int) -> Any:  # noqa: ANN401
        if not ids:
            return cache
        self._read += len(ids)
        batch = pad_right([ids], cached=cached, device=self._forward.device)
        return self._forward(batch, cache=cache, keep_cache=True, last_only=True)[1]

    def _weights(self, ids: list[int], cache: Any) -> list[Float[np.ndarray, "head _"]]:  # noqa: ANN401
        self._read += 1
        batch = pad_right([ids[-1:]], cached=len(ids) - 1, device=self._forward.device)
        with _eager(self._forward.model):
            weights, _ = self._forward.attend(batch, cache=cache)
        if not weights:
            raise _NoWeightsError("its layers return no weights")
        return [layer[0, :, 0].double().cpu().numpy() for layer in weights]


def _common(a: list[int], b: list[int]) -> int:
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _how(forward: NativeForward) -> str:
    before = forward.model.config._attn_implementation
    return "eager attention" if before == "eager" else f"read with eager attention in the place of {before}"


@contextmanager
def _eager(model: Any) -> Iterator[None]:  # noqa: ANN401
    before = model.config._attn_implementation
    if before == "eager":
        yield
        return
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(before)
