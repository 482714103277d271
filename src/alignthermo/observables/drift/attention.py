"""How much of a model's attention lies on its instruction, layer by layer."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from alignthermo.errors import InputError
from alignthermo.quantities import LanguageModel

__all__ = ["Attentive", "InstructionAttention", "instruction_attention"]

_SUM_TOLERANCE = 0.02
Span = tuple[int, int]


@runtime_checkable
class Attentive(Protocol):
    """A language model that may be able to show its attention."""

    def attention(
        self,
        contexts: Sequence[Sequence[int]],
        *,
        see: Callable[[int, Sequence[Float[np.ndarray, "head _"]]], None],
    ) -> tuple[int, str]:
        """Show the weights of the last token of each context; return tokens read and how, or 0 and why not.

        `see` is told the number of a context and, for each layer, an array, shape (head, key), over the last
        keys up to the token itself (all of them, or those a sliding window leaves).
        """
        ...


@dataclass(frozen=True, kw_only=True)
class InstructionAttention:
    r"""Share of attention of the last token of a context on the instruction's tokens.

    .. math:: a_l = \frac1H \sum_h \sum_{k \in I} A^{(l, h)}_{t k}

    A weight is not an influence: values may be small where weights are large. Formula F-237 in
    docs/formulas.md.

    Attributes
    ----------
    mass : tuple of float
        By layer, mean over heads; empty where the model shows none.
    uniform : float
        What uniform attention would give: instruction tokens over all.
    reason : str
        Why there is none, or how it was had.
    """

    mass: tuple[float, ...]
    uniform: float
    reason: str = ""


def instruction_attention(
    model: LanguageModel, contexts: Sequence[Sequence[int]], *, instructions: Sequence[Span]
) -> tuple[tuple[InstructionAttention, ...], int]:
    """Add up the attention that the last token of each context pays to a span of it.

    Contexts of one conversation cost about as much as the longest of them: shorter ones first, what each
    shares with the next is read once.

    Parameters
    ----------
    model : LanguageModel
        One that is `Attentive`; of others nothing is known, for a reason.
    contexts : sequence of sequence of int
    instructions : sequence of (start, stop)
        Tokens of the instruction in each.

    Returns
    -------
    tuple of InstructionAttention
        One for each context.
    int
        Tokens that were read for them.

    Raises
    ------
    InputError
        A span outside its context.
    ContextTooLong
        A context exceeds the model's length.
    """
    for ids, (start, stop) in zip(contexts, instructions, strict=True):
        if not 0 <= start < stop <= len(ids):
            raise InputError(f"instruction_attention: span {start}:{stop} in {len(ids)} tokens")
    order = sorted(range(len(contexts)), key=lambda number: len(contexts[number]))
    masses: dict[int, tuple[float, ...]] = {}
    wrong: dict[int, str] = {}

    def see(place: int, weights: Sequence[Float[np.ndarray, "head _"]]) -> None:
        number = order[place]
        most = max(float(layer.sum(axis=-1).max()) for layer in weights)
        if not most <= 1.0 + _SUM_TOLERANCE:
            wrong[number] = f"the weights of one token add up to {most:.3f}, not to at most 1"
            return
        span, length = instructions[number], len(contexts[number])
        masses[number] = tuple(_mass(layer, span, length) for layer in weights)

    read, how = 0, "this model gives no attention"
    if isinstance(model, Attentive):
        read, how = model.attention([contexts[number] for number in order], see=see)
    if not read:
        masses = {}
    found = tuple(
        InstructionAttention(
            mass=masses.get(number, ()),
            uniform=(stop - start) / len(contexts[number]) if contexts[number] else math.nan,
            reason=wrong.get(number, how),
        )
        for number, (start, stop) in enumerate(instructions)
    )
    return found, read


def _mass(weights: Float[np.ndarray, "head key"], span: Span, length: int) -> float:
    first = length - weights.shape[1]  # a sliding window keeps the last keys only
    inside = slice(max(0, span[0] - first), max(0, span[1] - first))
    return float(weights[:, inside].sum(axis=1).mean())
