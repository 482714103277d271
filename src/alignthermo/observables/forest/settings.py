"""How much a sweep may hold and read at once."""

from dataclasses import dataclass

from alignthermo.errors import ConfigError

__all__ = ["ForestSettings"]


@dataclass(frozen=True, kw_only=True)
class ForestSettings:
    """Bounds of memory and of batches; results depend on them by rounding only.

    Attributes
    ----------
    max_cached_tokens : int
        Tokens whose keys and values are alive at once, over all held prefixes and the rows being read or
        grown. What does not fit is dropped and read again; a single sequence is always held.
    tokens_per_pass : int
        Tokens, padding included, that one forward reads.
    rows_per_decode : int
        Continuations grown together.
    readouts : bool
        Whether answers carry the distribution that follows each context.

    Raises
    ------
    ConfigError
        A bound below one.
    """

    max_cached_tokens: int = 32_768
    tokens_per_pass: int = 2_048
    rows_per_decode: int = 128
    readouts: bool = False

    def __post_init__(self) -> None:
        for name in ("max_cached_tokens", "tokens_per_pass", "rows_per_decode"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1")
