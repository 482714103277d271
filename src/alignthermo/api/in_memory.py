"""Settings of runs whose models are objects in memory, not names."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from alignthermo.errors import ConfigError
from alignthermo.quantities import LanguageModel, Pair

__all__ = ["configured", "names_of"]

_Config = TypeVar("_Config", bound=BaseModel)
_NAMELESS = "in memory"


def names_of(model: Pair | LanguageModel) -> dict[str, object]:
    """Return what the settings call the models: where they came from, as far as that is known."""
    if not isinstance(model, Pair):
        return {"aligned": _NAMELESS}
    return {side: model.provenance.get(f"{side}_id", _NAMELESS) for side in ("base", "aligned")}


def configured(
    kind: type[_Config], known: Mapping[str, object], settings: Mapping[str, Any], *, verb: str
) -> _Config:
    """Make settings of what is known and what the caller gave, which goes before it.

    Raises
    ------
    ConfigError
        A setting is unknown or impossible.
    """
    try:
        return kind.model_validate({**known, **settings})
    except ValueError as error:
        raise ConfigError(f"{verb} cannot be configured: {error}") from None
