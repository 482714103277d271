"""The models that a run would load: found on disk, weighed, and not loaded."""

from dataclasses import dataclass

from alignthermo.api.loading import ModelSettings
from alignthermo.api.names import model_source
from alignthermo.api.plan import bytes_in_memory, tokenizers_of, weights_of
from alignthermo.models.sources import Source, resolve
from alignthermo.models.vocabulary import align_vocabularies
from alignthermo.quantities import Tokenizer

__all__ = ["MeasuredModels"]

_NO_LIMIT = 2**31


@dataclass(frozen=True, kw_only=True)
class MeasuredModels:
    """A base, if there is one, and the model or adapter that is measured, last.

    Attributes
    ----------
    sources : tuple of Source
    tokenizer : Tokenizer
        Of the measured model.
    max_length : int
        The shortest of the whole models.
    """

    sources: tuple[Source, ...]
    tokenizer: Tokenizer
    max_length: int

    @classmethod
    def of(cls, config: ModelSettings) -> "MeasuredModels":
        """Find what a configuration names.

        Raises
        ------
        ModelError
            A model cannot be found.
        IncompatiblePair
            The base has another vocabulary.
        """
        names = [name for name in (config.base, config.aligned or config.adapter) if name is not None]
        sources = tuple(resolve(model_source(name)) for name in names)
        whole = [source for source in sources if not source.is_adapter]
        base, measured = tokenizers_of(whole[0], sources[-1])
        if len(names) > 1:
            align_vocabularies(measured, base, len(measured), len(base))
        return cls(
            sources=sources,
            tokenizer=measured,
            max_length=min(map(_max_length, whole)),
        )

    def bytes_in_memory(self, dtype: str) -> int:
        """Bytes of all of them once they are loaded."""
        return sum(bytes_in_memory(weights_of(source), dtype) for source in self.sources)

    @property
    def mean_parameters(self) -> float:
        """Parameters, on average over the models."""
        return sum(weights_of(source).n_parameters for source in self.sources) / len(self.sources)

    def cache_bytes(self, tokens: int) -> int:
        """Bytes of keys and values of so many tokens, in float32."""
        first = weights_of(self.sources[0])
        return 2 * first.layers * first.hidden * 4 * tokens


def _max_length(source: Source) -> int:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(source.folder).get_text_config()
    return int(getattr(config, "max_position_embeddings", None) or _NO_LIMIT)
