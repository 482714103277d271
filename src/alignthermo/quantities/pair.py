"""A base model and an aligned model made comparable."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Int

from alignthermo.quantities.language_model import LanguageModel

__all__ = ["Pair", "TemplatePolicy", "VocabularyMap"]

TemplatePolicy = Literal["same_ids", "raw"]


@dataclass(frozen=True, kw_only=True)
class VocabularyMap:
    """Which logit of one model is which logit of the other, by token string.

    The common vocabulary has `size` tokens; common token j is row ``aligned_rows[j]`` of the aligned
    model's logits and row ``base_rows[j]`` of the base's. Rows outside (padding rows, tokens only one
    side has) are left out and their probability is reported as lost mass.

    Attributes
    ----------
    aligned_rows, base_rows : int64 arrays, shape (common,)
        Row indices, each without repetition.
    aligned_vocab_size, base_vocab_size : int
        Widths of the two models' logits, padding rows included.
    policy : str
        ``identical`` (same rows in the same order, nothing outside but padding) or ``by_string``.
    notes : tuple of str
        What was left out and why, for the report.
    """

    aligned_rows: Int[np.ndarray, " common"]
    base_rows: Int[np.ndarray, " common"]
    aligned_vocab_size: int
    base_vocab_size: int
    policy: str
    notes: tuple[str, ...] = ()

    @classmethod
    def identity(cls, size: int) -> "VocabularyMap":
        """Return the map of a vocabulary to itself."""
        rows = np.arange(size, dtype=np.int64)
        return cls(
            aligned_rows=rows,
            base_rows=rows,
            aligned_vocab_size=size,
            base_vocab_size=size,
            policy="identical",
        )

    @property
    def size(self) -> int:
        """Number of common tokens."""
        return int(self.aligned_rows.size)

    def common_index(self, aligned_ids: Sequence[int]) -> Int[np.ndarray, " token"]:
        """Index of each aligned token id in the common vocabulary; −1 where the base lacks it."""
        lookup = np.full(self.aligned_vocab_size, -1, dtype=np.int64)
        lookup[self.aligned_rows] = np.arange(self.size)
        return lookup[np.asarray(aligned_ids, dtype=np.int64)]

    def to_base(self, aligned_ids: Sequence[int]) -> tuple[int, ...]:
        """Spell aligned ids in the base's ids.

        Raises
        ------
        KeyError
            A token the base does not have; the argument is the aligned id.
        """
        index = self.common_index(aligned_ids)
        missing = np.flatnonzero(index < 0)
        if missing.size:
            raise KeyError(int(aligned_ids[int(missing[0])]))
        return tuple(int(row) for row in self.base_rows[index])

    def to_aligned(self, base_ids: Sequence[int]) -> tuple[int, ...]:
        """Spell base ids in the aligned model's ids.

        Raises
        ------
        KeyError
            A token the aligned model does not have; the argument is the base id.
        """
        return self.swapped().to_base(base_ids)

    def swapped(self) -> "VocabularyMap":
        """Return the same map with the two models exchanged."""
        return VocabularyMap(
            aligned_rows=self.base_rows,
            base_rows=self.aligned_rows,
            aligned_vocab_size=self.base_vocab_size,
            base_vocab_size=self.aligned_vocab_size,
            policy=self.policy,
            notes=self.notes,
        )


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two models, the map between their vocabularies, and how contexts are rendered for each.

    Attributes
    ----------
    base, aligned : LanguageModel
    vocabulary : VocabularyMap
    template_policy : str
        ``same_ids``: the base reads the chat-formatted ids. ``raw``: the base reads plain text.
    provenance : dict
        Ids, revisions, weight digests, dtype, device, head kind of each side; strings only.
    """

    base: LanguageModel
    aligned: LanguageModel
    vocabulary: VocabularyMap
    template_policy: TemplatePolicy = "same_ids"
    provenance: dict[str, str] = field(default_factory=dict)
