"""A text to be followed token by token, and what was found along it."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

from alignthermo.errors import InputError

__all__ = ["Trace", "TraceCase"]

Ids = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class TraceCase:
    """A text after an instruction, and the places at which the next token is looked at.

    Attributes
    ----------
    key : str
        Unique among the cases traced together.
    instruction : tuple of int
        I, with whatever stands before the text.
    history : tuple of int
        The text: a transcript, or one long generation.
    positions : tuple of int
        Ascending; position i is the distribution of ``history[i]`` given everything before it,
        ``len(history)`` that of the token after the text.
    neutral : tuple of int, optional
        Neutral text of as many tokens as `instruction`.
    base_context : tuple of (instruction, history), optional
        Both in the base's own ids, of the same lengths; spelled unless given.

    Raises
    ------
    InputError
        No instruction, a position outside the text or out of order, or lengths that differ.
    """

    key: str
    instruction: Ids
    history: Ids
    positions: tuple[int, ...]
    neutral: Ids | None = None
    base_context: tuple[Ids, Ids] | None = None

    def __post_init__(self) -> None:
        if not self.instruction or not self.positions:
            raise InputError(f"trace case {self.key!r}: needs an instruction and at least one position")
        ordered = all(a < b for a, b in pairwise(self.positions))
        if not ordered or self.positions[0] < 0 or self.positions[-1] > len(self.history):
            raise InputError(f"trace case {self.key!r}: positions must ascend within 0 … {len(self.history)}")
        if self.neutral is not None and len(self.neutral) != len(self.instruction):
            raise InputError(
                f"trace case {self.key!r}: the neutral text has {len(self.neutral)} tokens, the instruction "
                f"{len(self.instruction)}; positions are kept, so both must be as long (see `overwritten`)"
            )
        if self.base_context is not None and tuple(map(len, self.base_context)) != (
            len(self.instruction),
            len(self.history),
        ):
            raise InputError(f"trace case {self.key!r}: base_context has other lengths")


@dataclass(frozen=True, kw_only=True)
class Trace:
    r"""What stands at each place of a text; arrays of shape (position,), in nat, NaN where not measured.

    Attributes
    ----------
    key : str
    positions : int64 array
    literal : array
        :math:`\mathrm{KL}(q(\cdot|c_{\le t}) \| q(\cdot|I))`, next token. Formula F-230 in docs/formulas.md.
    influence : array
        :math:`\mathrm{KL}(q(\cdot|I, h_t) \| q(\cdot|N, h_t))`. Formula F-232 in docs/formulas.md.
    relaxation : array
        :math:`\mathrm{KL}(q\|p)` in the same context. Formula F-233 in docs/formulas.md.
    entropy : array
        Of q.
    surprisal : array
        −ln q of the token that was there; NaN after the end of the text.
    base_surprisal : array
        −ln p of it.
    reasons : mapping
        Why a column is NaN, by its name.
    """

    key: str
    positions: Int[np.ndarray, " position"]
    literal: Float[np.ndarray, " position"]
    influence: Float[np.ndarray, " position"]
    relaxation: Float[np.ndarray, " position"]
    entropy: Float[np.ndarray, " position"]
    surprisal: Float[np.ndarray, " position"]
    base_surprisal: Float[np.ndarray, " position"]
    reasons: dict[str, str] = field(default_factory=dict)
