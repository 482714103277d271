"""Models of a run that measures one model, or it against its base."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from typing import Protocol, runtime_checkable

from alignthermo.api.measuring import load_pair
from alignthermo.api.names import model_source
from alignthermo.models.identity import pair_digests
from alignthermo.models.threads import threads_for
from alignthermo.quantities import LanguageModel, Pair, Progress, VocabularyMap

__all__ = ["ModelSettings", "alone", "pair_loader", "weight_digests"]


@runtime_checkable
class ModelSettings(Protocol):
    """The settings that name models."""

    @property
    def base(self) -> str | None: ...  # noqa: D102
    @property
    def aligned(self) -> str | None: ...  # noqa: D102
    @property
    def adapter(self) -> str | None: ...  # noqa: D102
    @property
    def dtype(self) -> str: ...  # noqa: D102
    @property
    def device(self) -> str: ...  # noqa: D102


def alone(model: LanguageModel) -> Pair:
    """Put one model on both sides; only the aligned one is read."""
    return Pair(base=model, aligned=model, vocabulary=VocabularyMap.identity(model.vocab_size))


def pair_loader(config: ModelSettings, stack: ExitStack, progress: Progress) -> Callable[[], Pair]:
    """Return what loads the models, once and not before they are needed."""

    @cache
    def load() -> Pair:
        stack.enter_context(threads_for(model_source(config.base or str(config.aligned))))
        progress("load models", 0, 1, f"{config.base or ''} {config.aligned or config.adapter}".strip())
        pair = load_pair(
            config.base or str(config.aligned),
            config.aligned,
            adapter=config.adapter,
            dtype=config.dtype,
            device=config.device,
        )
        progress("load models", 1, 1, "")
        return pair

    return load


def weight_digests(config: ModelSettings) -> dict[str, str]:
    """Return the digests of the weights that are measured, by side."""
    measured = config.aligned or config.adapter
    digests = pair_digests(
        model_source(config.base or str(measured)),
        None if config.aligned is None or config.base is None else model_source(config.aligned),
        adapter=config.adapter,
    )
    return digests if config.base is not None else {"aligned": digests["base"]}
