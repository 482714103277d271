"""How much of a model's attention lies on its instruction, layer by layer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from alignthermo.errors import InputError
from alignthermo.quantities import LanguageModel

__all__ = ["Attentive", "InstructionAttention", "instruction_attention"]

_SUM_TOLERANCE = 0.02


@runtime_checkable
class Attentive(Protocol):
    """A language model that may be able to show its attention."""

    def attention(
        self, ids: Sequence[int], *, positions: Sequence[int]
    ) -> tuple[list[list[Float[np.ndarray, "head key"]]] | None, str]:
        """Return attention weights of the tokens at ascending positions, or None and why there are none.

        For each position and layer an array, shape (head, key), over the last keys up to the token itself
        (all of them, or those a sliding window leaves).
        """
        ...


@dataclass(frozen=True, kw_only=True)
class InstructionAttention:
    r"""Share of attention on the instruction's tokens.

    .. math:: a_l(t) = \frac1H \sum_h \sum_{k \in I} A^{(l, h)}_{t k}

    A weight is not an influence: values may be small where weights are large. Formula F-237 in
    docs/formulas.md.

    Attributes
    ----------
    positions : int64 array
        Place of the token that attends, in the whole context.
    mass : array, shape (layer, position)
        Mean over heads; shape (1, position) of NaN where the model shows none.
    share_of_tokens : array, shape (position,)
        What uniform attention would give: instruction tokens over all up to here.
    reason : str
        Why there is none.
    """

    positions: Int[np.ndarray, " position"]
    mass: Float[np.ndarray, "layer position"]
    share_of_tokens: Float[np.ndarray, " position"]
    reason: str = ""


def instruction_attention(
    model: LanguageModel,
    ids: Sequence[int],
    *,
    instruction: tuple[int, int],
    positions: Sequence[int],
) -> InstructionAttention:
    """Read a context once and add up the attention on a span of it.

    Parameters
    ----------
    model : LanguageModel
        One that is `Attentive`; others give NaN and the reason.
    ids : sequence of int
        The whole context.
    instruction : (start, stop)
        Tokens of the instruction.
    positions : sequence of int
        Ascending places of the tokens that attend.

    Raises
    ------
    InputError
        A span or position outside the context, or positions out of order.
    ContextTooLong
        The context exceeds the model's length.
    """
    start, stop = instruction
    if not 0 <= start < stop <= len(ids):
        raise InputError(f"instruction_attention: span {start}:{stop} in {len(ids)} tokens")
    if list(positions) != sorted(set(positions)) or not all(0 <= place < len(ids) for place in positions):
        raise InputError(f"instruction_attention: positions must ascend within {len(ids)} tokens")
    at = np.array(positions, dtype=np.int64)
    share = np.clip(at + 1 - start, 0, stop - start) / (at + 1)
    if not isinstance(model, Attentive):
        return _none(at, share, "this model gives no attention")
    weights, reason = model.attention(ids, positions=positions)
    if weights is None:
        return _none(at, share, reason)
    sums = [float(layer.sum(axis=-1).max()) for one in weights for layer in one]
    if not max(sums, default=0.0) <= 1.0 + _SUM_TOLERANCE:
        return _none(at, share, f"the weights of one token add up to {max(sums):.3f}, not to at most 1")
    mass = [
        [_mass(layer, place, start, stop) for layer in one]
        for place, one in zip(positions, weights, strict=True)
    ]
    return InstructionAttention(
        positions=at, mass=np.array(mass, dtype=np.float64).T, share_of_tokens=share, reason=reason
    )


def _mass(weights: Float[np.ndarray, "head key"], place: int, start: int, stop: int) -> float:
    first = place + 1 - weights.shape[1]  # a sliding window keeps the last keys only
    span = slice(max(0, start - first), max(0, stop - first))
    return float(weights[:, span].sum(axis=1).mean())


def _none(
    positions: Int[np.ndarray, " position"], share: Float[np.ndarray, " position"], reason: str
) -> InstructionAttention:
    return InstructionAttention(
        positions=positions,
        mass=np.full((1, len(positions)), math.nan),
        share_of_tokens=share,
        reason=reason,
    )
