"""The base model that an aligned one is held against."""

from dataclasses import dataclass

from alignthermo.errors import IncompatiblePair
from alignthermo.quantities import LanguageModel, Pair, VocabularyMap

__all__ = ["BaseSide"]

Ids = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class BaseSide:
    """A base model and how the aligned model's tokens are spelled in its ids.

    Attributes
    ----------
    model : LanguageModel
    vocabulary : VocabularyMap
    """

    model: LanguageModel
    vocabulary: VocabularyMap

    @classmethod
    def of(cls, pair: Pair) -> "BaseSide":
        """Take the base of a pair."""
        return cls(model=pair.base, vocabulary=pair.vocabulary)

    def spell(self, ids: Ids) -> Ids:
        """Spell ids of the aligned model in the base's.

        Raises
        ------
        IncompatiblePair
            A token the base does not have.
        """
        try:
            return self.vocabulary.to_base(ids)
        except KeyError as missing:
            raise IncompatiblePair(
                f"the base has no token for id {missing.args[0]} of the aligned model; give the context as "
                "the base reads it (plain text), or leave the base out"
            ) from None

    def spell_answer(self, answer: Ids) -> Ids:
        """Spell an answer of which all but the last token is read.

        The last token is only ever scored: where the base lacks it, any other stands in for it.
        """
        try:
            return self.spell(answer)
        except IncompatiblePair:
            return (*self.spell(answer[:-1]), 0)
